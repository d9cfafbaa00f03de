"""The process that transcribes one recording, for ``dialogue.hearing``; imports nothing of ours.

Reads a line of JSON (``model``, ``seconds``, ``threads``) and then the file from its standard
input; writes ``{"text": ..., "language": ...}``, or ``{"long": true}`` for one that is too long.
"""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any

RATE_HZ = 16_000


def main() -> None:
    """Decode, transcribe, answer."""
    if hasattr(os, "nice"):
        os.nice(10)
    given = json.loads(sys.stdin.buffer.readline())
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
