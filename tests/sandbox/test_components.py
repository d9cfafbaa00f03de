"""Buttons, selects and modals, old and new, by the real discord.ui."""

from __future__ import annotations

import discord
import pytest
from discord import ui

from sandbox.actor import File
from sandbox.errors import BadOption, NotPossible
from sandbox.forms import buttons, label_of
from sandbox.server import Sandbox
from tests.sandbox.client import Bot, Connect, Home

Ix = discord.Interaction


class Panel(ui.View):
    """Stop, a counter, a link, a disabled button and two selects."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.count = 0
        self.add_item(ui.Button(label="Docs", url="https://example.org"))

    @ui.button(label="Stop", style=discord.ButtonStyle.danger)
    async def stop_it(self, ix: Ix, button: ui.Button[Panel]) -> None:
        button.disabled = True
        await ix.response.edit_message(content="stopped", view=self)

    @ui.button(label="0", emoji="👍")
    async def add(self, ix: Ix, button: ui.Button[Panel]) -> None:
        self.count += 1
        button.label = str(self.count)
        await ix.response.defer()
        await ix.edit_original_response(view=self)

    @ui.button(label="Off", disabled=True)
    async def off(self, ix: Ix, button: ui.Button[Panel]) -> None:
        raise AssertionError("cannot be pressed")

    @ui.select(
        placeholder="Voice",
        min_values=1,
        max_values=2,
        options=[discord.SelectOption(label=n.title(), value=n) for n in ("joe", "amy", "ryan")],
    )
    async def voice(self, ix: Ix, select: ui.Select[Panel]) -> None:
        await ix.response.send_message(" and ".join(select.values), ephemeral=True)

    @ui.select(cls=ui.UserSelect, placeholder="Who")
    async def who(self, ix: Ix, select: ui.UserSelect[Panel]) -> None:
        await ix.response.send_message(select.values[0].display_name)


def panel(bot: Bot) -> None:
    @bot.tree.command(description="Shows the panel")
    async def panel(ix: Ix, private: bool = False) -> None:
        await ix.response.send_message("pick", view=Panel(), ephemeral=private)


async def test_buttons(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(panel)
    shown = (await home.ann.command("panel")).messages[0]
    assert [label_of(b) for b in buttons(shown)] == ["Stop", "0", "Off", "Docs"]
    pressed = await home.ben.click(shown, "0")
    assert pressed.answer_kind == 6
    await sandbox.until(lambda: label_of(buttons(shown)[1]) == "1")
    await home.ann.click(shown, "1")
    await sandbox.until(lambda: label_of(buttons(shown)[1]) == "2")
    stopped = await home.ann.click(shown, "Stop")
    assert stopped.answer_kind == 7
    assert shown.content == "stopped"
    with pytest.raises(NotPossible, match="disabled"):
        await home.ann.click(shown, "Stop")
    with pytest.raises(NotPossible, match="link"):
        await home.ann.click(shown, "Docs")
    with pytest.raises(NotPossible, match="no button 'Go'"):
        await home.ann.click(shown, "Go")
    assert not sandbox.violations


async def test_selects(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(panel)
    shown = (await home.ann.command("panel")).messages[0]
    chosen = await home.ann.choose(shown, ["Joe", "amy"], which="Voice")
    assert chosen.messages[0].content == "joe and amy"
    assert home.ben.sees(home.general) == [shown]
    picked = await home.ann.choose(shown, [home.ben], which="Who")
    assert picked.messages[0].content == "Ben"
    with pytest.raises(BadOption, match="none of"):
        await home.ann.choose(shown, "Bob", which="Voice")
    with pytest.raises(BadOption, match="choose 1 to 2"):
        await home.ann.choose(shown, ["joe", "amy", "ryan"], which="Voice")
    assert not sandbox.violations


async def test_only_its_owner_can_use_a_private_panel(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    await connect(panel)
    shown = (await home.ann.command("panel", private=True)).messages[0]
    with pytest.raises(NotPossible, match="someone else"):
        await home.ben.click(shown, "Stop")
    await home.ann.click(shown, "Stop")
    assert shown.content == "stopped"


async def test_a_view_that_outlives_its_bot(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    """A restarted bot answers the buttons of before, when it registered the view again."""

    class Lasting(ui.View):
        def __init__(self) -> None:
            super().__init__(timeout=None)

        @ui.button(label="Again", custom_id="again")
        async def again(self, ix: Ix, button: ui.Button[Lasting]) -> None:
            await ix.response.send_message("still here")

    first = await connect()
    await first.text().send("press", view=Lasting())
    await first.close()
    await connect(lambda bot: bot.add_view(Lasting()))
    shown = sandbox.messages(home.general)[0]
    assert (await home.ann.click(shown, "Again")).messages[0].content == "still here"


class Letter(ui.Modal, title="A letter"):
    """A modal of the old shape."""

    subject: ui.TextInput[Letter] = ui.TextInput(label="Subject", max_length=10)
    body: ui.TextInput[Letter] = ui.TextInput(
        label="Body", style=discord.TextStyle.paragraph, required=False, default="Dear"
    )

    async def on_submit(self, ix: Ix) -> None:
        await ix.response.send_message(f"{self.subject.value}: {self.body.value}")


class Form(ui.Modal, title="A form"):
    """A modal of labels."""

    about: ui.TextDisplay[Form] = ui.TextDisplay("Tell us")
    name: ui.Label[Form] = ui.Label(text="Name", component=ui.TextInput(required=True))
    voice: ui.Label[Form] = ui.Label(
        text="Voice",
        description="How you sound",
        component=ui.Select(
            options=[discord.SelectOption(label="Joe"), discord.SelectOption(label="Amy")]
        ),
    )
    friend: ui.Label[Form] = ui.Label(text="Friend", component=ui.UserSelect(required=False))
    sample: ui.Label[Form] = ui.Label(text="Sample", component=ui.FileUpload(required=False))

    async def on_submit(self, ix: Ix) -> None:
        parts = [self.name.component.value, self.voice.component.values[0]]
        parts += [u.display_name for u in self.friend.component.values]
        parts += [f.filename for f in self.sample.component.values]
        await ix.response.send_message(" ".join(parts))


def forms(bot: Bot) -> None:
    @bot.tree.command(description="Old")
    async def letter(ix: Ix) -> None:
        await ix.response.send_modal(Letter())

    @bot.tree.command(description="New")
    async def form(ix: Ix) -> None:
        await ix.response.send_modal(Form())

    @bot.tree.command(description="A button that opens one")
    async def opener(ix: Ix) -> None:
        view = ui.View()
        button: ui.Button[ui.View] = ui.Button(label="Write")

        async def write(ix: Ix) -> None:
            await ix.response.send_modal(Rewrite())

        button.callback = write  # type: ignore[method-assign]
        view.add_item(button)
        await ix.response.send_message("press", view=view)

    class Rewrite(ui.Modal, title="Rewrite"):
        text: ui.TextInput[Rewrite] = ui.TextInput(label="Text")

        async def on_submit(self, ix: Ix) -> None:
            await ix.response.edit_message(content=self.text.value)


async def test_a_modal_of_rows(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(forms)
    opened = await home.ann.command("letter")
    assert opened.modal is not None
    assert opened.modal["title"] == "A letter"
    with pytest.raises(NotPossible, match="required"):
        await home.ann.submit(opened, {})
    with pytest.raises(BadOption, match="characters"):
        await home.ann.submit(opened, {"Subject": "x" * 11})
    with pytest.raises(BadOption, match="no field"):
        await home.ann.submit(opened, {"Subject": "x", "Date": "today"})
    sent = await home.ann.submit(opened, {"Subject": "hi"})
    assert sent.messages[0].content == "hi: Dear"
    assert not sandbox.violations


async def test_a_modal_of_labels(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    await connect(forms)
    opened = await home.ann.command("form")
    sent = await home.ann.submit(
        opened,
        {"Name": "Ann", "Voice": "Amy", "Friend": home.ben, "Sample": File("a.ogg", b"OggS")},
    )
    assert sent.messages[0].content == "Ann Amy Ben a.ogg"
    with pytest.raises(NotPossible, match="closed"):
        await home.ann.submit(opened, {"Name": "Ann", "Voice": "Joe"})
    opened = await home.ann.command("form")
    plain = await home.ann.submit(opened, {"Name": "Ann", "Voice": "Joe"})
    assert plain.messages[0].content == "Ann Joe"
    assert not sandbox.violations


async def test_a_modal_behind_a_button_may_change_its_message(
    connect: Connect, sandbox: Sandbox, home: Home
) -> None:
    await connect(forms)
    shown = (await home.ann.command("opener")).messages[0]
    opened = await home.ann.click(shown, "Write")
    await home.ann.submit(opened, {"Text": "rewritten"})
    assert shown.content == "rewritten"
    assert not sandbox.violations


async def test_layout_components(connect: Connect, sandbox: Sandbox, home: Home) -> None:
    class Page(ui.LayoutView):
        box: ui.Container[Page] = ui.Container(
            ui.TextDisplay("# Title"),
            ui.Separator(),
            ui.Section(ui.TextDisplay("row"), accessory=ui.Button(label="Go", custom_id="go")),
        )

        async def interaction_check(self, ix: Ix) -> bool:
            await ix.response.send_message("went")
            return False

    bot = await connect()
    await bot.text().send(view=Page())
    shown = sandbox.messages(home.general)[0]
    assert (await home.ann.click(shown, "Go")).messages[0].content == "went"
    assert "# Title" in sandbox.transcript()
    assert not sandbox.violations
