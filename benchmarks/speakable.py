"""What it costs to make a chat message speakable, by its length and what is in it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

from benchmarks import harness
from speech.base import Listener, Names
from speech.speakable import speakable

TEXTS = {
    "en": "The old harbour lay quiet under a pale morning sky, while small boats moved slowly "
    "between long wooden piers. A keeper counted lamps along the wall before he went home. ",
    "en, marks and numbers": "Well, I think the **3 ships** cost $4,500 in 1998, see "
    "https://example.com/a?b=c; `code` and <@123456789012345678> too :) ",
    "zh-TW": "昨天下午我們走到老港口，看見三艘小船慢慢靠岸。"
    "守燈的人數了牆上的十二盞燈，然後就回家睡覺了。",
    "ja": "古い港は朝の空の下で静かでした。小さな船が三艘、ゆっくりと桟橋の間を進みます。",
}
LENGTHS = (140, 600, 2000)  # a remark, an answer, the longest that Discord takes


def run(out_dir: Path, quick: bool) -> dict[str, Any]:
    """Measure each kind of text at each length; print and save."""
    rows: list[tuple[object, ...]] = [("text", "characters", "median ms", "p99 ms")]
    result: dict[str, Any] = {"machine": harness.machine()}
    for name, text in TEXTS.items():
        listener = Listener(name.partition(",")[0], Names({}, {}, {}), now_s=1.7e9, zone=UTC)
        for length in LENGTHS:
            message = (text * length)[:length]
            seconds = harness.interleave(
                {"speakable": lambda m=message, to=listener: speakable(m, to)},  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
                rounds=50 if quick else 500,
            )["speakable"]
            spread = harness.Spread.of([1e3 * s for s in seconds], "ms")
            result[f"{name}, {length}"] = asdict(spread)
            rows.append((name, length, spread.median, spread.p99))
    print(harness.table("A message made speakable", rows))
    harness.save(out_dir, "speakable", result)
    return result
