"""A base voice made ready for other people, once: see :mod:`vits.train.warp`.

A voice of one person has a decoder that can only be that person, and comes without critics. Before
it meets a new speaker it is shown some hundred imagined ones: its own sentences, warped. The
posterior encoder learns to read them, close to the latent the voice itself said them from; the
decoder learns to sound like them; the critics learn what speech is. All three are kept, and each
fine-tuning begins from them rather than from one person and from nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from vits.arrays import F32
from vits.config import VoiceConfig
from vits.nn.model import Vits
from vits.train.corpus import Corpus, Utterance
from vits.train.discriminators import Critics
from vits.train.features import magnitudes
from vits.train.learner import Learner
from vits.train.reader import Reader
from vits.train.recipe import Recipe
from vits.train.state import States
from vits.train.teach import SEED, Progress, fingerprint, say
from vits.train.trainer import Stop, Trainer
from vits.train.warp import Warp, draw, stretched, warp

UNCHANGED = 0.1
"""Share of the sayings that stay the voice's own, so that it does not forget itself."""

_Part = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Primed:
    """What a fine-tuning begins from: state dicts of three networks."""

    reader: _Part
    decoder: _Part
    critics: _Part
    shape: Critics

    def save(self, path: Path) -> None:
        """Write, whole or not at all."""
        parts = {"reader": self.reader, "decoder": self.decoder, "critics": self.critics}
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        safetensors.torch.save_file(
            {f"{p}.{n}": t.contiguous() for p, part in parts.items() for n, t in part.items()},
            fresh,
        )
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path, shape: Critics) -> Primed:
        """Read what :meth:`save` wrote."""
        parts: dict[str, _Part] = {"reader": {}, "decoder": {}, "critics": {}}
        for name, tensor in safetensors.torch.load_file(path).items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        return cls(parts["reader"], parts["decoder"], parts["critics"], shape)


def primed(
    config: VoiceConfig,
    model: Vits,
    reader: Reader,
    texts: Sequence[Sequence[int]],
    recipe: Recipe,
    cache: Path,
    tensors: Mapping[str, F32],
    progress: Progress = lambda name, step, steps: None,
    stop: Stop = lambda: False,
) -> Primed | None:
    """From ``cache``, or learned now; ``reader`` and the decoder of ``model`` are changed.

    Args:
        texts: symbol ids of sentences for the voice to say.
        tensors: of the voice, for the cache's name.

    Returns:
        None if it was stopped; the same call goes on from there.

    Raises:
        NotSaved: the disk is full.
    """
    stage = recipe.prime
    if stage is None or stage.critics is None:
        raise ValueError("the recipe primes no voice")
    name = fingerprint(tensors, recipe, repr((stage, recipe.prime_sayings)))
    path = cache / f"primed-{name}.safetensors"
    if path.is_file():
        return Primed.load(path, stage.critics)
    corpus = _imagined(config, model, texts, recipe.prime_sayings)
    own = replace(recipe, stages=(stage,), seed=SEED, ema=0.997)
    learner = Learner(config, model, reader, own, config.rate_hz / 2)
    states = States(cache / f".priming-{name}")
    trainer = Trainer(
        *(learner, corpus, None, states),
        plan=name,
        listener=lambda report: progress("prime", report.done, report.total),
        stop=stop,
    )
    if not trainer.run():
        return None
    found = Primed(
        *(reader.state_dict(), model.dec.state_dict(), dict(trainer.critics or {})), stage.critics
    )
    found.save(path)
    states.clear()
    return found


@torch.inference_mode()
def _imagined(
    config: VoiceConfig, model: Vits, texts: Sequence[Sequence[int]], count: int
) -> Corpus:
    """The voice's own sentences as other people would say them."""
    random = np.random.default_rng([SEED, 1])
    own_hz = _pitch_hz(config, model, texts, random)
    utterances = []
    for number in range(count):
        ids = texts[number % len(texts)]
        how = Warp() if random.random() < UNCHANGED else draw(random, own_hz)
        # Said slower by as much as the warping is going to be fast.
        pace = float(random.uniform(0.9, 1.3)) * how.pitch
        row = number % max(1, config.architecture.n_speakers)
        latent, sound = say(config, model, ids, random, row, pace)
        sound = warp(sound, config.rate_hz, how, own_hz)
        frames = len(sound) // config.hop
        sound = sound[: frames * config.hop].clone()
        spec = magnitudes(sound[None], config.win, config.hop)[0]
        utterances.append(
            Utterance(
                *(str(number), "", torch.tensor(list(ids)), sound, spec, row),
                latent=stretched(latent, how, frames),
            )
        )
    lengths = np.array([u.frames for u in utterances], np.float32)
    return Corpus([_plain(u) for u in utterances], lengths / lengths.sum())


def _plain(utterance: Utterance) -> Utterance:
    """With tensors that gradients may pass by: those of inference mode may not."""
    for name in ("ids", "sound", "spec", "latent"):
        setattr(utterance, name, getattr(utterance, name).clone())
    return utterance


def _pitch_hz(
    config: VoiceConfig,
    model: Vits,
    texts: Sequence[Sequence[int]],
    random: np.random.Generator,
) -> float:
    """Roughly the voice's median pitch, over a few sentences."""
    import torchaudio.functional as audio

    pitches = []
    for ids in texts[:4]:
        _, sound = say(config, model, ids, random, 0, 1.0)
        pitches.append(audio.detect_pitch_frequency(sound[None], config.rate_hz)[0])
    return float(torch.cat(pitches).median().clamp(60, 400))
