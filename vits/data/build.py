"""Recordings in, data set out: decode, cut, measure, transcribe, level, split, write.

One clip at a time, and each is written as soon as it is ready, so that being stopped loses
little: the same command run again finds the clips that are there and goes on.

Inputs add up: clips that the folder holds already stay, also those of recordings that are no
longer given. Who wants a set without them makes it in another folder.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vits.arrays import F32
from vits.data import cutting, measure
from vits.data.decode import decode, resample
from vits.data.records import Clip, Dataset, Rejected, Split, read_dataset
from vits.data.script import MARKS, Script
from vits.data.sources import SCRATCH, Source, find_sources
from vits.errors import BadAudio, BadData, DiskFull
from vits.judge.whisper import RATE_HZ as WHISPER_HZ
from vits.judge.whisper import Heard, Whisper, error_rate

WHOLE_S = 15.0  # a recording up to this long, with a transcript, is one clip
SAVE_EVERY = 10  # clips, used or left out: what being stopped may lose
RARE = 0.2  # share of the seconds; a language spoken less was misheard
UNFOUND = "its words are not in the transcript"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the caller may choose."""

    speaker: str
    rate_hz: int = 22_050
    language: str | None = None  # as in "zh" or "zh-TW"; None: find out
    held_out: float = 0.1  # share of clips kept for judging, at least one
    threads: int = 0


