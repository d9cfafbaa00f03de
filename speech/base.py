"""The words of this room: what to say, in which voice, for whom; and what goes wrong.

Legend: a *frame* is one Opus packet of 20 ms at 48 kHz (mono). *Language* is a BCP 47 tag
such as ``en``, ``zh-TW``, ``ja``. Ids are Discord's, as integers.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Protocol

from errors import BadInput, NotAllowed, Unavailable
from words import N_

FRAME_S = 0.02
FRAME_SAMPLES = 960
LOOKAHEAD = 312
"""Samples by which the encoder's output is late; the ``pre-skip`` of an Ogg file (RFC 7845 5.1)."""
RATE_HZ = 48_000
SILENCE = b"\xf8\xff\xfe"  # Discord's own frame of silence: CELT, 20 ms, mono; DAVE lets it pass


@dataclass(frozen=True)
class VoiceChoice:
    """Which voice speaks and how: ``speed`` 1.2 is a fifth faster, ``pitch`` 1.1 a tenth higher."""

    voice: str
    speaker: str | None = None
    speed: float = 1.0
    pitch: float = 1.0
    language: str = "en"


@dataclass(frozen=True)
class Line:
    """A stretch of plain text for one voice. ``pause_s`` of silence follows it."""

    text: str
    choice: VoiceChoice
    pause_s: float = 0.0


@dataclass(frozen=True)
class Names:
    """What ids in a message are called. An id that is missing is read as "someone" or the like."""

    members: Mapping[int, str] = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)
    channels: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listener:
    """For whom text is made speakable.

    ``language`` decides what script cannot (digits alone, Han without kana) and in which words
    placeholders are said. ``now_s`` is the Unix time that relative timestamps count from.
    """

    language: str = "en"
    names: Names = field(default_factory=Names)
    now_s: float = 0.0
    zone: tzinfo = UTC


class SpeechMaker(Protocol):
    """What makes sound of lines: ``speech.studio.Studio``, or a fake that passes its test."""

    def speak(self, lines: Sequence[Line]) -> AsyncGenerator[bytes]:
        """Opus frames of ``lines``, one voice after another, streamed as they are made.

        The iterator takes what it can send on: a consumer that waits makes the worker wait.
        Closing it (``aclose``) cancels the job. Raises :class:`NoSuchVoice`, or
        :class:`SpeechFailed` when retrying did not help.
        """
        ...


class SpeechFailed(Unavailable):
    """Synthesis failed, also when tried again."""

    sentence = N_("I could not speak this. The text above is complete.")


class NoSuchVoice(BadInput):
    """No installed voice has this name, or it has no such speaker."""

    sentence = N_("I have no voice called {voice}.")


class QueueFull(Unavailable):
    """Too much is waiting to be spoken in this channel."""

    sentence = N_("{waiting} replies are already waiting to be spoken here. Please try again soon.")


class TooManyWaiting(Unavailable):
    """One person has too much waiting to be spoken in this channel."""

    sentence = N_("You already have {waiting} replies waiting to be spoken here.")


class NotYours(NotAllowed):
    """What is being spoken belongs to somebody else."""

    sentence = N_("Only the person I am speaking to, or a moderator, can do that.")


class NothingToSkip(BadInput):
    """Nothing is being spoken, or nothing of this person's."""

    sentence = N_("I am not speaking right now.")


def place_of(error: BaseException) -> str:
    """What kind of error, and where it happened; not its message, which may quote what was said."""
    trace = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in trace]
    return f"{type(error).__name__} at {', '.join(places)}"
