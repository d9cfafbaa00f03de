"""The recipe ``full`` weighs its losses as a reference of the paper does: piper's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.vits.tiny import PLAIN
from tests.vits.train.test_device import corpus, learner
from tests.vits.train.test_train import JOINT, RECIPE
from vits.io.folder import read_voice
from vits.io.packaged import DEFAULT_VOICE, prepare
from vits.train.discriminators import Discriminator, feature_loss, fool_loss, judge_loss
from vits.train.recipe import FULL

losses = pytest.importorskip("piper.train.vits.losses")


def test_the_divergence_weighs_as_much_as_the_paper_s() -> None:
    config, _ = read_voice(prepare(DEFAULT_VOICE))
    channels = config.architecture.inter_channels
    voice, said = learner(replace(PLAIN, inter_channels=channels)).eval(), corpus(PLAIN)
    voice.recipe = replace(RECIPE, prior_edge_frames=0)
    crop = said.crop(np.random.default_rng(1), 2, JOINT.frames)
    z, log_std = torch.randn(2, 2, channels, JOINT.frames)
    mask = torch.ones(2, 1, JOINT.frames)
    with torch.no_grad():
        ours = voice._divergence(JOINT, crop, z, log_std, None)
        priors = [voice._prior(voice._encode(utterance)) for utterance in crop.utterances]
        pairs = list(zip(priors, crop.symbols(), strict=True))
        means, deviations = (torch.stack([p[i][:, at] for p, at in pairs]) for i in (0, 1))
        flowed = voice.model.flow(z, mask, None)
    theirs = losses.kl_loss(flowed, log_std, means, deviations, mask)  # times c_kl, 1.0
    weighed = FULL.stages[0].weights.prior * float(ours)
    assert weighed == pytest.approx(float(theirs), rel=1e-4)


def test_what_the_critics_ask_weighs_as_much_as_the_paper_s() -> None:
    stage = FULL.stages[0]
    assert stage.critics is not None
    torch.manual_seed(1)
    critics = Discriminator(replace(stage.critics, width=0.05)).eval()
    with torch.no_grad():
        real, made = critics(torch.randn(2, 1, 4096)), critics(torch.randn(2, 1, 4096))
    ends = [[seen[-1] for seen in each] for each in (real, made)]
    judged, _, _ = losses.discriminator_loss(*ends)
    fooled, _ = losses.generator_loss(ends[1])
    assert float(judge_loss(real, made)) == pytest.approx(float(judged), rel=1e-5)
    assert stage.weights.fool * float(fool_loss(made)) == pytest.approx(float(fooled), rel=1e-5)
    matched = stage.weights.feature * float(feature_loss(real, made))
    assert matched == pytest.approx(float(losses.feature_loss(real, made)), rel=1e-5)
