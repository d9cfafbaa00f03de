"""A person's data in their own hands: all of it in two files, or all of it gone; and retention.

docs/privacy.md says what is kept and why.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from dialogue.memory import Memory
from dialogue.quotas import DAY_S, day_of
from dialogue.settings import MemorySettings
from storage.database import Database
from storage.records import DIRECT, Forgotten, Remains
from words import N_, Words

WIPE_EVERY_S = 30.0

TITLE = N_("All that Parley holds about you")
NOTHING = N_("Parley holds nothing about you.")
DIRECT_MESSAGES = N_("direct messages")
SERVER = N_("server {guild}")
HEADINGS = {
    "turns": N_("What was said"),
    "memories": N_("Your memories, and summaries of what left them"),
    "preferences": N_("How you want to be spoken to"),
    "personas": N_("Your personas"),
    "persona_choices": N_("Personas you chose"),
    "pronunciations": N_("Your dictionary"),
    "usage": N_("What you used, day by day"),
    "blocks": N_("Blocks"),
    "audit": N_("What moderators did that concerns you"),
    "lobby_places": N_("Your place in the line or in voice"),
    "lobby_trail": N_("When your voice sessions began and ended"),
    "lobby_posts": N_("Notices on their way to you"),
    "trainings": N_("Trainings of voices that you started"),
}
YOU = N_("You")
PARLEY = N_("Parley")

_MOMENTS = {"at_s", "asked_s", "since_s", "active_s", "warned_s", "deadline_s"}
# Not about the person: what the program needs to keep its own order.
_INTERNAL = {"epoch", "since_id", "summary_upto", "encoding", "summary_encoding", "pins"}


@dataclass(frozen=True, slots=True)
class Export:
    """Two files with the same content."""

    machine: bytes = field(repr=False)
    """JSON; ids are strings, since they are longer than a JavaScript number."""
    readable: bytes = field(repr=False)
    """Plain text in the person's language."""
    rows: int


class PrivacyService:
    """Every method raises ``StorageError``."""

    def __init__(
        self,
        database: Database,
        memory: Memory,
        settings: MemorySettings,
        clock: Callable[[], float],
        stop: Callable[[int], object],
    ) -> None:
        """``stop`` ends what is being written for a person."""
        self._database = database
        self._memory = memory
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._unwiped = asyncio.Event()

    async def export(self, person_id: int, locale: str) -> Export:
        """Everything about one person, in every server."""
        await self._memory.save_all_postponed()
        held = await self._database.privacy.export(person_id)
        made = dt.datetime.fromtimestamp(self._clock(), dt.UTC).isoformat(timespec="seconds")
        # It may be long: meanwhile others are answered.
        return await asyncio.to_thread(_exported, held, person_id, made, Words.of(locale))

    async def forget(self, person_id: int) -> Forgotten:
        """Remove everything about one person, in every server, and wipe it from the files.

        What is being written for them is stopped, and is not remembered.
        """
        self._stop(person_id)
        forgotten = await self._database.privacy.forget(person_id, today=day_of(self._clock()))
        # Only now: had the store failed, what it has yet to save would be lost and not forgotten.
        self._memory.drop_postponed(person_id=person_id)
        if forgotten.remains is Remains.SOON:
            self._unwiped.set()
        return forgotten

    async def wipe(self) -> None:
        """For ever: what a forget had to leave in the files is wiped once no reader is in the way.

        Never raises.
        """
        while True:
            await self._unwiped.wait()
            if await self._database.privacy.erase() is Remains.SOON:
                await asyncio.sleep(WIPE_EVERY_S)
            else:
                self._unwiped.clear()

    async def retain(self) -> int:
        """Forget what is older than the settings allow; a server may be stricter. How many rows."""
        now_s = self._clock()
        gone = 0
        if self._settings.retention_days:
            gone += await self._database.turns.expire(now_s - self._settings.retention_days * DAY_S)
        for guild in await self._database.guilds.all():
            if guild.retention_days:
                gone += await self._database.turns.expire(
                    now_s - guild.retention_days * DAY_S, guild.guild_id
                )
        gone += await self._database.audit.expire(now_s - self._settings.audit_days * DAY_S)
        gone += await self._database.quotas.expire(
            day_of(now_s - self._settings.usage_days * DAY_S)
        )
        # When sessions began and ended is usage, too.
        gone += await self._database.lobby.prune(now_s - self._settings.usage_days * DAY_S)
        if gone:
            await self._database.privacy.erase()
        return gone


def _exported(
    held: dict[str, list[dict[str, Any]]], person_id: int, made: str, words: Words
) -> Export:
    tables = {name: [_tidy(row) for row in rows] for name, rows in sorted(held.items(), key=_order)}
    machine = {"person_id": str(person_id), "made": made, "held": tables}
    return Export(
        machine=json.dumps(machine, ensure_ascii=False, indent=1).encode(),
        readable=_readable(tables, made, words).encode(),
        rows=sum(map(len, tables.values())),
    )


def _order(item: tuple[str, object]) -> tuple[int, str]:
    name = item[0]
    known = list(HEADINGS)
    return (known.index(name) if name in known else len(known), name)


def _tidy(row: dict[str, Any]) -> dict[str, Any]:
    """A row as people and other programs read it."""
    tidy: dict[str, Any] = {}
    for name, value in row.items():
        if name in _INTERNAL:
            continue
        if name.endswith("_id") and isinstance(value, int):
            # A stand-in for a forgotten person says nothing to anybody.
            tidy[name] = str(value) if value >= 0 else "forgotten"
        elif name in _MOMENTS and isinstance(value, (int, float)):
            moment = dt.datetime.fromtimestamp(value, dt.UTC)
            tidy[name.removesuffix("_s")] = moment.isoformat(timespec="seconds") if value else None
        else:
            tidy[name] = value
    return tidy


def _readable(tables: dict[str, list[dict[str, Any]]], made: str, words: Words) -> str:
    lines = [words(TITLE), made, ""]
    if not tables:
        lines.append(words(NOTHING))
    for name, rows in tables.items():
        heading = words(HEADINGS[name]) if name in HEADINGS else name
        lines += [f"== {heading} ==", ""]
        for row in rows:
            lines += [*(_turn(row, words) if name == "turns" else _fields(row, words)), ""]
    return "\n".join(lines)


def _turn(row: dict[str, Any], words: Words) -> Iterable[str]:
    yield f"{row['at']} ({_place(row, words)})"
    yield f"{words(YOU)}: {row['asked']}"
    yield f"{words(PARLEY)}: {row['answered']}"


def _fields(row: dict[str, Any], words: Words) -> Iterable[str]:
    for name, value in row.items():
        if name == "guild_id":
            yield f"  {_place(row, words)}"
        elif name != "person_id" and value not in (None, ""):
            yield f"  {name}: {value}"


def _place(row: dict[str, Any], words: Words) -> str:
    guild = row["guild_id"]
    return words(DIRECT_MESSAGES) if guild == str(DIRECT) else words(SERVER, guild=guild)
