"""What can be set about speech. ``settings.py`` composes it; nothing here reads a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class SpeechSettings:
    """How Parley sounds, and what speaking may cost.

    Attributes:
        voices: folders that hold voices, searched in order.
        voice: who speaks when a person chose no voice (``NAME`` or ``NAME/speaker``).
        workers: synthesis processes.
        threads: threads of each process; 0 shares the cores that are left (cores - 1, at least 1).
        precision: ``auto``, ``fp32`` or ``bf16``, as ``vits`` understands them.
        backend: ``auto``, ``native``, ``onnx`` or ``torch``, as ``vits`` understands them.
        device: ``auto``, ``cpu`` or ``cuda``. Only the torch backend uses a GPU: ``cuda`` means it
            (``make train`` installs torch). Not tested on a GPU.
        voices_kept: voices a process keeps in memory; the least recently used leaves first.
        nice: niceness of the processes, so that sending a frame never waits for making one.
        bitrate_bps: of the Opus frames.
        buffer_s: audio made ahead of the listener, per reply.
        late_s: when audio is not ready so long after the text ended, the text says so.
        stall_s: a job that yields nothing for so long counts as hung; its worker is restarted.
            Opening a voice may take four times as long.
        pause_s: silence between two sentences.
        dave_wait_s: how long the first word waits for end-to-end encryption.
        queue_person: replies one person may have waiting in one channel.
        queue_total: replies that may wait in one channel.
        reply_max_s: longest audio of one reply; the rest stays text.
    """

    voices: tuple[Path, ...] = (Path("models/voices"),)
    voice: str = "en_US-joe-medium"
    workers: Count = 1
    threads: Annotated[int, Field(ge=0)] = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    backend: Literal["auto", "native", "onnx", "torch"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    voices_kept: Count = 3
    nice: Annotated[int, Field(ge=0, le=19)] = 10
    bitrate_bps: Annotated[int, Field(ge=8_000, le=256_000)] = 48_000
    buffer_s: Annotated[float, Field(ge=1)] = 10.0
    late_s: Seconds = 5.0
    stall_s: Seconds = 30.0
    pause_s: Seconds = 0.18
    dave_wait_s: Seconds = 3.0
    queue_person: Count = 5
    queue_total: Count = 20
    reply_max_s: Seconds = 600.0

    def worker_threads(self) -> int:
        """Threads of each process; one core is left to the bot itself."""
        if self.threads > 0:
            return self.threads
        return max(1, ((os.cpu_count() or 2) - 1) // max(1, self.workers))
