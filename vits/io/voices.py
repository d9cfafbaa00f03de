"""The voices on this machine: folders of voice folders, looked up by checked names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vits.config import VoiceConfig
from vits.errors import UnknownVoice, VitsError
from vits.io.files import CONFIG_FILE
from vits.io.packaged import packaged, prepare

if TYPE_CHECKING:
    from vits.io.folder import Tensors

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def check_name(name: str) -> str:
    """``name``, if it can be the name of a voice. It becomes a folder, so it is never a path.

    Raises:
        UnknownVoice: it cannot.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise UnknownVoice("a voice's name has 1 to 64 letters, digits, '.', '_', '+' or '-'")
    return name


def split_speaker(name: str) -> tuple[str, str | None]:
    """``NAME/speaker`` as (NAME, speaker), a bare NAME as (NAME, None)."""
    voice, _, speaker = name.partition("/")
    return voice, speaker or None


Mark = tuple[int, int]


def mark_of(folder: Path) -> Mark | None:
    """What changes when another voice is put into ``folder``; None while there is none."""
    try:
        found = (folder / CONFIG_FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


class VoiceShelf:
    """Finds voices in several folders; the first that has a name wins. Reads anew at each call.

    Voices that come inside packages are prepared into the first folder when first asked for.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def names(self) -> list[str]:
        """Every name, prepared or packaged, in order; what is there may still be damaged."""
        found = {
            file.parent.name
            for folder in self._folders
            for file in folder.glob(f"*/{CONFIG_FILE}")
            if _NAME.fullmatch(file.parent.name)
        }
        return sorted(found | set(packaged()))

    def list(self) -> list[VoiceConfig]:
        """The voices that can be used, by name; packaged ones are prepared."""
        found = []
        for name in self.names():
            try:
                found.append(VoiceConfig.read(self.path(name)))
            except VitsError:
                continue  # see problems()
        return found

    def problems(self) -> dict[str, str]:
        """Voices that cannot be used, and why. Reads every header of weights."""
        wrong = {}
        for name in self.names():
            try:
                self.open(name)
            except VitsError as error:
                wrong[name] = str(error)
        return wrong

    def path(self, name: str) -> Path:
        """The folder of a voice; a packaged one is prepared first.

        Raises:
            UnknownVoice: not a voice name, or no voice of that name.
            MissingDependency, BadCheckpoint: a packaged voice cannot be prepared.
        """
        check_name(name)
        for folder in self._folders:
            if (folder / name / CONFIG_FILE).is_file():
                return folder / name
        if name in packaged() and self._folders:
            return prepare(name, self._folders[0])
        raise UnknownVoice(f"there is no voice {name!r}; there are: {', '.join(self.names())}")

    def open(self, name: str) -> tuple[VoiceConfig, Tensors]:
        """The configuration and the (lazily read) tensors of a voice.

        Raises:
            UnknownVoice: no voice of that name.
            BadVoice: its folder is damaged.
        """
        # The bot's own process looks for voices and never opens one: it needs no NumPy.
        from vits.io.folder import read_voice

        return read_voice(self.path(name))
