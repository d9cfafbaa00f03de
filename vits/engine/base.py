"""The contract of an engine: symbol ids in, sound out.

Three engines keep it: native (C++), onnxruntime and PyTorch. They draw the same noise from the
same seed, so they say the same thing; tests hold each against the others.

Legend: T_text symbols, T frames of the latent, C its channels, n samples (n = T x hop).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol, cast, runtime_checkable

import numpy as np

from vits.arrays import F32, I64
from vits.config import SCALES, Defaults, VoiceConfig
from vits.errors import WITH_TORCH, BackendUnavailable, BadStyle, BadText
from vits.io.folder import read_voice

Backend = Literal["auto", "native", "onnx", "torch"]
Precision = Literal["auto", "fp32", "bf16"]
Device = Literal["auto", "cpu", "cuda"]

MAX_TOKEN_FRAMES = 1_000
"""No symbol sounds longer (11.6 s at 22.05 kHz): a wild draw must not eat the memory."""


@dataclass(frozen=True, slots=True)
class Style:
    """How to say it.

    ``noise_scale`` scales the prior's deviation (0 is flat, the paper's 0.667), ``noise_w`` that of
    the durations (0.8), ``length_scale`` multiplies durations: above 1 is slower. With ``seed`` the
    same words sound the same each time; with None each time differs.
    """

    noise_scale: float = 0.667
    length_scale: float = 1.0
    noise_w: float = 0.8
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in SCALES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise BadStyle(f"{name} must be from {low} to {high}")
        if self.seed is not None and self.seed < 0:
            raise BadStyle("seed must be 0 or more")

    @classmethod
    def of(cls, defaults: Defaults, *, seed: int | None = None, speed: float = 1.0) -> Style:
        """A voice's own style, spoken ``speed`` times as fast, or as near to it as there is."""
        scales = {field.name: getattr(defaults, field.name) for field in fields(defaults)}
        low, high = SCALES["length_scale"]
        scales["length_scale"] = min(high, max(low, scales["length_scale"] / speed))
        return cls(**scales, seed=seed)


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise given from outside, so that engines can be compared; standard normal, unscaled.

    Attributes:
        duration: (2, T_text) float32, for the stochastic duration predictor (else unused).
        prior: (C, at least T) float32; the first T columns are used.
    """

    duration: F32
    prior: F32


class NoiseSource:
    """Noise drawn from a seed, the same in every engine. One per utterance."""

    def __init__(self, style: Style, given: Noise | None = None) -> None:
        self._random = np.random.Generator(np.random.PCG64(style.seed))
        self._given = given

    def duration(self, n_text: int) -> F32:
        """(2, T_text), to be drawn first."""
        if self._given is None:
            return self._random.standard_normal((2, n_text), np.float32)
        if self._given.duration.shape != (2, n_text):
            raise ValueError(f"noise.duration must be (2, {n_text})")
        return np.ascontiguousarray(self._given.duration, np.float32)

    def prior(self, channels: int, n_frames: int) -> F32:
        """(C, T). Drawn frame by frame, so that an engine may draw as it goes."""
        if self._given is None:
            return self._random.standard_normal((n_frames, channels), np.float32).T
        if self._given.prior.shape[0] != channels or self._given.prior.shape[1] < n_frames:
            raise ValueError(f"noise.prior must be ({channels}, at least {n_frames})")
        return np.asarray(self._given.prior[:, :n_frames], np.float32)


@runtime_checkable
class Engine(Protocol):
    """One voice, loaded. Not safe for two threads at once; two engines are independent."""

    @property
    def config(self) -> VoiceConfig:
        """The voice this engine speaks with."""

    def stream(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> Iterator[F32]:
        """The sound of one sentence in pieces, the first as soon as it can be had.

        Args:
            ids: T_text symbol ids of the voice's front; empty gives no sound.
            speaker: row of the speaker vectors, 0 in a voice with one speaker.
            style: how to say it.
            noise: instead of drawn noise.

        Returns:
            float32 (n,) pieces; joined they equal :meth:`whole` (to 1e-5 in fp32).

        Raises:
            BadText: an id that the voice does not have.
        """

    def whole(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> F32:
        """The sound of one sentence at once: float32 (n,), within [-1, 1]."""

    def durations(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> I64:
        """(T_text,) frames that each symbol sounds; :meth:`whole` has their sum x hop samples."""


def check_ids(config: VoiceConfig, ids: Sequence[int], speaker: int) -> I64:
    """The ids as an array (T_text,).

    Raises:
        BadText: an id or speaker outside the voice's tables, which a kernel would read past.
    """
    array: I64 = np.asarray(ids, np.int64).reshape(-1)
    if array.size and not (array.min() >= 0 and array.max() < config.architecture.n_symbols):
        raise BadText(f"a symbol id is outside 0 to {config.architecture.n_symbols - 1}")
    if not 0 <= speaker < max(1, config.architecture.n_speakers):
        raise BadText(f"{config.name} has no speaker {speaker}")
    return array


def frames_of(log_durations: F32, length_scale: float) -> I64:
    """(T_text,) whole frames from log-durations (T_text,), as the original rounds them: up."""
    with np.errstate(over="ignore"):
        frames = np.ceil(np.exp(log_durations) * np.float32(length_scale))
    frames = np.clip(np.nan_to_num(frames, nan=1.0), 0, MAX_TOKEN_FRAMES)
    bounded: I64 = frames.astype(np.int64)
    if bounded.size and not bounded.any():
        bounded[0] = 1  # the original always makes at least one frame
    return bounded


class EngineModule(Protocol):
    """What a backend's module exports; it is imported only when asked for."""

    def open_voice(
        self,
        config: VoiceConfig,
        tensors: Mapping[str, F32],
        *,
        precision: Precision,
        threads: int,
        **only: str,
    ) -> Engine:
        """Load a voice. ``tensors`` is a lazy mapping with the names of :mod:`vits.layout`.

        ``only`` is for torch: ``device``.

        Raises:
            BackendUnavailable: it cannot run on this machine, or not this voice or precision.
        """


