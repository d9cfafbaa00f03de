"""The server that a newcomer finds, and what a reply looks like there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from sandbox.actor import Actor
from sandbox.errors import SandboxError
from sandbox.offers import Offer
from sandbox.records import Channel, Guild, Interaction, Message, MessageFlag
from sandbox.server import Sandbox
from sandbox.voice.hearing import Hearing

Address = tuple[str, int]
StartBot = Callable[[Address, Path, str], AbstractAsyncContextManager[object]]
"""``start(address, ca_file, token)``: the bot, connected there, until the block ends."""

ONLINE_S = 120.0  # weights may have to be prepared first
REPLY_S = 180.0  # a small model on a slow machine
JOIN_TRIES, JOIN_S = 10, 3.0
QUIET_S = 1.0  # a voice that has been silent this long has finished


class TryFailed(Exception):
    """The main job did not work; the message is one clear line."""


@dataclass(frozen=True)
class Scene:
    """A small server: two people, a text channel, a voice channel."""

    sandbox: Sandbox
    guild: Guild
    text: Channel
    voice: Channel
    you: Actor
    friend: Actor

    @classmethod
    def build(cls, sandbox: Sandbox) -> Scene:
        """Make the server and invite the bot."""
        you = sandbox.add_user("you")
        guild = sandbox.add_guild("Harbour", owner=you, text=("general",), voice=("lounge",))
        friend = sandbox.add_member(guild, "mei")
        you.here = sandbox.channel(guild, "general")
        voice = sandbox.channel(guild, "lounge")
        return cls(sandbox, guild, you.here, voice, you, friend)

    async def until_ready(self) -> None:
        """Wait for the bot to be online with its commands. Raises TryFailed."""
        try:
            await self.sandbox.until_online(ONLINE_S)
            await self.sandbox.until(
                lambda: any(offer.path == "chat" for offer in self.you.offers()), ONLINE_S
            )
        except SandboxError as error:
            raise TryFailed("the bot did not come online") from error

    async def have_session(self, who: Actor) -> None:
        """``/voice join`` for ``who``. Raises TryFailed."""
        await have_session(self.sandbox, who, self.guild, self.voice)

    async def chat(self, who: Actor, text: str) -> Interaction:
        """``/chat text``, whatever its option is called."""
        offer = next(o for o in who.offers() if o.path == "chat")
        return await who.command("chat", given={words_option(offer): text})


async def have_session(sandbox: Sandbox, who: Actor, guild: Guild, voice: Channel) -> None:
    """``/voice join``, again while the bot is still waking up. Raises TryFailed."""

    def bot_came() -> bool:
        state = guild.voice_states.get(sandbox.bot.id)
        return state is not None and state.channel_id == voice.id

    for _ in range(JOIN_TRIES):
        await who.command("voice join")
        try:
            await sandbox.until(bot_came, JOIN_S)
        except SandboxError:
            continue
        return
    raise TryFailed("the bot did not come to the voice channel")


def words_option(offer: Offer) -> str:
    """The name of a command's first option that takes text."""
    return str(next(o["name"] for o in offer.options if o["type"] == 3))


def being_written(message: Message) -> bool:
    """Whether a reply still grows: it is loading, or offers to be stopped."""
    return message.loading or any(
        part.get("custom_id", "").startswith("stop") or part.get("label") == "Stop"
        for row in message.components
        for part in row.get("components", ())
        if not part.get("disabled")
    )


def audio_of(messages: list[Message]) -> bytes | None:
    """The first audio file among ``messages``."""
    for message in messages:
        for attachment in message.attachments:
            voice = bool(message.flags & MessageFlag.VOICE_MESSAGE)
            if voice or attachment.content_type.startswith("audio/"):
                return attachment.data
    return None


async def until_quiet(
    sandbox: Sandbox, hearing: Hearing, patience_s: float | None, *, known: int = 0
) -> None:
    """Return when a voice was heard after the first ``known`` frames and then nothing for a while.

    Raises TimeoutError after ``patience_s``; None waits for ever.
    """

    def quiet() -> bool:
        voiced = [frame for frame in hearing.frames[known:] if not frame.silence]
        return bool(voiced) and sandbox.clock.real_s() - voiced[-1].arrived_s > QUIET_S

    async with asyncio.timeout(patience_s):
        while not quiet():  # noqa: ASYNC110 - silence makes no event: look again
            await asyncio.sleep(0.1)
