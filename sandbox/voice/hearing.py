"""What one scripted member heard: frame by frame, and in numbers.

A *spurt* is one stretch of speech on one schedule: Discord's clients send a frame each
20 ms and end with five frames of Opus silence. RTP timestamps do not show the pause
between two spurts (discord.py goes on counting where it stopped), so a spurt ends after
five silences, or when the speaker says "speaking" again after a pause, or with its SSRC.

All times are ``Clock.real_s()``: real seconds since the sandbox opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sandbox.voice import playout, sound
from sandbox.voice.rtp import RATE_HZ, signed_difference

LATE_S = 0.040
"""A frame later than this against its schedule misses a 40 ms jitter buffer."""
SILENCES_END_SPURT = 5
SPEAKING_AFTER_S = 0.100
"""A "speaking" that comes this long after the last frame begins a spurt; one that comes
sooner merely lost the race between TCP and UDP."""


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """One 20 ms frame as this member received and decrypted it.

    ``rtp_time`` counts samples at 48 kHz; ``arrived_s`` is when the datagram reached the
    machine (kernel timestamp); ``gap_s`` is the time since the previous frame of the same
    SSRC, None for the first; ``opus`` is the plain Opus packet (RFC 6716).
    """

    guild_id: int
    channel_id: int
    speaker_id: int
    ssrc: int
    sequence: int
    rtp_time: int
    arrived_s: float
    gap_s: float | None
    spurt: int
    opus: bytes

    @property
    def silence(self) -> bool:
        """Whether this is Discord's frame of Opus silence."""
        return self.opus == sound.SILENCE


@dataclass(frozen=True, slots=True)
class Unheard:
    """A frame that arrived but that this member could not decrypt, and why."""

    speaker_id: int
    ssrc: int
    sequence: int
    arrived_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Speaking:
    """A speaker's light went on or off (op 5)."""

    speaker_id: int
    ssrc: int
    at_s: float
    on: bool


@dataclass(frozen=True)
class HeardStatistics:
    """A member's hearing in numbers. Times are None when nothing was heard.

    ``late`` counts sound frames later than 40 ms against the schedule that their spurt's
    first frame began; ``underruns`` and ``underrun_s`` are the stalls that a listener with
    a 40 ms jitter buffer hears, which recovers after each (see ``playout``).
    """

    frames: int
    silences: int
    spurts: int
    lost: int
    unheard: int
    late: int
    underruns: int
    underrun_s: float
    largest_gap_s: float
    first_s: float | None
    last_s: float | None

    @property
    def late_share(self) -> float:
        """Late sound frames as a share of all sound frames, 0 to 1."""
        return self.late / self.frames if self.frames else 0.0


@dataclass
class _Stream:
    """What is remembered of one SSRC between frames."""

    spurt: int
    last_s: float
    silences: int = 0
    restarted: bool = False
    newest: int | None = None
    seen: set[int] = field(default_factory=set)


