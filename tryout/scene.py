"""The server that a newcomer finds, and what a reply looks like there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.actor import Actor
from sandbox.errors import SandboxError
from sandbox.offers import Offer
from sandbox.records import Channel, Guild, Interaction, Message, MessageFlag
from sandbox.server import Sandbox

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

    @property
    def bot_in_voice(self) -> bool:
        """Whether the bot is in the lounge."""
        state = self.guild.voice_states.get(self.sandbox.bot.id)
        return state is not None and state.channel_id == self.voice.id

    async def have_session(self, who: Actor) -> None:
        """``/voice join``, again while the bot is still waking up. Raises TryFailed."""
        for _ in range(JOIN_TRIES):
            await who.command("voice join")
            try:
                await self.sandbox.until(lambda: self.bot_in_voice, JOIN_S)
            except SandboxError:
                continue
            return
        raise TryFailed("the bot did not come to the voice channel")

    async def chat(self, who: Actor, text: str) -> Interaction:
        """``/chat text``, whatever its option is called."""
        offer = next(o for o in who.offers() if o.path == "chat")
        return await who.command("chat", given={words_option(offer): text})


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


async def until_quiet(scene: Scene, who: Actor, patience_s: float) -> None:
    """Return when ``who`` heard a voice and then nothing for a while, or after ``patience_s``."""
    hearing: Any = who.heard(scene.guild)
    clock = scene.sandbox.clock
    until_s = clock.real_s() + patience_s
    while clock.real_s() < until_s:
        voiced = [frame.arrived_s for frame in hearing.frames[-400:] if not frame.silence]
        if voiced and clock.real_s() - voiced[-1] > QUIET_S:
            return
        # Silence makes no event: the only way to notice it is to look again.
        await asyncio.sleep(0.1)
