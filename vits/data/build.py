"""Recordings in, data set out: decode, cut, measure, transcribe, level, split, write.

One clip at a time, and each is written as soon as it is ready, so that being stopped loses
little: the same command run again finds the clips that are there and goes on.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from vits.arrays import F32
from vits.data import cutting, measure
from vits.data.decode import decode, resample
from vits.data.records import Clip, Dataset, Rejected, Split, read_dataset
from vits.data.sources import Source, find_sources
from vits.errors import BadAudio, BadData
from vits.judge.whisper import RATE_HZ as WHISPER_HZ
from vits.judge.whisper import Whisper, error_rate

WHOLE_S = 15.0  # a recording up to this long, with a transcript, is one clip
MARKS = re.compile(r"\[[A-Z]{2}\]")  # [ZH], [JA], [EN]: kept in the text, not spoken
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the caller may choose."""

    speaker: str
    rate_hz: int = 22_050
    language: str | None = None  # None: find out
    held_out: float = 0.1  # share of clips kept for judging, at least one
    threads: int = 0


def build(inputs: Sequence[Path], folder: Path, plan: Plan, progress: Progress = print) -> Dataset:
    """Make the data set of one speaker in ``folder``.

    Raises:
        BadData: nothing usable was found, or the inputs are not recordings.
        MissingDependency: what it needs is not installed.
        OSError: the disk is full or the folder cannot be written; what was finished stays.
    """
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    known = _known(folder, plan)
    meter, whisper = measure.Meter(), Whisper("base", threads=plan.threads)
    clips: dict[str, Clip] = {}
    rejected: list[Rejected] = []
    with tempfile.TemporaryDirectory() as scratch:
        sources = find_sources(inputs, Path(scratch))
        for number, source in enumerate(sources, 1):
            progress(f"{number} of {len(sources)}: {source.name}")
            try:
                samples, rate_hz = decode(source.path)
            except BadAudio as error:
                rejected.append(Rejected(source.name, 0, 0, str(error)))
                continue
            for found in _clips(source, samples, rate_hz, plan, meter, whisper, known, folder):
                if isinstance(found, Rejected):
                    rejected.append(found)
                elif found.id in clips:
                    rejected.append(
                        Rejected(source.name, found.start_s, found.figures.seconds, "a duplicate")
                    )
                else:
                    clips[found.id] = found
            _dataset(folder, plan, clips.values(), rejected).save()
    if not clips:
        reasons = sorted({each.why for each in rejected})
        raise BadData("no clip could be used: " + "; ".join(reasons or ["nobody speaks in it"]))
    dataset = _dataset(folder, plan, clips.values(), rejected)
    dataset.save()
    return dataset


def _known(folder: Path, plan: Plan) -> dict[str, Clip]:
    """Clips of an earlier, interrupted run of the same plan."""
    try:
        before = read_dataset(folder)
    except BadData:
        return {}
    if (before.speaker, before.rate_hz) != (plan.speaker, plan.rate_hz):
        raise BadData("the folder holds a data set of another speaker or rate")
    return {clip.id: clip for clip in before.clips if before.sound_path(clip).is_file()}


def _dataset(folder: Path, plan: Plan, clips: Iterable[Clip], rejected: list[Rejected]) -> Dataset:
    chosen = _split(sorted(clips, key=lambda c: c.id), plan.held_out)
    return Dataset(folder, plan.speaker, plan.rate_hz, tuple(chosen), tuple(rejected))


def _split(clips: list[Clip], share: float) -> Iterator[Clip]:
    """Hold out the clips whose hash is lowest: the same ones whatever else is added later."""
    count = max(1, round(len(clips) * share)) if len(clips) > 1 and share > 0 else 0
    for rank, clip in enumerate(clips):
        split: Split = "held-out" if rank < count else "train"
        yield replace(clip, split=split)


