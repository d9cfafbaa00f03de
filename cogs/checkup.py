"""``bot.py check``: does everything work that Parley needs? Each row says what was tried."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cogs.settings import DiscordSettings
from dialogue.ask import Ask
from dialogue.service import open_dialogue
from dialogue.settings import DialogueSettings
from errors import ParleyError
from speech.base import VoiceChoice
from speech.files import collect
from speech.narrator import Manner, Narrator
from speech.settings import SpeechSettings
from speech.studio import open_studio
from speech.voices import open_casting
from storage.database import open_database
from storage.errors import StorageError
from words import Words

MODEL_S = 60.0
VOICE_S = 60.0


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    ok: bool
    detail: str


Check = Callable[[], Awaitable[str]]
"""Returns what is well; raises what is not."""


class Failed(Exception):
    """What is wrong, in one line."""


async def row(name: str, check: Check) -> Row:
    """Run one check; no failure of it stops the others."""
    try:
        return Row(name, True, await check())
    except ParleyError as error:
        return Row(name, False, error.say(Words.of("en-US")))
    except (Failed, ValueError) as error:
        return Row(name, False, str(error))
    except (StorageError, OSError, TimeoutError, ImportError) as error:
        return Row(name, False, f"{type(error).__name__}: {error}")


def token_shape(token: str) -> str:
    """What can be known of a token without asking Discord. Raises :class:`Failed`."""
    if not token:
        raise Failed("DISCORD_TOKEN is not set (`bot.py try` needs none)")
    parts = token.split(".")
    if len(parts) != 3 or not all(re.fullmatch(r"[\w-]+", part) for part in parts):
        raise Failed("a token has three parts with dots between; copy it again from the portal")
    try:
        owner = base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        owner = ""
    if not owner.isdecimal():
        raise Failed("its first part is no application's id; is it the client secret?")
    return f"looks like a token of application {owner}"


async def database(url: str) -> str:
    """Open, migrate, write and undo a row."""
    async with open_database(url) as opened:
        await opened.check()
        return f"{opened.dialect} at {opened.place}"


async def model(settings: DialogueSettings, cache: Path) -> str:
    """Have it answer, by the same path as any message; nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="parley-check-") as folder:
        async with (
            asyncio.timeout(MODEL_S),
            open_database(f"sqlite:///{folder}/check.db") as store,
            open_dialogue(settings, store, cache=cache) as dialogue,
        ):
            ask = Ask(person_id=1, guild_id=0, channel_id=1, name="check", text="Say hello.")
            async with dialogue.responder.answer(ask) as answer:
                async for _ in answer:
                    break
            return f"{dialogue.model.name} answers"


async def voices(settings: SpeechSettings) -> str:
    """Have the voice that speaks by default say a word."""
    casting = await open_casting(settings)
    async with asyncio.timeout(VOICE_S), open_studio(settings) as studio:
        narrator = Narrator(studio, casting, settings)
        name, _, speaker = settings.voice.partition("/")
        audio = await collect(narrator.say("Hello.", Manner(VoiceChoice(name, speaker or None))))
        if audio is None:
            raise Failed(f"{settings.voice} made no sound")
        if audio.report.failure:
            raise audio.report.failure
        return f"{settings.voice} spoke for {audio.duration_s:.1f} s"


async def opus() -> str:
    """Encode and decode 20 ms."""
    import av
    import numpy as np

    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
    frame.sample_rate = 48_000
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create("libopus", "r")
    if not any(decoder.decode(packet) for packet in packets):
        raise Failed("libopus decodes nothing")
    return f"libopus of PyAV {av.__version__}"


async def checkup(
    config: str,
    discord: DiscordSettings,
    dialogue: DialogueSettings,
    speech: SpeechSettings,
    url: str,
    cache: Path,
) -> list[Row]:
    """Every row, in order."""

    async def configured() -> str:
        return config

    async def token() -> str:
        return token_shape(discord.token.get_secret_value())

    checks: dict[str, Check] = {
        "configuration": configured,
        "token": token,
        "database": lambda: database(url),
        "opus": opus,
        "voices": lambda: voices(speech),
        "model": lambda: model(dialogue, cache),
    }
    return [await row(name, check) for name, check in checks.items()]
