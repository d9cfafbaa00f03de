"""One member in voice uses /chat: how long until something is acknowledged, read and heard.

The bot is the real one, in a process of its own, with a voice session in the sandbox. It is timed
twice: with an endpoint that answers at once, where all that is left is Parley's own time, and with
the packaged demo model. All times are of one clock, from the member's command on.
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
from benchmarks.stage import Member, have_session, move_in, start_bot
from sandbox.records import Message
from sandbox.server import Sandbox, open_sandbox
from tests.support.endpoint import Reply, Request, open_endpoint
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
    rows: list[tuple[object, ...]] = [("from /chat to", "endpoint", "median ms", "p95 ms", "runs")]
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
    async with open_sandbox() as sandbox, open_endpoint() as endpoint:
        asked_s: list[float] = []

        def answer(request: Request) -> Reply:
            asked_s.append(sandbox.clock.real_s())
            return Reply(ANSWER)

        endpoint.otherwise = answer
        member = move_in(sandbox, 0)
        async with start_bot(sandbox, OPENAI_BASE_URL=endpoint.base_url, OPENAI_API_KEY="none"):
            await have_session(sandbox, member)
            await _round(sandbox, member)  # the voice is opened
            found = []
            for _ in range(rounds):
                times = await _round(sandbox, member)
                times["the model being asked"] = asked_s[-1] - times.pop("begun")
                times["first sound, from the model's first sentence"] = (
                    times["first sound"] - times["the model being asked"]
                )
                times["first text, from the model's first word"] = (
                    times["first text"] - times["the model being asked"]
                )
                found.append(times)
    return _spreads(found)


async def _demo(rounds: int) -> dict[str, Any]:
    async with open_sandbox() as sandbox:
        member = move_in(sandbox, 0)
        async with start_bot(sandbox, OPENAI_BASE_URL="", OPENAI_API_KEY=""):
            await have_session(sandbox, member)
            await _round(sandbox, member)
            found = [await _round(sandbox, member) for _ in range(rounds)]
    for times in found:
        del times["begun"]
    return _spreads(found)


async def _round(sandbox: Sandbox, member: Member) -> Times:
    """One question; seconds from its command to each thing, and when it ``begun``."""
    hearing = member.actor.heard(member.guild)
    known = len(hearing.frames)
    begun_s = sandbox.clock.real_s()
    asked = await member.actor.command("chat", given={"text": QUESTION})

    def finished() -> list[Message]:
        written = [m for m in asked.messages if m.content]
        running = any(being_written(message) for message in written)
        return [] if running else written

    messages = await sandbox.until(finished, PATIENCE_S)
    await until_quiet(sandbox, hearing, PATIENCE_S, known=known)
    first = next(v for v in messages[0].versions if v.content)
    voiced = [frame for frame in hearing.frames[known:] if not frame.silence]
    return {
        "begun": begun_s,
        "acknowledgement": (asked.answered_s or 0) - asked.created_s,
        "first text": first.at_s - asked.created_s,
        "whole text": messages[-1].versions[-1].at_s - asked.created_s,
        "first sound": voiced[0].arrived_s - begun_s,
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
