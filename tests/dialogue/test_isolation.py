"""Whatever people, servers, clears, forgets and restarts do in whatever order: nobody is ever shown
another's words, or their own from another server, or anything that was forgotten.

Every text carries a mark of its own, so that it can be looked for: in each request to the model, in
each export, and in the bytes of the database's files.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from dialogue.answer import Answer
from dialogue.errors import NothingToUndo
from dialogue.memory import Saved
from tests.dialogue.scene import ANNA, ATTIC, BEN, CLUB, EVE, HALL, ROOM, Scene, open_scene

MODERATOR = 9009
MARK = re.compile(r"mark-\d+-")

people = st.sampled_from([ANNA, BEN, EVE])
guilds = st.sampled_from([CLUB, HALL, 0])
channels = st.sampled_from([ROOM, ATTIC])


class Talk(RuleBasedStateMachine):
    """The model: which marks each memory holds, newest last, with the channel of each."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.memories: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
        self.gone: set[str] = set()
        self.open: dict[int, tuple[Answer, str, bool]] = {}
        self.count = 0
        self.stack = AsyncExitStack()
        self.scene: Scene = self.run(self.opened())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def opened(self) -> Scene:
        return await self.stack.enter_async_context(open_scene(Path(self.folder.name)))

    def teardown(self) -> None:
        for person in list(self.open):
            self.finish(person)
        self.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    def mark(self) -> str:
        self.count += 1
        return f"mark-{self.count}-"

    def sent_is_mine(self, key: tuple[int, int], mark: str) -> None:
        sent = set(MARK.findall(str(self.scene.sent)))
        assert sent <= {each for each, _ in self.memories[key]} | {mark}
        assert mark in sent

    # -- what people do ------------------------------------------------------------------------

    @rule(person=people, guild=guilds, channel=channels)
    def say(self, person: int, guild: int, channel: int) -> None:
        if person in self.open:
            return
        mark = self.mark()
        heard = self.run(
            self.scene.say(f"{mark} " + "word " * 40, person, guild, channel_id=channel)
        )
        assert heard.answer.saved is Saved.SAVED
        self.sent_is_mine((person, guild), mark)
        self.memories[person, guild].append((mark, channel))

    @rule(person=people, guild=guilds, channel=channels)
    def begin(self, person: int, guild: int, channel: int) -> None:
        """Ask, see the beginning of the answer, and leave it at that for now."""
        if person in self.open:
            return
        mark = self.mark()

        async def begun() -> Answer:
            ask = self.scene.ask(mark, person, guild, channel_id=channel)
            answer = await self.scene.dialogue.responder.answer(ask).__aenter__()
            await anext(answer)
            return answer

        answer = self.run(begun())
        self.sent_is_mine((person, guild), mark)
        self.open[person] = (answer, mark, True)

    @rule(person=people)
    def finish(self, person: int) -> None:
        if person not in self.open:
            return
        answer, mark, kept = self.open.pop(person)

        async def ended() -> Saved:
            saved = await answer.settle(f"seen of {mark}", complete=False)
            await answer.__aexit__(None, None, None)
            return saved

        saved = self.run(ended())
        assert saved is (Saved.SAVED if kept else Saved.FORGOTTEN)
        if kept:
            key = (answer.ask.person_id, answer.ask.guild_id)
            self.memories[key].append((mark, answer.ask.channel_id))
        else:
            self.gone.add(mark)

    def lose(self, person: int, guild: int, marks: list[tuple[str, int]]) -> None:
        """These are forgotten; what is being written there is not remembered either."""
        self.gone |= {mark for mark, _ in marks}
        if person in self.open and self.open[person][0].ask.guild_id == guild:
            answer, mark, _ = self.open[person]
            self.open[person] = (answer, mark, False)

    @rule(person=people, guild=guilds)
    def undo(self, person: int, guild: int) -> None:
        try:
            undone = self.run(self.scene.dialogue.memory.undo(person, guild))
        except NothingToUndo:
            assert not self.memories[person, guild]
            return
        mark, _ = self.memories[person, guild].pop()
        assert mark in undone.asked
        self.gone.add(mark)

    @rule(person=people, guild=guilds)
    def clear(self, person: int, guild: int) -> None:
        self.run(self.scene.dialogue.memory.clear(person, guild))
        self.lose(person, guild, self.memories.pop((person, guild), []))

    @rule(person=people)
    def forget(self, person: int) -> None:
        self.run(self.scene.dialogue.privacy.forget(person))
        for guild in (CLUB, HALL, 0):
            self.lose(person, guild, self.memories.pop((person, guild), []))
        files = b"".join(path.read_bytes() for path in Path(self.folder.name).glob("parley.db*"))
        left = set(MARK.findall(files.decode("latin-1")))
        assert left <= {mark for memory in self.memories.values() for mark, _ in memory}

    @rule(person=people, guild=st.sampled_from([CLUB, HALL]))
    def moderator_clears_memory(self, person: int, guild: int) -> None:
        self.run(self.scene.dialogue.moderators.clear_memory(guild, MODERATOR, person))
        self.lose(person, guild, self.memories.pop((person, guild), []))

    @rule(guild=st.sampled_from([CLUB, HALL]), channel=channels)
    def moderator_clears_channel(self, guild: int, channel: int) -> None:
        self.run(self.scene.dialogue.moderators.clear_channel(guild, MODERATOR, channel))
        for (person, where), memory in self.memories.items():
            there = [each for each in memory if where == guild and each[1] == channel]
            if there:
                memory[:] = [each for each in memory if each not in there]
                self.lose(person, guild, there)
        for answer, _, _ in list(self.open.values()):
            if (answer.ask.guild_id, answer.ask.channel_id) == (guild, channel):
                self.lose(answer.ask.person_id, guild, [])

    @rule(guild=st.sampled_from([CLUB, HALL]))
    def moderator_clears_everything(self, guild: int) -> None:
        self.run(self.scene.dialogue.moderators.clear_guild(guild, MODERATOR))
        for person in (ANNA, BEN, EVE):
            self.lose(person, guild, self.memories.pop((person, guild), []))

    @rule()
    def restart(self) -> None:
        for person in list(self.open):
            self.finish(person)
        self.run(self.stack.aclose())
        self.stack = AsyncExitStack()
        self.scene = self.run(self.opened())

    # -- what is seen of it --------------------------------------------------------------------

    @rule(person=people, guild=guilds)
    def look(self, person: int, guild: int) -> None:
        shown = self.run(self.scene.dialogue.responder.memory_view(person, guild, ROOM))
        found = [MARK.findall(turn.asked)[0] for turn in shown.kept]
        whole = [mark for mark, _ in self.memories[person, guild]]
        assert found == whole[len(whole) - len(found) :]
        assert len(found) + shown.trimmed_turns == len(whole)

    @rule(person=people)
    def export(self, person: int) -> None:
        export = self.run(self.scene.dialogue.privacy.export(person, "en-US"))
        mine = {
            mark
            for (whose, _), memory in self.memories.items()
            if whose == person
            for mark, _ in memory
        }
        for file in (export.machine, export.readable):
            assert set(MARK.findall(file.decode())) == mine


Talk.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
TestIsolation = Talk.TestCase
