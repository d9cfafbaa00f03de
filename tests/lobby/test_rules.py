"""The rules under arbitrary interleavings: what must always be true, is.

The machine plays the world: people who come, ask, speak and go; moderators; three processes that
start, crash and come back; a clock that is set to anything. It keeps its own, much simpler idea of
what must hold, and counts every effect.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lobby.hall import SESSION
from lobby.records import (
    BotMoved,
    BotMuted,
    ChannelDeleted,
    ConnectionEnded,
    End,
    GuildRemoved,
    Heartbeat,
    Join,
    MemberGone,
    MoveHere,
    Ready,
    Refuse,
    Seen,
    ServerRules,
    SetRules,
    Spoke,
    Stage,
    Started,
    Tick,
    Unready,
    Why,
)
from lobby.rules import Lobby
from tests.lobby.oracle import SLOTS, Watched

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


class World(Watched, RuleBasedStateMachine):
    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        Watched.__init__(self)
        self.here: dict[int, int] = {}
        """Where people really are, whether or not anybody saw it."""

    @initialize()
    def begin(self) -> None:
        for name in PROCESSES:
            self.starts(name)
            self.sees(name)
        self.happens(SetRules(ServerRules(100, priority_roles=(VIP,))))
        self.happens(SetRules(ServerRules(200, 2, 1, 0.0, (VIP,))))

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

    @rule(seconds=st.sampled_from([0.5, 5.0, 14.0, 16.0, 45.0, 61.0, 241.0, 302.0]))
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
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestWorld = World.TestCase
