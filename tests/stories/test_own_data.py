"""Data people own: a copy of all of it, and nothing left of it when they say so."""

from __future__ import annotations

from pathlib import Path

from tests.stories.community import NO, body, confirmed, files_of, house_of, made, told
from tests.stories.town import Town

SECRET = "swordfish-4711"


def bytes_of(town: Town) -> bytes:
    """All that is in the database's files: the file, the write-ahead log."""
    file = Path(town.settings.storage.url.removeprefix("sqlite:///"))
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
