"""A training that comes to what is no number stops before it is ruined, and goes on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.vits.tiny import PLAIN
from tests.vits.train.test_device import corpus, learner
from tests.vits.train.test_train import JOINT, RECIPE, SHARPEN
from vits.train.learner import Learner
from vits.train.recipe import Recipe
from vits.train.state import States
from vits.train.trainer import Diverged, Report, StageRun, Trainer


def trainer(recipe: Recipe, folder: Path, reports: list[Report]) -> tuple[Learner, Trainer]:
    """All the same each time: the utterance too."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    voice = learner(PLAIN).eval()
    voice.recipe = recipe
    said = corpus(PLAIN)
    states = States(folder)
    return voice, Trainer(
        *(voice, said, None, states), plan="", listener=reports.append, save_every=5
    )


def moving(voice: Learner) -> list[torch.Tensor]:
    return [p.detach().clone() for p in voice.parameters()]


def test_a_gradient_that_is_no_number_ruins_nothing_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    recipe = Recipe((JOINT,), bf16=False, edge_frames=1, prior_edge_frames=2, context_frames=4)
    straight: list[Report] = []
    whole, uninterrupted = trainer(recipe, tmp_path / "whole", straight)
    assert uninterrupted.run()

    reports: list[Report] = []
    voice, broken = trainer(recipe, tmp_path / "broken", reports)
    voice.model.dec.conv_pre.weight.register_hook(
        lambda gradient: gradient * torch.inf if len(reports) == 12 else gradient
    )
    with pytest.raises(Diverged, match=r"step 12: .* not a number"):
        broken.run()
    assert all(bool(p.isfinite().all()) for p in moving(voice))
    saved = States(tmp_path / "broken").newest("")
    assert saved is not None
    assert saved.step == 10
    assert all(bool(tensor.isfinite().all()) for tensor in saved.tensors["learner"].values())

    again: list[Report] = []
    voice, same = trainer(recipe, tmp_path / "broken", again)
    assert same.run()
    assert [r.losses for r in again] == [r.losses for r in straight[10:]]
    pairs = zip(whole.parameters(), voice.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_critics_that_are_no_number_move_nothing_and_nobody(tmp_path: Path) -> None:
    voice, loop = trainer(
        Recipe((SHARPEN,), bf16=False, edge_frames=1, context_frames=4), tmp_path, []
    )
    run = StageRun(loop, 0)
    assert run.critic is not None
    with torch.no_grad():
        next(run.critic.parameters()).view(-1)[0] = torch.nan
    before = moving(voice), [p.detach().clone() for p in run.critic.parameters()]
    found = run.step()
    assert found["critic"] != found["critic"]
    assert all(map(torch.equal, before[0], moving(voice)))
    theirs = (torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in
              zip(before[1], run.critic.parameters(), strict=True))  # fmt: skip
    assert all(theirs)


def test_the_best_moment_by_the_held_out_score_is_what_is_kept(tmp_path: Path) -> None:
    reports: list[Report] = []
    # So fast that it is sometimes worse than before.
    fast = replace(JOINT, steps=30, rates={"decoder": 0.1}, muon={})
    voice, _ = trainer(replace(RECIPE, stages=(fast,), ema=0.1), tmp_path, [])
    said, held = corpus(PLAIN), corpus(PLAIN)
    states = States(tmp_path)
    loop = Trainer(*(voice, said, held, states), plan="", listener=reports.append, judge_every=1)
    assert loop.run()
    scores = [sum((r.held_out or {}).values()) for r in reports]
    assert len(scores) == 30
    assert min(scores) < min(scores[0], scores[-1])
    assert sum(voice.held_out(held).values()) == pytest.approx(min(scores), rel=1e-5)
