"""What a page may do as a member: each order of its websocket is one deed of an Actor."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from sandbox.actor import Actor
from sandbox.errors import NotPossible
from sandbox.page.story import story
from sandbox.page.trouble import Trouble
from sandbox.page.views import interaction_view, message_view, offer_view
from sandbox.records import Channel, Guild, Json, Message
from sandbox.server import Sandbox
from sandbox.uploads import Upload

_TIME_OUT_S = 300.0


class Actions:
    """Raises SandboxError with a sentence for whatever Discord's client would not let through."""

    def __init__(self, sandbox: Sandbox, trouble: Trouble) -> None:
        self._core = sandbox.core
        self._trouble = trouble

    async def do(self, who: Actor, order: Json) -> Any:
        """Carry out one order; its result as JSON."""
        name = str(order["do"])
        deed = getattr(self, f"do_{name}", None)
        if deed is None:
            raise NotPossible(f"there is no action {name!r}")
        return await deed(who, order)

    # --- messages

    async def do_open(self, who: Actor, order: Json) -> list[Json]:
        """Look at a channel: its messages."""
        channel = self._channel(order)
        who.here = channel
        return [message_view(self._core, m, who.id) for m in who.sees(channel)]

    async def do_say(self, who: Actor, order: Json) -> str:
        """Write a message."""
        files = [_upload(f) for f in order.get("files") or []]
        reply = order.get("reply_to")
        answered = self._message({"message": reply}) if reply else None
        message = await who.say(
            self._channel(order), str(order["text"]), attachments=files, reply_to=answered
        )
        return str(message.id)

    async def do_edit(self, who: Actor, order: Json) -> None:
        """Edit one's own message."""
        await who.edit(self._message(order), str(order["text"]))

    async def do_delete(self, who: Actor, order: Json) -> None:
        """Delete one's own message, or anybody's as a moderator."""
        message = self._message(order)
        if message.author_id == who.id:
            await who.delete(message)
        else:
            who.moderate.delete_message(message)

    async def do_react(self, who: Actor, order: Json) -> None:
        """Add a reaction, or take it back."""
        await who.react(self._message(order), str(order["emoji"]), remove=bool(order["remove"]))

    async def do_typing(self, who: Actor, order: Json) -> None:
        """Begin to type."""
        await who.type_in(self._channel(order))

    async def do_story(self, who: Actor, order: Json) -> list[Json]:
        """The timeline of a message."""
        del who
        return story(self._core, self._message(order))

    # --- commands and components

    async def do_offers(self, who: Actor, order: Json) -> list[Json]:
        """The commands and menu entries that Discord shows here."""
        return [offer_view(o, who.user.locale) for o in who.offers(self._channel(order))]

    async def do_command(self, who: Actor, order: Json) -> Json:
        """Use a slash command."""
        given = {k: _value(v) for k, v in order["options"].items()}
        used = await who.command(str(order["path"]), self._channel(order), given=given)
        return interaction_view(used)

    async def do_complete(self, who: Actor, order: Json) -> list[Json]:
        """What the bot offers while an option is typed."""
        given = {k: _value(v) for k, v in order["options"].items() if k != order["focused"]}
        return await who.autocomplete(
            str(order["path"]),
            str(order["focused"]),
            str(order["text"]),
            self._channel(order),
            **given,
        )

    async def do_menu(self, who: Actor, order: Json) -> Json:
        """Use a context menu entry on a message or a member."""
        if "message" in order:
            used = await who.menu(str(order["name"]), self._message(order))
        else:
            user = self._core.world.user(int(order["user"]))
            used = await who.menu(str(order["name"]), user, where=self._channel(order))
        return interaction_view(used)

    async def do_click(self, who: Actor, order: Json) -> Json:
        """Press a button."""
        return interaction_view(await who.click(self._message(order), str(order["custom_id"])))

    async def do_choose(self, who: Actor, order: Json) -> Json:
        """Choose in a select menu."""
        message, which = self._message(order), str(order["custom_id"])
        return interaction_view(await who.choose(message, list(order["values"]), which=which))

    async def do_submit(self, who: Actor, order: Json) -> Json:
        """Submit a modal."""
        interaction = self._core.world.interactions[int(order["interaction"])]
        values = {k: _value(v) for k, v in order["values"].items()}
        return interaction_view(await who.submit(interaction, values))

    # --- voice and moderation

    async def do_join(self, who: Actor, order: Json) -> None:
        """Enter a voice channel, or move to it: one is in voice in one server at a time."""
        channel = self._channel(order)
        if who.voice and who.voice.guild_id != channel.guild_id:
            await who.leave_voice()
        await who.join_voice(channel)

    async def do_leave(self, who: Actor, order: Json) -> None:
        """Leave voice."""
        del order
        await who.leave_voice()

    async def do_moderate(self, who: Actor, order: Json) -> None:
        """Do something to another member, with the rights of the one acted as."""
        guild, target = self._guild(order), self._core.world.user(int(order["user"]))
        match order["what"]:
            case "kick":
                who.moderate.kick(guild, target)
            case "time_out":
                who.moderate.time_out(guild, target, _TIME_OUT_S)
            case "disconnect":
                who.moderate.disconnect(guild, target)
            case "mute":
                who.moderate.mute(guild, target, not guild.members[target.id].mute)
            case other:
                raise NotPossible(f"moderators cannot {other!r}")

    # --- helpers

    def _channel(self, order: Json) -> Channel:
        return self._core.world.channels[int(order["channel"])]

    def _guild(self, order: Json) -> Guild:
        return self._core.world.guilds[int(order["guild"])]

    def _message(self, order: Json) -> Message:
        wanted = int(order["message"])
        for messages in self._core.world.messages.values():
            if found := messages.get(wanted):
                return found
        raise NotPossible("there is no such message any more")


def _value(value: Any) -> Any:
    """A file among the values of a command or modal becomes an upload."""
    return _upload(value) if isinstance(value, dict) else value


def _upload(file: Json) -> Upload:
    return Upload(str(file["name"]), b64decode(file["data"]), str(file.get("type") or "") or None)
