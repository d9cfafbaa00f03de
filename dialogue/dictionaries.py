"""How words are spoken: entries of a person, a persona, a server, and of all of Parley.

A person's own entry wins over their persona's, that over the server's, that over the global one;
``speech`` applies them. Files are CSV with two columns, word and spoken; a header line is optional.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from dialogue.errors import BadDictionaryFile, BadEntry, DictionaryFull, FileTooLarge
from dialogue.plain import plain
from storage.database import Database
from storage.records import Persona, Pronunciation, Scope

TERM_CHARACTERS = 64
SPOKEN_CHARACTERS = 100
ENTRIES_MOST = {Scope.PERSON: 200, Scope.PERSONA: 200, Scope.GUILD: 1000, Scope.GLOBAL: 5000}
FILE_BYTES = 512 * 1024
CHECKED_AT_ONCE = 100
"""Entries that are checked together, so that a long file costs few requests."""
HEADER = ("word", "spoken")

# A spreadsheet would run a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True, slots=True)
class Levels:
    """Term to spoken, by level, as ``speech.dictionary.Dictionary`` takes them."""

    user: dict[str, str]
    """One's own, and under them those of the persona."""
    server: dict[str, str]
    world: dict[str, str]


class Dictionaries:
    """``scope_id`` is a person, a persona, a guild, or 0. Every method raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._store = database.pronunciations

    async def add(self, scope: Scope, scope_id: int, term: str, spoken: str) -> Pronunciation:
        """Add or change an entry. Raises ``BadEntry``, ``DictionaryFull``."""
        entry = _checked(scope, scope_id, term, spoken)
        (entry,) = await self._room(scope, scope_id, [entry])
        await self._store.save([entry])
        return entry

    async def remove(self, scope: Scope, scope_id: int, term: str) -> bool:
        """Whether there was such an entry; its case and width do not matter, as when speaking."""
        there = await self._there(scope, scope_id)
        written = there.get(_key(_bare(term)))
        return written is not None and await self._store.remove(scope, scope_id, written)

    async def list(self, scope: Scope, scope_id: int) -> tuple[Pronunciation, ...]:
        """By term."""
        return await self._store.list((scope, scope_id))

    async def active(self, person_id: int, guild_id: int, persona: Persona | None = None) -> Levels:
        """What holds for this person here."""
        owners = [(Scope.PERSON, person_id), (Scope.GLOBAL, 0)]
        if persona is not None:
            owners.append((Scope.PERSONA, persona.id))
        if guild_id:
            owners.append((Scope.GUILD, guild_id))
        by_scope: dict[Scope, dict[str, str]] = {scope: {} for scope in Scope}
        for entry in await self._store.list(*owners):
            by_scope[entry.scope][entry.term] = entry.spoken
        return Levels(
            user=by_scope[Scope.PERSONA] | by_scope[Scope.PERSON],
            server=by_scope[Scope.GUILD],
            world=by_scope[Scope.GLOBAL],
        )

    async def import_csv(
        self,
        scope: Scope,
        scope_id: int,
        data: bytes,
        check: Callable[[str], Awaitable[None]] | None = None,
    ) -> int:
        """Add every line of a file, or none. How many.

        ``check`` is given what is to be spoken, many lines at once, and raises where that is
        refused. Raises that, ``FileTooLarge``, ``BadDictionaryFile`` with the line,
        ``DictionaryFull``.
        """
        if len(data) > FILE_BYTES:
            raise FileTooLarge(limit=round(FILE_BYTES / 2**20, 1))
        read = {_key(entry.term): entry for entry in _read(scope, scope_id, data)}
        entries = await self._room(scope, scope_id, read.values())
        if check is not None:
            spoken = [entry.spoken for entry in entries]
            for start in range(0, len(spoken), CHECKED_AT_ONCE):
                await check("\n".join(spoken[start : start + CHECKED_AT_ONCE]))
        await self._store.save(entries)
        return len(entries)

    async def export_csv(self, scope: Scope, scope_id: int) -> bytes:
        """The whole dictionary, as :meth:`import_csv` reads it."""
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow(HEADER)
        for entry in await self.list(scope, scope_id):
            writer.writerow((_safe(entry.term), _safe(entry.spoken)))
        # The mark is what spreadsheets need to read UTF-8.
        return "\ufeff".encode() + written.getvalue().encode()

    async def _room(
        self, scope: Scope, scope_id: int, entries: Iterable[Pronunciation]
    ) -> tuple[Pronunciation, ...]:
        """The entries, each in the place of one for the same word. Raises ``DictionaryFull``."""
        there = await self._there(scope, scope_id)
        placed = tuple(
            replace(entry, term=there.get(_key(entry.term), entry.term)) for entry in entries
        )
        most = ENTRIES_MOST[scope]
        if len(set(there.values()) | {entry.term for entry in placed}) > most:
            raise DictionaryFull(limit=most)
        return placed

    async def _there(self, scope: Scope, scope_id: int) -> dict[str, str]:
        """How each word of a dictionary is written in it."""
        return {_key(entry.term): entry.term for entry in await self.list(scope, scope_id)}


def _read(scope: Scope, scope_id: int, data: bytes) -> Iterable[Pronunciation]:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDictionaryFile(line=data[: error.start].count(b"\n") + 1) from None
    first = text.partition("\n")[0]
    # Spreadsheets of half the world write ; and their "Unicode text" has tabs.
    divider = next((mark for mark in (",", "\t", ";") if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider)
    try:
        for row in reader:
            if not row or tuple(cell.strip().casefold() for cell in row) == HEADER:
                continue
            if len(row) != 2:
                raise BadDictionaryFile(line=reader.line_num)
            try:
                yield _checked(scope, scope_id, *map(_unsafe, row))
            except BadEntry:
                raise BadDictionaryFile(line=reader.line_num) from None
    except csv.Error:
        raise BadDictionaryFile(line=reader.line_num) from None


def _checked(scope: Scope, scope_id: int, term: str, spoken: str) -> Pronunciation:
    term, spoken = _bare(term), _bare(spoken)
    if not (0 < len(term) <= TERM_CHARACTERS and 0 < len(spoken) <= SPOKEN_CHARACTERS):
        raise BadEntry
    return Pronunciation(scope, scope_id, term, spoken)


def _bare(text: str) -> str:
    return " ".join(plain(text).split())


def _key(term: str) -> str:
    """What makes two terms the same word for speech."""
    return unicodedata.normalize("NFKC", term).casefold()


def _safe(cell: str) -> str:
    """A cell that no spreadsheet runs; ``'=`` itself gets one more quote, so that it comes back."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def _unsafe(cell: str) -> str:
    bare = cell.lstrip("'")
    return cell[1:] if bare != cell and bare.startswith(_FORMULA) else cell
