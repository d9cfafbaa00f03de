"""Speaking in three stages, with exact windows: what the onnxruntime and torch engines share.

Text encoder and durations run once; flow and decoder run in growing windows. A convolution sees
only so far, so a window with enough frames of context on each side gives the very samples that
the whole would: :func:`flow_reach` and :func:`decoder_reach` count those frames. That context is
computed again for every window, so they grow as fast as this machine can be ready in time.

Legend: C latent channels, T_text symbols, T frames, n samples.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from vits.arrays import F32, I64
from vits.config import Architecture, VoiceConfig
from vits.engine.base import Noise, NoiseSource, Style, check_ids, frames_of

TILE = 16
"""Windows begin and end at multiples of this. Kernels work in tiles of so many steps, and a step in
another place of its tile is summed in another order: aligned, windows round as the whole does."""

FIRST_WINDOW = 16
"""Frames in the first window, a fifth of a second: enough to hide the making of the second."""

FLOW_LEAST = 512
"""The flow runs over this many frames at least, where there are so many: most sentences whole. It
is a sixth of the work, and in windows of the decoder's size its context cost a third more. For less
than 128, other kernels are chosen too, which round differently."""

LAST_WINDOW = 320
"""Windows grow up to this: larger ones gain nothing and hold more memory."""

IN_TIME = 0.75
"""Share of the time that a window sounds in which the next one shall be made: the rest is for a
machine that grows busier."""


class TextStage(NamedTuple):
    """What the text encoder and the duration predictor say of each symbol."""

    mean: F32  # (C, T_text)
    log_std: F32  # (C, T_text)
    log_durations: F32  # (T_text,)


class Stages(Protocol):
    """The network in three calls, one sentence at a time."""

    def text(self, ids: I64, speaker: int, noise: F32) -> TextStage:
        """ids (T_text,), noise (2, T_text) already times noise_w."""

    def flow(self, z_p: F32, speaker: int) -> F32:
        """(C, T) -> (C, T)."""

    def decode(self, z: F32, speaker: int) -> F32:
        """(C, T) -> (n,)."""


def flow_reach(a: Architecture) -> int:
    """Frames on each side that one frame after the flow depends on."""
    return a.flow_n_flows * a.flow_n_layers * (a.flow_kernel_size // 2)


def decoder_reach(a: Architecture) -> int:
    """Frames on each side that the samples of one frame depend on."""
    reach = 3  # conv_post has 7 taps
    stages = zip(reversed(a.upsample_rates), reversed(a.upsample_kernel_sizes), strict=True)
    for rate, kernel in stages:
        reach += max(
            (size // 2) * sum(d + 1 if a.resblock == "1" else d for d in dilations)
            for size, dilations in zip(
                a.resblock_kernel_sizes, a.resblock_dilation_sizes, strict=True
            )
        )
        # Sample o of a transposed convolution reads frames from (o + pad - kernel + 1) / rate to
        # (o + pad) / rate; o runs over the rate samples of a frame and `reach` more on each side.
        pad = (kernel - rate) // 2
        after = (rate - 1 + reach + pad) // rate
        before = (reach - pad + kernel - 1) // rate
        reach = max(before, after)
    return reach + 3  # conv_pre has 7 taps


def _tiles(frames: int) -> int:
    """Up to a multiple of the tile."""
    return -(-frames // TILE) * TILE


def window(start: int, size: int, frames: int) -> range:
    """From ``start``, ``size`` of the ``frames`` there are; a short rest joins it."""
    # By itself, the rest would cost its context again.
    return range(start, frames if frames - start - size < size // 2 else start + size)


def affordable(sounds_s: float, took_s: float, decoded: int, context: int) -> int:
    """Frames of the next window, if ``decoded`` ones took ``took_s`` and what they made sounds for
    ``sounds_s``; ``context`` frames are decoded with it. A multiple of a tile."""
    in_time = int(IN_TIME * sounds_s * decoded / max(took_s, 1e-6))
    return max(FIRST_WINDOW, min(LAST_WINDOW, (in_time - context) // TILE * TILE))


class StagedEngine:
    """An :class:`~vits.engine.base.Engine` over any :class:`Stages`."""

    def __init__(self, config: VoiceConfig, stages: Stages) -> None:
        self._config = config
        self._stages = stages
        self._flow_reach = _tiles(flow_reach(config.architecture))
        self._decoder_reach = _tiles(decoder_reach(config.architecture))

    @property
    def config(self) -> VoiceConfig:
        """The voice this engine speaks with."""
        return self._config

    def durations(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> I64:
        """See :class:`~vits.engine.base.Engine`."""
        array = check_ids(self._config, ids, speaker)
        if not array.size:
            return np.zeros(0, np.int64)
        return self._text(array, speaker, style, NoiseSource(style, noise))[1]

    def whole(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> F32:
        """See :class:`~vits.engine.base.Engine`."""
        array = check_ids(self._config, ids, speaker)
        if not array.size:
            return np.zeros(0, np.float32)
        z_p = self._prior(array, speaker, style, noise)
        return self._stages.decode(self._stages.flow(z_p, speaker), speaker)

    def stream(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> Iterator[F32]:
        """See :class:`~vits.engine.base.Engine`."""
        array = check_ids(self._config, ids, speaker)
        return self._windows(array, speaker, style, noise) if array.size else iter(())

    def _windows(self, ids: I64, speaker: int, style: Style, noise: Noise | None) -> Iterator[F32]:
        z_p = self._prior(ids, speaker, style, noise)
        frames, hop = z_p.shape[1], self._config.hop
        z = np.empty_like(z_p)
        known = 0  # frames of z that are final
        start, size = 0, FIRST_WINDOW
        while start < frames:
            span = window(start, size, frames)
            low = max(0, span.start - self._decoder_reach)
            high = min(frames, span.stop + self._decoder_reach)
            if high > known:
                upto = min(frames, max(high, known + FLOW_LEAST - self._flow_reach))
                right = min(frames, upto + self._flow_reach)
                left = max(0, min(known - self._flow_reach, right - FLOW_LEAST))
                part = self._stages.flow(z_p[:, left:right], speaker)
                z[:, known:upto] = part[:, known - left : upto - left]
                known = upto
            begun = time.perf_counter()  # after the flow, whose work is done for windows to come
            sound = self._stages.decode(z[:, low:high], speaker)
            took_s = time.perf_counter() - begun
            made = sound[(span.start - low) * hop : (span.stop - low) * hop]
            sounds_s = len(made) / self._config.rate_hz
            size = affordable(sounds_s, took_s, high - low, 2 * self._decoder_reach)
            start = span.stop
            yield made

    def _text(
        self, ids: I64, speaker: int, style: Style, source: NoiseSource
    ) -> tuple[TextStage, I64]:
        drawn = source.duration(len(ids)) * np.float32(style.noise_w)
        text = self._stages.text(ids, speaker, drawn)
        return text, frames_of(text.log_durations, style.length_scale)

    def _prior(self, ids: I64, speaker: int, style: Style, noise: Noise | None) -> F32:
        """A draw from the prior, stretched to frames: (C, T)."""
        source = NoiseSource(style, noise)
        text, frames = self._text(ids, speaker, style, source)
        path = np.repeat(np.arange(len(ids)), frames)
        std = np.exp(text.log_std) * np.float32(style.noise_scale)
        drawn = source.prior(self._config.architecture.inter_channels, len(path))
        return np.ascontiguousarray(text.mean[:, path] + drawn * std[:, path], np.float32)
