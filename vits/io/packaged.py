"""Voices that come inside packages, made into voice folders when first used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vits.config import FORMAT, VoiceConfig
from vits.errors import BadCheckpoint, BadVoice, UnknownVoice
from vits.io.files import WEIGHTS_FILE
from vits.io.manifest import MODELS, find_weights, read_manifest

VOICES = MODELS / "voices"
"""Where prepared and imported voices live unless the caller says otherwise."""

DEFAULT_VOICE = "en_US-joe-medium"

Progress = Callable[[float, str], None]
"""Called with a share of the work, 0 to 1, and what is being done."""


def packaged() -> tuple[str, ...]:
    """Names of the voices that :func:`prepare` can make."""
    return tuple(entry.name for entry in read_manifest() if entry.kind == "voice")


def is_ready(name: str, voices: Path = VOICES) -> bool:
    """Whether the folder is there and of today's format."""
    try:
        current = VoiceConfig.read(voices / name).format == FORMAT
    except BadVoice:
        return False
    return current and (voices / name / WEIGHTS_FILE).is_file()


def prepare(name: str, voices: Path = VOICES, progress: Progress | None = None) -> Path:
    """The folder of a packaged voice, importing it if it is not there yet (about a second).

    The file is verified against the manifest; the folder appears whole or not at all, also when
    two processes prepare it at once. Imports no torch.

    Raises:
        UnknownVoice: no packaged voice has that name.
        MissingDependency: its package is not installed; says how to install it.
        BadCheckpoint: the installed file is not the one the manifest describes.
    """
    tell = progress or (lambda _share, _what: None)
    weights = find_weights(name)
    if weights.kind != "voice":
        raise UnknownVoice(f"{name!r} is not a voice")
    folder = voices / name
    if is_ready(name, voices):
        tell(1.0, f"{name} is ready")
        return folder
    tell(0.0, f"verifying {name}")
    weights.verify()
    tell(0.3, f"reading {name}")
    # Here, since a process that only speaks should not carry the onnx package.
    from vits.io.folder import write_voice
    from vits.io.piper import read_piper

    if weights.format != "piper":
        raise BadCheckpoint(f"the manifest gives {name} the unknown format {weights.format!r}")
    checkpoint = read_piper(weights.locate("model"), weights.locate("settings"), name)
    config = replace(
        checkpoint.config,
        languages=weights.languages,
        licence=weights.licence,
        source=f"{weights.source} {weights.note}".strip(),
    )
    tell(0.7, f"writing {name}")
    write_voice(folder, config, checkpoint.tensors)
    tell(1.0, f"{name} is ready")
    return folder
