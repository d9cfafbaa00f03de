"""Making new voices in the background: one at a time, in a process of its own, at low priority.

The work itself is ``vits.studio.work``; here is the bot's end of it. Nothing of a training is kept
but the finished voice: its folder goes when it is over, whatever came of it.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import logging
import re
import secrets
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from errors import BadInput, Unavailable
from speech.languages import base
from speech.settings import Count, SpeechSettings
from speech.voices import discreet
from vits.data.endings import SOUNDS
from vits.errors import BadData, UnknownVoice
from vits.io.voices import VoiceShelf, check_name
from vits.studio.orders import (
    RECORDINGS,
    Order,
    Progress,
    is_published,
    read_order,
    read_progress,
    write_order,
)
from words import N_

log = logging.getLogger(__name__)

WORK = "vits.studio.work"
NEEDED = (
    "torch",
    "torchaudio",
    "faster_whisper",
    "speechmos",
    "librosa",
    "resemblyzer",
    "soundfile",
    "ffmpeg",
    "imageio_ffmpeg",
)
"""Packages of ``make train``, by the names they are imported under."""

NOTES = frozenset({"txt", "lab"})
ENDINGS = NOTES | {"zip"} | SOUNDS
LIVES = 3
"""So often the process may end without a word before it counts as a failure."""

PATIENCE_S = 6.0
"""How long it may take to save its state when it is asked to stop."""

BUSY_CODE = 75
ROLE = "role"
"""In a training's folder: the id of the role that it made a rule for."""

Recordings = Iterable[tuple[str, AsyncGenerator[bytes]]]
"""Names of our own, and what is in each, piece by piece."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class TrainingSettings:
    """Voices made from recordings by ``/voice train``.

    Attributes:
        enabled: whether the bot's owner may train voices; needs ``make train``.
        folder: where recordings and unfinished trainings lie; what is over leaves it.
        recipe: ``few-minutes`` (for a CPU) or ``full``.
        steps: times the recipe's own number of steps.
        threads: of a training; 0: all cores but one.
        least_s: so much usable speech a training needs.
        most_bytes: largest recordings that are taken, all together, as they are when unpacked.
        sentences: how many the new voice says to be judged.
        edit_gap_s: least time between two edits of the message that tells how far it is.
    """

    enabled: bool = False
    folder: Path = Path("data/training")
    recipe: Literal["few-minutes", "full"] = "few-minutes"
    steps: Annotated[float, Field(gt=0)] = 1.0
    threads: Annotated[int, Field(ge=0)] = 0
    least_s: Annotated[float, Field(ge=0)] = 60.0
    most_bytes: Count = 500 * 1024 * 1024
    sentences: Count = 20
    edit_gap_s: Annotated[float, Field(ge=0)] = 5.0


class TrainingOff(Unavailable):
    """The owner has not switched it on."""

    sentence = N_("Training is switched off. The setting training.enabled switches it on.")


class TrainingLacks(Unavailable):
    """PyTorch, or a judge, is not installed."""

    sentence = N_("Training needs PyTorch, which is not installed here: run make train, then try.")


class NameTaken(BadInput):
    """There is such a voice."""

    sentence = N_("There is a voice called {voice} already. Choose another name.")


class BadVoiceName(BadInput):
    """A voice's name becomes a folder."""

    sentence = N_("A voice's name has 1 to 64 letters (a to z), digits, dots, + or dashes.")


class NoBase(BadInput):
    """Nothing to begin from."""

    sentence = N_("I have no voice that speaks that language to begin from. Import one first.")


class NoRecording(BadInput):
    """An attachment that is no sound."""

    sentence = N_("{file} is neither a recording, a video nor a zip of them.")


class RecordingsTooLarge(BadInput):
    """More than the owner allows."""

    sentence = N_("The recordings are too large: together at most {mb} MB, unpacked.")


class NoSpace(Unavailable):
    """The recordings do not fit on the disk."""

    sentence = N_("My disk is full.")


