"""From a base voice and a data set to a finished voice on the shelf."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError

from vits import layout
from vits.arrays import F32
from vits.config import Defaults, VoiceConfig
from vits.data.records import Dataset, read_dataset
from vits.engine.base import MAX_TOKEN_FRAMES
from vits.errors import BadData
from vits.io.folder import read_voice, write_voice
from vits.nn.engine import chosen_device
from vits.nn.model import Vits, build
from vits.text.front import front
from vits.train.budget import fitted
from vits.train.corpus import Corpus
from vits.train.kinship import SENTENCES, base_pitch_hz, kindred_rate_hz, person_pitch_hz
from vits.train.learner import Learner
from vits.train.reader import Reader
from vits.train.recipe import Recipe
from vits.train.state import NotSaved, States
from vits.train.teach import Lesson, Progress, taught_reader
from vits.train.trainer import Listener, Stop, Trainer

FULL_BAND_HZ = 11_025.0


@dataclass(frozen=True, slots=True)
class Job:
    """What to train."""

    name: str  # of the voice that comes of it
    base: Path  # a voice folder
    data: tuple[Path, ...]  # one data set for each speaker
    auxiliary: tuple[Path, ...] = ()  # learned alongside against forgetting, not kept
    auxiliary_share: float = 0.25
    licence: str = ""
    consent: str = ""  # who agreed to what, in their words


def finetune(
    job: Job,
    recipe: Recipe,
    voices: Path,
    cache: Path,
    *,
    listener: Listener = lambda report: None,
    teaching: Progress = lambda name, step, steps: None,
    stop: Stop = lambda: False,
    fresh: bool = False,
    save_every: int = 100,
    judge_every: int = 200,
    minutes: float | None = None,
    device: str = "auto",
) -> Path | None:
    """Train, and put the finished voice into ``voices``.

    ``minutes`` scales the recipe's stages to that much wall time on this machine, reading the data
    and rehearsing included; teaching a base voice its posterior encoder, once, is not. ``device``:
    see :func:`vits.nn.engine.chosen_device`.

    Returns:
        Its folder; None if it was stopped (the same call goes on from there).

    Raises:
        BadData: the data does not fit the voice, or an unfinished training of something else
            is in the way, or two data sets are of the same speaker.
        Diverged: a loss stopped being a number.
        NotSaved: the disk is full.
        BackendUnavailable: a GPU is asked for and there is none.
    """
    place = chosen_device(device)
    begun = time.perf_counter()
    config, stored = read_voice(job.base)
    kept, extra = [read_dataset(p) for p in job.data], [read_dataset(p) for p in job.auxiliary]
    if len({each.speaker for each in kept}) < len(kept):
        raise BadData(
            "two data sets name the same speaker: give each a name of their own, or make one data "
            "set of the recordings of both"
        )
    config, tensors = _for_speakers(config, stored, len(kept) + len(extra))
    if config.architecture.use_sdp and "dp.post_pre.weight" not in tensors:
        # Its training half would start at random and take the rest along; and what a predictor
        # reads may not move while it stands still.
        recipe = recipe.without("durations", "text")
    config = replace(config, name=job.name)
    torch.manual_seed(recipe.seed)  # what a voice made only to speak lacks starts at random
    model = build(config, tensors)
    speaks = front(config)

    def ids(text: str, language: str) -> list[int]:
        del language  # the front routes it
        return [symbol for sentence in speaks.sentences(text) for symbol in sentence]

    if recipe.tract:
        said = (ids(clip.text, clip.language) for clip in kept[0].of("train"))
        base_hz = base_pitch_hz(config, model, list(islice(filter(None, said), SENTENCES)))
        rate_hz = kindred_rate_hz(config.rate_hz, base_hz, person_pitch_hz(kept), recipe.tract)
        config = replace(config, rate_hz=rate_hz)
    share = job.auxiliary_share if extra else 0.0
    shares = [(d, row, (1 - share) / len(kept)) for row, d in enumerate(kept)]
    shares += [(d, len(kept) + row, share / len(extra)) for row, d in enumerate(extra)]
    train = Corpus.of(shares, "train", config, ids)
    own = train.spoken_by(len(kept))
    has_held = any(d.of("held-out") for d in kept)
    held = Corpus.of(shares[: len(kept)], "held-out", config, ids) if has_held else None
    spent_s = time.perf_counter() - begun
    model.to(place)
    states = States(voices / f".{job.name}.training")
    lesson = Lesson(cache, States(voices / f".{job.name}.teaching", keep=1), teaching, stop)
    if fresh:
        states.clear()
        lesson.states.clear()
    reader = _reader(config, model, tensors, train, recipe, lesson)
    if reader is None:
        return None
    reader.hear_room(own.all_frames().to(reader.mean.device))
    learner = Learner(config, model, reader, recipe, _band_hz(own, config.rate_hz)).to(place)
    if minutes is not None:
        teaching("rehearse", 0, 1)
        recipe = fitted(recipe, minutes, learner, train, held, states.folder, judge_every, spent_s)
        learner.recipe = recipe
        teaching("rehearse", 1, 1)
    trainer = Trainer(
        *(learner, train, held, states),
        plan=_plan(job, recipe, tensors, kept + extra),
        listener=listener,
        stop=stop,
        save_every=save_every,
        judge_every=judge_every,
    )
    if not trainer.run():
        return None
    folder = voices / job.name
    try:
        _write(folder, job, config, learner, own, kept, recipe)
    except (OSError, SafetensorError) as error:
        raise NotSaved(
            "the voice is trained but could not be written: is the disk full? The same command "
            "goes on from the last saved state"
        ) from error
    states.clear()
    lesson.states.clear()
    return folder


def _reader(
    config: VoiceConfig,
    model: Vits,
    tensors: Mapping[str, F32],
    train: Corpus,
    recipe: Recipe,
    lesson: Lesson,
) -> Reader | None:
    """The posterior encoder that came with the voice, or one taught to it; None: stopped."""
    if model.enc_q is not None:
        reader = Reader(config.architecture, taught=False)
        reader.enc.load_state_dict(model.enc_q.state_dict())
        return reader.eval()
    texts = [utterance.ids.tolist() for utterance in train.utterances]
    taught = taught_reader(config, model, texts, recipe, tensors, lesson)
    return taught.eval() if taught else None


def _band_hz(own: Corpus, rate_hz: int) -> float:
    """The highest frequency that the recordings hold: telephone speech ends at 4 or 8 kHz."""
    power = own.all_frames().square().mean(1)
    share = power.flip(0).cumsum(0).flip(0) / power.sum()
    audible = torch.nonzero(share > 1e-5)
    top = float(audible[-1]) / (len(power) - 1) * rate_hz / 2 if len(audible) else FULL_BAND_HZ
    return max(3_000.0, top)


def _for_speakers(
    config: VoiceConfig, tensors: Mapping[str, F32], speakers: int
) -> tuple[VoiceConfig, dict[str, F32]]:
    """Give the network as many speaker vectors as there are data sets.

    A voice with one speaker that is to have several gets vectors whose conditioning starts at
    zero, so that at first each speaker sounds as the base did. A voice with several gets new
    vectors that start around the mean of its own, half as far apart as those are; one alone starts
    at the mean.
    """
    found = {name: np.asarray(tensors[name]) for name in tensors}
    a = config.architecture
    if speakers == 1 and not a.n_speakers:
        return config, found
    width = a.gin_channels or 256
    a = replace(a, n_speakers=speakers, gin_channels=width)
    random = np.random.default_rng(0)
    if "emb_g.weight" in found:
        own = found["emb_g.weight"]
        rows = np.repeat(own.mean(0, keepdims=True), speakers, 0)
        if speakers > 1:  # all at the same place, they would be asked to go the same way
            rows = rows + 0.5 * own.std(0) * random.standard_normal(rows.shape, np.float32)
        found["emb_g.weight"] = rows.astype(np.float32)
    else:
        found["emb_g.weight"] = random.standard_normal((speakers, width), np.float32)
    wanted = layout.speaking(a) | (layout.posterior(a) if a.has_posterior else {})
    for name, shape in wanted.items():
        if name not in found and "cond" in name:
            found[name] = np.zeros(shape, np.float32)
    return replace(config, architecture=a), found


def _plan(job: Job, recipe: Recipe, tensors: Mapping[str, F32], data: Sequence[Dataset]) -> str:
    """A hash of everything that the numbers depend on."""
    digest = hashlib.sha256(repr(recipe).encode())
    for name in sorted(tensors):
        digest.update(name.encode() + np.ascontiguousarray(tensors[name]).tobytes())
    for dataset in data:
        digest.update(json.dumps([asdict(c) for c in dataset.clips], sort_keys=True).encode())
    digest.update(repr(job.auxiliary_share).encode())
    return digest.hexdigest()


def _write(
    folder: Path,
    job: Job,
    config: VoiceConfig,
    learner: Learner,
    own: Corpus,
    kept: Sequence[Dataset],
    recipe: Recipe,
) -> None:
    """The finished voice; auxiliary speakers are left out of its table."""
    state = {n: t.float().cpu().numpy() for n, t in learner.model.state_dict().items()}
    a = config.architecture
    if not learner.reader.taught:
        state |= {f"enc_q.{n}": t.cpu().numpy() for n, t in learner.reader.enc.state_dict().items()}
    if a.n_speakers:
        state["emb_g.weight"] = state["emb_g.weight"][: len(kept)]
        a = replace(a, n_speakers=len(kept))
    wanted = layout.speaking(a) | (layout.posterior(a) if a.has_posterior else {})
    if "dp.post_pre.weight" in state and "durations" in _moved(recipe):
        wanted |= layout.training_only(a)
    scales = {**asdict(config.defaults), **recipe.defaults}
    scales["length_scale"] = _pace(learner, own)  # the predictor knows nothing of the base's
    finished = replace(
        config,
        architecture=a,
        speakers={d.speaker: row for row, d in enumerate(kept)} if a.n_speakers else {},
        defaults=Defaults(**{k: round(v, 3) for k, v in scales.items()}),
        licence=job.licence,
        source="; ".join(filter(None, [f"fine-tuned from {config.source}", job.consent])),
        made_with="fine-tuned",
    )
    write_voice(folder, finished, {n: state[n] for n in wanted if n in state})


def _moved(recipe: Recipe) -> set[str]:
    return {part for stage in recipe.stages for part in stage.rates}


@torch.inference_mode()
def _pace(learner: Learner, own: Corpus) -> float:
    """How much slower the recordings are than what the duration predictor would say at scale 1.

    1.0 where the predictor itself was trained.
    """
    if "durations" in _moved(learner.recipe):
        return 1.0
    said = predicted = 0.0
    noise_w = learner.recipe.defaults.get("noise_w", learner.config.defaults.noise_w)
    torch.manual_seed(learner.recipe.seed)
    for utterance in own.utterances:
        hidden = learner.hidden(utterance, moving=False)[None]
        symbols = hidden.shape[-1]
        mask = torch.ones(1, 1, symbols, device=learner.device)
        noise = torch.randn(1, 2, symbols).to(learner.device) * noise_w
        logs = learner.model.log_durations(hidden, mask, noise, learner.speaker(utterance))
        predicted += float(logs.exp().ceil().clamp(1, MAX_TOKEN_FRAMES).sum())
        said += utterance.frames
    if predicted <= 0:
        raise BadData("the voice predicts no durations at all")
    return float(np.clip(said / predicted, 0.6, 2.0))
