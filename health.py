"""``bot.py check``: is everything there that the bot needs? A table, and an exit code.

Each check looks at the real thing: it opens the database and writes to it, loads libopus, reads
the voice, asks the model's endpoint. Nothing secret is shown.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

from errors import ParleyError
from settings import Settings
from words import Words

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


async def examine(settings: Settings) -> list[Finding]:
    """All checks; one that fails does not keep the others from being made."""
    checks: tuple[Check, ...] = (token, database, voices, opus, model)
    return [await _safely(check, settings) for check in checks]


async def _safely(check: Check, settings: Settings) -> Finding:
    try:
        return await check(settings)
    except ParleyError as error:
        return Finding(check.__name__, "failed", error.say(ENGLISH))
    except Exception as error:
        # The class alone: a driver's message may hold an address with a password.
        return Finding(check.__name__, "failed", type(error).__name__)


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
    """The default voice can be opened by a worker's engine, in this process's child."""
    from speech.studio import open_studio

    async with open_studio(settings.speech) as studio:
        await studio.warm(settings.speech.voice)
        health = await studio.health(10)
    workers = [worker for worker in health.workers if worker.answers]
    if not workers:
        return Finding("voices", "failed", "no speech worker answers")
    memory_mb = max(worker.memory_bytes for worker in workers) / 1e6
    known = ", ".join(sorted({name for worker in workers for name in worker.voices}))
    return Finding(
        "voices", "ok" if known else "failed", f"{known or 'none'} ({memory_mb:.0f} MB a worker)"
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
            chat = await Model(settings.model, server).chat()
            await chat.ainvoke("Say yes.", max_tokens=1)
            return Finding("model", "ok", f"{Model(settings.model, server).name}, served here")
    chat = await Model(settings.model).chat()
    await chat.ainvoke("Say yes.", max_tokens=1)
    return Finding("model", "ok", f"{settings.model.name} at {settings.model.base_url or 'OpenAI'}")
