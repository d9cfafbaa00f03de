"""From any recording or video to mono samples, by ffmpeg from a wheel and torchaudio.

ffmpeg is called with a list of arguments, never a shell; the file is named by an absolute path
behind ``file:``, so that a name can be neither an option nor an address; only plain containers
are allowed, so that a playlist cannot make it open other files.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np

from vits.arrays import F32
from vits.errors import WITH_TORCH, BadAudio, MissingDependency

LONGEST_S = 3 * 3600.0
CONTAINERS = (
    "wav,flac,mp3,ogg,mov,mp4,m4a,matroska,webm,aac,aiff,asf,avi,mpeg,mpegts,g722,amr,au,w64,caf"
)


def decode(path: Path, *, longest_s: float = LONGEST_S) -> tuple[F32, int]:
    """Samples (n,) within [-1, 1], channels averaged, and their rate in Hz.

    Raises:
        BadAudio: it holds no sound that can be read, or more than ``longest_s`` seconds.
        MissingDependency: the packages are not installed.
    """
    try:
        import ffmpeg
        import imageio_ffmpeg
        import soundfile
    except ImportError as error:
        raise MissingDependency(f"decoding needs: {WITH_TORCH}") from error
    stream = ffmpeg.input("NAME", format_whitelist=CONTAINERS).output(
        # The .au header may say "length unknown", so it can be written to a pipe.
        "pipe:", format="au", acodec="pcm_f32be", ac=1, t=longest_s + 1
    )  # fmt: skip
    # The package cannot take a name that is not UTF-8; the system can.
    name = f"file:{path.resolve()}"
    command = [
        name if each == "NAME" else each for each in stream.compile(imageio_ffmpeg.get_ffmpeg_exe())
    ]
    try:
        ran = subprocess.run(  # noqa: S603 - no shell, and the name is behind "file:"
            command, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
        samples, rate_hz = soundfile.read(io.BytesIO(ran.stdout), dtype="float32")
    except (subprocess.SubprocessError, RuntimeError, OSError) as error:
        raise BadAudio("no sound could be read from it") from error
    if samples.size == 0 or not np.isfinite(samples).all():
        raise BadAudio("there is no sound in it")
    if samples.size > longest_s * rate_hz:
        raise BadAudio(f"it is longer than {longest_s / 3600:g} hours; please cut it")
    return np.clip(samples, -1, 1), int(rate_hz)


def resample(samples: F32, from_hz: int, to_hz: int) -> F32:
    """Samples (n,) at another rate, band-limited (torchaudio's windowed sinc, width 64)."""
    if from_hz == to_hz:
        return samples
    import torch
    import torchaudio.functional as audio

    with torch.inference_mode():
        tensor = torch.from_numpy(np.ascontiguousarray(samples))
        done = audio.resample(tensor, from_hz, to_hz, lowpass_filter_width=64)
    return np.asarray(done.numpy(), np.float32)
