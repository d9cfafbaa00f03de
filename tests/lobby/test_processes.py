"""Three processes over one store, whatever happens to them: the books and the world agree.

Each process has a director of its own, a Discord of its own, and a cable to the store that can be
pulled. After every step, once everything has been performed, Parley is connected exactly where the
sessions are, and every notice was delivered once, by one process.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lobby.clock import TOLERANCE_S
from lobby.hall import SESSION
from lobby.records import Deed, NoticeKind, Stage
from tests.lobby.fakes import quiet
from tests.lobby.invariants import Count
from tests.lobby.scene import Scene, server_of

T = TypeVar("T")
SERVERS = {"east": (100, 200), "west": (300,)}
CHANNELS = [101, 102, 201, 202, 301, 302]
people = st.integers(1, 6)
channels = st.sampled_from(CHANNELS)
names = st.sampled_from(sorted(SERVERS))


class Processes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.scene = Scene(slots=2, line_most=3)
        self.blind: set[str] = set()
        self.killed = False

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        for name, servers in SERVERS.items():
            self.do(self.scene.starts(name, *servers))

    def teardown(self) -> None:
        self.do(self.scene.__aexit__())
        self.loop.close()

    def served(self, channel: int) -> bool:
        return any(server_of(channel) in bot.servers for bot in self.scene.bots.values())

    @rule(person=people, channel=channels)
    def comes_and_asks(self, person: int, channel: int) -> None:
        self.do(self.scene.enters(person, channel))
        if self.served(channel):
            self.do(self.scene.asks(person))

    @rule(person=people, channel=channels)
    def asks_from_afar(self, person: int, channel: int) -> None:
        self.do(self.scene.enters(person, 0))
        if self.served(channel):
            self.do(self.scene.asks(person, server_of(channel)))

    @rule(person=people, channel=st.sampled_from([0, *CHANNELS]))
    def goes(self, person: int, channel: int) -> None:
        self.do(self.scene.enters(person, channel))

    @rule(person=people, name=names)
    def is_ended_from_anywhere(self, person: int, name: str) -> None:
        """A moderator's command may reach any process."""
        bot = self.scene.bots.get(name)
        if bot is not None and self.scene.stage(person) is not None:
            self.do(bot.director.end(person, by_id=99))
            self.do(quiet())
            assert self.scene.stage(person) is None
            assert not self.scene.heard(person), "removed means removed everywhere, at once"

    @rule(channel=channels)
    def bot_is_kicked(self, channel: int) -> None:
        for bot in self.scene.bots.values():
            if bot.voice.where(server_of(channel)) == channel and bot.name not in self.blind:
                del bot.voice.at[server_of(channel)]
                self.do(bot.director.bot_voice_state(server_of(channel), 0, muted=False))
                self.do(quiet())

    @rule(channel=channels)
    def bot_is_moved(self, channel: int) -> None:
        for bot in self.scene.bots.values():
            if bot.voice.where(server_of(channel)) and bot.name not in self.blind:
                bot.voice.at[server_of(channel)] = channel
                self.do(bot.director.bot_voice_state(server_of(channel), channel, muted=False))
                self.do(quiet())

    @rule(
        name=names, how=st.sampled_from(["kill", "stop"]), away_s=st.sampled_from([0.0, 20.0, 90.0])
    )
    def restarts(self, name: str, how: str, away_s: float) -> None:
        if name in self.scene.bots:
            self.killed = True  # or stopped: nobody is left to tell things for a while
            self.do(self.scene.dies(name) if how == "kill" else self.scene.stops(name))
        self.blind.discard(name)
        self.do(self.scene.passes(away_s))
        self.do(self.scene.starts(name, *SERVERS[name]))

    @rule(name=names)
    def is_killed(self, name: str) -> None:
        if name in self.scene.bots:
            self.killed = True
            self.do(self.scene.dies(name))
            self.blind.discard(name)

    @rule(name=names, back=st.booleans())
    def loses_the_gateway(self, name: str, back: bool) -> None:
        bot = self.scene.bots.get(name)
        if bot is not None:
            self.do(bot.director.gateway_down())
            self.blind.add(name)
            if back:
                self.do(self.scene.sees(name))
                self.blind.discard(name)

    @rule(seconds=st.sampled_from([1.0, 16.0, 61.0, 301.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.scene.passes(seconds))

    @rule(jump_s=st.floats(-1e5, 1e5))
    def the_clock_is_set(self, jump_s: float) -> None:
        """It ends nothing that was not about to end anyway."""
        books = self.scene.store.books
        now_s, lines = books.seen_s + books.skew_s, len(self.scene.trail())
        self.scene.store.jump_s += jump_s
        self.do(self.scene.passes(0.5))
        if len(self.scene.bots) < len(SERVERS) or self.blind:
            return  # what is due then depends on who is left to witness
        for line in self.scene.trail()[lines:]:
            place = books.places.get(line.person_id)
            if place is not None and line.deed is Deed.RELEASED:
                due_s = place.deadline_s or place.active_s + self.scene.settings.idle_s
                slack_s = self.scene.settings.heartbeat_s + TOLERANCE_S + 0.5
                assert due_s <= now_s + slack_s, f"a jump of the clock: {line.why}"

    @invariant()
    def the_trail_adds_up(self) -> None:
        count = Count(self.scene.settings.slots).read(self.scene.trail())
        count.agrees_with(self.scene.store.books.places)

    @invariant()
    def parley_is_where_the_sessions_are(self) -> None:
        wanted: dict[int, int] = {}
        for place in self.scene.store.books.places.values():
            if place.stage in SESSION:
                wanted[place.guild_id] = place.channel_id
        for bot in self.scene.bots.values():
            if bot.name not in self.blind:
                served = {g: c for g, c in wanted.items() if g in bot.servers}
                assert bot.voice.at == served

    @invariant()
    def who_has_a_session_is_heard_and_nobody_else(self) -> None:
        for bot in self.scene.bots.values():
            for person in range(1, 7):
                place = self.scene.store.books.places.get(person)
                held = place is not None and place.stage is Stage.HELD
                for server in bot.servers:
                    here = held and place is not None and place.guild_id == server
                    if bot.director.may_speak(person, server):
                        assert here, "somebody is heard who has no session"
                    elif here and bot.name not in self.blind:
                        raise AssertionError("somebody with a session is not heard")

    @invariant()
    def everybody_was_told_once(self) -> None:
        """As often as the trail says; what a killed process had not said yet may be lost."""
        told = Counter((n.person_id, n.kind) for n in self.scene.notices.log)
        ended, began = Counter[int](), Counter[int]()
        speaking: set[int] = set()
        for line in self.scene.trail():
            if line.deed is Deed.ADMITTED:
                speaking.add(line.person_id)
                began[line.person_id] += 1
            elif line.deed is Deed.RELEASED and line.person_id in speaking:
                speaking.remove(line.person_id)
                ended[line.person_id] += 1
        for person in range(1, 7):
            assert told[person, NoticeKind.STARTED] <= began[person]
            assert told[person, NoticeKind.ENDED] <= ended[person]
            if not self.killed:
                assert told[person, NoticeKind.ENDED] == ended[person]


Processes.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestProcesses = Processes.TestCase
