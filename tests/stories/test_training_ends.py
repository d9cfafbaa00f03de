"""How a training ends when something comes between: a restart, a cancel, another voice, a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cogs.training_desk import TrainingDesk
from sandbox.actor import File
from sandbox.records import Interaction, Message, Role
from storage.records import VoiceRoles
from tests.stories.community import told
from tests.stories.test_training import ADA, BASE, failures, filled, left
from tests.stories.town import Town, labels
from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from vits.io.folder import write_voice

GIVEN = [File("a.wav", b"RIFF")]
PATIENCE_S = 60.0
"""A process that starts, on a machine that is busy with other tests."""


@pytest.fixture
def quick(quiet_town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A town where a voice is made at once. Not switched on yet."""
    monkeypatch.setattr("speech.training.WORK", "tests.stories.instant")
    write_voice(tmp_path / "shelf" / BASE, tiny_config(PLAIN, BASE), tiny_tensors(PLAIN))
    quiet_town.set("speech", voices=(tmp_path / "shelf",))
    folder = tmp_path / "training"
    quiet_town.set("training", enabled=True, folder=folder, least_s=0.5, edit_gap_s=0.05)
    yield quiet_town


def desk_of(town: Town) -> TrainingDesk:
    """What the running bot's trainings are seen to by."""
    desk = town.house.client.get_cog("Voice")._desk  # type: ignore[union-attr]
    assert isinstance(desk, TrainingDesk)
    return desk


def at_its_end(town: Town) -> bool:
    """Whether it is known how the training ended, which nobody was told yet."""
    running = desk_of(town)._running
    return running is not None and running.over


async def family(town: Town) -> Role:
    """A role that Amy has."""
    role = town.sandbox.add_role(town.guild, "Family")
    town.owner.moderate.give_role(town.guild, town.amy, role)
    return role


async def begun(town: Town, role: Role | None = None) -> Interaction:
    """The owner asks for a voice, for this role only."""
    more: dict[str, Any] = {"role": role} if role else {}
    form = await town.owner.command("voice train start", base=BASE, **more)
    asked = await town.owner.submit(form, filled(GIVEN))
    assert "has begun" in await town.told(asked)
    return asked


async def working(town: Town) -> Message:
    """The message that tells how far it is."""
    return await town.until(
        lambda: next((m for m in town.said() if "Cancel" in labels(m)), None)  # type: ignore[arg-type, return-value]
    )


async def ready(town: Town) -> list[Message]:
    """What was said of a voice that is ready."""
    return await town.until(lambda: [m for m in town.said() if "is ready" in m.content], PATIENCE_S)


async def rules(town: Town) -> tuple[VoiceRoles, ...]:
    return await town.house.database.voice_rules.list(0)


async def nothing_is_left(town: Town, tmp_path: Path) -> None:
    await town.until(lambda: desk_of(town).standing is None)
    assert not left(tmp_path)
    assert await town.house.database.trainings.list() == ()
    assert not [m for m in town.said() if "Cancel" in labels(m)]


async def held_sample(desk: TrainingDesk, running: object) -> None:
    """A sample that takes for ever."""
    await asyncio.Event().wait()


