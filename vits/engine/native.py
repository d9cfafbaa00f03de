"""The native engine: one C++ core (``native/``) for every VITS, no other library at run time.

Flow and decoder are streams: each layer keeps the rows its next output needs, so speaking in
pieces computes nothing twice and gives what speaking at once gives. Only the first piece waits,
for the frames ahead that a sample depends on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vits.arrays import F32, I64
from vits.config import VoiceConfig
from vits.engine.base import Engine, Noise, NoiseSource, Precision, Style, check_ids, frames_of
from vits.engine.native_api import Library, Session, Voice
from vits.engine.staged import decoder_reach, flow_reach
from vits.errors import BackendUnavailable

FIRST_WINDOW = 8
"""Frames in the first piece: a tenth of a second, in which several more pieces are made."""

LAST_WINDOW = 128
"""Pieces double up to this: larger ones gain nothing, and keep other utterances waiting."""

FLOW_WINDOW = 320
"""Frames that go through the flow at once after the first few: its weights are read each time."""

INSTRUCTIONS = "PARLEY_INSTRUCTIONS"
"""Environment variable that asks for an instruction set other than the best."""


class NativeEngine:
    """An :class:`~vits.engine.base.Engine`; several utterances may be in the making at once."""

    def __init__(
        self,
        config: VoiceConfig,
        tensors: Mapping[str, F32],
        *,
        library: Library | None = None,
        instructions: str = "",
        number: str = "fp32",
        threads: int = 1,
    ) -> None:
        """Load a voice.

        Args:
            config: the voice.
            tensors: its weights, by the names of :mod:`vits.layout`.
            library: the compiled core, if not the installed one.
            instructions: ``avx512``, ``avx2``, ``portable``, or "" for the best there is.
            number: ``fp32``, ``int16`` or ``bf16``, of the decoder.
            threads: of each utterance.

        Raises:
            BackendUnavailable: not built, or this machine lacks the instructions or numbers.
            BadVoice: a tensor is missing or of another size.
        """
        library = library or Library()
        self.number = number
        self._library = library
        self.instructions = instructions or library.instruction_sets()[0]
        self._config = config
        self._threads = max(1, threads)
        self._voice = Voice(
            library, config.architecture, tensors, instructions=instructions, number=number
        )
        self._idle: list[Session] = []  # append and pop are atomic
        self._ahead = flow_reach(config.architecture) + decoder_reach(config.architecture)

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
        session = self._take()
        frames = self._encode(session, array, speaker, style, NoiseSource(style, noise))
        self._idle.append(session)
        return frames

    def whole(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> F32:
        """See :class:`~vits.engine.base.Engine`. The very samples of :meth:`stream`.

        Larger windows would save a hundredth and round the last bits differently.
        """
        pieces = list(self.stream(ids, speaker=speaker, style=style, noise=noise))
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def stream(
        self, ids: Sequence[int], *, speaker: int = 0, style: Style, noise: Noise | None = None
    ) -> Iterator[F32]:
        """See :class:`~vits.engine.base.Engine`."""
        array = check_ids(self._config, ids, speaker)
        return self._pieces(array, speaker, style, noise)

    def peak(self, number: str, seconds: float) -> float:
        """Multiply-adds per second that this processor can do at most; 0 if not in ``number``."""
        return self._library.peak(self.instructions, number, seconds)

    def _take(self) -> Session:
        try:
            return self._idle.pop()
        except IndexError:
            return Session(self._voice, self._threads)

    def _encode(
        self, session: Session, ids: I64, speaker: int, style: Style, source: NoiseSource
    ) -> I64:
        noise = source.duration(len(ids)) * np.float32(style.noise_w)
        return frames_of(session.encode(ids, speaker, noise), style.length_scale)

    def _pieces(self, ids: I64, speaker: int, style: Style, noise: Noise | None) -> Iterator[F32]:
        if not ids.size:
            return
        session = self._take()
        source = NoiseSource(style, noise)
        frames = self._encode(session, ids, speaker, style, source)
        total = session.begin(frames, style.noise_scale)
        channels, hop = self._config.architecture.inter_channels, self._config.hop
        drawn = np.ascontiguousarray(source.prior(channels, total).T)
        given, ready, made = 0, 0, 0
        window, end = FIRST_WINDOW, 0  # frames, of the decoder
        while end < total:
            if ready <= end:
                count = FLOW_WINDOW if given else self._ahead + window
                ready = session.give(drawn[given : given + count])
                given = min(total, given + count)
            end = min(ready, end + window) if end else ready
            sound = session.take(end, end * hop - made)
            made += len(sound)
            if len(sound):
                yield sound
                window = min(2 * window, LAST_WINDOW)
        self._idle.append(session)  # one that was left in the middle is not used again


def open_voice(
    config: VoiceConfig, tensors: Mapping[str, F32], *, precision: Precision, threads: int
) -> Engine:
    """See :class:`~vits.engine.base.EngineModule`.

    ``auto`` is the fastest that cannot be told from fp32: int16 (45 to 50 dB) where the processor
    multiplies it faster, else fp32.

    Raises:
        BackendUnavailable: not built here, or this machine lacks what is asked for.
    """
    library = Library()
    wanted = os.environ.get(INSTRUCTIONS, "")
    if wanted and wanted not in library.instruction_sets():
        offered = ", ".join(library.instruction_sets())
        raise BackendUnavailable(f"{INSTRUCTIONS} asks for {wanted}; this machine has {offered}")
    number: str = precision
    if precision == "auto":
        number = "int16" if library.offers(wanted, "int16") else "fp32"
    return NativeEngine(
        config, tensors, library=library, instructions=wanted, number=number, threads=threads
    )
