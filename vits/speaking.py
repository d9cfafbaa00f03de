"""From text to sound: a voice's text front and its engine, together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from vits.arrays import F32
from vits.config import VoiceConfig
from vits.engine.base import Backend, Device, Engine, Precision, Style, open_engine
from vits.engine.espeak import EspeakSynthesizer
from vits.resample import resample
from vits.text.front import Front, front
from vits.text.scripts import routed, scripts_of
from vits.text.sentences import split_sentences

BLOCK_CHARACTERS = 1_500
"""So much text is read at once: the first sound does not wait for a whole book."""


@runtime_checkable
class Synthesizer(Protocol):
    """Speaks text. A voice, or espeak-ng. One thread at a time."""

    @property
    def rate_hz(self) -> int:
        """Samples per second."""

    def speak(
        self, text: str, style: Style | None = None, speaker: str | int | None = None
    ) -> Iterator[F32]:
        """Mono float32 (n,) pieces within [-1, 1], the first as soon as it can be had.

        Args:
            text: any text, of any length; it is cut into sentences and never dropped. Text with
                nothing to say gives no piece.
            style: how; the voice's own way if None.
            speaker: name or number, in a voice with several; the first if None.

        Raises:
            UnknownSpeaker: at the call, not later.
        """


class VoiceSynthesizer:
    """A trained voice. Stretches in scripts that its languages do not write go to espeak-ng."""

    def __init__(self, engine: Engine, reader: Front) -> None:
        self._engine = engine
        self._front = reader
        self._scripts = scripts_of(engine.config)
        self._others: dict[str, EspeakSynthesizer] = {}

    @property
    def engine(self) -> Engine:
        """What makes the sound."""
        return self._engine

    @property
    def config(self) -> VoiceConfig:
        """What the voice is."""
        return self._engine.config

    @property
    def rate_hz(self) -> int:
        """Samples per second."""
        return self.config.rate_hz

    def speak(
        self, text: str, style: Style | None = None, speaker: str | int | None = None
    ) -> Iterator[F32]:
        """See :class:`Synthesizer`."""
        row = self.config.speaker_id(speaker)
        return self._pieces(text, style or Style.of(self.config.defaults), row)

    def _pieces(self, text: str, style: Style, row: int) -> Iterator[F32]:
        spoken = 0
        for block in blocks(text):
            for stretch, language in routed(block, self._scripts):
                if language is not None:
                    yield from self._foreign(stretch, language, style)
                    continue
                for ids in self._front.sentences(stretch):
                    # The same noise in each sentence could be heard as a pattern.
                    seed = None if style.seed is None else style.seed + spoken
                    yield from self._engine.stream(
                        ids, speaker=row, style=replace(style, seed=seed)
                    )
                    spoken += 1

    def _foreign(self, text: str, language: str, style: Style) -> Iterator[F32]:
        if language not in self._others:
            self._others[language] = EspeakSynthesizer(language)
        other = self._others[language]
        relative = style.length_scale / self.config.defaults.length_scale
        asked = replace(style, length_scale=min(10.0, max(0.1, relative)))
        for sound in other.speak(text, asked):
            yield resample(sound, other.rate_hz, self.rate_hz)


def blocks(text: str, most: int = BLOCK_CHARACTERS) -> Iterator[str]:
    """``text`` in pieces of whole sentences, joined the same text. A short text is one piece."""
    if len(text) <= most:
        yield text
        return
    block = ""
    for sentence in split_sentences(text):
        if block and len(block) + len(sentence) > most:
            yield block
            block = ""
        block += sentence
    if block:
        yield block


def open_synthesizer(
    folder: Path,
    *,
    threads: int = 1,
    precision: Precision = "auto",
    backend: Backend = "auto",
    device: Device = "auto",
) -> VoiceSynthesizer:
    """The voice in ``folder``, ready to speak.

    Raises:
        BadVoice: the folder is not a voice.
        BadText, MissingDependency: its text front cannot be used; says how to install what lacks.
        BackendUnavailable: no engine can run it here; says why.
    """
    engine = open_engine(
        folder, backend=backend, precision=precision, threads=threads, device=device
    )
    return VoiceSynthesizer(engine, front(engine.config))


def open_fallback(language: str) -> EspeakSynthesizer:
    """espeak-ng's voice for a language (a BCP 47 tag) that no installed voice speaks.

    Raises:
        MissingDependency: espeak-ng is not installed.
    """
    return EspeakSynthesizer(language)
