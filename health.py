"""``bot.py check``: is everything there that the bot needs? A table, and an exit code.

Each check looks at the real thing: it opens the database and writes to it, loads libopus, has a
worker say a word in the default voice, asks the model's endpoint. Nothing secret is shown.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from errors import ParleyError
from settings import Settings
from words import Words

if TYPE_CHECKING:
    from dialogue.model import Model

State = Literal["ok", "warning", "failed"]
MARKS: dict[State, str] = {"ok": "[green]ok[/]", "warning": "[yellow]--[/]", "failed": "[red]no[/]"}
ENGLISH = Words.of("en-US")


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    what: str
    state: State
    detail: str


Check = Callable[[Settings], Awaitable[Finding]]


async def examine(settings: Settings, config: Path | None = None) -> list[Finding]:
    """All checks; one that fails does not keep the others from being made.

    ``config`` is the file that ``settings`` were read from, if there was one.
    """
    checks: tuple[Check, ...] = (token, database, voices, opus, model)
    read = str(config) if config else "defaults and environment: there is no config.toml"
    return [
        Finding("settings", "ok", read),
        *[await _safely(check, settings) for check in checks],
    ]


async def _safely(check: Check, settings: Settings) -> Finding:
    from storage.errors import StorageError

    name = check.__name__
    try:
        return await check(settings)
    except ParleyError as error:
        return Finding(name, "failed", error.say(ENGLISH))
    except StorageError as error:
        return Finding(name, "failed", inspect.getdoc(type(error)) or type(error).__name__)
    except Exception as error:
        # The class alone: a driver's message may hold an address with a password.
        return Finding(name, "failed", type(error).__name__)


def show(findings: list[Finding], console: Console) -> bool:
    """Print the table; whether nothing failed."""
    table = Table("", "what", "finding", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(MARKS[finding.state], finding.what, finding.detail)
    console.print(table)
    return all(finding.state != "failed" for finding in findings)


async def token(settings: Settings) -> Finding:
    """A bot token is three parts, the first of them the application's id in base64."""
    value = settings.discord.token.get_secret_value()
    if not value:
        return Finding("token", "warning", "none: `try` needs none, `run` does (set DISCORD_TOKEN)")
    first, *rest = value.split(".")
    try:
        number = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        number = ""
    if len(rest) != 2 or not re.fullmatch(r"\d{15,21}", number):
        return Finding("token", "failed", "it does not look like a bot token")
    return Finding("token", "ok", f"of application {number}")


async def database(settings: Settings) -> Finding:
    """Opens, migrates, writes and undoes."""
    from storage.database import open_database

    async with open_database(settings.storage.url) as opened:
        await opened.check()
        return Finding("database", "ok", f"{opened.dialect}: {opened.place}")


async def voices(settings: Settings) -> Finding:
    """A worker says a word in the default voice; the other voices are read."""
    from speech.base import Line, VoiceChoice
    from speech.studio import open_studio
    from vits.io.voices import VoiceShelf

    name, _, speaker = settings.speech.voice.partition("/")
    said = Line("Ready.", VoiceChoice(name, speaker or None))
    async with open_studio(settings.speech) as studio:
        frames = [frame async for frame in studio.speak([said])]
        health = await studio.health(10)
    memory_mb = max(worker.memory_bytes for worker in health.workers) / 1e6
    problems = await asyncio.to_thread(VoiceShelf(settings.speech.voices).problems)
    if problems:
        wrong = "; ".join(f"{voice}: {problem}" for voice, problem in problems.items())
        return Finding("voices", "warning", f"{name} speaks, but {wrong}")
    heard_s = len(frames) * 0.02
    return Finding(
        "voices", "ok", f"{name} said a word of {heard_s:.1f} s ({memory_mb:.0f} MB a worker)"
    )


async def opus(settings: Settings) -> Finding:
    """The workers' Opus encoder, which comes with PyAV."""
    del settings
    import av

    codec = await asyncio.to_thread(av.Codec, "libopus", "w")
    return Finding("opus", "ok", f"{codec.long_name} of PyAV {av.__version__}")


async def model(settings: Settings) -> Finding:
    """The endpoint answers a one-word question."""
    from dialogue.model import Model
    from dialogue.model_server import open_model_server

    if settings.model.demo:
        async with open_model_server(threads=settings.model.threads) as server:
            demo = Model(settings.model, server)
            await _ask(demo)
            return Finding("model", "ok", f"{demo.name}, served here")
    await _ask(Model(settings.model))
    where = urlsplit(settings.model.base_url)
    # Without the name and the password that an address may hold.
    at = where._replace(netloc=where.netloc.rpartition("@")[2]).geturl() or "OpenAI"
    return Finding("model", "ok", f"{settings.model.name} at {at}")


async def _ask(model: Model) -> None:
    """Raises ``ModelError``."""
    from dialogue.failures import FAILURES, failure

    try:
        chat = await model.chat()
        await chat.ainvoke("Say yes.", max_tokens=1)
    except FAILURES as error:
        raise failure(error, begun=False) from error
    finally:
        await model.close()
