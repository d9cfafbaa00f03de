"""The books, open for writing in one transaction: look-ups and single steps. Pure.

What may happen when is decided in ``lobby/rules.py``; here is only how a step is written down so
that nothing is forgotten: every slot that is given or taken leaves a line in the audit trail, and
whoever loses something is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lobby.records import (
    Books,
    Connect,
    Deed,
    Disconnect,
    Effect,
    HoldUp,
    Move,
    Notice,
    NoticeKind,
    Place,
    Process,
    Refusal,
    Refuse,
    Room,
    ServerRules,
    Silence,
    Stage,
    Tell,
    TrailLine,
    Why,
)
from lobby.settings import LobbySettings

SESSION = (Stage.HELD, Stage.GRACE)


class Hall:
    """Everybody in the lobby. ``process`` is the one that decides in this transaction."""

    def __init__(self, settings: LobbySettings, books: Books, process: str) -> None:
        self.settings = settings
        self.process = process
        self.places = dict(books.places)
        self.rooms = dict(books.rooms)
        self.processes = dict(books.processes)
        self.rules = dict(books.rules)
        self.next_ticket = books.next_ticket
        self.owners = {room.guild_id: room.process for room in books.rooms.values()}
        """Who performs the effects of each server, also of servers that have no room any more."""
        self._now_s = books.seen_s + books.skew_s
        self._asker = 0
        self._effects: list[Effect] = []

    def books(self, version: int, seen_s: float, skew_s: float) -> Books:
        """As they are now, to be saved."""
        return Books(
            self.places,
            self.rooms,
            self.processes,
            self.rules,
            self.next_ticket,
            version,
            seen_s,
            skew_s,
        )

    # --- look-ups --------------------------------------------------------------------------------

    def line(self) -> list[Place]:
        """Everybody who waits, in order. Each server's tickets go to its priority members first."""
        waiting = sorted(self.staged(Stage.WAITING), key=lambda place: place.ticket)
        ranked: dict[int, list[Place]] = {}
        for place in sorted(waiting, key=lambda place: (not place.priority, place.ticket)):
            ranked.setdefault(place.guild_id, []).append(place)
        turns = {guild_id: iter(places) for guild_id, places in ranked.items()}
        return [next(turns[place.guild_id]) for place in waiting]

    def position(self, person_id: int) -> int:
        """Their place in the line, from 1; 0 outside of it."""
        ids = [place.person_id for place in self.line()]
        return ids.index(person_id) + 1 if person_id in ids else 0

    def staged(self, *stages: Stage) -> list[Place]:
        """Everybody in one of these stages."""
        return [place for place in self.places.values() if place.stage in stages]

    def of(self, guild_id: int, *stages: Stage) -> list[Place]:
        """Everybody of one server, or those of them in one of these stages."""
        return [
            place
            for place in self.places.values()
            if place.guild_id == guild_id and (not stages or place.stage in stages)
        ]

    def here(self, person_id: int, guild_id: int) -> list[Place]:
        """Their place, if it is in this server."""
        place = self.places.get(person_id)
        return [place] if place is not None and place.guild_id == guild_id else []

    def slots_used(self) -> int:
        return len(self.staged(Stage.CALLED, *SESSION))

    def connections(self) -> dict[int, int]:
        """``{guild_id: channel_id}`` where Parley is, or is about to be, connected."""
        return {place.guild_id: place.channel_id for place in self.staged(*SESSION)}

    def anchor(self, guild_id: int, without: int = 0) -> int:
        """The channel that this server's voice is bound to, apart from one person; 0 for free."""
        others = [place for place in self.of(guild_id) if place.person_id != without]
        for place in others:
            if place.stage in SESSION:
                return place.channel_id
        called = [each for each in others if each.stage is Stage.CALLED and each.channel_id]
        return min(called, key=lambda place: place.ticket).channel_id if called else 0

    def up(self, guild_id: int) -> bool:
        """Whether the process that serves this server is there and sees Discord."""
        room = self.rooms.get(guild_id)
        return room is not None and self.process_up(room.process)

    def process_up(self, name: str) -> bool:
        process = self.processes.get(name)
        return process is not None and not process.down_s and self._now_s < process.gone_s

    def blind_since_s(self, process: Process) -> float:
        """Since when a process has not seen Discord; of a killed one, when it was last heard."""
        return process.down_s or process.gone_s - self.settings.lease_s

    def seat_free(self, guild_id: int, priority: bool) -> bool:
        """Whether this server's own limits allow one more session."""
        rules = self.rules.get(guild_id)
        if rules is None or not (rules.seats or rules.reserved):
            return True
        seats = rules.seats or self.settings.slots
        taken = self.of(guild_id, Stage.CALLED, *SESSION)
        ordinary = sum(not place.priority for place in taken)
        return len(taken) < seats and (priority or ordinary < seats - rules.reserved)

    def barred(self, guild_id: int, channel_id: int) -> bool:
        """Whether this channel failed a moment ago."""
        room = self.rooms[guild_id]
        return (
            bool(channel_id) and channel_id == room.barred_id and self._now_s < room.barred_until_s
        )

    def hold_up(self, place: Place) -> HoldUp | None:
        """What keeps this waiting person from using a free slot now."""
        if not self.up(place.guild_id):
            return HoldUp.AWAY
        if not self.seat_free(place.guild_id, place.priority):
            return HoldUp.SERVER_FULL
        if self.barred(place.guild_id, place.present_id):
            return HoldUp.BARRED
        if place.present_id and self.anchor(place.guild_id) not in (0, place.present_id):
            return HoldUp.CHANNEL
        return None

    def idle_s(self, guild_id: int) -> float:
        rules = self.rules.get(guild_id)
        return rules.idle_s if rules and rules.idle_s else self.settings.idle_s

    def idle_alarms(self, place: Place) -> tuple[float, float]:
        """When to warn, and when to release, the holder of a session.

        Nobody is released without having been warned, and given the time to react.
        """
        idle_s = self.idle_s(place.guild_id)
        warning_s = min(self.settings.warning_s, idle_s / 2)
        warn_at_s = place.active_s + idle_s - warning_s
        return warn_at_s, max(place.active_s + idle_s, (place.warned_s or warn_at_s) + warning_s)

    def next_alarm_s(self) -> float | None:
        """When time alone will next change something that the deciding process must see to."""
        alarms: list[float] = []
        for place in self.places.values():
            room = self.rooms[place.guild_id]
            if room.process != self.process or not self.up(place.guild_id):
                continue
            if place.stage in (Stage.CALLED, Stage.GRACE):
                alarms.append(place.deadline_s)
            elif place.stage is Stage.HELD:
                alarms.append(self.idle_alarms(place)[bool(place.warned_s)])
            elif room.barred_until_s > self._now_s:
                alarms.append(room.barred_until_s)
        for process in self.processes.values():
            if process.name != self.process or process.down_s:
                gone = process.gone_s <= self._now_s
                alarms.append(process.gone_s + gone * self.settings.line_keep_s)
        return min(alarms, default=None)

    # --- single steps ----------------------------------------------------------------------------

    def put(self, place: Place, **changes: Any) -> Place:
        """Write a place down, changed."""
        self.places[place.person_id] = changed = replace(place, **changes)
        return changed

    def later(self, place: Place, by_s: float) -> Place:
        """Their times stood still while nobody could see them."""
        return self.put(
            place,
            active_s=place.active_s + by_s,
            warned_s=place.warned_s and place.warned_s + by_s,
            deadline_s=place.deadline_s and place.deadline_s + by_s,
        )

    def room(self, guild_id: int, *, process: str) -> Room:
        """This server, served by ``process``."""
        room = self.rooms.get(guild_id) or Room(guild_id, process, False, 0, 0.0)
        self.rooms[guild_id] = room = replace(room, process=process)
        self.owners[guild_id] = process
        return room

    def seat(self, place: Place, why: Why) -> None:
        """Their session begins, in the channel they are in."""
        seated = self.put(
            place,
            stage=Stage.HELD,
            channel_id=place.present_id,
            since_s=self._now_s,
            active_s=self._now_s,
            warned_s=0.0,
            deadline_s=0.0,
        )
        self.record(seated, Deed.ADMITTED, why)
        if place.person_id != self._asker:
            self.tell(seated, NoticeKind.STARTED)

    def call(self, place: Place) -> None:
        """Keep a slot for them, and ask them to come."""
        wanted_id = 0 if self.barred(place.guild_id, place.channel_id) else place.channel_id
        called = self.put(
            place,
            stage=Stage.CALLED,
            channel_id=self.anchor(place.guild_id) or wanted_id,
            since_s=self._now_s,
            deadline_s=self._now_s + self.settings.claim_s,
        )
        self.record(called, Deed.CALLED, Why.TURN)
        if place.person_id != self._asker:
            self.tell(called, NoticeKind.CALLED, ping=True, seconds=self.settings.claim_s)

    def back(self, place: Place, why: Why) -> Place:
        """They were called; their slot is free again, and they have the place they had."""
        self.record(place, Deed.RELEASED, why)
        return self.put(place, stage=Stage.WAITING, since_s=self._now_s, deadline_s=0.0)

    def out(self, place: Place, why: Why, by_id: int = 0) -> None:
        """They are absent from now on, and are told unless they left by themselves."""
        del self.places[place.person_id]
        held_s = max(0.0, self._now_s - place.since_s) if place.stage in SESSION else 0.0
        line = place.stage is Stage.WAITING
        self.record(place, Deed.LEFT_LINE if line else Deed.RELEASED, why, by_id, held_s)
        if place.stage in SESSION:
            self._effects.append(Silence(place.guild_id, place.person_id))
        if why is Why.CLAIM_MISSED:
            self.tell(place, NoticeKind.CLAIM_MISSED)
        elif why is not Why.LEFT:
            ended = place.stage in SESSION
            self.tell(place, NoticeKind.ENDED if ended else NoticeKind.LINE_LOST, why=why)

    def be_where_needed(self, connected: dict[int, int]) -> None:
        """Parley is where the sessions are; ``connected`` is where it was before."""
        wanted = self.connections()
        for guild_id in sorted({*connected, *wanted}):
            old_id, new_id = connected.get(guild_id, 0), wanted.get(guild_id, 0)
            if not new_id:
                self._effects.append(Disconnect(guild_id))
            elif not old_id:
                self._effects.append(Connect(guild_id, new_id))
            elif old_id != new_id:
                self._effects.append(Move(guild_id, new_id))

    def tidy(self) -> None:
        """Forget servers with nobody in the lobby, and rules that rule nothing."""
        inhabited = {place.guild_id for place in self.places.values()}
        self.rooms = {
            guild_id: room
            for guild_id, room in self.rooms.items()
            if guild_id in inhabited or self._now_s < room.barred_until_s
        }
        self.rules = {key: value for key, value in self.rules.items() if value != ServerRules(key)}

    def record(
        self, place: Place, deed: Deed, why: Why, by_id: int = 0, held_s: float = 0.0
    ) -> None:
        self._effects.append(
            TrailLine(
                person_id=place.person_id,
                guild_id=place.guild_id,
                channel_id=place.channel_id,
                deed=deed,
                why=why,
                by_id=by_id,
                ticket=place.ticket,
                at_s=self._now_s,
                held_s=held_s,
                process=self.process,
            )
        )

    def tell(
        self,
        place: Place,
        kind: NoticeKind,
        *,
        ping: bool = False,
        channel_id: int = 0,
        seconds: float = 0.0,
        why: Why | None = None,
        other_id: int = 0,
    ) -> None:
        notice = Notice(
            kind=kind,
            person_id=place.person_id,
            guild_id=place.guild_id,
            channel_id=channel_id or place.channel_id,
            text_channel_id=place.text_channel_id,
            locale=place.locale,
            seconds=seconds,
            why=why,
            other_id=other_id,
        )
        self._effects.append(Tell(notice, ping))

    def refuse(
        self, refusal: Refusal, person_id: int, guild_id: int = 0, channel_id: int = 0
    ) -> None:
        self._effects.append(Refuse(refusal, person_id, guild_id, channel_id))
