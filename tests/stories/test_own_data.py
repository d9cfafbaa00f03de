"""Data people own: a copy of all of it, and nothing left of it when they say so."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from cogs import confirm, setup_page
from cogs.privacy import fitted
from sandbox.records import Interaction
from tests.stories.community import (
    NO,
    YES,
    body,
    confirmed,
    files_of,
    house_of,
    made,
    private,
    told,
)
from tests.stories.town import Town
from tests.support.endpoint import Reply
from tests.support.traces import traces

SECRET = "swordfish-4711"


def file_of(town: Town) -> Path:
    return Path(town.settings.storage.url.removeprefix("sqlite:///"))


def bytes_of(town: Town) -> bytes:
    """All that is in the database's files: the file, the write-ahead log."""
    file = file_of(town)
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(f"{file.name}*")))


async def test_export_holds_everything_about_one_and_nothing_of_others(town: Town) -> None:
    amy = town.amy
    await town.chat(amy, SECRET)
    await town.chat(amy, "in private", where=amy.direct)
    await town.chat(town.ben, "what ben said")
    await made(town, amy, "Pirate", "Say arr.")
    await told(town, amy, "voice speed", factor=1.5)
    await told(town, amy, "dict add", word="nginx", spoken="engine ex")
    files = await files_of(town, await amy.command("privacy export", where=amy.direct))
    data = body(files["parley-data.json"])
    for told_of in (SECRET, "in private", "Say arr.", "1.5", "engine ex"):
        assert told_of in str(data)
    assert "what ben said" not in str(data)
    readable = files["parley-data.txt"].decode()
    assert SECRET in readable
    assert "in private" in readable


async def test_forget_leaves_no_byte_behind(town: Town) -> None:
    amy = town.amy
    for n in range(5):
        await town.chat(amy, f"{SECRET} {n}")
    await town.chat(amy, f"{SECRET} in private", where=amy.direct)
    await town.chat(town.ben, "what ben said")
    await made(town, amy, "Pirate", f"Say {SECRET}.")
    await told(town, amy, "dict add", word="word", spoken=SECRET)
    await told(town, amy, "voice replies", kind="off")
    await house_of(town).database.privacy.erase()
    assert SECRET.encode() in bytes_of(town)
    assert "Nothing was changed" in await confirmed(
        town, amy, "privacy forget", NO, where=amy.direct
    )
    done = await confirmed(town, amy, "privacy forget", where=amy.direct)
    assert "Nothing of it is left in my files." in done
    assert SECRET.encode() not in bytes_of(town)
    assert b"what ben said" in bytes_of(town)
    assert "remember nothing" in await told(town, amy, "memory show")
    assert "no personas" in await told(town, amy, "persona list")
    assert "empty" in await told(town, amy, "dict list")
    files = await files_of(town, await amy.command("privacy export"))
    assert SECRET not in files["parley-data.json"].decode()
    await town.chat(amy, "We meet as strangers.")


async def test_a_question_that_nobody_answers_closes_itself_and_says_so(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "PATIENCE_S", 0.2)
    await town.chat(town.amy, "Hello!")
    question = await private(town, await town.amy.command("memory clear"))
    await town.until(lambda: not question.components)
    asked, note = question.content.split("\n")
    assert asked == "Forget all of our talk here? Your persona and your settings stay."
    assert note == "-# I no longer wait for an answer here. Please use the command again."
    assert "Hello!" in await told(town, town.amy, "memory show")
    # So does a page of /setup, also one that was turned to.
    monkeypatch.setattr(setup_page, "OPEN_S", 1.0)
    shown = await private(town, await town.owner.command("setup"))
    await town.owner.click(shown, "Next")
    await town.until(lambda: not shown.components)
    assert "(2 of 3)" in shown.content
    assert shown.content.endswith(note)


async def test_the_export_has_every_row_in_which_one_is_mentioned(town: Town) -> None:
    """Looked for by the id itself in every table there is, whatever its columns are called."""
    amy, owner = town.amy, town.owner
    await town.chat(amy, "Hello!")
    await made(town, amy, "Pirate", "Say arr.")
    await told(town, amy, "persona set", name="Pirate")
    await told(town, amy, "voice speed", factor=1.5)
    await told(town, amy, "dict add", word="nginx", spoken="engine ex")
    await told(town, owner, "mod block", member=amy.user)
    await told(town, owner, "mod unblock", member=amy.user)
    await told(town, owner, "mod block", member=amy.user)
    await town.joined(town.ben)
    for person in (amy, town.ben, owner):
        found = traces(file_of(town), person.id)
        files = await files_of(town, await person.command("privacy export", where=person.direct))
        held = body(files["parley-data.json"])["held"]
        assert {table: len(held.get(table, ())) for table in found} == dict(found), person
        assert not [name for name in held if f"== {name} ==" in files["parley-data.txt"].decode()]


async def test_forget_in_the_middle_of_things_leaves_no_trace_afterwards(town: Town) -> None:
    amy = town.amy
    await town.joined(amy)
    await town.chat(amy, "Hello!")
    question = await private(town, await amy.command("privacy forget"))
    town.endpoint.then(Reply("Late news.", ending="hold"))
    writing = await amy.command("chat", text="And now?")
    await town.endpoint.asked(2)
    waiting = await amy.command("chat", text=SECRET)
    await amy.click(question, YES)
    await town.until(lambda: "Nothing of it is left" in question.content)
    town.endpoint.release()
    assert "had me forget you before" in await town.told(waiting)
    await town.until(lambda: "Stopped." in said_in(writing))
    await town.until(lambda: town.bot_channel() == 0)
    await town.stop()
    assert not traces(file_of(town), amy.id)
    assert SECRET.encode() not in bytes_of(town)


def said_in(asked: Interaction) -> str:
    """All that was answered."""
    return "".join(message.content for message in asked.messages)


def test_an_export_of_any_size_is_handed_over() -> None:
    """As two files, packed into one, or in parts that make one when they are put together."""
    noise = random.Random(5).randbytes(300_000)
    files = [("parley-data.json", noise), ("parley-data.txt", b"words " * 100_000)]
    assert fitted(files, 10**6) == [files]
    ((packed,),) = fitted(files, 400_000)
    parts = fitted(files, 70_000)
    assert all(len(data) <= 70_000 for part in parts for _, data in part)
    names = [name for part in parts for name, _ in part]
    assert names[:2] == ["parley-data.zip.001", "parley-data.zip.002"]
    whole = b"".join(data for part in parts for _, data in part)
    for data in (packed[1], whole):
        with zipfile.ZipFile(io.BytesIO(data)) as folder:
            assert [(name, folder.read(name)) for name in folder.namelist()] == files


async def test_forget_ends_the_voice_session_and_keeps_a_block(town: Town) -> None:
    amy = town.amy
    await town.joined(amy)
    await confirmed(town, amy, "privacy forget")
    await town.until(lambda: town.bot_channel() == 0)
    await told(town, town.owner, "mod block", member=amy.user)
    await confirmed(town, amy, "privacy forget")
    assert "blocked you" in await told(town, amy, "chat", text="Hello?")
    blocks = await told(town, town.owner, "mod blocks")
    assert "forgotten since" in blocks
    assert str(amy.id) not in blocks
    assert "can use me again" in await told(town, town.owner, "mod unblock", member=amy.user)