# By name, not by import: the native extension may not be built, onnxruntime or torch may not be
# installed, and a process that speaks natively must load neither.
BACKENDS: Mapping[str, str] = {
    "native": "vits.engine.native",
    "onnx": "vits.engine.onnx",
    "torch": "vits.nn.engine",
}


def open_engine(
    folder: Path,
    *,
    backend: Backend = "auto",
    precision: Precision = "auto",
    threads: int = 1,
    device: Device = "auto",
) -> Engine:
    """The voice in ``folder``, ready to speak: native if it can, else onnxruntime, else torch.

    Only torch uses a GPU: with ``device="cuda"`` it is the engine, and with ``backend="torch"`` and
    ``"auto"`` it takes one if there is one. (Not tested on a GPU.)

    Raises:
        BadVoice: the folder is not a voice.
        BackendUnavailable: no engine, or not the one asked for, can run it here; says why.
    """
    config, tensors = read_voice(folder)
    wanted = list(BACKENDS) if backend == "auto" else [backend]
    if device == "cuda":
        wanted = [name for name in wanted if name == "torch"]
    reasons = [] if wanted else [f"{backend} does not use a GPU; torch does"]
    for name in wanted:
        try:
            module = cast(EngineModule, importlib.import_module(BACKENDS[name]))
            only = {"device": device} if name == "torch" else {}
            return module.open_voice(config, tensors, precision=precision, threads=threads, **only)
        except ImportError as error:
            how = f"PyTorch is not installed; it comes with {WITH_TORCH}"
            reasons.append(f"{name}: {how if name == 'torch' else error}")
        except BackendUnavailable as error:
            reasons.append(f"{name}: {error}")
    raise BackendUnavailable("no engine can speak this voice here: " + "; ".join(reasons))
