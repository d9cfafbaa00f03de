"""What must hold of every single transition of the lobby, worked out in another, simpler way.

``Watched.happens`` applies an event and fails if a slot is given out of order or twice, if Parley
is sent anywhere but where the sessions are, or if somebody is not told what they must be told.
"""

from __future__ import annotations

from collections import Counter

from lobby.hall import SESSION
from lobby.records import (
    Books,
    BotMoved,
    Connect,
    Deed,
    Disconnect,
    Effect,
    Event,
    Heartbeat,
    Join,
    Move,
    NoticeKind,
    Place,
    Ready,
    Refuse,
    SetRules,
    Silence,
    Stage,
    Tell,
    TrailLine,
    Why,
)
from lobby.rules import Lobby
from lobby.settings import LobbySettings
from tests.lobby.invariants import Count

SLOTS = 3


class Watched:
    """The books, and everything that was done with them."""

    def __init__(self) -> None:
        self.settings = LobbySettings(slots=SLOTS, line_most=4)
        self.now_s = 1_000_000.0
        self.books = Books({}, {}, {}, {}, 1, 1, 0.0, 0.0)
        self.count = Count(SLOTS)
        self.sighted: set[str] = set()
        self.connected: dict[int, int] = {}
        """Where Parley is, if every effect was performed once."""
        self.lives = Counter[str]()

    # --- one transition --------------------------------------------------------------------------

    def happens(self, event: Event, process: str = "east") -> list[Effect]:
        """Apply an event, and hold what comes of it against what must be true."""
        known = self.books.processes.get(process)
        if process in self.sighted and (known is None or known.gone_s <= self.now_s):
            life = str(self.lives[process])
            if not isinstance(event, Heartbeat | Ready):  # as lobby/keeper.py does
                self.happens(Heartbeat(process, life), process)
        before = dict(self.books.places)
        lobby = Lobby(self.settings, self.books, process)
        effects = lobby.apply(event, self.now_s)
        self.books = lobby.books(self.books.version + 1, self.now_s, 0.0)
        trail = [each for each in effects if isinstance(each, TrailLine)]
        self.count.read(trail)
        self.performed(effects, event)
        self.told(effects, trail, before, event)
        self.served_in_order(before, trail)
        if not isinstance(event, Ready | SetRules):  # after these an alarm may ring at once
            self.nothing_is_overdue()
        return effects

    def performed(self, effects: list[Effect], event: Event) -> None:
        """Connections are asked for once, and where the sessions are."""
        if isinstance(event, BotMoved) and event.guild_id in self.connected:
            self.connected[event.guild_id] = event.channel_id
        for effect in effects:
            match effect:
                case Connect(guild_id, channel_id):
                    again = isinstance(event, Ready) and guild_id in event.present
                    assert again or guild_id not in self.connected, "connected twice"
                    self.connected[guild_id] = channel_id
                case Move(guild_id, channel_id):
                    assert self.connected[guild_id] != channel_id, "moved to where it was"
                    self.connected[guild_id] = channel_id
                case Disconnect(guild_id):
                    assert guild_id in self.connected, "left twice"
                    del self.connected[guild_id]
        wanted = {
            p.guild_id: p.channel_id for p in self.books.places.values() if p.stage in SESSION
        }
        assert self.connected == wanted
        if isinstance(event, Ready):
            asked = {each.guild_id for each in effects if isinstance(each, Connect)}
            assert wanted.keys() & event.present.keys() <= asked, "not connected again"

    def nothing_is_overdue(self) -> None:
        """Where a process sees to its people, every deadline that passed has had its effect."""
        for place in self.books.places.values():
            if self.up(place.guild_id):
                assert not place.deadline_s or self.now_s < place.deadline_s
                if place.stage is Stage.HELD and self.now_s >= place.active_s + 300:
                    assert place.warned_s, "idle, and not even warned"
                    assert self.now_s < place.warned_s + 60 or self.now_s < place.active_s + 300

    def up(self, server: int) -> bool:
        room = self.books.rooms[server]
        process = self.books.processes.get(room.process)
        return process is not None and not process.down_s and self.now_s < process.gone_s

    def told(
        self,
        effects: list[Effect],
        trail: list[TrailLine],
        before: dict[int, Place],
        event: Event,
    ) -> None:
        """Whoever loses or gets something hears of it, once."""
        told = Counter(
            (each.notice.person_id, each.notice.kind) for each in effects if isinstance(each, Tell)
        )
        assert all(n == 1 for n in told.values()), "told twice"
        assert sum(isinstance(each, Refuse) for each in effects) <= 1
        asker = event.person_id if isinstance(event, Join) else 0
        silenced = Counter(each.person_id for each in effects if isinstance(each, Silence))
        for line in trail:
            person = line.person_id
            match line.deed:
                case Deed.ADMITTED:
                    assert told[person, NoticeKind.STARTED] == (person != asker)
                case Deed.RELEASED if person in before and before[person].stage in SESSION:
                    assert silenced[person] == 1
                    assert told[person, NoticeKind.ENDED] == (line.why != Why.LEFT)
                case Deed.LEFT_LINE:
                    assert told[person, NoticeKind.LINE_LOST] == (line.why != Why.LEFT)
        for each in effects:
            if isinstance(each, Tell) and each.notice.kind is NoticeKind.CALLED:
                assert each.ping
            if isinstance(each, Tell) and each.notice.kind is NoticeKind.MOVE_OFFER:
                was = before[each.notice.person_id]
                assert (was.present_id, was.guild_id) != (
                    each.notice.other_id,
                    each.notice.guild_id,
                )

    def served_in_order(self, before: dict[int, Place], trail: list[TrailLine]) -> None:
        """Turns went to the first who could use them, and to as many as there were slots."""
        turns = [
            line.person_id
            for line in trail
            if line.deed in (Deed.CALLED, Deed.ADMITTED) and line.why == Why.TURN
        ]
        # The lobby as it was before the turns of this transition, with everything else done.
        places = {
            person: place
            for person, place in self.books.places.items()
            if place.stage is not Stage.WAITING and person not in turns
        }
        waiting = {
            person: place
            for person, place in self.books.places.items()
            if place.stage is Stage.WAITING or person in turns
        }
        expected = []
        for person in self.in_order(waiting):
            if len(places) == SLOTS:
                break
            place = waiting[person]
            if self.can_be_served(place, places.values()):
                expected.append(person)
                places[person] = self.books.places.get(person, place)
        assert turns == expected

    def in_order(self, waiting: dict[int, Place]) -> list[int]:
        """By ticket; within one server the priority people take that server's earliest tickets."""
        tickets = sorted(place.ticket for place in waiting.values())
        owners = {place.ticket: place.guild_id for place in waiting.values()}
        order: list[int] = []
        for ticket in tickets:
            mates = [p for p in waiting.values() if p.guild_id == owners[ticket]]
            mates = [p for p in mates if p.person_id not in order]
            order.append(min(mates, key=lambda p: (not p.priority, p.ticket)).person_id)
        return order

    def can_be_served(self, place: Place, taken: object) -> bool:
        room = self.books.rooms[place.guild_id]
        if not self.up(place.guild_id):
            return False
        mates = [p for p in taken if p.guild_id == place.guild_id]  # type: ignore[attr-defined]
        rules = self.books.rules.get(place.guild_id)
        if rules:
            seats = rules.seats or SLOTS
            ordinary = sum(not p.priority for p in mates)
            if len(mates) >= seats or (not place.priority and ordinary >= seats - rules.reserved):
                return False
        if not place.present_id:
            return True
        if place.present_id == room.barred_id and self.now_s < room.barred_until_s:
            return False
        voices = {p.channel_id for p in mates if p.stage in SESSION}
        if not voices:
            called = [p for p in mates if p.stage is Stage.CALLED and p.channel_id]
            voices = {min(called, key=lambda p: p.ticket).channel_id} if called else set()
        return not voices or voices == {place.present_id}
