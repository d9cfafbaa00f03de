"""What Parley remembers of its talk with each person, and what they can see and change of it.

One memory for each person and server; direct messages apart. A turn is saved once, as what was
seen. If the store is busy or full at that moment the turn waits here, is part of the window all the
same, and is saved with the next message or when Parley ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from dialogue.errors import NothingToUndo, PinsFull, TurnGone
from dialogue.settings import MemorySettings
from dialogue.tokens import REPLY_OVERHEAD, TURN_OVERHEAD
from dialogue.window import Counter, Window, fit, newly_left, pin_limit, turn_tokens
from storage.database import Database
from storage.errors import StorageError
from storage.records import NewTurn, Recent, Summary, Turn

POSTPONED_MOST = 20
"""Unsaved turns kept for one memory while the store is away; older ones leave."""


class Saved(Enum):
    """What became of a turn."""

    SAVED = auto()
    POSTPONED = auto()
    """The store is away; it is kept here until it is back."""
    FORGOTTEN = auto()
    """The memory was cleared while the answer was being written."""
    NOTHING = auto()
    """Nothing was seen, so there is nothing to remember."""


@dataclass(frozen=True, slots=True)
class Look:
    """A window, and what saving its answer will need."""

    window: Window
    epoch: int
    left: tuple[Turn, ...]
    """Turns that left the window just now, with this message."""
    summary_upto: int
    newest_id: int
    """Of the saved turns; those after it in the window are still to be saved."""
    clears: int
    """How often a channel had been cleared by then."""


@dataclass(frozen=True, slots=True)
class MemoryView:
    """A memory as its owner sees it."""

    budget_tokens: int
    used_tokens: int
    """System prompt, summary and kept turns; what a next message would find taken."""
    system_tokens: int
    kept: tuple[Turn, ...]
    """Oldest first; pinned ones among them. One that is still to be saved has ``id`` 0."""
    kept_tokens: int
    summary: Summary | None
    trimmed_turns: int
    """Remembered, but too old to fit; pinned turns are never among them while they fit."""
    trimmed_tokens: int

    @property
    def gauge(self) -> float:
        """How full it is, 0 to 1."""
        return min(self.used_tokens / self.budget_tokens, 1.0)


@dataclass(frozen=True, slots=True)
class _Postponed:
    """A turn that the store would not take yet."""

    turn: NewTurn
    epoch: int
    replaces: int | None


class Memory:
    """Raises ``StorageError`` everywhere, except where it says otherwise."""

    def __init__(
        self,
        database: Database,
        settings: MemorySettings,
        counter: Counter,
        clock: Callable[[], float],
    ) -> None:
        self._turns = database.turns
        self._settings = settings
        self._counter = counter
        self._clock = clock
        self._postponed: dict[tuple[int, int], list[_Postponed]] = {}
        self._clears = 0
        self._cleared: dict[tuple[int, int], int] = {}  # channel to the number of its last clear

    # -- with every message ------------------------------------------------------------------

    async def catch_up(self, person_id: int, guild_id: int) -> None:
        """Save what could not be saved before. Never raises; call it before :meth:`look`."""
        waiting = self._postponed.get((person_id, guild_id))
        while waiting:
            first = waiting.pop(0)  # before the await, so that nobody else saves it too
            try:
                await self.save(first.turn, epoch=first.epoch, replaces=first.replaces)
            except StorageError:
                waiting.insert(0, first)
                return
        self._postponed.pop((person_id, guild_id), None)

    async def look(
        self,
        person_id: int,
        guild_id: int,
        *,
        system: str,
        message: str,
        name: str = "",
        before_id: int | None = None,
        summary: bool = False,
    ) -> Look:
        """The window for a message; of turns before ``before_id`` when one is answered again."""
        recent = await self._turns.recent(
            person_id,
            guild_id,
            budget_tokens=self._settings.budget_tokens,
            turn_tokens=TURN_OVERHEAD,
            before_id=before_id,
        )
        turns = recent.turns + (() if before_id else self._waiting(person_id, guild_id, recent))
        window = self._fit(system, turns, recent, message=message, name=name, summary=summary)
        return Look(
            window=window,
            epoch=recent.epoch,
            left=newly_left(window, turns),
            summary_upto=recent.summary.upto_id if recent.summary else 0,
            newest_id=recent.turns[-1].id if recent.turns else 0,
            clears=self._clears,
        )

    async def save(
        self, turn: NewTurn, *, epoch: int, replaces: int | None = None, look: Look | None = None
    ) -> tuple[Saved, int]:
        """Save a turn, in the place of another if it ``replaces`` one; its number, or 0.

        With the ``look`` it was answered from, a clear of its channel since then is seen, too: the
        epoch tells of that only where more was said there before.
        """
        if not turn.answered:
            return Saved.NOTHING, 0
        cleared = self._cleared.get((turn.guild_id, turn.channel_id), 0)
        if look is not None and cleared > look.clears:
            return Saved.FORGOTTEN, 0
        if replaces is not None:
            saved = await self._turns.replace(replaces, turn, epoch=epoch)
        else:
            saved = await self._turns.save(turn, epoch=epoch)
        return (Saved.FORGOTTEN, 0) if saved is None else (Saved.SAVED, saved.id)

    def postpone(self, turn: NewTurn, epoch: int, replaces: int | None = None) -> Saved:
        """Keep a turn that the store would not take, until it does. Never raises."""
        if not turn.answered:
            return Saved.NOTHING
        waiting = self._postponed.setdefault((turn.person_id, turn.guild_id), [])
        waiting.append(_Postponed(turn, epoch, replaces))
        del waiting[:-POSTPONED_MOST]
        return Saved.POSTPONED

    async def save_all_postponed(self) -> int:
        """Try once more, as when Parley ends. How many turns are still unsaved; never raises."""
        for person_id, guild_id in list(self._postponed):
            await self.catch_up(person_id, guild_id)
        return sum(len(waiting) for waiting in self._postponed.values())

    # -- what its owner sees and does --------------------------------------------------------

    async def show(
        self, person_id: int, guild_id: int, *, system: str, summary: bool = False
    ) -> MemoryView:
        """The gauge, what is kept and what was trimmed, if a message came now."""
        await self.catch_up(person_id, guild_id)
        look = await self.look(person_id, guild_id, system=system, message="", summary=summary)
        totals = await self._turns.totals(person_id, guild_id)
        saved = [turn for turn in look.window.turns if turn.id <= look.newest_id]
        unsaved = look.window.turns[len(saved) :]
        kept = (*saved, *(replace(turn, id=0) for turn in unsaved))
        kept_tokens = sum(turn_tokens(turn, self._counter) for turn in kept)
        return MemoryView(
            budget_tokens=self._settings.budget_tokens,
            used_tokens=look.window.tokens,
            system_tokens=self._counter.count(look.window.system) + REPLY_OVERHEAD,
            kept=kept,
            kept_tokens=kept_tokens,
            summary=look.window.summary,
            trimmed_turns=totals.turns - len(saved),
            trimmed_tokens=max(totals.tokens - sum(turn.tokens for turn in saved), 0),
        )

    async def undo(self, person_id: int, guild_id: int) -> Turn:
        """Take the newest turn back and return it. Raises ``NothingToUndo``."""
        await self.catch_up(person_id, guild_id)
        waiting = self._postponed.get((person_id, guild_id), [])
        if waiting and waiting[-1].replaces is None:
            return _unsaved(waiting.pop().turn)
        gone = await self._turns.undo(person_id, guild_id)
        if gone is None:
            raise NothingToUndo
        return gone

    async def turn(self, person_id: int, guild_id: int, turn_id: int) -> Turn:
        """One turn of this person's. Raises ``TurnGone``."""
        found = await self._turns.get(person_id, guild_id, turn_id)
        if found is None:
            raise TurnGone
        return found

    async def pin(self, person_id: int, guild_id: int, turn_id: int, pinned: bool = True) -> Turn:
        """Keep a turn in the window while others leave. Raises ``TurnGone``, ``PinsFull``."""
        turn = await self.turn(person_id, guild_id, turn_id)
        if pinned and not turn.pinned:
            recent = await self._turns.recent(person_id, guild_id, budget_tokens=0)
            tokens = sum(turn_tokens(each, self._counter) for each in (*recent.pinned, turn))
            if tokens > pin_limit(self._settings.budget_tokens):
                raise PinsFull
        if not await self._turns.pin(person_id, guild_id, turn_id, pinned):
            raise TurnGone
        return replace(turn, pinned=pinned)

    async def clear(self, person_id: int, guild_id: int) -> int:
        """Forget this memory; the persona and preferences stay. How many turns."""
        gone = await self._turns.clear(person_id, guild_id)
        waiting = self._postponed.pop((person_id, guild_id), [])
        return gone + sum(each.replaces is None for each in waiting)

    def channel_cleared(self, guild_id: int, channel_id: int) -> None:
        """What is being answered there now is not saved afterwards."""
        self._clears += 1
        self._cleared[guild_id, channel_id] = self._clears

    def drop_postponed(
        self,
        *,
        person_id: int | None = None,
        guild_id: int | None = None,
        channel_id: int | None = None,
    ) -> None:
        """Forget the unsaved turns that match all that is given."""
        for (person, guild), waiting in self._postponed.items():
            if person_id in (None, person) and guild_id in (None, guild):
                waiting[:] = [
                    each
                    for each in waiting
                    if channel_id is not None and each.turn.channel_id != channel_id
                ]

    # -- inside ------------------------------------------------------------------------------

    def _fit(
        self,
        system: str,
        turns: tuple[Turn, ...],
        recent: Recent,
        *,
        message: str,
        name: str,
        summary: bool,
    ) -> Window:
        return fit(
            system=system,
            message=message,
            name=name,
            turns=turns,
            pinned=recent.pinned,
            summary=recent.summary if summary else None,
            budget_tokens=self._settings.budget_tokens,
            counter=self._counter,
        )

    def _waiting(self, person_id: int, guild_id: int, recent: Recent) -> tuple[Turn, ...]:
        """Unsaved turns, numbered after the saved ones so that the window can order them.

        One that takes another's place is not among them: that other one still stands for it.
        """
        newest = recent.turns[-1].id if recent.turns else 0
        return tuple(
            replace(_unsaved(each.turn), id=newest + place)
            for place, each in enumerate(self._postponed.get((person_id, guild_id), ()), start=1)
            if each.epoch == recent.epoch and each.replaces is None
        )


def _unsaved(turn: NewTurn) -> Turn:
    return Turn(
        id=0,
        person_id=turn.person_id,
        guild_id=turn.guild_id,
        channel_id=turn.channel_id,
        asked=turn.asked,
        answered=turn.answered,
        asked_tokens=turn.asked_tokens,
        answered_tokens=turn.answered_tokens,
        encoding=turn.encoding,
        complete=turn.complete,
        pinned=False,
        at_s=turn.at_s,
        since_id=turn.since_id,
    )
