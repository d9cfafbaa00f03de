"""A stage for stories: bots that share a store, in virtual time, with a transcript.

    async with Scene() as scene:
        await scene.enters(ANN, HOME, BLUE)
        await scene.asks(ANN)
        scene.holds(ANN)
        await scene.passes(300)
        assert scene.told(ANN) == [NoticeKind.IDLE_WARNING, NoticeKind.ENDED]

Servers are the hundreds (100, 200, ...), their channels follow (101, 102, ...), so that a number
says where it belongs. When a test fails, pytest prints the transcript.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from lobby.director import Director
from lobby.errors import LobbyError
from lobby.records import NoticeKind, Stage, Standing, TrailLine
from lobby.settings import LobbySettings
from tests.lobby.fakes import Cable, FakeNotices, FakeVoice, MemoryStore, VirtualClock, quiet

HOME, AWAY, THIRD = 100, 200, 300
BLUE, RED = 101, 102
HALL, CELLAR = 201, 202
ATTIC = 301
ANN, BEN, CAT, DAN, EVA = 1, 2, 3, 4, 5
"""Servers, their voice channels, and people."""


@dataclass
class Bot:
    """One running process and the servers it serves."""

    name: str
    director: Director
    cable: Cable
    voice: FakeVoice
    notices: FakeNotices
    servers: tuple[int, ...]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)


def server_of(channel_id: int) -> int:
    return channel_id // 100 * 100


class Scene:
    def __init__(self, **settings: float) -> None:
        self.settings = LobbySettings(**settings)  # type: ignore[arg-type]
        self.clock = VirtualClock()
        self.store = MemoryStore(self.clock)
        self.bots: dict[str, Bot] = {}
        self.here: dict[int, int] = {}
        """The voice channel each person is in."""
        self.notices = FakeNotices(told=self.say)
        """What everybody was told, by whichever bot."""
        self._begun_s = self.clock.steady_s()

    async def __aenter__(self) -> Scene:
        await self.starts("parley", 100, 200, 300, 400)
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.bots):
            await self.dies(name)

    def say(self, line: str) -> None:
        """Write a line of the transcript."""
        print(f"{self.clock.steady_s() - self._begun_s:8.2f} s  {line}")

    # bots

    async def starts(self, name: str, *servers: int, ready: bool = True) -> Bot:
        """A process starts and, unless told otherwise, sees Discord."""
        self.say(f"{name} starts")
        cable, voice = Cable(self.store), FakeVoice(told=self.say)
        director = Director(
            cable, voice, self.notices, self.settings, process=name, clock=self.clock
        )
        bot = Bot(name, director, cable, voice, self.notices, servers)
        await bot.stack.enter_async_context(director)
        self.bots[name] = bot
        if ready:
            await self.sees(name)
        return bot

    async def sees(self, name: str) -> None:
        """Its gateway is there, and tells who is in voice."""
        bot = self.bots[name]
        present: dict[int, dict[int, int]] = {server: {} for server in bot.servers}
        for person, channel in self.here.items():
            if server_of(channel) in present:
                present[server_of(channel)][person] = channel
        await bot.director.ready(present)
        await quiet()

    async def dies(self, name: str) -> None:
        """kill -9."""
        self.say(f"{name} is killed")
        bot = self.bots.pop(name)
        bot.cable.plugged = False
        await bot.stack.aclose()

    async def stops(self, name: str) -> None:
        """An orderly stop."""
        self.say(f"{name} stops")
        await self.bots.pop(name).stack.aclose()

    def bot(self, channel_id: int) -> Bot:
        """The one that serves a channel's server."""
        return next(b for b in self.bots.values() if server_of(channel_id) in b.servers)

    @property
    def only(self) -> Bot:
        return next(iter(self.bots.values()))

    # people

    async def enters(self, person: int, channel: int) -> None:
        """Somebody goes to a voice channel, or out of voice (0)."""
        self.say(f"{person} goes to {channel or 'no voice'}")
        old = self.here.pop(person, 0)
        if channel:
            self.here[person] = channel
        for server in {server_of(each) for each in (old, channel) if each}:
            now = channel if server_of(channel) == server else 0
            for bot in self.bots.values():
                if server in bot.servers:
                    await bot.director.voice_state(person, server, now)
        await quiet()

    async def asks(
        self, person: int, server: int = 0, roles: frozenset[int] = frozenset()
    ) -> Standing | LobbyError:
        """``/voice join`` where they are, or in a server where they are in no channel."""
        channel = self.here.get(person, 0)
        if server and server_of(channel) != server:
            channel = 0
        server = server or server_of(channel)
        answer: Standing | LobbyError
        try:
            answer = await self.bot(server).director.join(
                person, server, channel, text_channel_id=server + 99, role_ids=roles
            )
        except LobbyError as error:
            answer = error
        said = answer.stage if isinstance(answer, Standing) else type(answer).__name__
        self.say(f"{person} asks in {server}: {said}")
        await quiet()
        return answer

    async def comes_and_asks(self, person: int, channel: int) -> Standing | LobbyError:
        await self.enters(person, channel)
        return await self.asks(person)

    async def speaks(self, person: int) -> None:
        """A message to Parley where their session is."""
        server = server_of(self.here[person])
        await self.bot(server).director.touch(person, server)
        await quiet()

    async def passes(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    # what is so

    def stage(self, person: int) -> Stage | None:
        place = self.store.books.places.get(person)
        return place.stage if place else None

    def heard(self, person: int) -> bool:
        """Whether any bot would speak for them in the server where they are."""
        server = server_of(self.here.get(person, 0))
        return any(bot.director.may_speak(person, server) for bot in self.bots.values())

    def told(self, person: int) -> list[NoticeKind]:
        return self.notices.kinds(person)

    def last(self, person: int) -> NoticeKind | None:
        """What somebody was told last."""
        return next(reversed(self.told(person)), None)

    def line(self) -> list[int]:
        """Who waits, in order."""
        return [each.person_id for each in self.only.director.view().line]

    def trail(self) -> list[TrailLine]:
        return self.store.lines
