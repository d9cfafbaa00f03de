"""What a voice is, apart from its weights: the frozen form of ``voice.json``.

Everything an engine or a text front needs is here, read from the checkpoint when the voice was
imported, so that no engine guesses. Reading is strict: an unknown or ill-typed field is a
:class:`~vits.errors.BadVoice` that names it.

Legend: section numbers are those of Kim, Kong and Son, "Conditional Variational Autoencoder with
Adversarial Learning for End-to-End Text-to-Speech" (VITS, 2021).
"""

from __future__ import annotations

import json
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from vits.errors import BadVoice, UnknownSpeaker

FORMAT = 1
"""Version of the layout of ``voice.json``; a reader refuses a newer one."""

MOST_ANY = 1 << 20
MOST: Mapping[str, int] = {
    "window_size": 256,
    "resblock_dilation_sizes": 256,
    "dp_kernel_size": 31,  # the duration predictor dilates by its powers
    "dp_dds_layers": 6,
}
"""Sizes that no tensor's shape bounds, or not well: far above those of any voice."""

MOST_HOP = 1 << 16

FrontKind = Literal["espeak", "characters", "pinyin", "cleaners", "vocabulary"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes of the network. Names are those of the original configuration where it has one."""

    n_symbols: int  # rows of the phoneme embedding
    inter_channels: int  # C, channels of the latent z
    hidden_channels: int  # of the text encoder and the flow
    filter_channels: int  # inside the feed-forward layers of the text encoder
    n_heads: int
    n_layers: int
    kernel_size: int  # of the feed-forward layers
    window_size: int  # relative positions reach this far (Shaw et al. 2018); 4 in every known voice
    resblock: Literal["1", "2"]  # HiFi-GAN V1/V2 blocks or V3 blocks
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilation_sizes: tuple[tuple[int, ...], ...]
    upsample_rates: tuple[int, ...]  # their product is the hop
    upsample_kernel_sizes: tuple[int, ...]
    upsample_initial_channel: int
    use_sdp: bool = True  # stochastic duration predictor (2.2.2), or the deterministic one
    n_speakers: int = 0  # rows of the speaker embedding; 0 when there is none
    gin_channels: int = 0  # width of a speaker vector; 0 when there is none
    spec_channels: int = 513  # bins of the linear spectrogram that the posterior encoder reads
    flow_n_flows: int = 4  # coupling layers of the prior's flow (2.1.3)
    flow_n_layers: int = 4  # WaveNet layers in each
    flow_kernel_size: int = 5
    posterior_n_layers: int = 16
    posterior_kernel_size: int = 5
    dp_filter_channels: int = 192  # 256 in the deterministic duration predictor
    dp_kernel_size: int = 3
    dp_n_flows: int = 4
    dp_n_bins: int = 10  # bins of the rational-quadratic splines
    dp_tail_bound: float = 5.0
    dp_dds_layers: int = 3  # dilated depth-separable layers in each stack (appendix B.2)
    has_posterior: bool = False  # the posterior encoder's tensors are in the folder
    leaky_slope: float = 0.1  # of the decoder, but for the last activation, which is 0.01

    @property
    def hop(self) -> int:
        """Samples of audio made from one latent frame."""
        return math.prod(self.upsample_rates)

    def check(self) -> None:
        """Raises :class:`BadVoice` where sizes cannot form a network."""
        for each in fields(self):
            value = getattr(self, each.name)
            floor = 0 if each.name in {"n_speakers", "gin_channels"} else 1
            most = MOST.get(each.name, MOST_ANY)
            for number in _numbers(value):
                if not (floor if isinstance(number, int) else 0) <= number <= most:
                    raise BadVoice(f"architecture.{each.name}: {number} is out of range")
        blocks, rates = len(self.resblock_kernel_sizes), len(self.upsample_rates)
        rules = {
            "hidden_channels is not a multiple of n_heads": self.hidden_channels % self.n_heads,
            "inter_channels is odd": self.inter_channels % 2,
            "a dilation list for each resblock kernel": blocks - len(self.resblock_dilation_sizes),
            f"no more than {MOST_HOP} samples to a frame": self.hop > MOST_HOP,
            "a kernel for each upsampling rate": rates - len(self.upsample_kernel_sizes),
            "at least one resblock and one upsampling": not (blocks and rates),
            "upsample_initial_channel halves at each rate": self.upsample_initial_channel
            % (1 << rates),
            "an upsampling kernel at least as long as its rate, by an even number": any(
                k < r or (k - r) % 2
                for k, r in zip(self.upsample_kernel_sizes, self.upsample_rates, strict=False)
            ),
            "odd kernels": any(
                k % 2 == 0
                for k in (
                    *self.resblock_kernel_sizes,
                    self.flow_kernel_size,
                    self.posterior_kernel_size,
                    self.dp_kernel_size,
                )
            ),
            "speakers and gin_channels go together": bool(self.n_speakers)
            != bool(self.gin_channels),
            "three dilations in a resblock of kind 1, two in kind 2": any(
                len(row) != (3 if self.resblock == "1" else 2)
                for row in self.resblock_dilation_sizes
            ),
        }
        for rule, broken in rules.items():
            if broken:
                raise BadVoice(f"architecture: expected {rule}")


@dataclass(frozen=True, slots=True)
class TextFront:
    """How writing becomes symbol ids.

    ``espeak`` (phonemes of espeak-ng), ``characters`` and ``pinyin`` are Piper's three ways and
    frame a sentence by ``^`` and ``$`` with the pad ``_`` between phonemes. ``cleaners`` are the
    named cleaners of the original configurations, ``vocabulary`` is Hugging Face's tokenizer.
    """

    kind: FrontKind
    symbols: Mapping[str, tuple[int, ...]]  # symbol -> ids
    espeak_voice: str = ""  # for ``espeak``
    clusters: tuple[tuple[str, ...], ...] = ()  # vowels that some Piper voices take as one symbol
    cleaners: tuple[str, ...] = ()  # for ``cleaners``
    add_blank: bool = True  # id 0 between symbols, before the first and after the last
    lower_case: bool = False  # for ``vocabulary``
    romanize: bool = False  # for ``vocabulary``: other scripts are written in Latin first


SCALES: Mapping[str, tuple[float, float]] = {
    "noise_scale": (0, 5),
    "noise_w": (0, 5),
    "length_scale": (0.1, 10),
}
"""From where to where each field of :class:`Defaults` may be."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a voice sounds like unless asked otherwise (see :class:`vits.engine.base.Style`)."""

    noise_scale: float = 0.667
    noise_w: float = 0.8
    length_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """A voice, as ``voice.json`` has it."""

    name: str
    languages: tuple[str, ...]  # BCP 47 tags, the main one first: ("en-US",)
    rate_hz: int
    front: TextFront
    architecture: Architecture
    speakers: Mapping[str, int] = field(default_factory=dict)  # name -> row of the embedding
    defaults: Defaults = field(default_factory=Defaults)
    licence: str = ""
    source: str = ""
    win: int = 1024  # window of the posterior encoder's spectrogram, in samples
    made_with: str = ""  # the format it was imported from, for people
    format: int = FORMAT

    @property
    def hop(self) -> int:
        """Samples of audio per latent frame."""
        return self.architecture.hop

    def speaker_id(self, speaker: str | int | None) -> int:
        """The row of a speaker's vector: a name, a number, or None for the first.

        Raises:
            UnknownSpeaker: no such speaker.
        """
        if speaker is None:
            return min(self.speakers.values(), default=0)
        if isinstance(speaker, str) and speaker in self.speakers:
            return self.speakers[speaker]
        number = int(speaker) if str(speaker).isdecimal() else -1
        if 0 <= number < max(1, self.architecture.n_speakers):
            return number
        known = ", ".join(list(self.speakers)[:20]) or "none by name"
        raise UnknownSpeaker(f"{self.name} has no such speaker; it has: {known}")

    def check(self) -> None:
        """Raises :class:`BadVoice` where fields contradict each other."""
        self.architecture.check()
        if self.format > FORMAT:
            raise BadVoice(f"voice.json: format {self.format} is newer than this program")
        if not 4_000 <= self.rate_hz <= 192_000:
            raise BadVoice(f"voice.json: rate_hz: {self.rate_hz} is out of range")
        rows = self.architecture.n_symbols
        if any(not 0 <= i < rows for ids in self.front.symbols.values() for i in ids):
            raise BadVoice(f"voice.json: front.symbols: an id is outside 0 to {rows - 1}")
        if not self.front.symbols:
            raise BadVoice("voice.json: front.symbols: there are none")
        if not re.fullmatch(r"[A-Za-z0-9_+-]{0,64}", self.front.espeak_voice):
            raise BadVoice("voice.json: front.espeak_voice: not the name of a language")
        if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tag) for tag in self.languages):
            raise BadVoice("voice.json: languages: expected tags such as en-US")
        if not 1 <= self.win <= 2 * self.architecture.spec_channels:
            raise BadVoice(f"voice.json: win: {self.win} is out of range")
        for scale, (low, high) in SCALES.items():
            if not low <= (value := getattr(self.defaults, scale)) <= high:
                raise BadVoice(f"voice.json: defaults.{scale}: {value} is not from {low} to {high}")
        speakers = max(1, self.architecture.n_speakers)
        if any(not 0 <= row < speakers for row in self.speakers.values()):
            raise BadVoice(f"voice.json: speakers: a row is outside 0 to {speakers - 1}")

    def to_json(self) -> str:
        """The text of ``voice.json``."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> VoiceConfig:
        """Read and check the text of ``voice.json``.

        Raises:
            BadVoice: it is not JSON, or a field is unknown, missing or wrong.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadVoice("voice.json is not valid JSON") from error
        config = _build(cls, data, "voice.json")
        config.check()
        return config

    @classmethod
    def read(cls, folder: Path) -> VoiceConfig:
        """Read the ``voice.json`` of a voice folder. Raises :class:`BadVoice`."""
        try:
            text = (folder / "voice.json").read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadVoice(f"{folder.name} has no readable voice.json") from error
        return cls.from_json(text)