def _clips(
    source: Source,
    samples: F32,
    rate_hz: int,
    plan: Plan,
    meter: measure.Meter,
    whisper: Whisper,
    known: dict[str, Clip],
    folder: Path,
) -> Iterator[Clip | Rejected]:
    """The clips of one recording, and what of it was left out."""
    spans = cutting.speech(samples, rate_hz)
    if not spans:
        yield Rejected(source.name, 0, len(samples) / rate_hz, "nobody speaks in it")
        return
    one_clip = source.text is not None and len(samples) <= WHOLE_S * rate_hz
    if one_clip:
        cut = [cutting.Span(spans[0].start_s, spans[-1].end_s)]
    else:
        cut = cutting.utterances(spans, samples, rate_hz)
    script = _Script(source.text) if source.text and not one_clip else None
    for span in cut:
        start_s = round(span.start_s, 3)
        if span.seconds < cutting.SHORTEST_S:
            yield Rejected(source.name, start_s, span.seconds, "shorter than a second")
            continue
        part = resample(cutting.take(samples, rate_hz, span), rate_hz, plan.rate_hz)
        name = hashlib.sha256((part * 32767).astype(np.int16).tobytes()).hexdigest()[:16]
        if name in known:
            yield known[name]
            continue
        figures = meter.figures(part, plan.rate_hz)
        why = measure.why_not(figures)
        if why:
            yield Rejected(source.name, start_s, span.seconds, why)
            continue
        heard = whisper.hear(resample(part, plan.rate_hz, WHISPER_HZ), plan.language)
        text = source.text if one_clip else (script.match(heard.text) if script else heard.text)
        if not text or not heard.text:
            yield Rejected(source.name, start_s, span.seconds, "no words could be made out")
            continue
        wrong, units = error_rate(MARKS.sub("", text), heard.text)
        if one_clip and wrong > 0.6 * units + 1:
            yield Rejected(source.name, start_s, span.seconds, "the transcript says something else")
            continue
        _write(folder / "clips" / f"{name}.flac", measure.levelled(part, figures.loudness_lufs),
               plan.rate_hz)  # fmt: skip
        yield Clip(
            name, source.name, start_s, text, plan.language or heard.language, source.text is None,
            "train", figures,
        )  # fmt: skip


def _write(path: Path, samples: F32, rate_hz: int) -> None:
    """Write a clip whole or not at all. Raises BadData where it cannot be written."""
    import soundfile

    fresh = path.with_suffix(".new")
    try:
        soundfile.write(fresh, samples, rate_hz, format="FLAC", subtype="PCM_16")
        fresh.replace(path)
    except (OSError, RuntimeError) as error:  # libsndfile's error is a RuntimeError
        fresh.unlink(missing_ok=True)
        raise BadData(
            "a clip could not be written: is the disk full? The clips before it are kept, and "
            "the same command goes on from them"
        ) from error


class _Script:
    """The given transcript of a long recording: finds the words that belong to each cut.

    Whisper's words are matched against the given ones from where the last cut ended, and the
    given ones are used: they are right where Whisper mishears.
    """

    def __init__(self, text: str) -> None:
        spaced = " " in text.strip()
        self._units = text.split() if spaced else list(text)
        self._glue = " " if spaced else ""
        self._at = 0

    def match(self, heard: str) -> str:
        """The given words for what was heard, or "" where nothing matches."""
        said = heard.split() if self._glue else list(heard)
        ahead = self._units[self._at : self._at + 3 * len(said) + 20]
        plain = [_plain(unit) for unit in ahead]
        blocks = SequenceMatcher(None, plain, [_plain(unit) for unit in said], autojunk=False)
        same = [block for block in blocks.get_matching_blocks() if block.size]
        if not said or sum(block.size for block in same) < 0.5 * len(said):
            return ""
        # What Whisper missed before its first match or after its last still belongs to the cut.
        first = max(0, same[0].a - same[0].b)
        end = min(len(ahead), same[-1].a + same[-1].size + len(said) - same[-1].b - same[-1].size)
        self._at += end
        return self._glue.join(ahead[first:end]).strip()


def _plain(unit: str) -> str:
    return "".join(ch for ch in unit.lower() if ch.isalnum())
