"""How one answer is heard: in the voice channel, as a file, or not at all. Text waits for none.

``feed`` takes text while it is written and never waits; ``end`` says that it is complete;
``cancel`` silences. ``late`` and ``finish`` are for afterwards: the first says whether sound is
still missing some seconds after the text, the second waits for it and delivers it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import discord

from cogs.house import House
from cogs.places import Place
from cogs.replies import sentence_for
from cogs.scene import Scene
from cogs.voice_message import fits, may_send, plain_file, send_voice_message
from errors import ParleyError
from lobby.errors import LobbyAway, LobbyError
from speech.files import AudioFile, collect
from speech.narrator import Manner, Spoken
from storage.errors import StorageError
from storage.records import Replies
from words import N_

log = logging.getLogger(__name__)

NOTHING_TO_SAY = N_("There is nothing in it that can be said aloud.")
NO_FILES = N_("I may not attach files here, so my recording stays with me.")
TOO_LARGE = N_("My recording is too large to be sent here.")


class Silent:
    """Nothing is heard; ``note`` says why, if the person should know."""

    def __init__(self, note: str = "") -> None:
        self.note = note

    def feed(self, piece: str) -> None:
        """Text is not spoken."""

    def end(self) -> None:
        """Nothing follows."""

    def cancel(self) -> None:
        """Nothing to silence."""

    async def late(self) -> bool:
        """Never: nothing is waited for."""
        return False

    async def finish(self, place: Place | None, under: discord.Message | None) -> str:
        """The note."""
        del place, under
        return self.note


class Aloud:
    """Heard in the voice channel, in the person's turn, while it is being written."""

    def __init__(self, house: House, scene: Scene, spoken: Spoken) -> None:
        self._house = house
        self._scene = scene
        self._spoken = spoken
        self.feed = spoken.feed
        self.end = spoken.end
        self.cancel = spoken.cancel

    async def late(self) -> bool:
        """Whether not even the first sound is there."""
        return await self._spoken.late()

    async def finish(self, place: Place | None, under: discord.Message | None) -> str:
        """Wait until all of it was made; what went wrong, for the person."""
        del place, under
        report = await self._spoken.done()
        await _count(self._house, self._scene, report.seconds)
        await self._house.manners.hint(self._scene)
        return report.failure.say(self._scene.words) if report.failure else ""


class AsFile:
    """Sent after the text as one Ogg/Opus file, or as a native voice message."""

    def __init__(self, house: House, scene: Scene, spoken: Spoken, *, native: bool) -> None:
        self._house = house
        self._scene = scene
        self._spoken = spoken
        self._native = native
        # Taken while it is made: the buffer of frames is bounded.
        self._audio = asyncio.create_task(collect(spoken), name="audio file")
        self.feed = spoken.feed
        self.end = spoken.end
        self.delivered = False

    def cancel(self) -> None:
        """Make no file."""
        self._spoken.cancel()
        self._audio.cancel()

    async def late(self) -> bool:
        """Whether the file is not complete."""
        return await self._spoken.late(whole=True)

    async def finish(self, place: Place, under: discord.Message | None) -> str:
        """Wait for the file and send it; what went wrong, for the person."""
        words = self._scene.words
        await asyncio.wait([self._audio])
        audio = None if self._audio.cancelled() else self._audio.result()
        if audio is None:
            return ""
        await _count(self._house, self._scene, audio.duration_s)
        if not fits(audio, self._scene.upload_bytes):
            return words(TOO_LARGE)
        if not await self._sent(audio, place, under):
            return words(NO_FILES)
        self.delivered = True
        await self._house.manners.hint(self._scene)
        return audio.report.failure.say(words) if audio.report.failure else ""

    async def _sent(self, audio: AudioFile, place: Place, under: discord.Message | None) -> bool:
        """Send it, unless that is not allowed here."""
        channel, guild = self._scene.channel, self._scene.guild
        if self._native and channel is not None and may_send(channel, guild):
            try:
                await send_voice_message(channel, audio, under)
            except discord.HTTPException as error:
                log.info("a voice message was refused with %s; sending a file", error.code)
            else:
                return True
        if place.takes_files:
            await place.send("", file=plain_file(audio))
        return place.takes_files


Sounding = Silent | Aloud | AsFile


async def begin_sound(house: House, scene: Scene, *, wanted: bool = False) -> Sounding:
    """Decide how the answer to whoever asks in ``scene`` is heard. Never fails.

    ``wanted``: they asked for sound, whatever they chose for answers in general.
    """
    try:
        aloud = house.director.may_speak(scene.user.id, scene.guild_id)
        replies = await house.manners.replies(scene)
        otherwise = wanted or replies is not Replies.OFF
        if not aloud and not otherwise:
            return Silent()
        await house.dialogue.quotas.may_speak(scene.user.id, scene.guild_id, scene.role_ids)
        manner = await house.manners.of(scene)
        if aloud:
            with suppress(LobbyError):  # their turn ended a moment ago
                return Aloud(house, scene, speak_in(house, scene, manner))
            if not otherwise:
                return Silent()
        spoken = house.narrator.begin(manner)
        return AsFile(house, scene, spoken, native=replies is Replies.VOICE_MESSAGE)
    except (ParleyError, StorageError) as error:
        return Silent(sentence_for(error, scene.words))


def speak_in(house: House, scene: Scene, manner: Manner) -> Spoken:
    """A reply in the voice channel's queue, which only who has a session now gets into.

    Asked here, where nothing can come in between: a turn may end while anything is awaited, and
    what is queued after that nobody would silence. Raises ``LobbyError``, ``QueueFull``,
    ``TooManyWaiting``.
    """
    if why := house.director.why_silent(scene.user.id, scene.guild_id):
        raise why
    player = house.rooms.player(scene.guild_id)
    if player is None:
        raise LobbyAway
    spoken = house.narrator.begin(manner)
    try:
        player.add(scene.user.id, spoken)
    except ParleyError:
        spoken.cancel()
        raise
    return spoken


async def _count(house: House, scene: Scene, seconds: float) -> None:
    if not seconds:
        return
    try:
        await house.dialogue.quotas.spoke(scene.user.id, scene.guild_id, seconds)
    except StorageError as error:
        log.warning("speech was not counted: %s", type(error).__name__)
