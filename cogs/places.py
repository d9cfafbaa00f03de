"""Where an answer appears: under a command, or under a message. Nothing pings by accident.

A place hides two differences: the first message of a command *edits* the "thinking..." that
acknowledged it, and its token dies after fifteen minutes, after which the same messages are
reached as ordinary messages of the channel.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import aiohttp
import discord

QUIET = discord.AllowedMentions.none()
"""Passed on every send *and edit*: an edit without it parses mentions again."""

UNDELIVERED = (discord.HTTPException, aiohttp.ClientError, OSError)
"""What a request to Discord raises when it was refused, or lost on its way; time-outs too."""

FOLLOW_UPS = 5

TOKEN_DEAD = 50027
UNKNOWN_WEBHOOK = 10015
UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008

_T = TypeVar("_T")


class Gone(Exception):
    """The message or its channel was deleted; whoever did that does not want it back."""


class Place(Protocol):
    """Where messages of one answer go, one after another."""

    @property
    def room(self) -> int | None:
        """How many messages of text there is room for; None for any number."""
        ...

    @property
    def takes_files(self) -> bool:
        """Whether a file may be sent."""
        ...

    async def send(
        self,
        content: str,
        view: discord.ui.View | None = None,
        *,
        file: discord.File | None = None,
    ) -> discord.Message:
        """Send the next message."""
        ...

    async def edit(
        self, message: discord.Message, content: str, view: discord.ui.View | None = None
    ) -> None:
        """Change one of them. Raises :class:`Gone` when it was deleted."""
        ...

    async def remove(self, message: discord.Message) -> None:
        """Take one of them back."""
        ...

    async def refuse(self, sentence: str) -> None:
        """Say, to the asker alone where that is possible, why there is no answer."""
        ...

    async def done(self) -> None:
        """Nothing more is sent: leave no "thinking..." behind."""
        ...


def may_write(channel: discord.abc.MessageableChannel) -> bool:
    """Whether Parley may answer a message here."""
    allowed = _allowed(channel)
    if isinstance(channel, discord.Thread):
        return allowed.view_channel and allowed.send_messages_in_threads
    return allowed.view_channel and allowed.send_messages


def may_refer(channel: discord.abc.MessageableChannel) -> bool:
    """Whether Parley may refer to a message here; Discord refuses the whole message if not."""
    return _allowed(channel).read_message_history


def _allowed(channel: discord.abc.MessageableChannel) -> discord.Permissions:
    guild = (
        channel.guild if isinstance(channel, discord.abc.GuildChannel | discord.Thread) else None
    )
    if guild is None or isinstance(channel, discord.DMChannel | discord.GroupChannel):
        return discord.Permissions.all()
    return channel.permissions_for(guild.me)


class UnderCommand:
    """Answers a command or a button that was deferred with "thinking..."."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self._interaction = interaction
        self._first = True

    @property
    def room(self) -> int | None:
        """An app that is installed for a person, not for this server, may follow up five times."""
        by_person = self._interaction.is_user_integration()
        limited = by_person and not self._interaction.is_guild_integration()
        # The answer itself counts apart; the last follow-up is left for its sound.
        return FOLLOW_UPS if limited else None

    @property
    def takes_files(self) -> bool:
        """An answer to a command needs no permission of the channel's."""
        return True

    async def send(
        self,
        content: str,
        view: discord.ui.View | None = None,
        *,
        file: discord.File | None = None,
    ) -> discord.Message:
        first = self._first
        files = [file] if file else []

        async def by_token() -> discord.Message:
            if first:
                return await self._interaction.edit_original_response(
                    content=content, view=view, attachments=files, allowed_mentions=QUIET
                )
            return await self._interaction.followup.send(
                content,
                view=view or discord.utils.MISSING,
                files=files,
                allowed_mentions=QUIET,
                wait=True,
            )

        async def by_channel() -> discord.Message:
            channel = self._interaction.channel
            if not isinstance(channel, discord.abc.Messageable):
                raise Gone
            if file is not None:
                file.reset(seek=True)
            return await channel.send(
                content, view=view or discord.utils.MISSING, files=files, allowed_mentions=QUIET
            )

        sent = await self._outliving(by_token, by_channel)
        self._first = False  # not before: what was lost on its way takes the same place again
        return sent

    async def edit(
        self, message: discord.Message, content: str, view: discord.ui.View | None = None
    ) -> None:
        async def by_token() -> None:
            await message.edit(content=content, view=view, allowed_mentions=QUIET)

        async def by_channel() -> None:
            # A plain partial message: the one we hold would use the dead token again.
            plain = discord.PartialMessage(channel=message.channel, id=message.id)
            await plain.edit(content=content, view=view, allowed_mentions=QUIET)

        await self._outliving(by_token, by_channel)

    async def _outliving(
        self, by_token: Callable[[], Awaitable[_T]], by_channel: Callable[[], Awaitable[_T]]
    ) -> _T:
        """Do it by the interaction's token and, once that has died, as an ordinary message."""
        if not self._interaction.is_expired():
            try:
                return await by_token()
            except discord.HTTPException as error:
                if error.code in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE):
                    raise Gone from error
                if error.code not in (TOKEN_DEAD, UNKNOWN_WEBHOOK):
                    raise
        try:
            return await by_channel()
        except (discord.NotFound, discord.Forbidden) as error:
            raise Gone from error

    async def remove(self, message: discord.Message) -> None:
        await _removed(message)

    async def refuse(self, sentence: str) -> None:
        # The first message would be as public as the "thinking..." is: that one goes first.
        await self.done()
        await self._interaction.followup.send(sentence, ephemeral=True, allowed_mentions=QUIET)

    async def done(self) -> None:
        if self._first:
            self._first = False
            with suppress(discord.HTTPException):
                await self._interaction.delete_original_response()