def build(inputs: Sequence[Path], folder: Path, plan: Plan, progress: Progress = print) -> Dataset:
    """Make the data set of one speaker in ``folder``, or add to the one that is there.

    Raises:
        BadData: nothing usable was found, the inputs are not recordings, Whisper does not know
            the language, or the folder holds the set of another speaker, or a damaged one.
        DiskFull: a clip or the list of them could not be written; what was finished stays.
        MissingDependency: what it needs is not installed.
        OSError: the disk is full or the folder cannot be written; what was finished stays.
    """
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    making = _Making(folder, plan)
    scratch = folder / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    try:
        sources = find_sources(inputs, scratch, folder)
        for number, source in enumerate(sources, 1):
            progress(f"{number} of {len(sources)}: {source.name}")
            making.add(source)
        making.hear_again(progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if not making.clips:
        reasons = sorted({each.why for each in making.rejected})
        raise BadData("no clip could be used: " + "; ".join(reasons or ["nobody speaks in it"]))
    return making.save()


class _Making:
    """A data set on its way: what was there, and what has been found since."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        before = _before(folder, plan)
        self.clips = {clip.id: clip for clip in before.clips if before.sound_path(clip).is_file()}
        self.rejected = list(before.rejected)
        self._found: set[str] = set()  # ids of this run
        self._begun: set[str] = set()  # names of recordings
        self._unsaved = 0
        self._meter, self._whisper = measure.Meter(), Whisper("base", threads=plan.threads)
        self._language = self._whisper.code(plan.language) if plan.language else None

    def add(self, source: Source) -> None:
        """Take all clips of a recording, and remember what of it was left out."""
        if source.name not in self._begun:
            self._begun.add(source.name)
            self.rejected = [each for each in self.rejected if each.source != source.name]
        try:
            samples, rate_hz = decode(source.path)
        except BadAudio as error:
            self.rejected.append(Rejected(source.name, 0, 0, str(error)))
        else:
            for found in self._clips(source, samples, rate_hz):
                self._take(found)

    def save(self) -> Dataset:
        """Write the list of clips. Raises :class:`DiskFull`."""
        self._unsaved = 0
        dataset = self._dataset()
        dataset.save()
        return dataset

    def hear_again(self, progress: Progress) -> None:
        """Transcribe anew, in the language mostly spoken, what was heard in a rare one.

        Short clips are easily taken for another language. A person may have two, so that only
        rare ones are doubted; where a given text fits what was heard, the language was right.
        """
        seconds = self._seconds()
        rare = {tag for tag, each_s in seconds.items() if each_s < RARE * sum(seconds.values())}
        doubtful = [
            clip
            for clip in self.clips.values()
            if clip.id in self._found and clip.transcribed and clip.language in rare
        ]
        if self._language or not doubtful:
            return
        main, dataset = self._mostly(), self._dataset()
        progress(f"hearing {len(doubtful)} clips again in {main}")
        for clip in doubtful:
            text = self._heard(dataset.sound(clip), main).text or clip.text
            self.clips[clip.id] = replace(clip, text=text, language=main or "")

    def _dataset(self) -> Dataset:
        plan, clips = self._plan, sorted(self.clips.values(), key=lambda clip: clip.id)
        chosen = tuple(_split(clips, plan.held_out))
        return Dataset(self._folder, plan.speaker, plan.rate_hz, chosen, tuple(self.rejected))

    def _seconds(self) -> dict[str, float]:
        """How long each language is spoken."""
        found: defaultdict[str, float] = defaultdict(float)
        for clip in self.clips.values():
            found[clip.language] += clip.figures.seconds
        return found

    def _mostly(self) -> str | None:
        """The language that is spoken longest, if anything is."""
        seconds = self._seconds()
        return max(sorted(seconds), key=lambda tag: seconds[tag], default=None)

    def _take(self, found: Clip | Rejected) -> None:
        if isinstance(found, Rejected):
            self.rejected.append(found)
        else:
            self.clips[found.id] = found
            self._found.add(found.id)
        self._unsaved += 1
        if self._unsaved >= SAVE_EVERY:
            self.save()

    def _clips(self, source: Source, samples: F32, rate_hz: int) -> Iterator[Clip | Rejected]:
        """The clips of one recording, and what of it was left out."""
        spans = cutting.speech(samples, rate_hz)
        if not spans:
            yield Rejected(source.name, 0, len(samples) / rate_hz, "nobody speaks in it")
            return
        script = None
        if source.text and len(samples) <= WHOLE_S * rate_hz:
            cut = [cutting.Span(spans[0].start_s, spans[-1].end_s)]
        else:
            cut = cutting.utterances(spans, samples, rate_hz)
            script = Script(source.text) if source.text else None
        for span in cut:
            if span.seconds < cutting.SHORTEST_S:
                found: Clip | str = "shorter than a second"
            else:
                sound = cutting.take(samples, rate_hz, span)
                found = self._clip(source, script, span, sound, rate_hz)
            if isinstance(found, str):
                yield Rejected(source.name, round(span.start_s, 3), span.seconds, found)
            else:
                yield found

    def _clip(
        self, source: Source, script: Script | None, span: cutting.Span, sound: F32, rate_hz: int
    ) -> Clip | str:
        """The clip of samples (n,), written; or why there is none."""
        part = resample(sound, rate_hz, self._plan.rate_hz)
        name = hashlib.sha256((part * 32767).astype(np.int16).tobytes()).hexdigest()[:16]
        if name in self.clips:
            known = self._renewed(self.clips[name], source, script, span, part)
            if name not in self._found:
                return known
            self.clips[name] = known  # its text may be given here
            return "a duplicate"
        figures = self._meter.figures(part, self._plan.rate_hz, recorded=sound)
        why = measure.why_not(figures)
        if why:
            return why
        heard = self._heard(part, self._language)
        text = _given(source, script, span, heard.text)
        if text == "" and not self._language and self._mostly() not in (None, heard.language):
            heard = self._heard(part, self._mostly())  # taken for another language, may be
            text = _given(source, script, span, heard.text)
        if not heard.text:
            return "no words could be made out"
        if text == "":
            return UNFOUND if script else "the transcript says something else"
        level = measure.levelled(part, figures.loudness_lufs)
        _write(self._folder / "clips" / f"{name}.flac", level, self._plan.rate_hz)
        return Clip(
            *(name, source.name, round(span.start_s, 3), text or heard.text),
            *(self._language or heard.language, text is None, "train", figures),
        )

    def _renewed(
        self, clip: Clip, source: Source, script: Script | None, span: cutting.Span, part: F32
    ) -> Clip:
        """A clip that was there, with the text and the language that are given now."""
        heard, language = clip.text, self._language or clip.language
        if clip.transcribed and language != clip.language:
            heard = self._heard(part, language).text or clip.text
        text = _given(source, script, span, heard)
        return replace(
            clip, text=text or heard, language=language, transcribed=clip.transcribed and not text
        )

    def _heard(self, samples: F32, language: str | None) -> Heard:
        return self._whisper.hear(resample(samples, self._plan.rate_hz, WHISPER_HZ), language)


def _before(folder: Path, plan: Plan) -> Dataset:
    """What the folder holds already."""
    if not (folder / "dataset.json").exists():
        return Dataset(folder, plan.speaker, plan.rate_hz, (), ())
    before = read_dataset(folder)
    if (before.speaker, before.rate_hz) != (plan.speaker, plan.rate_hz):
        raise BadData("the folder holds a data set of another speaker or rate")
    return before


def _split(clips: list[Clip], share: float) -> Iterator[Clip]:
    """Hold out the clips whose hash is lowest: the same ones whatever else is added later."""
    count = max(1, round(len(clips) * share)) if len(clips) > 1 and share > 0 else 0
    for rank, clip in enumerate(clips):
        split: Split = "held-out" if rank < count else "train"
        yield replace(clip, split=split)


def _given(source: Source, script: Script | None, span: cutting.Span, heard: str) -> str | None:
    """The given words for what was heard: "" where they do not fit, None where there are none."""
    if not source.text:
        return None
    if script:
        return script.match(heard, span.start_s, span.end_s)
    wrong, units = error_rate(MARKS.sub("", source.text), MARKS.sub("", heard))
    return source.text if wrong <= 0.6 * units + 1 else ""


def _write(path: Path, samples: F32, rate_hz: int) -> None:
    """Write a clip whole or not at all. Raises :class:`DiskFull`."""
    import soundfile

    fresh = path.with_suffix(".new")
    try:
        soundfile.write(fresh, samples, rate_hz, format="FLAC", subtype="PCM_16")
        fresh.replace(path)
    except (OSError, RuntimeError) as error:  # libsndfile's error is a RuntimeError
        fresh.unlink(missing_ok=True)
        raise DiskFull(
            "a clip could not be written: is the disk full? The clips before it are kept, and "
            "the same command goes on from them"
        ) from error
