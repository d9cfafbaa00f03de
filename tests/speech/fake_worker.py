"""A real worker process with voices that cost nothing: a tone for each text.

``tone`` speaks 50 ms a letter in chunks of half a second. ``fragile`` dies at the word CRASH,
``stuck`` never returns, ``faulty`` raises with the text in its message, ``bursting`` gives its
whole text as one chunk. ``deadly`` dies as it is opened, ``endless`` is never open, ``late`` not
soon.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from speech.base import VoiceChoice
from speech.sound import F32
from speech.worker import Setup, UnknownVoice, main

RATE_HZ = 22_050
LETTER_S = 0.05
LATE_S = 1.2


class Tone:
    """Half a second of tone at a time."""

    rate_hz = RATE_HZ

    def __init__(self, name: str) -> None:
        self._name = name

    def speak(self, text: str, choice: VoiceChoice, seed: int) -> Iterator[F32]:
        if choice.speaker not in {None, "a", "b"}:
            raise UnknownVoice(f"{self._name}/{choice.speaker}")
        pitch_hz = 200 + sum(map(ord, text)) % 400
        total = int(len(text) * LETTER_S * RATE_HZ / choice.speed * choice.pitch)
        at = np.arange(total) / RATE_HZ
        sound = (0.3 * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32)
        chunk = total if self._name == "bursting" else RATE_HZ // 2
        for start in range(0, total, max(1, chunk)):
            if self._name == "fragile" and "CRASH" in text and start:
                os.kill(os.getpid(), 9)
            if self._name == "stuck" and "HANG" in text and start:
                threading.Event().wait()
            if self._name == "faulty" and "FAIL" in text:
                raise RuntimeError(text)
            yield sound[start : start + chunk]

    def current(self) -> bool:
        return True


def open_voice(name: str, setup: Setup) -> Tone:
    """Any of the voices above."""
    if name not in {"tone", "fragile", "stuck", "faulty", "bursting", "deadly", "endless", "late"}:
        raise UnknownVoice(name)
    if name == "deadly":
        os.kill(os.getpid(), 9)
    if name in {"endless", "late"}:
        threading.Event().wait(None if name == "endless" else LATE_S)
    return Tone(name)


if __name__ == "__main__":
    main(open_voice)