T = TypeVar("T")


def _numbers(value: object) -> list[float]:
    if isinstance(value, tuple):
        return [number for item in value for number in _numbers(item)]
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return [typing.cast(float, value)] if plain else []


def _build(cls: type[T], data: object, where: str) -> T:
    """A dataclass from parsed JSON, strictly."""
    if not isinstance(data, dict):
        raise BadVoice(f"{where}: expected an object")
    hints = get_type_hints(cls)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise BadVoice(f"{where}: unknown field {unknown[0]!r}")
    values = {key: _value(hints[key], value, f"{where}.{key}") for key, value in data.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise BadVoice(f"{where}: a required field is missing ({error})") from error


def _value(kind: Any, value: object, where: str) -> object:
    """One field's value as its type hint wants it."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _build(typing.cast("type[object]", kind), value, where)
    if origin is Literal:
        if value in inner:
            return value
        raise BadVoice(f"{where}: expected one of {', '.join(map(str, inner))}")
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_value(inner[0], item, where) for item in value)
        raise BadVoice(f"{where}: expected a list")
    if origin is not None and issubclass(origin, Mapping):
        if isinstance(value, dict):
            return {key: _value(inner[1], item, where) for key, item in value.items()}
        raise BadVoice(f"{where}: expected an object")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise BadVoice(f"{where}: expected {kind.__name__}")
    return value
