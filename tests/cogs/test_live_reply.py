"""An answer that grows: edits are rare, the last one always lands, nothing is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.live_reply import Ending, LiveReply, Throttle
from cogs.places import Gone
from tests.cogs.virtual_time import in_virtual_time


@dataclass
class Shown:
    """A message as it stands, and when it was touched."""

    content: str
    view: object
    touched_s: list[float]


@dataclass
class Paper:
    """A place that remembers. ``refusals`` are raised, one by one, instead of writing."""

    messages: list[Shown] = field(default_factory=list)
    refusals: list[Exception | None] = field(default_factory=list)
    room: int | None = None
    takes_files: bool = True
    files: list[bytes] = field(default_factory=list)

    def _write(self) -> float:
        if self.refusals and (refusal := self.refusals.pop(0)):
            raise refusal
        return asyncio.get_running_loop().time()

    async def send(self, content: str, view: Any = None, *, file: Any = None) -> discord.Message:
        self.messages.append(Shown(content, view, [self._write()]))
        if file is not None:
            self.files.append(file.fp.read())
        return cast("discord.Message", self.messages[-1])

    async def edit(self, message: discord.Message, content: str, view: Any = None) -> None:
        now_s = self._write()
        shown = cast("Shown", message)
        shown.content, shown.view = content, view
        shown.touched_s.append(now_s)

    async def remove(self, message: discord.Message) -> None:
        self.messages.remove(cast("Shown", message))

    async def refuse(self, sentence: str) -> None:
        raise AssertionError("nothing is refused here")

    async def done(self) -> None:
        """Nothing is left behind on paper."""


@given(
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 60)), min_size=1, max_size=60),
    st.floats(0.5, 2),
    st.integers(1, 40),
)
def test_edits_keep_their_distance_and_the_end_is_shown(
    arrivals: list[tuple[float, int]], gap_s: float, least: int
) -> None:
    throttle = Throttle(gap_s, least)
    now_s, length, edits = 0.0, 0, []
    for wait_s, grown in arrivals:
        now_s += wait_s
        length += grown
        due_s = throttle.due_s(length, ended=False, now_s=now_s)
        if due_s == 0:
            assert length - throttle.shown >= least or not edits
            throttle.edited(length, now_s=now_s)
            edits.append(now_s)
    due_s = throttle.due_s(length, ended=True, now_s=now_s)
    assert due_s is not None
    assert due_s <= gap_s + 1e-9
    assert all(b - a >= gap_s - 1e-9 for a, b in pairwise(edits))


def test_the_first_words_are_shown_at_once_and_the_last_ones_always() -> None:
    async def story() -> None:
        paper = Paper()
        reply = LiveReply(paper, Throttle(1.1, 20))
        reply.feed("Hi")
        await asyncio.sleep(0.01)
        assert [m.content for m in paper.messages] == ["Hi"]
        for _ in range(100):
            reply.feed(" word")
            await asyncio.sleep(0.05)
        reply.feed(".")
        await reply.finish(Ending(notes=("foot",)))
        (message,) = paper.messages
        assert message.content == "Hi" + " word" * 100 + ".\n-# foot"
        assert len(message.touched_s) <= 7
        assert all(b - a >= 1.1 - 1e-9 for a, b in pairwise(message.touched_s))

    in_virtual_time(story())


def test_a_long_answer_flows_on_and_the_buttons_move_to_its_last_message() -> None:
    async def story() -> None:
        paper = Paper()
        stop, again = cast("discord.ui.View", "stop"), cast("discord.ui.View", "again")
        reply = LiveReply(paper, Throttle(1.1, 20), view=stop)
        for n in range(900):
            reply.feed(f"{n} ")
            await asyncio.sleep(0.01)
        assert [m.view for m in paper.messages] == [None, "stop"]
        await reply.finish(Ending(view=again))
        assert "".join(m.content for m in paper.messages) == "".join(f"{n} " for n in range(900))
        assert [m.view for m in paper.messages] == [None, "again"]

    in_virtual_time(story())


def test_an_edit_that_fails_on_the_way_is_made_up_for() -> None:
    async def story() -> None:
        paper = Paper(refusals=[None, OSError(), OSError(), OSError(), None])
        reply = LiveReply(paper, Throttle(1.1, 20))
        reply.feed("The beginning")
        await asyncio.sleep(0.01)
        reply.feed(", the middle of it all")
        await asyncio.sleep(2)
        reply.feed(", the end.")
        await reply.finish(Ending())
        assert paper.messages[0].content == "The beginning, the middle of it all, the end."

    in_virtual_time(story())


def test_when_discord_never_takes_the_end_that_is_said() -> None:
    async def story() -> None:
        reply = LiveReply(Paper(refusals=[OSError()] * 9), Throttle(1.1, 20))
        reply.feed("Lost")
        with pytest.raises(OSError):
            await reply.finish(Ending())

    in_virtual_time(story())


def test_a_deleted_message_ends_the_answer_and_is_not_sent_again() -> None:
    async def story() -> None:
        paper, gone = Paper(refusals=[None, Gone()]), asyncio.Event()
        reply = LiveReply(paper, Throttle(1.1, 20), on_gone=gone.set)
        reply.feed("The beginning")
        await asyncio.sleep(0.01)
        reply.feed(" and so on, and so on, and so on")
        await gone.wait()
        await reply.finish(Ending())
        assert [m.content for m in paper.messages] == ["The beginning"]

    in_virtual_time(story())


def test_text_that_arrives_while_an_edit_is_on_its_way_is_shown_by_the_next() -> None:
    class Slow(Paper):
        async def edit(self, message: discord.Message, content: str, view: Any = None) -> None:
            await asyncio.sleep(5)
            await super().edit(message, content, view)

    async def story() -> None:
        paper = Slow()
        reply = LiveReply(paper, Throttle(1.1, 20))
        for _ in range(40):
            reply.feed("word ")
            await asyncio.sleep(0.5)
        await reply.finish(Ending())
        assert paper.messages[0].content == "word " * 40
        assert len(paper.messages[0].touched_s) <= 6

    in_virtual_time(story())


def test_a_note_can_be_added_later_and_taken_away_again() -> None:
    async def story() -> None:
        paper = Paper()
        reply = LiveReply(paper, Throttle(1.1, 20))
        reply.feed("Hello.")
        ending = Ending(notes=("first",))
        await reply.finish(ending)
        await reply.amend(ending.noting("second"))
        assert paper.messages[0].content == "Hello.\n-# first\n-# second"
        await reply.amend(ending.noting(""))
        assert paper.messages[0].content == "Hello.\n-# first"

    in_virtual_time(story())


def test_an_answer_that_is_taken_back_leaves_its_note_only() -> None:
    async def story() -> None:
        paper = Paper()
        reply = LiveReply(paper, Throttle(1.1, 20))
        reply.feed("word " * 900)
        await asyncio.sleep(3)
        assert len(paper.messages) == 3
        reply.take_back()
        await reply.finish(Ending(notes=("taken back",)))
        assert [m.content for m in paper.messages] == ["-# taken back"]

    in_virtual_time(story())


def test_where_there_is_room_for_few_messages_the_rest_comes_as_a_file() -> None:
    async def story() -> None:
        paper = Paper(room=3)
        reply = LiveReply(paper, Throttle(1.1, 20))
        text = "".join(f"{n} " for n in range(3000))
        for start in range(0, len(text), 500):
            reply.feed(text[start : start + 500])
            await asyncio.sleep(0.4)
        await reply.finish(Ending(notes=("foot",)))
        assert len(paper.messages) == 3
        shown = "".join(m.content for m in paper.messages[:2])
        assert shown + paper.files[0].decode() == text
        assert paper.messages[2].content == "-# foot"

    in_virtual_time(story())


def filled(reply: LiveReply, numbers: int = 3000) -> str:
    """Feed more than three messages hold."""
    text = "".join(f"{n} " for n in range(numbers))
    reply.feed(text)
    return text


def test_where_there_is_little_room_no_refused_message_is_lost() -> None:
    """Each of them is refused: the first while text arrives, the others at the end."""

    async def story() -> None:
        paper = Paper(room=3, refusals=[OSError(), None, OSError(), None, OSError(), OSError()])
        reply = LiveReply(paper, Throttle(1.1, 20))
        text = filled(reply)
        await asyncio.sleep(0.01)
        assert paper.messages == []
        await reply.finish(Ending(notes=("foot",)))
        shown = "".join(m.content for m in paper.messages[:2])
        assert shown + paper.files[0].decode() == text
        assert [m.content for m in paper.messages[2:]] == ["-# foot"]
        assert len(paper.files) == 1

    in_virtual_time(story())


def test_where_there_is_little_room_stop_stays_and_the_ending_is_amended() -> None:
    async def story() -> None:
        paper = Paper(room=3)
        stop, again = cast("discord.ui.View", "stop"), cast("discord.ui.View", "again")
        reply = LiveReply(paper, Throttle(1.1, 20), view=stop)
        filled(reply)
        await asyncio.sleep(2)
        assert [m.view for m in paper.messages] == [None, "stop"]
        ending = Ending(notes=("foot",), view=again)
        await reply.finish(ending)
        assert [m.view for m in paper.messages] == [None, None, "again"]
        await reply.amend(ending.noting("late"))
        assert [m.content for m in paper.messages[2:]] == ["-# foot\n-# late"]
        assert [m.view for m in paper.messages] == [None, None, "again"]

    in_virtual_time(story())


def test_a_note_that_needs_the_last_message_is_no_empty_file() -> None:
    async def story() -> None:
        paper = Paper(room=3)
        reply = LiveReply(paper, Throttle(1.1, 20))
        reply.feed("a" * 1900 * 2)
        await reply.finish(Ending())
        note = "n" * 200
        await reply.amend(Ending(notes=(note,)))
        assert [m.content for m in paper.messages[2:]] == [f"-# {note}"]
        assert paper.files == []

    in_virtual_time(story())