class UnderMessage:
    """Answers a mention, a reply or a direct message; ``ping`` the one who wrote it, or nobody."""

    def __init__(self, message: discord.Message, *, ping: bool) -> None:
        self._message = message
        self._first = True
        self._lost: str | None = None
        self.room: int | None = None
        self._mentions = discord.AllowedMentions(
            everyone=False, users=False, roles=False, replied_user=ping
        )

    @property
    def takes_files(self) -> bool:
        """By the channel's permissions."""
        return _allowed(self._message.channel).attach_files

    async def send(
        self,
        content: str,
        view: discord.ui.View | None = None,
        *,
        file: discord.File | None = None,
    ) -> discord.Message:
        options: dict[str, Any] = {}
        if self._first and may_refer(self._message.channel):
            options["reference"] = self._message.to_reference(fail_if_not_exists=False)
        # By the nonce Discord knows a message again whose answer was lost on its way to us.
        lost, self._lost = self._lost, self._lost or secrets.token_hex(8)
        try:
            sent = await self._message.channel.send(
                content,
                view=view or discord.utils.MISSING,
                files=[file] if file else [],
                allowed_mentions=self._mentions if self._first else QUIET,
                nonce=self._lost,
                **options,
            )
        except discord.NotFound as error:
            raise Gone from error
        self._first, self._lost = False, None
        if lost is not None and file is None:
            await self.edit(sent, content, view)  # it may be the lost one, with older text
        return sent

    async def edit(
        self, message: discord.Message, content: str, view: discord.ui.View | None = None
    ) -> None:
        try:
            await message.edit(content=content, view=view, allowed_mentions=QUIET)
        except discord.NotFound as error:
            raise Gone from error

    async def remove(self, message: discord.Message) -> None:
        await _removed(message)

    async def refuse(self, sentence: str) -> None:
        await self.send(sentence)

    async def done(self) -> None:
        """There is no "thinking..." under a message."""


async def _removed(message: discord.Message) -> None:
    with suppress(discord.HTTPException):
        await message.delete()