class Hearing:
    """Everything one member heard in one guild; grows while members speak."""

    def __init__(self) -> None:
        self._frames: list[HeardFrame] = []
        self._unheard: list[Unheard] = []
        self._speaking: list[Speaking] = []
        self._streams: dict[int, _Stream] = {}
        self._spurts = 0

    @property
    def frames(self) -> Sequence[HeardFrame]:
        """Every frame heard, silences included, in order of arrival."""
        return self._frames

    @property
    def unheard(self) -> Sequence[Unheard]:
        """Frames that arrived but could not be decrypted."""
        return self._unheard

    @property
    def speaking(self) -> Sequence[Speaking]:
        """When speakers said that they start and stop."""
        return self._speaking

    def spurts(self, *, known: int = 0) -> list[list[HeardFrame]]:
        """The frames of each spurt, oldest spurt first, without the first ``known`` frames."""
        grouped: dict[int, list[HeardFrame]] = defaultdict(list)
        for frame in self._frames[known:]:
            grouped[frame.spurt].append(frame)
        return [grouped[number] for number in sorted(grouped)]

    def sounding(self) -> Iterator[tuple[HeardFrame, npt.NDArray[np.int16]]]:
        """Each frame with its own 20 ms of samples ``(960, 2)``, in the order of play."""
        for spurt in self.spurts():
            for _, frame, samples in playout.play(spurt):
                if frame is not None:
                    yield frame, samples

    def pcm(self, *, pauses: bool = True, known: int = 0) -> npt.NDArray[np.int16]:
        """What was heard, stalls included, as samples ``(n, 2)`` at 48 kHz.

        Begins after the first ``known`` frames; without ``pauses`` the spurts follow each other
        directly.
        """
        return playout.render(self.spurts(known=known), pauses=pauses)

    def save_wav(self, path: Path, *, pauses: bool = True, known: int = 0) -> None:
        """Write :meth:`pcm` as a 16-bit stereo WAV file."""
        sound.write_wav(path, self.pcm(pauses=pauses, known=known))

    def statistics(self) -> HeardStatistics:
        """The numbers so far."""
        voiced = [frame for frame in self._frames if not frame.silence]
        stalls = [stall for spurt in self.spurts() for stall in playout.schedule(spurt).stalls]
        gaps = [
            later.arrived_s - earlier.arrived_s
            for spurt in self.spurts()
            for earlier, later in pairwise(spurt)
        ]
        return HeardStatistics(
            frames=len(voiced),
            silences=len(self._frames) - len(voiced),
            spurts=len({frame.spurt for frame in self._frames}),
            lost=sum(_missing(stream.seen) for stream in self._streams.values()),
            unheard=len(self._unheard),
            late=sum(lateness > LATE_S for lateness in lateness_s(self._frames)),
            underruns=len(stalls),
            underrun_s=sum(stalls),
            largest_gap_s=max(gaps, default=0.0),
            first_s=voiced[0].arrived_s if voiced else None,
            last_s=voiced[-1].arrived_s if voiced else None,
        )

    # Called by the listener, as packets and messages come.

    def hear(
        self,
        *,
        guild_id: int,
        channel_id: int,
        speaker_id: int,
        ssrc: int,
        sequence: int,
        rtp_time: int,
        arrived_s: float,
        opus: bytes,
    ) -> HeardFrame:
        """Record a frame and return it with its gap and spurt filled in."""
        stream = self._streams.get(ssrc)
        silence = opus == sound.SILENCE
        gap_s = None
        if stream is None or not stream.spurt:
            stream = self._streams.setdefault(ssrc, _Stream(0, arrived_s))
            stream.spurt = self._next_spurt()
        else:
            gap_s = arrived_s - stream.last_s
            if not silence and (stream.restarted or stream.silences >= SILENCES_END_SPURT):
                stream.spurt = self._next_spurt()
        stream.silences = stream.silences + 1 if silence else 0
        stream.restarted = stream.restarted and silence
        stream.last_s = arrived_s
        _see(stream, sequence)
        frame = HeardFrame(
            guild_id, channel_id, speaker_id, ssrc, sequence, rtp_time, arrived_s, gap_s,
            stream.spurt, opus,
        )  # fmt: skip
        self._frames.append(frame)
        return frame

    def miss(self, unheard: Unheard) -> None:
        """Record a frame that arrived but could not be decrypted."""
        self._unheard.append(unheard)
        stream = self._streams.setdefault(unheard.ssrc, _Stream(0, unheard.arrived_s))
        _see(stream, unheard.sequence)

    def light(self, speaking: Speaking) -> None:
        """Record that a speaker started or stopped."""
        self._speaking.append(speaking)
        stream = self._streams.get(speaking.ssrc)
        if stream and speaking.on and speaking.at_s - stream.last_s > SPEAKING_AFTER_S:
            stream.restarted = True

    def _next_spurt(self) -> int:
        self._spurts += 1
        return self._spurts


def lateness_s(frames: Iterable[HeardFrame]) -> list[float]:
    """How late each sound frame is, in seconds, against the schedule of its spurt.

    The spurt's first sound frame begins the schedule; RTP time says what is due when.
    """
    first: dict[int, HeardFrame] = {}
    late = []
    for frame in frames:
        if frame.silence:
            continue
        start = first.setdefault(frame.spurt, frame)
        due_s = signed_difference(frame.rtp_time, start.rtp_time, 32) / RATE_HZ
        late.append(frame.arrived_s - start.arrived_s - due_s)
    return late


def _see(stream: _Stream, sequence: int) -> None:
    """Remember a sequence number, unwrapped (RFC 3550, appendix A.1)."""
    newest = sequence if stream.newest is None else stream.newest
    number = newest + signed_difference(sequence, newest & 0xFFFF, 16)
    stream.newest = max(newest, number)
    stream.seen.add(number)


def _missing(seen: set[int]) -> int:
    return max(seen) - min(seen) + 1 - len(seen) if seen else 0
