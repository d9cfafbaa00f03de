"""Where the posterior encoder stands still, recordings are read once; where it moves, anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vits.tiny import PLAIN
from tests.vits.train.test_device import corpus, learner
from tests.vits.train.test_train import JOINT, RECIPE
from vits.config import Architecture
from vits.train.state import States
from vits.train.trainer import StageRun, Trainer

SPEAKERS = replace(PLAIN, n_speakers=3, gin_channels=6, has_posterior=True)
ALONE = replace(JOINT, name="alone", rates={"decoder": 2e-3})


@pytest.mark.parametrize("a", [PLAIN, SPEAKERS], ids=["taught reader", "one that came with it"])
def test_a_reader_that_stands_still_reads_each_recording_once_and_whole(a: Architecture) -> None:
    voice, said = learner(a), corpus(a)
    for parameter in voice.parameters():
        parameter.requires_grad_(False)
    assert voice.reads_alike
    voice.keep_latents(said)
    calls: list[object] = []
    voice.reader.register_forward_hook(lambda *call: calls.append(call))
    voice.keep_latents(said)
    voice.losses(ALONE, said, np.random.default_rng(1), None, heeds=True)
    assert not calls
    crop = said.crop(np.random.default_rng(1), 1, ALONE.frames)
    mean, log_std = crop.latent()
    here = slice(crop.first[0], crop.first[0] + ALONE.frames)
    whole = voice._posterior(said.utterances[0])
    assert torch.allclose(mean, whole.mean[..., here], atol=1e-6)
    assert torch.allclose(log_std, whole.log_std[..., here], atol=1e-6)


@pytest.mark.parametrize("part", ["reader", "deviation", "speakers"])
def test_whatever_has_a_part_in_reading_makes_it_read_anew(part: str) -> None:
    a = PLAIN if part == "deviation" else SPEAKERS
    voice = learner(a)
    for parameter in voice.parameters():
        parameter.requires_grad_(False)
    (moving, *_) = voice.parts()[part]
    moving.requires_grad_(True)
    assert not voice.reads_alike


def test_a_stage_does_not_take_what_was_read_before_the_last(tmp_path: Path) -> None:
    voice, said = learner(PLAIN), corpus(PLAIN)
    voice.recipe = replace(RECIPE, stages=(JOINT, ALONE))
    trainer = Trainer(voice, said, None, States(tmp_path), plan="")
    voice.realign(said)
    (utterance,) = said.utterances
    utterance.latent = torch.zeros(2, PLAIN.inter_channels, utterance.frames)
    first = StageRun(trainer, 0)
    assert utterance.latent is None
    first.step()
    assert utterance.latent is None  # its reader moves
    StageRun(trainer, 1).step()
    assert utterance.latent is not None
    assert float(utterance.latent.abs().max()) > 0
