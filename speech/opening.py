"""``python -m speech.opening``: a worker whose voices are those of the shelf, and espeak-ng.

This is where a worker meets ``vits``. It imports no torch unless the settings ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from speech.base import VoiceChoice
from speech.sound import F32
from speech.voices import FALLBACK
from speech.worker import Setup, SpeakingVoice, UnknownVoice, main
from vits.config import Defaults
from vits.engine.base import Backend, Device, Precision, Style
from vits.engine.espeak import EspeakSynthesizer
from vits.errors import UnknownSpeaker
from vits.errors import UnknownVoice as NotOnShelf
from vits.io.voices import Mark, VoiceShelf, mark_of
from vits.speaking import VoiceSynthesizer, open_synthesizer

SPEEDS = (0.25, 4.0)
"""Slower or faster than that is no speech."""


class InstalledVoice:
    """A voice from the shelf."""

    def __init__(self, synthesizer: VoiceSynthesizer, folder: Path, mark: Mark | None) -> None:
        self._synthesizer = synthesizer
        self._folder = folder
        self._mark = mark

    @property
    def rate_hz(self) -> int:
        """Samples per second."""
        return self._synthesizer.rate_hz

    def speak(self, text: str, choice: VoiceChoice, seed: int) -> Iterator[F32]:
        """See :class:`speech.worker.SpeakingVoice`."""
        config = self._synthesizer.config
        try:
            config.speaker_id(choice.speaker)
        except UnknownSpeaker as error:
            raise UnknownVoice(f"{config.name}/{choice.speaker}") from error
        style = Style.of(config.defaults, seed=seed, speed=speed_of(choice))
        yield from self._synthesizer.speak(text, style, choice.speaker)

    def current(self) -> bool:
        """See :class:`speech.worker.SpeakingVoice`; a voice that is gone speaks to the end."""
        return mark_of(self._folder) in {None, self._mark}


class FallbackVoice:
    """espeak-ng in whatever language a line is in."""

    def __init__(self) -> None:
        self._tongues: dict[str, EspeakSynthesizer] = {}

    @property
    def rate_hz(self) -> int:
        """Samples per second."""
        return self._tongue("en").rate_hz

    def speak(self, text: str, choice: VoiceChoice, seed: int) -> Iterator[F32]:
        """See :class:`speech.worker.SpeakingVoice`; it has nothing random, and no speakers."""
        del seed
        style = Style.of(Defaults(), speed=speed_of(choice))
        yield from self._tongue(choice.language).speak(text, style)

    def current(self) -> bool:
        """Always: it lies in no folder."""
        return True

    def _tongue(self, language: str) -> EspeakSynthesizer:
        return self._tongues.setdefault(language, EspeakSynthesizer(language))


def speed_of(choice: VoiceChoice) -> float:
    """How fast the voice itself has to speak: a higher pitch is made by playing it faster."""
    return min(SPEEDS[1], max(SPEEDS[0], choice.speed / choice.pitch))


def open_voice(name: str, setup: Setup) -> SpeakingVoice:
    """The voice called ``name``. Raises :class:`speech.worker.UnknownVoice`."""
    if name == FALLBACK:
        return FallbackVoice()
    try:
        folder = VoiceShelf([Path(each) for each in setup.folders]).path(name)
    except NotOnShelf as error:
        raise UnknownVoice(name) from error
    mark = mark_of(folder)  # before it is read: it may be replaced meanwhile
    synthesizer = open_synthesizer(
        folder,
        threads=setup.threads,
        precision=cast(Precision, setup.precision),
        backend=cast(Backend, setup.backend),
        device=cast(Device, setup.device),
    )
    return InstalledVoice(synthesizer, folder, mark)


if __name__ == "__main__":
    main(open_voice)
