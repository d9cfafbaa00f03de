"""Importing a voice of any known format: what it is, is told by its content, not by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from vits import layout
from vits.errors import BadCheckpoint, BadVoice, UnknownVoice, VitsError
from vits.io.files import CONFIG_FILE, WEIGHTS_FILE
from vits.io.folder import listed, read_voice, write_voice
from vits.io.hugging_face import is_hugging_face, is_safetensors, read_hugging_face
from vits.io.kinds import Checkpoint, Fields
from vits.io.original import is_original_config, read_original
from vits.io.pickled import is_torch
from vits.io.piper import read_piper
from vits.io.voices import check_name

MOST_BYTES = 4 << 30
"""Of a checkpoint; the largest known, with its optimizer, has half a gigabyte."""

KNOWN = (
    "a Piper voice (.onnx and .onnx.json), a VITS checkpoint (G_*.pth and its config.json or "
    "finetune_speaker.json), a Hugging Face VitsModel folder, or a voice folder of ours"
)


def import_voice(
    path: Path,
    name: str,
    voices: Path,
    *,
    settings: Path | None = None,
    licence: str = "",
    source: str = "",
    replace_existing: bool = False,
) -> tuple[Path, tuple[str, ...]]:
    """Read a checkpoint and write it as a voice folder.

    Args:
        path: a file or folder in any known format.
        name: what the voice will be called.
        voices: the folder of voices it goes to.
        settings: its configuration, where it does not lie beside it.
        licence, source: kept with the voice.
        replace_existing: write over a voice of that name.

    Returns:
        The folder, and what the person should know about the voice.

    Raises:
        UnknownVoice: the name is none, or taken.
        BadCheckpoint: unknown format, damaged, or tensors missing or odd: each is named. Nothing
            was written, and nothing of the file was run.
    """
    check_name(name)
    if (voices / name).exists() and not replace_existing:
        raise UnknownVoice(f"there is a voice {name!r} already; --replace writes over it")
    try:
        checkpoint = read_checkpoint(path, name, settings)
        config = checkpoint.config
        config.check()
        shapes = {key: tensor.shape for key, tensor in checkpoint.tensors.items()}
        wrong = layout.differences(config.architecture, shapes)
    except BadVoice as error:
        raise BadCheckpoint(str(error)) from error
    if wrong:
        raise BadCheckpoint(f"{path.name} is not a plain VITS: {listed(wrong)}")
    for key, tensor in checkpoint.tensors.items():
        if not np.isfinite(tensor).all():
            raise BadCheckpoint(f"{path.name}: {key} is not all numbers: it holds NaN or infinity")
    config = replace(config, name=name)
    if licence or source:
        config = replace(config, licence=licence or config.licence, source=source or config.source)
    write_voice(voices / name, config, checkpoint.tensors)
    return voices / name, _notes(checkpoint)


def read_checkpoint(path: Path, name: str, settings: Path | None = None) -> Checkpoint:
    """Recognise and read a checkpoint. Arguments and errors as in :func:`import_voice`."""
    if path.is_dir():
        if is_hugging_face(path):
            return read_hugging_face(path, name, _hugging_face_weights(path))
        if (path / CONFIG_FILE).is_file():
            return Checkpoint(*read_voice(path))
        return read_checkpoint(_only_weights(path), name, settings)
    if not path.is_file():
        raise BadCheckpoint(f"there is no file {path.name}")
    if path.stat().st_size > MOST_BYTES:
        raise BadCheckpoint(f"{path.name} is larger than any VITS")
    if path.suffix == ".json":
        raise BadCheckpoint(f"{path.name} is a configuration: import the weights beside it")
    if (is_torch(path) or is_safetensors(path)) and is_hugging_face(path.parent):
        return read_hugging_face(path.parent, name, path)
    if path.name == WEIGHTS_FILE and (path.parent / CONFIG_FILE).is_file():
        return Checkpoint(*read_voice(path.parent))
    if is_torch(path):
        return read_original(path, settings or _beside(path, is_original_config), name)
    if _is_onnx(path):
        return read_piper(path, settings or _beside(path, _is_piper_config), name)
    raise BadCheckpoint(f"{path.name} is of no known kind; known are {KNOWN}")


def _notes(checkpoint: Checkpoint) -> tuple[str, ...]:
    config = checkpoint.config
    notes = []
    if not config.architecture.has_posterior:
        notes.append("it has no posterior encoder: it speaks, but cannot convert recordings")
    if config.architecture.n_speakers > 1:
        count = config.architecture.n_speakers
        names = ", ".join(list(config.speakers)[:8])
        notes.append(f"it has {count} speakers" + (f": {names}" if names else ", without names"))
    if not config.languages:
        notes.append("it does not say which language it speaks")
    return tuple(notes)


def _is_onnx(path: Path) -> bool:
    with path.open("rb") as file:
        # The first field of the message: the number of its format.
        return file.read(1) == b"\x08"


def _is_piper_config(about: Fields) -> bool:
    return "phoneme_id_map" in about


def _only_weights(folder: Path) -> Path:
    """The one checkpoint in a folder."""
    files = _files(folder)
    usual = [path for path in files if path.suffix in (".pth", ".pt", ".onnx", ".bin", ".ckpt")]
    found = usual or [path for path in files if is_torch(path) or _is_onnx(path)]
    # Training leaves discriminators (D_...) beside generators (G_...).
    found = [path for path in found if not path.name.startswith("D_")]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise BadCheckpoint(f"which checkpoint in {folder.resolve().name}? There are: {names}")
    return found[0]


def _hugging_face_weights(folder: Path) -> Path:
    """The weights in a VitsModel folder: of the usual name, else told by their content."""
    usual = [folder / name for name in ("model.safetensors", "pytorch_model.bin")]
    found = [path for path in usual if path.is_file()]
    found += [path for path in _files(folder) if is_safetensors(path) or is_torch(path)]
    if not found:
        raise BadCheckpoint(
            "there is neither model.safetensors nor pytorch_model.bin in the folder"
        )
    return found[0]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".json"]


def _beside(path: Path, fits: Callable[[Fields], bool]) -> Path:
    """The configuration that lies beside a checkpoint, told by its content."""
    found = []
    for candidate in sorted(path.parent.glob("*.json")):
        try:
            if fits(Fields.of_file(candidate)):
                found.append(candidate)
        except VitsError:
            continue
    # One that carries the checkpoint's own name is meant, whatever else lies there.
    named = [each for each in found if each.name in (f"{path.name}.json", f"{path.stem}.json")]
    chosen = named or found
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise BadCheckpoint(f"no configuration fits beside {path.name}: name it with --config")
    names = ", ".join(each.name for each in chosen)
    raise BadCheckpoint(f"which configuration is that of {path.name}? --config, one of: {names}")
