"""What every implementation of the lobby's ports must do, whether a fake or the real thing.

Subclass a contract in a test module, and give it its fixtures:

    class TestDiscordVoice(VoicePortContract):
        @pytest.fixture
        async def voice(self) -> AsyncIterator[VoiceBench]:
            async with open_sandbox() as sandbox, ...:
                yield VoiceBench(port=..., guild_id=..., ...)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

import pytest

from lobby.ports import NoticePort, VoiceFailed, VoicePort
from lobby.records import Books, Deed, Entry, Notice, NoticeKind, Post, TrailLine, Why
from lobby.store import LobbyStore


@dataclass(frozen=True)
class VoiceBench:
    """A voice port in a server with two channels it may use, and some that it can not."""

    port: VoicePort
    guild_id: int
    channel_id: int
    other_id: int
    unusable: tuple[tuple[int, Why], ...] = ()
    """Channels that cannot be entered, and what must be said of them."""


class VoicePortContract:
    """One connection in a server, where it was told to be."""

    async def test_it_is_where_it_was_told_to_be(self, voice: VoiceBench) -> None:
        port, guild = voice.port, voice.guild_id
        assert port.where(guild) == 0
        await port.connect(guild, voice.channel_id)
        assert port.where(guild) == voice.channel_id
        await port.move(guild, voice.other_id)
        assert port.where(guild) == voice.other_id
        await port.leave(guild)
        assert port.where(guild) == 0

    async def test_doing_it_again_changes_nothing(self, voice: VoiceBench) -> None:
        port, guild = voice.port, voice.guild_id
        for _ in range(2):
            await port.connect(guild, voice.channel_id)
            assert port.where(guild) == voice.channel_id
        for _ in range(2):
            await port.move(guild, voice.channel_id)
            assert port.where(guild) == voice.channel_id
        for _ in range(2):
            await port.leave(guild)
            assert port.where(guild) == 0

    async def test_connecting_elsewhere_moves(self, voice: VoiceBench) -> None:
        port, guild = voice.port, voice.guild_id
        await port.connect(guild, voice.channel_id)
        await port.connect(guild, voice.other_id)
        assert port.where(guild) == voice.other_id

    async def test_it_can_come_back_after_leaving(self, voice: VoiceBench) -> None:
        port, guild = voice.port, voice.guild_id
        await port.connect(guild, voice.channel_id)
        await port.leave(guild)
        await port.connect(guild, voice.other_id)
        assert port.where(guild) == voice.other_id

    async def test_what_cannot_be_entered_is_named(self, voice: VoiceBench) -> None:
        for channel_id, why in voice.unusable:
            with pytest.raises(VoiceFailed) as failure:
                await voice.port.connect(voice.guild_id, channel_id)
            assert failure.value.why is why
            assert voice.port.where(voice.guild_id) == 0

    async def test_silencing_somebody_who_says_nothing_is_fine(self, voice: VoiceBench) -> None:
        await voice.port.silence(voice.guild_id, 4242)
        await voice.port.connect(voice.guild_id, voice.channel_id)
        await voice.port.silence(voice.guild_id, 4242)
        assert voice.port.where(voice.guild_id) == voice.channel_id


@dataclass(frozen=True)
class NoticeBench:
    """A notice port, somebody to be told things, and what they and others received."""

    port: NoticePort
    person_id: int
    guild_id: int
    channel_id: int
    text_channel_id: int
    told: Callable[[], Awaitable[int]]
    """How many messages reached the person so far."""
    rung: Callable[[], Awaitable[list[int]]]
    """Whose devices rang, in order."""

    def notice(self, kind: NoticeKind, why: Why | None = None) -> Notice:
        return Notice(
            kind=kind,
            person_id=self.person_id,
            guild_id=self.guild_id,
            channel_id=self.channel_id,
            text_channel_id=self.text_channel_id,
            locale="en-US",
            seconds=15.0,
            why=why,
            other_id=self.channel_id,
        )


class NoticePortContract:
    """Each notice reaches its person once; only a ping rings, and only for them."""

    @pytest.mark.parametrize("kind", list(NoticeKind))
    async def test_every_kind_is_told_once_and_rings_nowhere(
        self, notices: NoticeBench, kind: NoticeKind
    ) -> None:
        needs_why = kind in (NoticeKind.ENDED, NoticeKind.LINE_LOST)
        await notices.port.tell(notices.notice(kind, Why.IDLE if needs_why else None))
        assert await notices.told() == 1
        assert await notices.rung() == []

    @pytest.mark.parametrize("why", list(Why))
    async def test_every_reason_has_words(self, notices: NoticeBench, why: Why) -> None:
        await notices.port.tell(notices.notice(NoticeKind.ENDED, why))
        await notices.port.tell(notices.notice(NoticeKind.LINE_LOST, why))
        assert await notices.told() == 2

    async def test_a_ping_rings_for_its_person_only(self, notices: NoticeBench) -> None:
        await notices.port.ping(notices.notice(NoticeKind.CALLED))
        assert await notices.told() == 1
        assert await notices.rung() == [notices.person_id]

    async def test_what_cannot_be_delivered_is_dropped(self, notices: NoticeBench) -> None:
        lost = replace(notices.notice(NoticeKind.ENDED, Why.GUILD_REMOVED), text_channel_id=4242)
        await notices.port.tell(replace(lost, guild_id=4242, person_id=4242))


class StoreContract:
    """Transitions are atomic, posts arrive once, changes are heard of."""

    async def test_what_was_written_is_read(self, store: LobbyStore) -> None:
        await store.transact("a", lambda books, now_s: _ticket(books, 7))
        books = await store.read()
        assert books.next_ticket == 7
        seen: list[Books] = []
        await store.transact("a", lambda books, now_s: seen.append(books) or _ticket(books, 8))
        assert seen == [books]

    async def test_the_database_has_a_clock(self, store: LobbyStore) -> None:
        times: list[float] = []
        for _ in range(2):
            await store.transact("a", lambda books, now_s: times.append(now_s) or _same(books))
        assert 1_600_000_000 < times[0] <= times[1]

    async def test_what_raises_changes_nothing(self, store: LobbyStore) -> None:
        before = await store.read()

        def fails(books: Books, now_s: float) -> Entry:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.transact("a", fails)
        assert await store.read() == before

    async def test_transitions_come_one_after_another(self, store: LobbyStore) -> None:
        async def count() -> None:
            for _ in range(5):
                await store.transact("a", lambda books, _: _ticket(books, books.next_ticket + 1))

        before = (await store.read()).next_ticket
        await asyncio.gather(*(count() for _ in range(6)))
        assert (await store.read()).next_ticket == before + 30

    async def test_posts_reach_their_process_once_and_in_order(self, store: LobbyStore) -> None:
        def leave(*bodies: str) -> Callable[[Books, float], Entry]:
            posts = tuple(Post("west", 0, 1.0, body) for body in bodies)
            return lambda books, _: replace(_same(books), posts=posts)

        assert await store.transact("east", leave("one", "two")) == ()
        assert await store.transact("east", leave("three")) == ()
        taken = await store.transact("west", lambda books, _: _same(books))
        assert [post.body for post in taken] == ["one", "two", "three"]
        assert await store.transact("west", lambda books, _: _same(books)) == ()

    async def test_changes_are_heard_of(self, store: LobbyStore) -> None:
        async with aclosing(store.changes("west", poll_s=0.05)) as changes:
            first = await anext(changes)
            assert first.version == (await store.read()).version
            post = Post("west", 0, 1.0, "{}")
            await store.transact("east", lambda books, _: replace(_same(books), posts=(post,)))
            async with asyncio.timeout(5):
                second = await anext(changes)
                while second.version <= first.version:
                    second = await anext(changes)
            assert second.posts

    async def test_the_trail_tells_who_and_when_and_is_pruned(self, store: LobbyStore) -> None:
        lines = tuple(_line(person, at_s) for person, at_s in ((1, 10.0), (2, 20.0), (1, 30.0)))
        await store.transact("a", lambda books, _: replace(_same(books), trail=lines))
        assert [line.at_s for line in await store.trail()] == [10.0, 20.0, 30.0]
        assert [line.at_s for line in await store.trail(person_id=1)] == [10.0, 30.0]
        assert [line.at_s for line in await store.trail(guild_id=9)] == []
        first = (await store.trail(limit=1))[0]
        assert (first.deed, first.why) == (Deed.RELEASED, Why.LEFT)
        assert [each.at_s for each in await store.trail(after_id=first.id)] == [20.0, 30.0]
        assert await store.session_lengths(2) == (30.0, 20.0)
        assert await store.prune(15.0) == 1
        assert await store.session_lengths(9) == (30.0, 20.0)


def _same(books: Books) -> Entry:
    return Entry(replace(books, version=books.version + 1))


def _ticket(books: Books, ticket: int) -> Entry:
    return Entry(replace(books, next_ticket=ticket, version=books.version + 1))


def _line(person: int, at_s: float) -> TrailLine:
    return TrailLine(person, 5, 6, Deed.RELEASED, Why.LEFT, 0, 3, at_s, at_s, "a")
