"""The process that transcribes one recording, for ``dialogue.hearing``; imports nothing of ours.

Reads a line of JSON (``model``, ``seconds``, ``threads``) and then the file from its standard
input; writes ``{"text": ..., "language": ...}``, or ``{"long": true}`` for one that is too long.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

RATE_HZ = 16_000
MEMORY_BYTES = 3 << 30
THREAD_BYTES = 128 << 20
PROCESSOR_S = 600
"""Twice what the parent waits: it ends a child whose parent was killed."""


def main() -> None:
    """Decode, transcribe, answer."""
    if hasattr(os, "nice"):
        os.nice(10)
    given = json.loads(sys.stdin.buffer.readline())
    bound(Path(given["model"]))
    samples = decoded(sys.stdin.buffer.read(), given["seconds"])
    if samples is None:
        sys.stdout.write(json.dumps({"long": True}))
        return
    from faster_whisper import WhisperModel

    model = WhisperModel(
        given["model"],
        device="cpu",
        compute_type="int8",
        cpu_threads=given["threads"],
        local_files_only=True,
    )
    # Without the voice detector Whisper makes words up where there is only noise.
    segments, info = model.transcribe(samples, beam_size=3, vad_filter=True)
    text = " ".join(segment.text.strip() for segment in segments)
    sys.stdout.write(json.dumps({"text": text.strip(), "language": info.language}))


def bound(model: Path) -> None:
    """Limit this process, whatever a file makes of it, to room for listening with ``model``.

    Five minutes take 1.3 GB of address space with the smallest model, and each thread of the
    libraries reserves some that it never uses.
    """
    if sys.platform == "win32":
        return
    import resource

    room = MEMORY_BYTES + THREAD_BYTES * (os.cpu_count() or 1)
    room += 2 * sum(file.stat().st_size for file in model.glob("*.bin"))
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))


def decoded(data: bytes, seconds: float) -> Any:
    """Mono float32 samples at 16 kHz; ``None`` when there are more than ``seconds`` of them."""
    import av
    import numpy as np

    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    parts: list[Any] = []
    count = 0
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                samples = part.to_ndarray().reshape(-1)
                parts.append(samples)
                count += len(samples)
            if count > seconds * RATE_HZ:
                return None
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


if __name__ == "__main__":
    main()
