"""What must always be true of the lobby, counted from its audit trail alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lobby.records import Deed, Place, Stage, TrailLine


@dataclass
class Count:
    """The lobby as the audit trail tells it."""

    slots: int
    line: dict[int, int] = field(default_factory=dict)
    """``{person: ticket}`` of those who wait."""
    slotted: dict[int, int] = field(default_factory=dict)
    """``{person: ticket}`` of those with a slot: called, or in a session."""
    sessions: set[int] = field(default_factory=set)
    most: int = 0
    admitted: int = 0
    released: int = 0
    last_ticket: int = 0

    def read(self, lines: Iterable[TrailLine]) -> Count:
        """Follow the trail. Fails where it tells of something that must never happen."""
        for line in lines:
            self._follow(line)
        return self

    def _follow(self, line: TrailLine) -> None:
        person = line.person_id
        match line.deed:
            case Deed.QUEUED:
                assert person not in self.line and person not in self.slotted, (
                    f"{person} is in the lobby twice"
                )
                assert line.ticket > self.last_ticket, "tickets must rise"
                self.last_ticket = line.ticket
                self.line[person] = line.ticket
            case Deed.CALLED:
                self.slotted[person] = self.line.pop(person)
            case Deed.ADMITTED:
                if person in self.line:
                    self.slotted[person] = self.line.pop(person)
                assert person in self.slotted, f"{person} was admitted out of nowhere"
                assert person not in self.sessions, f"{person} was admitted twice"
                self.sessions.add(person)
                self.admitted += 1
            case Deed.MOVED:
                assert person in self.sessions, f"{person} moved a session they do not have"
            case Deed.RELEASED:
                assert person in self.slotted, f"{person} was released twice"
                ticket = self.slotted.pop(person)
                if person in self.sessions:
                    self.sessions.discard(person)
                    self.released += 1
                elif line.why in ("other_channel", "away"):
                    self.line[person] = ticket  # called, could not come in: place kept
            case Deed.LEFT_LINE:
                assert person in self.line, f"{person} left a line they were not in"
                del self.line[person]
        if person in self.slotted:
            assert self.slotted[person] == line.ticket, "a ticket changed hands"
        self.most = max(self.most, len(self.slotted))
        assert len(self.slotted) <= self.slots, f"{len(self.slotted)} slots in use"

    def agrees_with(self, places: Mapping[int, Place]) -> None:
        """Nobody is lost: the trail and the books tell of the same people."""
        waiting = {p.person_id: p.ticket for p in places.values() if p.stage is Stage.WAITING}
        slotted = {p.person_id: p.ticket for p in places.values() if p.stage is not Stage.WAITING}
        assert self.line == waiting
        assert self.slotted == slotted
        held = {p.person_id for p in places.values() if p.stage in (Stage.HELD, Stage.GRACE)}
        assert self.sessions == held
        assert self.admitted == self.released + len(held), "an admission was not released once"
