"""The fakes, and the real stores, hold the contracts of the lobby's ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from lobby.director import Director
from lobby.records import (
    Books,
    Entry,
    Place,
    Process,
    Room,
    ServerRules,
    Stage,
    Why,
)
from lobby.settings import LobbySettings
from lobby.store import LobbyStore
from storage.database import open_database
from tests.lobby.contracts import (
    NoticeBench,
    NoticePortContract,
    StoreContract,
    VoiceBench,
    VoicePortContract,
)
from tests.lobby.fakes import FakeNotices, FakeVoice, MemoryStore, VirtualClock
from tests.support.databases import KINDS, postgres_url, url_for


class TestFakeVoice(VoicePortContract):
    @pytest.fixture
    def voice(self) -> VoiceBench:
        unusable = {103: Why.CHANNEL_FULL, 104: Why.FORBIDDEN, 105: Why.CHANNEL_DELETED}
        return VoiceBench(FakeVoice(broken=unusable), 100, 101, 102, tuple(unusable.items()))


class TestFakeNotices(NoticePortContract):
    @pytest.fixture
    def notices(self) -> NoticeBench:
        port = FakeNotices()

        async def told() -> int:
            return len([each for each in port.log if each.person_id == 1])

        async def rung() -> list[int]:
            return [each.person_id for each in port.pings]

        return NoticeBench(port, 1, 100, 101, 199, told, rung)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> LobbyStore:
        return MemoryStore(VirtualClock())


class TestDatabaseStore(StoreContract):
    @pytest.fixture(params=KINDS)
    async def store(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncIterator[LobbyStore]:
        async with open_database(url_for(request.param, tmp_path)) as database:
            yield database.lobby

    async def test_every_record_comes_back_as_it_was(self, store: LobbyStore) -> None:
        snowflake = 2**62 + 1
        place = Place(
            snowflake,
            snowflake + 1,
            3,
            4,
            5,
            "zh-TW",
            6,
            True,
            Stage.GRACE,
            1.5,
            2.5,
            3.5,
            4.5,
            5.5,
        )
        written = Books(
            places={place.person_id: place},
            rooms={8: Room(8, "shard-0", True, snowflake, 9.25)},
            processes={"shard-0": Process("shard-0", "life", 0.0, 99.125, True)},
            rules={8: ServerRules(8, 3, 1, 120.0, (snowflake, 2))},
            next_ticket=snowflake,
            version=2,
            seen_s=1.0,
            skew_s=-86400.0,
        )
        await store.transact("a", lambda books, _: Entry(written))
        assert await store.read() == written
        changed = replace(written, places={}, rooms={}, processes={}, rules={}, version=3)
        await store.transact("a", lambda books, _: Entry(changed))
        assert await store.read() == changed


async def test_news_that_were_cut_off_are_listened_for_again() -> None:
    """PostgreSQL ends every connection, as it does when it is restarted."""
    url = postgres_url()
    settings = LobbySettings(slots=1, heartbeat_s=30.0, resume_s=1.0)  # no heartbeat brings them
    async with AsyncExitStack() as stack:
        came, directors = asyncio.Event(), []

        class Voice(FakeVoice):
            async def connect(self, guild_id: int, channel_id: int) -> None:
                if guild_id == 200:
                    came.set()

        for name, guild in (("east", 100), ("west", 200)):
            database = await stack.enter_async_context(open_database(url))
            director = Director(database.lobby, Voice(), FakeNotices(), settings, process=name)
            await stack.enter_async_context(director)
            await director.ready({guild: {}})
            directors.append(director)
        east, west = directors
        await east.join(1, 100, 101)
        await west.join(2, 200, 201)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        await east.leave(1)
        async with asyncio.timeout(15):
            await came.wait()