@dataclass(frozen=True)
class Wanted:
    """What was asked for. ``base`` and ``language`` may be empty."""

    voice: str
    base: str = ""
    language: str = ""
    consent: str = ""
    licence: str = ""


class Workshop:
    """Folders and processes of trainings."""

    def __init__(self, settings: TrainingSettings, speech: SpeechSettings) -> None:
        self.settings = settings
        self._speech = speech
        self._shelf = VoiceShelf(speech.voices)

    def check_open(self) -> None:
        """Raises :class:`TrainingOff`, :class:`TrainingLacks`."""
        if not self.settings.enabled:
            raise TrainingOff
        if any(importlib.util.find_spec(name) is None for name in NEEDED):
            raise TrainingLacks

    def check_size(self, size_bytes: int) -> None:
        """Raises :class:`RecordingsTooLarge`."""
        if size_bytes > self.settings.most_bytes:
            raise RecordingsTooLarge(mb=self.settings.most_bytes // (1 << 20))

    async def order(self, wanted: Wanted) -> Order:
        """What was asked for, checked against what is there.

        Raises :class:`BadVoiceName`, :class:`NameTaken`, :class:`NoBase`.
        """
        return await asyncio.to_thread(self._order, wanted)

    def new_id(self, owner: str) -> str:
        """A number for a training that the process ``owner`` sees to."""
        return f"{owner}.{secrets.token_hex(6)}"

    async def open(
        self, training_id: str, order: Order, recordings: Recordings, role_id: int | None = None
    ) -> None:
        """Lay it all out in a folder; ``recordings`` are written as they come.

        Args:
            role_id: see :meth:`role`.

        Raises:
            RecordingsTooLarge: more comes than the owner allows.
            NoSpace: the disk is full.
        """
        try:
            folder = await asyncio.to_thread(self._open, training_id, order, role_id)
            size = 0
            for name, pieces in recordings:
                size = await self._store(folder / name, pieces, size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace from error
            raise

    async def close(self, training_id: str) -> None:
        """Leave nothing behind."""
        await asyncio.to_thread(shutil.rmtree, self._folder(training_id), ignore_errors=True)

    async def read(self, training_id: str) -> Order | None:
        """The order of a training that is laid out; None if it is not (any more)."""
        with suppress(BadData, UnknownVoice):
            return await asyncio.to_thread(read_order, self._folder(training_id))
        return None

    async def role(self, training_id: str) -> int | None:
        """The role that may use the voice, where a rule for it was made with the training."""
        try:
            return int(await asyncio.to_thread((self._folder(training_id) / ROLE).read_text))
        except (OSError, ValueError):
            return None

    async def has(self, voice: str) -> bool:
        """Whether there is a voice of that name, whatever its case."""
        return await asyncio.to_thread(self._has, voice)

    async def finished(self, training_id: str) -> Progress | None:
        """How it ended, if its voice is on the shelf; asked when its process is gone."""
        order = await self.read(training_id)
        if order is None:
            return None
        folder = self._folder(training_id)
        if not await asyncio.to_thread(is_published, folder, order):
            return None
        known = await asyncio.to_thread(read_progress, folder)
        return replace(known or Progress("done"), stage="done", share=1.0, failure="")

    async def sweep(self, owner: str, known: Collection[str]) -> None:
        """Remove what trainings of ``owner`` left that nobody knows of."""
        if not self.settings.folder.is_dir():
            return
        for folder in list(self.settings.folder.iterdir()):
            if folder.name.startswith(f"{owner}.") and folder.name not in known:
                await self.close(folder.name)

    async def run(self, training_id: str, listener: Callable[[Progress], None]) -> Progress:
        """Do the work, from where it was left, and tell how it ended.

        Cancelling stops the process, which saves its state: another call goes on from there.
        """
        for _ in range(LIVES):
            last, code = await self._live(training_id, listener)
            if last is not None and last.over:
                return last
            log.warning("training %s: its process ended with %s", training_id, code)
            if code == BUSY_CODE:
                await asyncio.sleep(PATIENCE_S)  # the one of an earlier life is still saving
        return Progress("failed", failure="fault")

    async def _live(
        self, training_id: str, listener: Callable[[Progress], None]
    ) -> tuple[Progress | None, int | None]:
        folder = self._folder(training_id).resolve()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", WORK, str(folder), "--watched"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it may quote what was said in the recordings
            cwd=Path(__file__).parent.parent,
        )
        last: Progress | None = None
        try:
            while process.stdout is not None and (line := await process.stdout.readline()):
                with suppress(BadData):
                    last = Progress.read(line.decode())
                    listener(last)
            await process.wait()
        finally:
            await asyncio.shield(_end(process))
        return last, process.returncode

    def _folder(self, training_id: str) -> Path:
        if not _ID.fullmatch(training_id) or ".." in training_id:
            raise ValueError("that is no training's id")
        return self.settings.folder / training_id

    def _order(self, wanted: Wanted) -> Order:
        try:
            name = check_name(wanted.voice.strip())
        except UnknownVoice:
            raise BadVoiceName from None
        there = self._shelf.list()
        if self._has(name):
            raise NameTaken(voice=discreet(name))
        default = self._speech.voice.partition("/")[0]
        likely = [wanted.base] if wanted.base else [default, *(each.name for each in there)]
        for likely_name in likely:
            for config in there:
                if config.name == likely_name and _speaks(config.languages, wanted.language):
                    settings = self.settings
                    return Order(
                        voice=name,
                        base=str(self._shelf.path(config.name).resolve()),
                        shelf=str(self._speech.voices[0].resolve()),
                        language=base(wanted.language),
                        licence=wanted.licence.strip(),
                        consent=wanted.consent.strip(),
                        recipe=settings.recipe,
                        steps=settings.steps,
                        threads=settings.threads,
                        least_s=settings.least_s,
                        most_bytes=settings.most_bytes,
                        sentences=settings.sentences,
                    )
        raise NoBase

    def _has(self, voice: str) -> bool:
        return voice.casefold() in {each.casefold() for each in self._shelf.names()}

    def _open(self, training_id: str, order: Order, role_id: int | None) -> Path:
        folder = self._folder(training_id)
        (folder / RECORDINGS).mkdir(parents=True)
        folder.chmod(0o700)
        write_order(folder, order)
        if role_id is not None:
            (folder / ROLE).write_text(str(role_id))
        return folder / RECORDINGS

    async def _store(self, path: Path, pieces: AsyncGenerator[bytes], size: int) -> int:
        """Write them to ``path``; ``size`` bytes were written before, and so many are then."""
        file = await asyncio.to_thread(path.open, "wb")
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    size += len(piece)
                    self.check_size(size)
                    await asyncio.to_thread(file.write, piece)
        finally:
            await asyncio.to_thread(file.close)
        return size


def own_names(given: list[str]) -> list[str]:
    """Names of our own for attachments, by number and ending; what shared a stem still does.

    Raises :class:`NoRecording` for what is none, or where there are transcripts only.
    """
    stems: dict[str, int] = {}
    found: list[str] = []
    for number, name in enumerate(given):
        stem, dot, ending = name.rpartition(".")
        if not dot or ending.lower() not in ENDINGS:
            raise NoRecording(file=discreet(name) or "?")
        own = f"{stems.setdefault(stem, number):03d}.{ending.lower()}"
        # The same name twice is two recordings.
        found.append(own if own not in found else f"{number:03d}.{ending.lower()}")
    if all(name.rpartition(".")[2] in NOTES for name in found):
        raise NoRecording(file=discreet(given[0]) if given else "?")
    return found


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to save and stop; make it, when it does not."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _speaks(languages: tuple[str, ...], language: str) -> bool:
    return not language or base(language) in map(base, languages)
