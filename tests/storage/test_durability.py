"""What was acknowledged is there after kill -9, and after the machine's other accidents."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from sqlalchemy import text

from storage.database import open_database
from tests.storage.test_turns import ANNA, CLUB, recent, said, tell

WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from storage.database import open_database
    from tests.storage.test_turns import ANNA, CLUB, recent, said

    async def main():
        async with open_database(sys.argv[1]) as database:
            epoch = (await recent(database)).epoch
            for number in range(10_000):
                await database.turns.save(said(str(number)), epoch=epoch)
                print(number, flush=True)  # the acknowledgement

    asyncio.run(main())
    """
)
MANY_TURNS = """
    INSERT INTO turns (person_id, guild_id, channel_id, asked, answered, asked_tokens,
        answered_tokens, encoding, complete, pinned, at_s, since_id)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :turns)
    SELECT :person, :guild, 1, 'asked', 'answered', 10, 20, 'x', 1, 0, i, 0 FROM n
"""
ROOT = Path(__file__).parents[2]


def started(program: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


async def test_kill_9_takes_nothing_that_was_acknowledged(url: str) -> None:
    for _ in range(2):
        writer = started(WRITER, url)
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(25)]
        writer.send_signal(signal.SIGKILL)
        # What it said until it died was acknowledged too.
        acknowledged += [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        writer.stdout.close()
        async with open_database(url) as database:
            found = {turn.asked for turn in (await recent(database, budget=10**9)).turns}
            assert {str(number) for number in acknowledged} <= found
            await database.turns.clear(ANNA, CLUB)


async def test_two_processes_write_the_same_database(url: str) -> None:
    writers = [started(WRITER.replace("10_000", "40"), url) for _ in range(2)]
    assert [len(writer.communicate()[0].split()) for writer in writers] == [40, 40]
    async with open_database(url) as database:
        assert (await database.turns.totals(ANNA, CLUB)).turns == 80


async def test_a_commit_is_on_the_disk(tmp_path: Path) -> None:
    async with (
        open_database(f"sqlite:///{tmp_path / 'a.db'}") as database,
        database.writing() as connection,
    ):
        found = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}


async def test_the_work_for_a_message_does_not_grow_with_the_history(tmp_path: Path) -> None:
    """Counted in steps of SQLite's machine, which no other load on this computer changes."""
    async with open_database(f"sqlite:///{tmp_path / 'a.db'}") as database:
        await tell(database, said("first"))

        async def talk(person: int, turns: int) -> None:
            async with database.writing() as connection:
                await connection.execute(
                    text(MANY_TURNS), {"person": person, "guild": CLUB, "turns": turns}
                )

        async def steps() -> int:
            async with database.reading() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                taken: list[None] = []
                assert driver is not None
                await driver.set_progress_handler(lambda: taken.append(None), 10)
                await recent(database, budget=2000)
                await driver.set_progress_handler(None, 0)
            return len(taken)

        await talk(ANNA, 100)
        few = await steps()
        await talk(ANNA, 60_000)
        await talk(ANNA + 1, 60_000)
        async with database.outside_transactions() as connection:
            # What the planner then knows of the tables must not lead it astray.
            await connection.execute(text("ANALYZE"))
        many = await steps()
        assert few > 50
        assert abs(many - few) < few / 5
