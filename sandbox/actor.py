"""A scripted member: does what a person at Discord's own client could do, and no more.

What their client would not let them do raises an error (see ``errors.py``) instead of
reaching the bot. Actions that a bot must answer return once it has, and raise
``NotAnswered`` when Discord would say "The application did not respond".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import forms, offers, options
from sandbox.checks.commands import CommandKind
from sandbox.checks.messages import CONTENT, Draft, check_may_send
from sandbox.core import ACKNOWLEDGE_S
from sandbox.deeds import interactions, messages, voice
from sandbox.deeds.guilds import add_member
from sandbox.errors import ApiError, NotAnswered, NotOffered, NotPossible
from sandbox.moderator import Moderator
from sandbox.permissions import Permission
from sandbox.records import (
    Channel,
    ChannelKind,
    Guild,
    Interaction,
    InteractionKind,
    Json,
    Message,
    Role,
    User,
    VoiceState,
)
from sandbox.uploads import Upload

if TYPE_CHECKING:
    from sandbox.core import Core
    from sandbox.voice.hearing import Hearing

_PATIENCE_S = 10.0
"""Real seconds on top of Discord's three before an answer is given up."""


class Actor:
    """A member. ``here`` is the channel they look at; actions without ``where`` go there."""

    def __init__(self, core: Core, user: User, here: Channel | None = None) -> None:
        self._core = core
        self.user = user
        self.here = here
        self.moderate = Moderator(core, user.id)

    def __repr__(self) -> str:
        return f"<Actor {self.name}>"

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def name(self) -> str:
        """The user's name."""
        return self.user.name

    @property
    def mention(self) -> str:
        """How others mention them."""
        return f"<@{self.id}>"

    def join(self, guild: Guild, roles: Sequence[Role] = ()) -> None:
        """Become a member of a guild, and look at its first text channel."""
        add_member(self._core, guild, self.id, [r.id for r in roles])
        texts = [c for c in guild.channels.values() if c.kind is ChannelKind.TEXT]
        if self.here is None and texts:
            self.here = texts[0]

    # --- commands

    def offers(self, where: Channel | None = None) -> list[offers.Offer]:
        """The commands that Discord shows to this member here."""
        return offers.offers(self._core, self.id, self._where(where))

    async def command(
        self,
        path: str,
        /,
        where: Channel | None = None,
        *,
        given: Mapping[str, Any] | None = None,
        wait: bool = True,
        **values: Any,
    ) -> Interaction:
        """Use a slash command, such as ``command("voice join", channel=lounge)``.

        ``given`` takes options whose names collide with parameters here. Raises NotOffered,
        BadOption, NotAnswered.
        """
        channel = self._where(where)
        typed = {**(given or {}), **values}
        offer = offers.find(self._core, self.id, channel, path.lstrip("/"), CommandKind.SLASH)
        data = options.command_data(self._core, self.id, channel, offer, typed)
        summary = options.describe(offer, typed)
        return await self._send(InteractionKind.COMMAND, channel, data, summary, wait)

    async def menu(
        self,
        name: str,
        target: Message | Actor | User,
        *,
        where: Channel | None = None,
        wait: bool = True,
    ) -> Interaction:
        """Use a context menu entry on a message or a user."""
        if isinstance(target, Message):
            channel = self._core.world.channel(target.channel_id)
            self._check_visible(target)
            kind = CommandKind.MESSAGE_MENU
        else:
            channel = self._where(where)
            kind = CommandKind.USER_MENU
        offer = offers.find(self._core, self.id, channel, name, kind)
        record = target.user if isinstance(target, Actor) else target
        data = options.menu_data(self._core, channel, offer, record)
        summary = options.describe(offer, {})
        return await self._send(InteractionKind.COMMAND, channel, data, summary, wait)

    async def autocomplete(
        self, path: str, focused: str, text: str, /, where: Channel | None = None, **values: Any
    ) -> list[Json]:
        """The choices the bot offers while ``text`` is typed into the option ``focused``."""
        channel = self._where(where)
        offer = offers.find(self._core, self.id, channel, path.lstrip("/"), CommandKind.SLASH)
        option = next((o for o in offer.options if o["name"] == focused), None)
        if option is None or not option.get("autocomplete"):
            raise NotOffered(f"/{offer.path} completes no option {focused!r}")
        typed = {**values, focused: text}
        data = options.command_data(self._core, self.id, channel, offer, typed, focused=focused)
        summary = f"completing {options.describe(offer, typed)}"
        done = await self._send(InteractionKind.AUTOCOMPLETE, channel, data, summary, True)
        return done.choices or []

    # --- components and modals

    async def click(self, message: Message, label: str, *, wait: bool = True) -> Interaction:
        """Press a button, named by its label, emoji or custom id."""
        self._check_visible(message)
        data = forms.press(message, label)
        return await self._use(message, data, f"presses [{label}]", wait)

    async def choose(
        self,
        message: Message,
        values: Sequence[Any] | str,
        *,
        which: str | None = None,
        wait: bool = True,
    ) -> Interaction:
        """Choose in a select menu: labels or values, or users, roles and channels."""
        self._check_visible(message)
        many = [values] if isinstance(values, str) else list(values)
        channel = self._core.world.channel(message.channel_id)
        data = forms.choose(self._core, self.id, channel, message, many, which)
        chosen = ", ".join(str(getattr(v, "name", v)) for v in many)
        return await self._use(message, data, f"chooses {chosen}", wait)

    async def submit(
        self, interaction: Interaction, values: Mapping[str, Any], *, wait: bool = True
    ) -> Interaction:
        """Fill in and submit the modal that the bot answered ``interaction`` with."""
        if interaction.modal is None or interaction.user_id != self.id:
            raise NotPossible("the bot showed this member no modal")
        before = self._core.world.interactions.values()
        if any(i.parent is interaction and i.acknowledged for i in before):
            raise NotPossible("this modal was submitted and is closed")
        channel = self._core.world.channel(interaction.channel_id)
        data = forms.fill(self._core, self.id, channel, interaction.modal, values)
        summary = f"submits {interaction.modal['title']!r}"
        return await self._send(
            InteractionKind.MODAL_SUBMIT,
            channel,
            data,
            summary,
            wait,
            message=interaction.message,
            parent=interaction,
        )

    # --- messages

    async def say(
        self,
        where: Channel | None,
        text: str = "",
        *,
        attachments: Sequence[Upload | Path] = (),
        reply_to: Message | None = None,
        ping: bool = True,
    ) -> Message:
        """Write a message; ``ping`` False turns off the notification of a reply."""
        channel = self._where(where)
        uploads = [
            Upload(a.name, a.read_bytes()) if isinstance(a, Path) else a for a in attachments
        ]
        draft = Draft(content=text, uploads=uploads, reply_to=reply_to.id if reply_to else None)
        if not ping:
            draft.allowed_mentions = {
                "parse": ["users", "roles", "everyone"],
                "replied_user": False,
            }
        if not text.strip() and not uploads:
            raise NotPossible("an empty message cannot be sent")
        if len(text) > CONTENT:
            raise NotPossible(f"a message has at most {CONTENT} characters")
        self._check_may_send(channel, draft)
        return messages.send(self._core, channel, self.id, draft)

    async def mention_bot(
        self,
        where: Channel | None,
        text: str,
        *,
        attachments: Sequence[Upload | Path] = (),
    ) -> Message:
        """Write a message that begins with a mention of the bot."""
        mention = f"<@{self._core.bot.id}> {text}"
        return await self.say(where, mention, attachments=attachments)

    async def dm(self, text: str = "", *, attachments: Sequence[Upload | Path] = ()) -> Message:
        """Write to the bot directly."""
        return await self.say(self.direct, text, attachments=attachments)

    @property
    def direct(self) -> Channel:
        """The direct message channel with the bot."""
        return self._core.world.direct_channel(self._core.bot.id, self.id)

    async def edit(self, message: Message, text: str) -> None:
        """Edit one's own message."""
        self._check_own(message)
        messages.edit(self._core, message, {"content": text}, [])

    async def delete(self, message: Message) -> None:
        """Delete one's own message."""
        self._check_own(message)
        messages.delete(self._core, message)

    async def react(self, message: Message, emoji: str, *, remove: bool = False) -> None:
        """Add or take back a reaction."""
        self._check_visible(message)
        messages.react(self._core, message, self.id, emoji, remove=remove)

    async def type_in(self, where: Channel | None = None) -> None:
        """Begin to type, without sending."""
        messages.type_in(self._core, self._where(where), self.id)

    def sees(self, where: Channel | None = None) -> list[Message]:
        """The messages this member sees in the channel: ephemeral ones only their own."""
        channel = self._where(where)
        if not self._may(channel, Permission.VIEW_CHANNEL):
            return []
        found = self._core.world.in_channel(channel.id)
        return [m for m in found if m.visible_to in (None, self.id)]

    def pings(self) -> list[Message]:
        """The messages that notified this member, oldest first."""
        every = (m for found in self._core.world.messages.values() for m in found.values())
        return sorted((m for m in every if self.id in m.pinged), key=lambda m: m.id)

    # --- voice

    async def join_voice(
        self, channel: Channel, *, self_mute: bool = False, self_deaf: bool = False
    ) -> None:
        """Enter a voice channel, or move to it. Raises NotPossible."""
        guild = self._core.world.guild_of(channel)
        if guild is None or channel.kind is not ChannelKind.VOICE:
            raise NotPossible(f"{channel.name} is no voice channel")
        if reason := voice.cannot_join(self._core, guild, channel, self.id):
            raise NotPossible(reason)
        voice.join_voice(
            self._core, guild, channel, self.id, self_mute=self_mute, self_deaf=self_deaf
        )

    async def move_voice(self, channel: Channel) -> None:
        """Move oneself to another voice channel."""
        await self.join_voice(channel)

    async def leave_voice(self) -> None:
        """Leave voice, wherever it is; nothing happens outside of voice."""
        for guild in self._core.world.guilds.values():
            voice.leave_voice(self._core, guild, self.id)

    @property
    def voice(self) -> VoiceState | None:
        """Where this member is in voice."""
        for guild in self._core.world.guilds.values():
            if state := guild.voice_states.get(self.id):
                return state
        return None

    def heard(self, guild: Guild | None = None) -> Hearing:
        """What this member has heard in a guild (default: that of ``here``) and goes on hearing."""
        guild_id = guild.id if guild else self._where(None).guild_id
        if guild_id is None:
            raise NotPossible("there is no voice in direct messages")
        return self._core.voice.heard(guild_id, self.id)

    # --- helpers

    def _where(self, where: Channel | None) -> Channel:
        channel = where or self.here
        if channel is None:
            raise NotPossible(f"{self.name} is in no channel; say where")
        return channel

    def _may(self, channel: Channel, need: Permission) -> bool:
        return (self._core.world.permissions(self.id, channel) & need) == need

    def _check_visible(self, message: Message) -> None:
        channel = self._core.world.channel(message.channel_id)
        if message.deleted:
            raise NotPossible("the message is deleted")
        if message.visible_to not in (None, self.id):
            raise NotPossible("only someone else can see this message")
        if not self._may(channel, Permission.VIEW_CHANNEL):
            raise NotPossible(f"{self.name} cannot see {channel.name}")

    def _check_own(self, message: Message) -> None:
        self._check_visible(message)
        if message.author_id != self.id:
            raise NotPossible("this is someone else's message")

    def _check_may_send(self, channel: Channel, draft: Draft) -> None:
        try:
            check_may_send(self._core.world, self.id, channel, draft)
        except ApiError as error:
            raise NotPossible(f"{self.name} in {channel.name}: {error.rule or error}") from None

    async def _use(self, message: Message, data: Json, summary: str, wait: bool) -> Interaction:
        channel = self._core.world.channel(message.channel_id)
        if message.author_id != self._core.bot.id or message.webhook_name:
            raise NotPossible("this message is not the bot's")
        return await self._send(
            InteractionKind.COMPONENT, channel, data, summary, wait, message=message
        )

    async def _send(
        self,
        kind: InteractionKind,
        channel: Channel,
        data: Json,
        summary: str,
        wait: bool,
        *,
        message: Message | None = None,
        parent: Interaction | None = None,
    ) -> Interaction:
        interaction = interactions.start(
            self._core, kind, self.id, channel, data, summary, message=message, parent=parent
        )
        if wait:
            await self.answered(interaction)
        return interaction

    async def answered(self, interaction: Interaction) -> Interaction:
        """Wait until the bot has acknowledged. Raises NotAnswered."""
        patience_s = ACKNOWLEDGE_S / self._core.clock.speed + _PATIENCE_S
        await self._core.timeline.until(
            lambda: interaction.acknowledged or interaction.failed, patience_s
        )
        if not interaction.acknowledged:
            raise NotAnswered(f"{interaction.summary}: the application did not respond")
        return interaction


File = Upload
"""``File("photo.png", data)``: what ``say`` and attachment options take."""
