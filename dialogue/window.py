"""The transcript window: what of a memory goes to the model with the next message. Pure.

Two rules. Everything that is sent (system prompt, summary, turns, message, and what each message
costs beside its text) counts against one budget, and the budget holds. When something has to leave,
the oldest turn leaves first; a turn that is over the budget alone leaves with all that is older.

Pinned turns stay while others leave. Pictures are not counted: they are not text, and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dialogue.tokens import MESSAGE_OVERHEAD, REPLY_OVERHEAD, TURN_OVERHEAD
from storage.records import Summary, Turn


class Counter(Protocol):
    """What the window needs of a :class:`dialogue.tokens.TokenCounter`."""

    name: str

    def count(self, text: str) -> int: ...

    def head(self, text: str, tokens: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Window:
    """What is sent, and what was left out."""

    system: str = field(repr=False)
    summary: Summary | None
    turns: tuple[Turn, ...]
    """Oldest first, pinned ones in their place."""
    message: str = field(repr=False)
    name: str = field(repr=False)
    tokens: int
    budget_tokens: int
    trimmed: tuple[Turn, ...]
    """Of the turns offered, those left out; oldest first."""
    since_id: int
    """Oldest turn that is in for being recent; past the newest when none is; 0 without history."""
    message_cut: bool


def system_limit(budget_tokens: int) -> int:
    """Longest system prompt, in tokens: it may fill half of the budget."""
    return budget_tokens // 2 - MESSAGE_OVERHEAD


def pin_limit(budget_tokens: int) -> int:
    """How many tokens may be pinned: half of the budget, so that there is room to talk."""
    return budget_tokens // 2


def turn_tokens(turn: Turn, counter: Counter) -> int:
    """What a turn costs. Counted when it was saved; again if with another vocabulary."""
    if turn.encoding == counter.name:
        return turn.tokens + TURN_OVERHEAD
    return counter.count(turn.asked) + counter.count(turn.answered) + TURN_OVERHEAD


def fit(
    *,
    system: str,
    message: str,
    turns: Sequence[Turn] = (),
    pinned: Sequence[Turn] = (),
    summary: Summary | None = None,
    name: str = "",
    budget_tokens: int,
    counter: Counter,
) -> Window:
    """Fit a memory into ``budget_tokens``. ``turns`` and ``pinned`` are oldest first."""
    system = counter.head(system, system_limit(budget_tokens))
    tokens = REPLY_OVERHEAD + counter.count(system) + MESSAGE_OVERHEAD
    tokens += MESSAGE_OVERHEAD + (counter.count(name) + 1 if name else 0)
    asked = counter.head(message, budget_tokens - tokens)
    tokens += counter.count(asked)

    stays: dict[int, Turn] = {}
    for turn in reversed(pinned):
        cost = turn_tokens(turn, counter)
        if tokens + cost > budget_tokens:
            break
        tokens += cost
        stays[turn.id] = turn
    if summary is not None:
        cost = _summary_tokens(summary, counter) + MESSAGE_OVERHEAD
        if tokens + cost <= budget_tokens:
            tokens += cost
        else:
            summary = None
    since_id = turns[-1].id + 1 if turns else 0
    for turn in reversed(turns):
        cost = 0 if turn.id in stays else turn_tokens(turn, counter)
        if tokens + cost > budget_tokens:
            break
        tokens += cost
        stays[turn.id] = turn
        since_id = turn.id
    return Window(
        system=system,
        summary=summary,
        turns=tuple(stays[turn_id] for turn_id in sorted(stays)),
        message=asked,
        name=name,
        tokens=tokens,
        budget_tokens=budget_tokens,
        trimmed=tuple(turn for turn in turns if turn.id not in stays),
        since_id=since_id,
        message_cut=asked != message,
    )


def newly_left(window: Window, turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns that were in the window of the newest turn and are not in this one."""
    if not turns:
        return ()
    before = turns[-1].since_id
    return tuple(turn for turn in window.trimmed if turn.id >= before)


def _summary_tokens(summary: Summary, counter: Counter) -> int:
    same = summary.encoding == counter.name
    return summary.tokens if same else counter.count(summary.text)
