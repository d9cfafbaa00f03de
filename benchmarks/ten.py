"""Ten voice sessions speak at the same time, in one bot, over real sockets.

The bot is the real one, in a process of its own; ten members of ten servers of a sandbox each
have a voice session, and all of them use ``/say`` with a paragraph in the same moment. What each
of them hears is timed by the kernel when the datagram arrives. The language model takes no part.

``sound_s`` is from sending the command to the first packet with sound: the way through Discord's
gateway, the bot, synthesis, Opus and DAVE, with nine others doing the same.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import harness
from benchmarks.stage import Member, have_session, move_in, start_bot
from sandbox.server import Sandbox, open_sandbox

SESSIONS = 10
QUIET_S = 1.0
LATE_S = 0.040
WARM_UP = "The lamp is lit."

PARAGRAPH = (
    "The lighthouse keeper climbed the stairs as the storm rolled in from the west. "
    "Every evening for thirty years he had lit the lamp, and every morning he had put it out. "
    "Tonight the wind was louder than he could remember, and the sea threw itself at the rocks. "
    "He looked out, counted the seconds between the flashes, and smiled at his old clock."
)


@dataclass(frozen=True)
class Heard:
    """What one member heard of one round."""

    frames: int
    late: int
    underruns: int
    underrun_s: float
    lost: int
    sound_s: float
    last_s: float


@dataclass(frozen=True)
class Cost:
    """What the bot and its workers used while all ten were speaking."""

    bot_bytes: int
    worker_bytes: list[int]
    bot_cores: float
    worker_cores: float


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure, print and save. ``quick``: one round instead of five."""
    result = asyncio.run(measure(1 if quick else 5))
    print(harness.table("Ten voice sessions at once", _rows(result)))
    harness.save(out_dir, "ten", result)
    return result


async def measure(rounds: int, sessions: int = SESSIONS, text: str = PARAGRAPH) -> dict[str, Any]:
    """``rounds`` times: all members have ``text`` said to them at once."""
    heard: list[Heard] = []
    costs: list[Cost] = []
    fair = True
    async with open_sandbox() as sandbox:
        members = [move_in(sandbox, number) for number in range(sessions)]
        async with start_bot(sandbox) as process:
            await asyncio.gather(*(have_session(sandbox, member) for member in members))
            await _round(sandbox, members[:1], process, WARM_UP)  # the voice is opened
            for _ in range(rounds):
                results, cost = await _round(sandbox, members, process, text)
                heard += results
                costs.append(cost)
                # Nobody waits for another's whole paragraph.
                fair &= max(r.sound_s for r in results) < min(r.last_s for r in results)
    return _summary(heard, costs, rounds, sessions, fair)


async def _round(
    sandbox: Sandbox, members: list[Member], process: psutil.Process, text: str
) -> tuple[list[Heard], Cost]:
    before_s, begun_s = _cpu(process), time.monotonic()
    results = await asyncio.gather(*(_hear(sandbox, member, text) for member in members))
    wall_s = time.monotonic() - begun_s - QUIET_S
    after_s = _cpu(process)
    workers = process.children()
    cost = Cost(
        bot_bytes=process.memory_info().rss,
        worker_bytes=[worker.memory_info().rss for worker in workers],
        bot_cores=(after_s[0] - before_s[0]) / wall_s,
        worker_cores=(after_s[1] - before_s[1]) / wall_s,
    )
    return list(results), cost


def _cpu(process: psutil.Process) -> tuple[float, float]:
    """CPU seconds of the bot and of its workers so far."""
    own = process.cpu_times()
    others = [child.cpu_times() for child in process.children()]
    return own.user + own.system, sum(each.user + each.system for each in others)


async def _hear(sandbox: Sandbox, member: Member, text: str) -> Heard:
    """Have ``text`` said and listen until it is quiet again."""
    hearing = member.actor.heard(member.guild)
    before = hearing.statistics()
    known = {frame.spurt for frame in hearing.frames}
    said_s = sandbox.clock.real_s()
    await member.actor.command("say", text=text)

    def quiet() -> bool:
        last = hearing.frames[-1] if hearing.frames else None
        if last is None or last.spurt in known:
            return False
        return sandbox.clock.real_s() - last.arrived_s > QUIET_S

    async with asyncio.timeout(120):
        while not quiet():  # noqa: ASYNC110 - that nothing comes is no event
            await asyncio.sleep(0.1)
    after = hearing.statistics()
    mine = [f for f in hearing.frames if f.spurt not in known and not f.silence]
    return Heard(
        frames=after.frames - before.frames,
        late=after.late - before.late,
        underruns=after.underruns - before.underruns,
        underrun_s=after.underrun_s - before.underrun_s,
        lost=after.lost - before.lost,
        sound_s=mine[0].arrived_s - said_s,
        last_s=mine[-1].arrived_s - said_s,
    )


def _summary(
    heard: list[Heard], costs: list[Cost], rounds: int, sessions: int, fair: bool
) -> dict[str, Any]:
    frames = sum(each.frames for each in heard)
    late = sum(each.late for each in heard)
    return {
        "sessions": sessions,
        "rounds": rounds,
        "frames": frames,
        "frames_late": late,
        "late_share": late / frames if frames else None,
        "late_means_s": LATE_S,
        "frames_lost": sum(each.lost for each in heard),
        "underruns": sum(each.underruns for each in heard),
        "underrun_s": sum(each.underrun_s for each in heard),
        "sound_s": asdict(harness.Spread.of([each.sound_s for each in heard], "s")),
        "nobody_waited_for_a_whole_paragraph": fair,
        "bot_mb": max(cost.bot_bytes for cost in costs) / 1e6,
        "worker_mb": [round(size / 1e6, 1) for size in costs[-1].worker_bytes],
        "bot_cores": sum(cost.bot_cores for cost in costs) / len(costs),
        "worker_cores": sum(cost.worker_cores for cost in costs) / len(costs),
        "machine": harness.machine(),
    }


def _rows(result: dict[str, Any]) -> list[tuple[object, object]]:
    spread = result["sound_s"]
    return [
        ("what", "value"),
        ("voice sessions, rounds", f"{result['sessions']}, {result['rounds']}"),
        ("frames heard", result["frames"]),
        ("later than 40 ms", f"{result['frames_late']} ({result['late_share']:.3%})"),
        ("lost", result["frames_lost"]),
        ("underruns inside a reply", result["underruns"]),
        ("command to first sound, median", f"{spread['median']:.3f} s"),
        ("command to first sound, p95", f"{spread['p95']:.3f} s"),
        ("nobody waited for a paragraph", result["nobody_waited_for_a_whole_paragraph"]),
        ("memory: bot, each worker", f"{result['bot_mb']:.0f} MB, {result['worker_mb']} MB"),
        ("cores: bot, workers", f"{result['bot_cores']:.2f}, {result['worker_cores']:.2f}"),
    ]
