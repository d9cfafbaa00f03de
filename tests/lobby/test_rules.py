"""The rules under arbitrary interleavings: what must always be true, is.

The machine plays the world: people who come, ask, speak and go; moderators; three processes that
start, crash and come back; a clock that is set to anything. It keeps its own, much simpler idea of
what must hold, and counts every effect.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lobby.hall import SESSION
from lobby.records import (
    Books,
    BotMoved,
    BotMuted,
    ChannelDeleted,
    Connect,
    ConnectionEnded,
    Deed,
    Disconnect,
    Effect,
    End,
    Event,
    GuildRemoved,
    Heartbeat,
    Join,
    MemberGone,
    Move,
    MoveHere,
    NoticeKind,
    Place,
    Ready,
    Refuse,
    Seen,
    ServerRules,
    SetRules,
    Silence,
    Spoke,
    Stage,
    Started,
    Tell,
    Tick,
    TrailLine,
    Unready,
    Why,
)
from lobby.rules import Lobby
from lobby.settings import LobbySettings
from tests.lobby.invariants import Count

SLOTS = 3
PEOPLE = range(1, 8)
SERVERS = {100: "east", 200: "east", 300: "west"}
VIP = 7
CHANNELS = [server + n for server in SERVERS for n in (1, 2)]
PROCESSES = sorted(set(SERVERS.values()))

people = st.sampled_from(PEOPLE)
channels = st.sampled_from(CHANNELS)
maybe_channels = st.sampled_from([0, *CHANNELS])
servers = st.sampled_from(sorted(SERVERS))
processes = st.sampled_from(PROCESSES)


def server_of(channel_id: int) -> int:
    return channel_id // 100 * 100


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.settings = LobbySettings(slots=SLOTS, line_most=4)
        self.now_s = 1_000_000.0
        self.books = Books({}, {}, {}, {}, 1, 1, 0.0, 0.0)
        self.count = Count(SLOTS)
        self.here: dict[int, int] = {}
        """Where people really are, whether or not anybody saw it."""
        self.sighted: set[str] = set()
        self.connected: dict[int, int] = {}
        """Where Parley is, if every effect was performed once."""
        self.lives = Counter[str]()

    @initialize()
    def begin(self) -> None:
        for name in PROCESSES:
            self.starts(name)
            self.sees(name)
        self.happens(SetRules(ServerRules(100, priority_roles=(VIP,))))
        self.happens(SetRules(ServerRules(200, 2, 1, 0.0, (VIP,))))

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

    # --- what must always hold -------------------------------------------------------------------

    @invariant()
    def nobody_is_lost_or_double(self) -> None:
        self.count.agrees_with(self.books.places)

    @invariant()
    def one_voice_in_each_server(self) -> None:
        voices: dict[int, set[int]] = {}
        for place in self.books.places.values():
            if place.stage in SESSION:
                voices.setdefault(place.guild_id, set()).add(place.channel_id)
        assert all(len(found) == 1 for found in voices.values())

    @invariant()
    def only_those_who_are_there_speak(self) -> None:
        for place in self.books.places.values():
            if place.stage is Stage.HELD:
                assert place.present_id == place.channel_id
            elif place.stage is Stage.GRACE:
                assert place.present_id != place.channel_id
                assert place.deadline_s > 0

    @invariant()
    def everything_that_is_waited_for_has_an_alarm(self) -> None:
        for name in PROCESSES:
            lobby = Lobby(self.settings, self.books, name)
            timed = [
                place
                for place in self.books.places.values()
                if place.stage is not Stage.WAITING
                and self.books.rooms[place.guild_id].process == name
            ]
            assert not timed or name not in self.sighted or lobby.next_alarm_s() is not None

    # --- people ----------------------------------------------------------------------------------

    @rule(person=people, channel=maybe_channels)
    def goes(self, person: int, channel: int) -> None:
        """Somebody changes voice channels; whoever sees Discord then hears of it."""
        old = self.here.pop(person, 0)
        if channel:
            self.here[person] = channel
        before = self.books.places.get(person)
        for server in sorted({server_of(each) for each in (old, channel) if each}):
            if SERVERS[server] in self.sighted:
                now = channel if server_of(channel) == server else 0
                self.happens(Seen(person, server, now), SERVERS[server])
        after = self.books.places.get(person)
        if before and after and before.stage is after.stage is Stage.GRACE:
            assert before.deadline_s == after.deadline_s, "hopping about must not buy time"

    @rule(person=people, server=servers, vip=st.booleans())
    def asks(self, person: int, server: int, vip: bool) -> None:
        name = SERVERS[server]
        process = self.books.processes.get(name)
        if name not in self.sighted and not (process and process.down_s):
            return  # it was killed: there is nobody to ask
        here = self.here.get(person, 0)
        here = here if server_of(here) == server else 0
        before = self.books.places.get(person)
        event = Join(
            SERVERS[server], person, server, here, role_ids=frozenset({VIP} if vip else ())
        )
        refused = [e for e in self.happens(event, SERVERS[server]) if isinstance(e, Refuse)]
        after = self.books.places.get(person)
        if before is not None and before.stage is Stage.WAITING and after is not None:
            assert after.ticket == before.ticket, "asking again must not cost the place"
        if before is None:
            assert (after is None) == bool(refused)
        if before is None and name not in self.sighted:
            assert refused, "nobody there could serve them"

    @rule(person=people, channel=channels, vip=st.booleans())
    def comes_and_asks(self, person: int, channel: int, vip: bool) -> None:
        self.goes(person, channel)
        self.asks(person, server_of(channel), vip)

    @rule(person=people, channel=channels)
    def also_comes_and_asks(self, person: int, channel: int) -> None:
        """The same again: this is what mostly happens."""
        self.comes_and_asks(person, channel, vip=False)

    @rule(nth=st.integers(0, 2), channel=channels, asks=st.booleans())
    def called_person_comes(self, nth: int, channel: int, asks: bool) -> None:
        """To whatever channel, perhaps asking again there."""
        called = [p.person_id for p in self.books.places.values() if p.stage is Stage.CALLED]
        if called:
            self.goes(called[nth % len(called)], channel)
            if asks:
                self.asks(called[nth % len(called)], server_of(channel), vip=False)

    @rule(nth=st.integers(0, 2), channel=channels)
    def speaker_moves_here(self, nth: int, channel: int) -> None:
        held = [p.person_id for p in self.books.places.values() if p.stage in SESSION]
        if held:
            self.moves_here(held[nth % len(held)], channel)

    @rule(person=people, server=servers)
    def asks_from_afar(self, person: int, server: int) -> None:
        self.goes(person, 0)
        self.asks(person, server, vip=False)

    @rule(person=people, channel=maybe_channels)
    def moves_here(self, person: int, channel: int) -> None:
        self.goes(person, channel or self.here.get(person, 0))
        channel = self.here.get(person, 0)
        if not channel:
            return
        server, before = server_of(channel), self.books.places.get(person)
        refused = [
            each
            for each in self.happens(MoveHere(SERVERS[server], person, server, channel))
            if isinstance(each, Refuse)
        ]
        after = self.books.places.get(person)
        if not refused and before and after and server != before.guild_id:
            assert not after.priority, "a role in one server is none in another"
            mates = [p for p in self.books.places.values() if p.guild_id == server]
            taken = [p for p in mates if p.stage is not Stage.WAITING]
            limit = self.books.rules.get(server, ServerRules(server))
            assert len(taken) <= (limit.seats or SLOTS)

    @rule(person=people, why=st.sampled_from([Why.LEFT, Why.MODERATOR]))
    def ends(self, person: int, why: Why) -> None:
        self.happens(End(person, why, 99 if why is Why.MODERATOR else 0))
        assert person not in self.books.places

    @rule(person=people)
    def speaks(self, person: int) -> None:
        server = server_of(self.here.get(person, 0))
        before = self.books.places.get(person)
        self.happens(Spoke(person, server))
        if before is None:
            assert person not in self.books.places, "only asking brings anybody in"

    # --- the world -------------------------------------------------------------------------------

    @rule(
        what=st.sampled_from(
            ["moved", "muted", "unmuted", "ended", "deleted", "removed", "banned"]
        ),
        channel=channels,
        person=people,
        why=st.sampled_from([Why.KICKED, Why.CHANNEL_FULL, Why.CONNECTION_FAILED, Why.FORBIDDEN]),
    )
    def something_happens(self, what: str, channel: int, person: int, why: Why) -> None:
        server = server_of(channel)
        match what:
            case "moved":
                self.happens(BotMoved(server, channel))
            case "muted" | "unmuted":
                self.happens(BotMuted(server, what == "muted"))
            case "ended":
                self.happens(ConnectionEnded(server, channel, why))
            case "deleted":
                for gone in [p for p, c in self.here.items() if c == channel]:
                    del self.here[gone]
                self.happens(ChannelDeleted(server, channel))
                for place in self.books.places.values():
                    assert channel not in (place.channel_id, place.present_id)
            case "removed":
                self.happens(GuildRemoved(server))
                assert not [p for p in self.books.places.values() if p.guild_id == server]
            case "banned":
                if server_of(self.here.get(person, 0)) == server:
                    del self.here[person]
                self.happens(MemberGone(person, server))

    @rule(server=servers, seats=st.integers(0, 2), reserved=st.integers(0, 1), vip=st.booleans())
    def rules_change(self, server: int, seats: int, reserved: int, vip: bool) -> None:
        self.happens(SetRules(ServerRules(server, seats, reserved, 0.0, (VIP,) if vip else ())))

    # --- processes and time ----------------------------------------------------------------------

    @rule(name=processes, what=st.sampled_from(["restarts", "blinks", "starts", "outage", "crash"]))
    def process_trouble(self, name: str, what: str) -> None:
        match what:
            case "restarts":
                self.loses_sight(name)
                self.starts(name)
                self.sees(name)
            case "blinks":
                self.loses_sight(name)
                self.sees(name)
            case "starts":
                self.starts(name)
            case "outage":
                self.loses_sight(name)
            case "crash":  # nothing is written; only the heartbeats stop
                self.sighted.discard(name)

    @rule()
    def all_is_well_again(self) -> None:
        for name in PROCESSES:
            if name not in self.sighted:
                self.starts(name)
                self.sees(name)

    @rule(seconds=st.sampled_from([0.5, 5.0, 14.0, 16.0, 45.0, 61.0, 241.0]))
    def time_passes(self, seconds: float) -> None:
        """In the steps of a heartbeat, with every process that lives doing its part."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + self.settings.heartbeat_s)
            for name in sorted(self.sighted):
                self.happens(Heartbeat(name, str(self.lives[name])), name)
        self.happens(Tick())

    @rule(seconds=st.one_of(st.floats(-100, 100), st.sampled_from([-100_000.0, 700.0, 100_000.0])))
    def the_clock_is_set(self, seconds: float) -> None:
        """Even a jump that nobody took out breaks no rule; it only ends things early or late."""
        self.now_s = max(1.0, self.now_s + seconds)
        self.happens(Tick())

    def starts(self, name: str) -> None:
        """A fresh process of this name; whatever ran before under it is dead."""
        self.sighted.discard(name)
        self.lives[name] += 1
        self.happens(Started(name, str(self.lives[name])), name)

    def sees(self, name: str) -> None:
        present: dict[int, dict[int, int]] = {s: {} for s, p in SERVERS.items() if p == name}
        for person, channel in self.here.items():
            if server_of(channel) in present:
                present[server_of(channel)][person] = channel
        self.sighted.add(name)
        self.happens(Ready(name, str(self.lives[name]), present), name)

    def loses_sight(self, name: str) -> None:
        """An outage, or an orderly stop."""
        self.sighted.discard(name)
        self.happens(Unready(name), name)


World.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestWorld = World.TestCase
