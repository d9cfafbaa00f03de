"""The three pages of ``/setup``: where Parley talks, how it sounds, what it may do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import discord

from cogs.audit import announce
from cogs.forms import Form, Line, whole_number
from cogs.house import House
from cogs.places import QUIET
from cogs.replies import PatientView
from cogs.scene import Scene
from cogs.server_settings import change_server
from dialogue.moderators import SPOKEN_MOST_S, TOKENS_MOST
from speech.voices import Offered
from storage.records import Action, GuildSettings, Limit, Replies, Target
from words import N_, Words

TITLES = (
    N_("**Setting me up (1 of 3): where**"),
    N_("**Setting me up (2 of 3): how I speak**"),
    N_("**Setting me up (3 of 3): what I may do**"),
)
SAVED = N_(
    "-# Every choice is saved at once. Who may use which command is set in Discord: "
    "Server Settings, Integrations."
)
WHERE = N_(
    "I answer everything in: {chat}\nWhat moderators do is posted in: {log}\n"
    "Role that may act for others: {role}"
)
HOW = N_("Language: {language}\nVoice: {voice}\nAnswers outside of voice channels: {replies}")
WHAT = N_(
    "Tools (time, dice): {tools}\nSumming up what no longer fits: {summary}\n"
    "Checking what is said: {check} ({words} refused words)\n"
    "Personas locked: {locked}\nMessages are forgotten after: {days}\n"
    "Everyone, a day: {tokens} tokens, {seconds} s of speech\nVoice sessions at once: {seats}"
)
NOT_WRITING = N_("\u26a0\ufe0f I may not write in <#{channel_id}>.")
NOT_READING = N_("\u26a0\ufe0f I cannot read messages: my owner has that switched off.")
NOWHERE, NONE, OWNER = N_("nowhere"), N_("none"), N_("as my owner has it")
ON, OFF, UNLIMITED = N_("on"), N_("off"), N_("unlimited")
EACH = N_("each person's own")
DAYS = N_("{n} days")

CHAT = N_("Channel in which I answer everything")
LOG = N_("Channel for what moderators do")
ROLE = N_("Role that may act for others")
LANGUAGE, VOICE, REPLIES = N_("Language"), N_("Voice"), N_("Answers outside of voice channels")
BACK, NEXT = N_("Back"), N_("Next")
TOOLS, SUMMARY, CHECK, LOCK = N_("Tools"), N_("Summary"), N_("Check content"), N_("Lock personas")
WORDS, RETENTION, LIMITS = N_("Refused words\u2026"), N_("Forget after\u2026"), N_("Limits\u2026")
KINDS = {
    Replies.OFF: N_("text only"),
    Replies.FILE: N_("audio file"),
    Replies.VOICE_MESSAGE: N_("voice message"),
}
LANGUAGES = {"en-US": "English", "zh-TW": "\u7e41\u9ad4\u4e2d\u6587", "ja": "\u65e5\u672c\u8a9e"}
"""Each in its own name, so that whoever needs it can read it."""

WORDS_TITLE, WORDS_LABEL = N_("Words I refuse"), N_("One on each line")
RETENTION_TITLE = N_("How long I remember")
RETENTION_LABEL = N_("Days (empty: as my owner has it)")
LIMITS_TITLE = N_("What everyone may use")
TOKENS_LABEL = N_("Tokens a day (empty: unlimited)")
SECONDS_LABEL = N_("Seconds of speech a day (empty: unlimited)")
SEATS_LABEL = N_("Voice sessions at once (0: as my owner)")

UNSET = "-"
OPEN_S = 14 * 60.0
DAYS_MOST, SEATS_MOST, WORDS_MOST, WORD_CHARACTERS = 3650, 100, 200, 50

Press = Callable[[discord.Interaction], Coroutine[Any, Any, None]]


class SetupPage(PatientView):
    """One page as it stands; every change shows a new one."""

    def __init__(
        self,
        house: House,
        scene: Scene,
        page: int,
        settings: GuildSettings,
        voices: tuple[Offered, ...],
    ) -> None:
        super().__init__(timeout=OPEN_S)
        self._house = house
        self._scene = scene
        self._page = page
        self._settings = settings
        (self._where, lambda: self._how(voices), self._what)[page]()
        self._button(BACK, self._turn(page - 1), row=4, disabled=page == 0)
        self._button(NEXT, self._turn(page + 1), row=4, disabled=page == len(TITLES) - 1)

    # --- what stands on each page

    def _where(self) -> None:
        self._channel(CHAT, "chat_channel_id", self._settings.chat_channel_id)
        self._channel(LOG, "log_channel_id", self._settings.log_channel_id)
        role_id = self._settings.moderator_role_id
        select: discord.ui.RoleSelect[discord.ui.View] = discord.ui.RoleSelect(
            placeholder=self._scene.words(ROLE),
            min_values=0,
            default_values=[discord.Object(role_id, type=discord.Role)] if role_id else [],
        )

        async def chosen(interaction: discord.Interaction) -> None:
            picked = select.values[0].id if select.values else None
            await self._change(interaction, moderator_role_id=picked)

        self._place(select, chosen)

    def _how(self, voices: tuple[Offered, ...]) -> None:
        words, settings = self._scene.words, self._settings
        self._select(LANGUAGE, "locale", {UNSET: words(EACH), **LANGUAGES}, settings.locale)
        names = [name for voice in voices for name in voice.names]
        offered = {UNSET: words(OWNER)} | {name: name for name in names[:24]}
        self._select(VOICE, "voice", offered, settings.voice)
        kinds = {UNSET: words(OWNER)} | {kind.value: words(KINDS[kind]) for kind in KINDS}
        self._select(REPLIES, "replies", kinds, settings.replies)

    def _what(self) -> None:
        settings = self._settings
        self._toggle(TOOLS, "tools", settings.tools)
        self._toggle(SUMMARY, "summary", bool(settings.summary))
        self._toggle(CHECK, "check_content", bool(settings.check_content))
        self._toggle(LOCK, "persona_locked", settings.persona_locked)
        self._button(WORDS, self._open_words, row=1)
        self._button(RETENTION, self._open_retention, row=1)
        self._button(LIMITS, self._open_limits, row=1)

    # --- pieces

    def _channel(self, label: str, field: str, channel_id: int | None) -> None:
        select: discord.ui.ChannelSelect[discord.ui.View] = discord.ui.ChannelSelect(
            placeholder=self._scene.words(label),
            channel_types=[discord.ChannelType.text],
            min_values=0,
            default_values=[discord.Object(channel_id, type=discord.abc.GuildChannel)]
            if channel_id
            else [],
        )

        async def chosen(interaction: discord.Interaction) -> None:
            picked = select.values[0].id if select.values else None
            await self._change(interaction, **{field: picked})

        self._place(select, chosen)

    def _select(
        self, label: str, field: str, offered: Mapping[str, str], current: str | None
    ) -> None:
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            placeholder=self._scene.words(label),
            options=[
                discord.SelectOption(
                    label=name[:100], value=value[:100], default=value == (current or UNSET)
                )
                for value, name in offered.items()
            ],
        )

        async def chosen(interaction: discord.Interaction) -> None:
            picked: Any = None if select.values[0] == UNSET else select.values[0]
            if field == "replies" and picked:
                picked = Replies(picked)
            await self._change(interaction, **{field: picked})

        self._place(select, chosen)

    def _toggle(self, label: str, field: str, current: bool) -> None:
        async def pressed(interaction: discord.Interaction) -> None:
            await self._change(interaction, **{field: not current})

        style = discord.ButtonStyle.success if current else discord.ButtonStyle.secondary
        self._button(label, pressed, style=style, row=0)

    def _button(
        self,
        label: str,
        press: Press,
        *,
        row: int,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
        disabled: bool = False,
    ) -> None:
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label=self._scene.words(label), style=style, row=row, disabled=disabled
        )
        self._place(button, press)

    def _place(self, item: discord.ui.Item[discord.ui.View], press: Press) -> None:
        # A callback set on the item itself: what stands on a page is known only now.
        item.callback = press  # type: ignore[assignment, method-assign]
        self.add_item(item)

    # --- forms

    async def _open_words(self, interaction: discord.Interaction) -> None:
        most = WORDS_MOST * 4
        refused = "\n".join(self._settings.words_refused)
        line = Line("words", WORDS_LABEL, max(most, len(refused)), refused, long=True)

        async def filled(form: discord.Interaction, values: Mapping[str, str]) -> None:
            lines = (
                " ".join(each.split())[:WORD_CHARACTERS] for each in values["words"].split("\n")
            )
            refused = tuple(dict.fromkeys(each for each in lines if each))[:WORDS_MOST]
            await self._change(form, words_refused=refused)

        await interaction.response.send_modal(Form(self._scene.words, WORDS_TITLE, [line], filled))

    async def _open_retention(self, interaction: discord.Interaction) -> None:
        now = self._settings.retention_days
        line = Line("days", RETENTION_LABEL, 4, str(now) if now else "")

        async def filled(form: discord.Interaction, values: Mapping[str, str]) -> None:
            days = whole_number(values["days"], 1, DAYS_MOST)
            await self._change(form, retention_days=days)

        await interaction.response.send_modal(
            Form(self._scene.words, RETENTION_TITLE, [line], filled)
        )

    async def _open_limits(self, interaction: discord.Interaction) -> None:
        limit = await _everyone(self._house, self._scene.guild_id)
        rules = self._house.director.rules(self._scene.guild_id)
        lines = [
            Line("tokens", TOKENS_LABEL, 8, _shown(limit.tokens_per_day)),
            Line("seconds", SECONDS_LABEL, 5, _shown(limit.spoken_s_per_day)),
            Line("seats", SEATS_LABEL, 3, str(rules.seats)),
        ]

        async def filled(form: discord.Interaction, values: Mapping[str, str]) -> None:
            tokens = whole_number(values["tokens"], 0, TOKENS_MOST)
            seconds = whole_number(values["seconds"], 0, int(SPOKEN_MOST_S))
            seats = whole_number(values["seats"], 0, SEATS_MOST)
            await form.response.defer()
            await set_limits(self._house, self._scene, tokens, seconds, seats or 0)
            await self._show(form, self._page)

        await interaction.response.send_modal(Form(self._scene.words, LIMITS_TITLE, lines, filled))

    # --- deeds

    async def _change(self, interaction: discord.Interaction, **changes: Any) -> None:
        await interaction.response.defer()
        await change_server(self._house, self._scene, **changes)
        await self._show(interaction, self._page)

    def _turn(self, page: int) -> Press:
        async def turned(interaction: discord.Interaction) -> None:
            await interaction.response.defer()
            await self._show(interaction, page)

        return turned

    async def _show(self, interaction: discord.Interaction, page: int) -> None:
        text, view = await open_page(self._house, self._scene, page)
        shown = await interaction.edit_original_response(
            content=text, view=view, allowed_mentions=QUIET
        )
        view.stands_under(shown, self._scene.words)
        self.stop()


async def open_page(house: House, scene: Scene, page: int) -> tuple[str, SetupPage]:
    """A page as things stand now: its text and its controls. Raises ``StorageError``."""
    settings = await house.database.guilds.settings(scene.guild_id)
    voices = await house.voices.offered(scene.hearer)
    limit = await _everyone(house, scene.guild_id)
    words = scene.words
    seats = house.director.rules(scene.guild_id).seats
    body = (
        _where(words, settings),
        _how(words, settings),
        _what(words, settings, limit, seats),
    )[page]
    warnings = _warnings(house, scene, settings) if page == 0 else []
    text = "\n".join([words(TITLES[page]), "", body, *warnings, "", words(SAVED)])
    return text, SetupPage(house, scene, page, settings, voices)


async def set_limits(
    house: House, scene: Scene, tokens: int | None, seconds: int | None, seats: int
) -> None:
    """What everyone may use here; what changes is audited and told. Raises ``StorageError``."""
    moderators, guild_id = house.dialogue.moderators, scene.guild_id
    new = Limit(guild_id, guild_id, tokens, seconds)
    if new != await _everyone(house, guild_id):
        acted = await moderators.set_limit(
            guild_id, scene.user.id, guild_id, tokens_per_day=tokens, spoken_s_per_day=seconds
        )
        await announce(house, scene, acted)
    rules = house.director.rules(guild_id)
    if rules.seats != seats:
        await house.director.set_rules(replace(rules, seats=seats))
        acted = await moderators.record(
            guild_id, scene.user.id, Action.SETTINGS, Target.GUILD, guild_id
        )
        await announce(house, scene, acted)


async def _everyone(house: House, guild_id: int) -> Limit:
    limits = await house.dialogue.moderators.limits(guild_id)
    found = next((limit for limit in limits if limit.role_id == guild_id), None)
    return found or Limit(guild_id, guild_id, None, None)


def _where(words: Words, settings: GuildSettings) -> str:
    chat, log, role = (
        settings.chat_channel_id,
        settings.log_channel_id,
        settings.moderator_role_id,
    )
    return words(
        WHERE,
        chat=f"<#{chat}>" if chat else words(NOWHERE),
        log=f"<#{log}>" if log else words(NOWHERE),
        role=f"<@&{role}>" if role else words(NONE),
    )


def _how(words: Words, settings: GuildSettings) -> str:
    return words(
        HOW,
        language=LANGUAGES.get(settings.locale or "") or words(EACH),
        voice=settings.voice or words(OWNER),
        replies=words(KINDS[settings.replies]) if settings.replies else words(OWNER),
    )


def _what(words: Words, settings: GuildSettings, limit: Limit, seats: int) -> str:
    def state(value: bool | None) -> str:
        return words(OWNER if value is None else ON if value else OFF)

    days = settings.retention_days
    return words(
        WHAT,
        tools=state(settings.tools),
        summary=state(settings.summary),
        check=state(settings.check_content),
        words=len(settings.words_refused),
        locked=state(settings.persona_locked),
        days=words(DAYS, n=days) if days else words(OWNER),
        tokens=_shown(limit.tokens_per_day) or words(UNLIMITED),
        seconds=_shown(limit.spoken_s_per_day) or words(UNLIMITED),
        seats=seats or words(OWNER),
    )


def _warnings(house: House, scene: Scene, settings: GuildSettings) -> list[str]:
    """What would keep a choice from working."""
    words, guild, found = scene.words, scene.guild, []
    for channel_id in (settings.chat_channel_id, settings.log_channel_id):
        channel = guild.get_channel(channel_id) if guild and channel_id else None
        if channel and guild and not channel.permissions_for(guild.me).send_messages:
            found.append(words(NOT_WRITING, channel_id=channel.id))
    if settings.chat_channel_id and not house.settings.message_content:
        found.append(words(NOT_READING))
    return found


def _shown(number: float | None) -> str:
    return "" if number is None else str(round(number))