async def test_a_voice_that_was_put_on_the_shelf_before_a_restart_is_told_of_and_keeps_its_role(
    quick: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = quick
    await town.start()
    role = await family(town)
    with monkeypatch.context() as patch:
        patch.setattr(TrainingDesk, "_sample", held_sample)
        await begun(town, role)
        await town.until(lambda: (tmp_path / "shelf" / ADA).exists(), PATIENCE_S)
        await town.until(lambda: at_its_end(town))
        await town.stop()
    assert left(tmp_path)
    await town.start()
    (done,) = await ready(town)
    assert "Likeness 0.91" in done.content and "Recordings: 0" in done.content
    await nothing_is_left(town, tmp_path)
    assert await rules(town) == (VoiceRoles(0, ADA, frozenset({role.id})),)
    assert "only for certain roles" in await told(town, town.ben, "voice set", voice=ADA)
    assert f"{ADA} speaks to you" in await told(town, town.amy, "voice set", voice=ADA)


async def test_a_cancel_comes_too_late_once_the_voice_is_on_the_shelf(
    quick: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, owner = quick, quick.owner
    await town.start()
    role = await family(town)
    let_go = asyncio.Event()
    sample = TrainingDesk._sample

    async def slow(desk: TrainingDesk, running: Any) -> Any:
        await let_go.wait()
        return await sample(desk, running)

    monkeypatch.setattr(TrainingDesk, "_sample", slow)
    await begun(town, role)
    message = await working(town)
    await town.until(lambda: at_its_end(town), PATIENCE_S)
    assert "No voice is being trained" in await town.told(await owner.click(message, "Cancel"))
    assert "No voice is being trained" in await told(town, owner, "voice train cancel")
    let_go.set()
    assert len(await ready(town)) == 1
    await nothing_is_left(town, tmp_path)
    assert await rules(town) == (VoiceRoles(0, ADA, frozenset({role.id})),)


async def test_a_cancel_between_the_shelf_and_the_news_of_it_changes_nothing(
    quick: Town, tmp_path: Path
) -> None:
    town, owner = quick, quick.owner
    (tmp_path / "hold-done").touch()
    await town.start()
    role = await family(town)
    await begun(town, role)
    message = await working(town)
    await town.until(lambda: (tmp_path / "shelf" / ADA).exists(), PATIENCE_S)
    presses = await asyncio.gather(owner.click(message, "Cancel"), owner.click(message, "Cancel"))
    for press in presses:
        assert "No voice is being trained" in await town.told(press)
    (done,) = await ready(town)
    assert "Likeness 0.91" in done.content
    await nothing_is_left(town, tmp_path)
    assert await rules(town) == (VoiceRoles(0, ADA, frozenset({role.id})),)


async def test_a_cancel_takes_back_only_the_rule_that_the_training_made(
    quick: Town, tmp_path: Path
) -> None:
    town, owner = quick, quick.owner
    (tmp_path / "hold-judge").touch()
    await town.start()
    role = await family(town)
    for before in (frozenset[int](), frozenset({role.id}), frozenset({7})):
        for role_id in before:
            await town.house.database.voice_rules.add(0, ADA, role_id)
        await begun(town, role)
        assert role.id in (await rules(town))[0].role_ids
        cancelled = await town.told(await owner.click(await working(town), "Cancel"))
        assert "Nothing of it was kept" in cancelled
        assert left(tmp_path) == []
        assert [rule.role_ids for rule in await rules(town)] == ([before] if before else [])
        await town.house.database.voice_rules.remove(0, ADA)


async def test_another_voice_that_took_the_name_keeps_its_rules(
    quick: Town, tmp_path: Path
) -> None:
    town = quick
    (tmp_path / "hold-judge").touch()
    await town.start()
    role = await family(town)
    asked = await begun(town, role)
    tensors = tiny_tensors(PLAIN, seed=9)
    write_voice(tmp_path / "shelf" / ADA, tiny_config(PLAIN, ADA), tensors)
    await told(town, town.owner, "mod voice", voice=ADA, role=role, everywhere=True)  # off
    await told(town, town.owner, "mod voice", voice=ADA, role=role, everywhere=True)  # and on
    (tmp_path / "hold-judge").unlink()
    (told_of,) = await town.until(lambda: failures(asked), PATIENCE_S)
    assert "a voice of that name now" in told_of.content
    await nothing_is_left(town, tmp_path)
    assert await rules(town) == (VoiceRoles(0, ADA, frozenset({role.id})),)


async def test_a_voice_that_cannot_give_a_sample_is_told_of_and_leaves_nothing(
    quick: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = quick

    async def broken(desk: TrainingDesk, running: object) -> None:
        raise RuntimeError("no sample")

    monkeypatch.setattr(TrainingDesk, "_sample", broken)
    await town.start()
    await begun(town)
    (done,) = await ready(town)
    assert not done.attachments
    await nothing_is_left(town, tmp_path)


async def test_a_training_that_cannot_be_told_of_at_all_leaves_nothing(
    quick: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = quick

    async def broken(desk: TrainingDesk, running: object, end: object) -> None:
        raise RuntimeError("no words")

    monkeypatch.setattr(TrainingDesk, "_finished", broken)
    await town.start()
    await begun(town)
    await town.until(lambda: (tmp_path / "shelf" / ADA).exists(), PATIENCE_S)
    await nothing_is_left(town, tmp_path)
    assert "No voice is being trained" in await told(town, town.owner, "voice train cancel")


async def test_discord_coming_back_twice_takes_a_training_up_once(
    quick: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, resume = quick, TrainingDesk.resume
    (tmp_path / "hold-judge").touch()
    await town.start()
    await begun(town)
    await town.stop()

    async def later(desk: TrainingDesk) -> None:
        """Not yet."""

    with monkeypatch.context() as patch:
        patch.setattr(TrainingDesk, "resume", later)
        await town.start()
    desk = desk_of(town)
    await asyncio.gather(resume(desk), resume(desk), resume(desk))
    assert len(await town.house.database.trainings.list()) == len(left(tmp_path)) == 1
    (tmp_path / "hold-judge").unlink()
    assert len(await ready(town)) == 1
    await nothing_is_left(town, tmp_path)


async def test_what_is_being_laid_out_when_discord_comes_back_is_not_swept_away(
    quick: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = quick
    (tmp_path / "hold-judge").touch()
    await town.start()
    house, desk = town.house, desk_of(town)
    read, listing, let_go = asyncio.Event(), house.database.trainings.list, asyncio.Event()

    async def slow() -> Any:
        found = await listing()
        read.set()
        await let_go.wait()
        return found

    monkeypatch.setattr(house.database.trainings, "list", slow)
    back = asyncio.create_task(desk.resume())
    await read.wait()
    form = await town.owner.command("voice train start", base=BASE)
    submitted = await town.owner.submit(form, filled(GIVEN))
    await asyncio.sleep(0.5)  # without the lock it is laid out by now, and then swept away
    let_go.set()
    await back
    monkeypatch.undo()
    assert "has begun" in await town.told(submitted)
    assert len(left(tmp_path)) == 1
