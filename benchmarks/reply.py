"""One member in voice uses /chat: how long until something is acknowledged, read and heard.

The bot is the real one, in a process of its own, with a voice session in the sandbox. It is timed
twice: with an endpoint that answers at once, where all that is left is Parley's own time, and with
the packaged demo model. A relay before the model notes when it was asked and what it said when, so
that the model's time and Parley's own are told apart. All times are of one clock.

A message is edited at most every 1.1 s on purpose (Discord's limits), so the whole text of a short
answer is on the page about that long after its first words.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from benchmarks import harness
from benchmarks.relay import Relay, open_relay
from benchmarks.stage import START_S, Member, have_session, move_in, start_bot
from dialogue.model_server import open_model_server
from dialogue.settings import DEMO_PROMPT
from sandbox.records import Message
from sandbox.server import Sandbox, open_sandbox
from tests.support.endpoint import Reply, open_endpoint
from tryout.scene import being_written, until_quiet

ANSWER = "The tide is low this morning. The boats lie on the sand, and gulls walk between them."
QUESTION = "What does the harbour look like today?"
PATIENCE_S = 120.0
Times = dict[str, float]


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure both ways and the memory of ``try``; print and save."""
    result: dict[str, Any] = {
        "machine": harness.machine(),
        "instant_endpoint": asyncio.run(_instant(5 if quick else 30)),
        "demo_model": asyncio.run(_demo(2 if quick else 8)),
        "memory_of_try_mb": asyncio.run(_memory()),
    }
    rows: list[tuple[object, ...]] = [("from, to", "model", "median ms", "p95 ms", "runs")]
    for kind in ("instant_endpoint", "demo_model"):
        for what, spread in result[kind].items():
            rows.append((what, kind, spread["median"], spread["p95"], spread["runs"]))
    print(harness.table("A reply", rows))
    memory = [("process of `bot.py try --say`", "largest resident MB")]
    memory += [(name, str(size)) for name, size in result["memory_of_try_mb"].items()]
    print(harness.table("Memory", memory))
    harness.save(out_dir, "reply", result)
    return result


async def _instant(rounds: int) -> dict[str, Any]:
    async with open_endpoint(otherwise=lambda _request: Reply(ANSWER)) as endpoint:
        return await _rounds(rounds, endpoint.base_url, "none")


async def _demo(rounds: int) -> dict[str, Any]:
    async with open_model_server() as server:
        base_url = await server.base_url(START_S)
        key = server.api_key.get_secret_value()
        return await _rounds(rounds, base_url, key, PARLEY_MEMORY__SYSTEM_PROMPT=DEMO_PROMPT)


async def _rounds(rounds: int, base_url: str, key: str, **environ: str) -> dict[str, Any]:
    async with open_sandbox() as sandbox, open_relay(base_url, key, sandbox.clock.real_s) as relay:
        member = move_in(sandbox, 0)
        address = {"OPENAI_BASE_URL": relay.base_url, "OPENAI_API_KEY": "none"}
        async with start_bot(sandbox, **address, **environ):
            await have_session(sandbox, member)
            await _round(sandbox, member, relay)  # the voice is opened
            return _spreads([await _round(sandbox, member, relay) for _ in range(rounds)])


async def _round(sandbox: Sandbox, member: Member, relay: Relay) -> Times:
    """One question; seconds between what happened, from the member's command on."""
    hearing = member.actor.heard(member.guild)
    known = len(hearing.frames)
    begun_s, began_s = sandbox.clock.real_s(), sandbox.clock.now_s()
    asked = await member.actor.command("chat", given={"text": QUESTION})

    def finished() -> list[Message]:
        written = [m for m in asked.messages if m.content]
        running = any(being_written(message) for message in written)
        return [] if running else written

    messages = await sandbox.until(finished, PATIENCE_S)
    await until_quiet(sandbox, hearing, PATIENCE_S, known=known)
    model = relay.passed[-1]
    text_s = next(v.at_s for v in messages[0].versions if v.content) - began_s + begun_s
    whole_s = messages[-1].versions[-1].at_s - began_s + begun_s
    sound_s = next(f.arrived_s for f in hearing.frames[known:] if not f.silence)
    return {
        "/chat to acknowledgement": (asked.answered_s or 0) - asked.created_s,
        "/chat to the model being asked": model.asked_s - begun_s,
        "/chat to first visible text": text_s - begun_s,
        "model's first word to first visible text": text_s - model.word_s,
        "/chat to first voice packet": sound_s - begun_s,
        "model's first sentence to first voice packet": sound_s - model.sentence_s,
        "/chat to the whole text": whole_s - begun_s,
        "of that, the model": model.ended_s - model.asked_s,
        "of that, Parley": whole_s - begun_s - (model.ended_s - model.asked_s),
    }


def _spreads(found: list[Times]) -> dict[str, Any]:
    return {
        name: asdict(harness.Spread.of([1e3 * times[name] for times in found], "ms"))
        for name in found[0]
    }


async def _memory() -> dict[str, float]:
    """Largest resident size of each process while ``bot.py try --say`` runs."""
    largest: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "bot.py", "try", "--say", QUESTION, "--out", out),
            cwd=harness.ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        watched = psutil.Process(process.pid)
        while process.returncode is None:
            for each in [watched, *_children(watched)]:
                try:
                    name = _role(each, watched)
                    size = each.memory_info().rss / 1e6
                except psutil.Error:
                    continue  # it ended meanwhile
                largest[name] = round(max(size, largest.get(name, 0.0)), 1)
            try:
                await asyncio.wait_for(process.wait(), 0.1)
            except TimeoutError:
                continue
    if process.returncode:
        raise RuntimeError(f"bot.py try ended with {process.returncode}")
    return largest


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _role(process: psutil.Process, bot: psutil.Process) -> str:
    if process.pid == bot.pid:
        return "sandbox"
    line = " ".join(process.cmdline())
    roles = {"bot.py": "bot", "speech.opening": "speech worker", "model_child": "demo model"}
    return next((role for mark, role in roles.items() if mark in line), "another")
