"""Discord has bad days: requests refused, gateways lost; stores hang and processes die."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.stories.test_voice import sound
from tests.stories.town import Town, finished, text_of
from tests.support.endpoint import Reply

REPO = Path(__file__).parents[2]
EDIT = "PATCH /webhooks/*/*/messages/*"


@pytest.mark.parametrize("fault", ["429", "500", "lost"])
async def test_refused_and_lost_edits_do_not_cost_the_answer(town: Town, fault: str) -> None:
    faults = town.sandbox.faults
    words = " ".join(f"word{n}" for n in range(40))
    town.endpoint.say(words, pace_s=0.03)
    asked = await town.amy.command("chat", text="Go.")
    await town.until(lambda: [m for m in asked.messages if m.content])
    if fault == "429":
        faults.rate_limit(EDIT, times=2, retry_after_s=0.3)
    elif fault == "500":
        faults.server_error(EDIT, times=1)
    else:
        faults.lose_answer(EDIT, times=1)
    answer = await town.until(lambda: finished(asked))
    assert text_of(answer) == words


@pytest.mark.parametrize("command", ["chat", "voice status"])
async def test_an_acknowledgement_whose_receipt_is_lost_still_counts(
    town: Town, command: str
) -> None:
    town.sandbox.faults.lose_answer("POST /interactions/*/*/callback")
    options = {"text": "Hello?"} if command == "chat" else {}
    asked = await town.amy.command(command, **options)
    told = await town.until(lambda: [m for m in asked.messages if m.content])
    assert told[0].content.startswith(("You said", "Not connected"))
    # It was told once more, since nobody could know; Discord said that it knew.
    assert {violation.rule for violation in town.sandbox.violations} == {"double-acknowledgement"}
    town.sandbox.violations.clear()


async def test_a_message_whose_receipt_is_lost_is_not_sent_twice(town: Town) -> None:
    town.sandbox.faults.lose_answer("POST /channels/*/messages")
    town.endpoint.say("All is well.", pace_s=0.1)
    await town.amy.mention_bot(None, "are you well?")
    (answer,) = await town.answers(1)
    assert [text_of(m) for m in town.said() if m.content] == [text_of(answer)] == ["All is well."]


@pytest.mark.parametrize("resumable", [True, False])
async def test_an_answer_survives_a_lost_gateway(town: Town, resumable: bool) -> None:
    town.endpoint.then(Reply("Before and after.", ending="hold"))
    asked = await town.amy.command("chat", text="Hold on.")
    await town.endpoint.asked(1)
    await town.sandbox.faults.drop_gateway(resumable=resumable)
    await town.sandbox.until_online()
    town.endpoint.release()
    assert text_of(await town.until(lambda: finished(asked))) == "Before and after."
    assert (await town.chat(town.amy, "Still there?")).content == "You said: Still there?"


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_voice_session_survives_a_lost_gateway(town: Town, resumable: bool) -> None:
    await town.joined(town.amy)
    await town.sandbox.faults.drop_gateway(resumable=resumable)
    await town.sandbox.until_online()
    await town.until(lambda: town.bot_channel() == town.lounge.id)
    before = len(sound(town, town.amy))
    await town.chat(town.amy, "Can I still hear you?")
    await town.until(lambda: len(sound(town, town.amy)) > before + 30)


@pytest.mark.parametrize("how", ["command", "mention"])
async def test_a_channel_that_is_deleted_ends_the_answer(town: Town, how: str) -> None:
    doomed = town.sandbox.add_text_channel(town.guild, "doomed")
    town.endpoint.say("word " * 400, pace_s=0.02)
    if how == "command":
        await town.amy.command("chat", where=doomed, text="Talk.")
    else:
        await town.amy.mention_bot(doomed, "talk")
    await town.until(lambda: [m for m in town.said(doomed) if m.content])
    town.owner.moderate.delete_channel(doomed)
    await town.endpoint.until(lambda endpoint: endpoint.abandoned == 1)
    assert (await town.chat(town.amy, "And here?")).content == "You said: And here?"


async def test_everything_is_acknowledged_in_time_whatever_hangs(town: Town) -> None:
    """The model is silent, the store is locked, the worker is stopped: Discord hears at once."""
    town.endpoint.otherwise = lambda request: Reply("Later.", ending="hold")
    health = await town.house.studio.health()
    for worker in health.workers:
        os.kill(worker.pid, signal.SIGSTOP)
    path = town.settings.storage.url.removeprefix("sqlite:///")
    lock = sqlite3.connect(path, timeout=10, check_same_thread=False)
    await asyncio.to_thread(lock.execute, "BEGIN IMMEDIATE")
    try:
        commands = ("chat", "voice join", "voice leave", "voice status", "queue", "say")
        for path in commands:
            options = {"text": "hello"} if path in ("chat", "say") else {}
            asked = await town.amy.command(path, **options)
            assert asked.answered_s is not None
            assert asked.answered_s - asked.created_s < 1.0, path
    finally:
        lock.rollback()
        lock.close()
        for worker in health.workers:
            os.kill(worker.pid, signal.SIGCONT)
        town.endpoint.release()


async def test_what_was_answered_is_remembered_after_a_restart(town: Town) -> None:
    town.endpoint.say("Nice to meet you, Amy.")
    await town.chat(town.amy, "I am Amy.")
    await town.restart()
    await town.chat(town.amy, "Who am I?")
    contents = [m["content"] for m in town.endpoint.chats[-1].messages[1:]]
    assert contents == ["I am Amy.", "Nice to meet you, Amy.", "Who am I?"]


async def test_kill_minus_nine_loses_nothing_that_looked_finished(quiet_town: Town) -> None:
    """The bot as a process of its own, run as ``bot.py run`` runs it, killed without warning."""
    town = quiet_town
    sandbox, settings = town.sandbox, town.settings
    environ = os.environ | {
        "DISCORD_TOKEN": sandbox.token,
        "OPENAI_API_KEY": "key",
        "OPENAI_BASE_URL": town.endpoint.base_url,
        "PARLEY_STORAGE__URL": settings.storage.url,
        "PARLEY_LOG__LEVEL": "warning",
    }
    host, port = sandbox.address
    command = (sys.executable, "bot.py", "run", "--discord", f"{host}:{port}")
    for question in ("I am Amy.", "Who am I?"):
        process = await asyncio.create_subprocess_exec(
            *command, "--ca", str(sandbox.ca_file), env=environ, cwd=REPO
        )
        try:
            await town.until(lambda: sandbox.online)
            await town.until(lambda: any(offer.path == "chat" for offer in town.amy.offers()))
            await town.chat(town.amy, question)
        finally:
            process.kill()
            await process.wait()
        await town.until(lambda: not sandbox.online)
    contents = [m["content"] for m in town.endpoint.chats[-1].messages[1:]]
    assert contents == ["I am Amy.", "You said: I am Amy.", "Who am I?"]


async def test_an_answer_that_takes_longer_than_its_token_lives_is_finished_all_the_same(
    town: Town,
) -> None:
    town.endpoint.then(Reply("It took a while.", ending="hold"))
    asked = await town.amy.command("chat", text="Think hard.")
    await town.until(lambda: [m for m in asked.messages if m.content])
    town.sandbox.clock.advance(16 * 60)
    town.endpoint.release()
    answer = await town.until(lambda: finished(asked))
    assert text_of(answer) == "It took a while."
    # Only the sandbox's clock was moved: Parley's own would have spared it this request.
    assert {violation.rule for violation in town.sandbox.violations} == {"token-expired"}
    town.sandbox.violations.clear()
