"""A training on a GPU, as far as a machine without one can tell: every tensor lies where it must.

PyTorch's fake tensors carry a device and a shape and no numbers; an operation over two devices
raises, as it would on a real GPU. What such a GPU computes is untested.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from tests.vits.train.test_train import CRITICS, JOINT, RECIPE
from vits.config import Architecture
from vits.errors import BackendUnavailable
from vits.nn.model import build
from vits.train.corpus import Corpus, Utterance
from vits.train.discriminators import Discriminator
from vits.train.features import SpectralDistance, magnitudes
from vits.train.finetune import Job, finetune
from vits.train.learner import Learner
from vits.train.precision import autocast, multiplies_bf16
from vits.train.reader import Reader
from vits.train.recipe import PARTS

EVERYTHING = replace(
    JOINT,
    rates=dict.fromkeys(PARTS, 1e-3),
    weights=replace(JOINT.weights, durations=1.0, fool=1.0, feature=1.0),
    critics=CRITICS,
)
FRAMES = 60


def learner(a: Architecture) -> Learner:
    config = tiny_config(a, "tiny")
    reader = Reader(a, taught=not a.has_posterior)
    return Learner(config, build(config, tiny_tensors(a)), reader, RECIPE, 6_000.0)


def corpus(a: Architecture) -> Corpus:
    config = tiny_config(a, "tiny")
    sound = 0.1 * torch.randn(FRAMES * config.hop)
    spec = magnitudes(sound[None], config.win, config.hop)[0]
    path = torch.arange(FRAMES) // 10
    utterance = Utterance("x", "abcdef", torch.arange(1, 7), sound, spec, 0, path)
    return Corpus([utterance], np.ones(1, np.float32))


@pytest.mark.parametrize(
    "a",
    [PLAIN, replace(PLAIN, n_speakers=3, gin_channels=6, has_posterior=True)],
    ids=["taught reader", "speakers and a posterior encoder"],
)
def test_every_tensor_of_a_step_lies_on_the_gpu(a: Architecture) -> None:
    voice, said = learner(a), corpus(a)
    critic = Discriminator(CRITICS)
    crop_seed = np.random.default_rng(1)
    shapes = ShapeEnv(allow_dynamic_output_shape_ops=True)
    with FakeTensorMode(allow_non_fake_inputs=True, shape_env=shapes):
        fake = torch.device("cuda")
        voice, critic = voice.to(fake), critic.to(fake)
        assert voice.device.type == "cuda"
        losses = voice.losses(EVERYTHING, said, crop_seed, critic, heeds=True)
        assert losses.critics is not None
        assert {each.device.type for each in (*losses.voice.values(), losses.critics)} == {"cuda"}
        sound = torch.zeros(1, 8_000, device=fake)
        assert SpectralDistance(22_050)(sound, sound).device.type == "cuda"


def test_a_gpu_that_is_not_there_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    job = Job("ada", tmp_path / "nothing", (tmp_path / "nothing",))
    with pytest.raises(BackendUnavailable, match="no GPU"):
        finetune(job, RECIPE, tmp_path, tmp_path, device="cuda")


def test_bf16_is_used_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for found, used in (({"avx512_bf16": True}, True), ({"avx2": True}, False), ({}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        assert multiplies_bf16(cpu) is used
        with autocast(cpu, bf16=True):
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype == (torch.bfloat16 if used else torch.float32)
        with autocast(cpu, bf16=False):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
