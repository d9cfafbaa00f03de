"""How many steps fit into so many minutes on this machine: found by rehearsing a few of each."""

from __future__ import annotations

import copy
import hashlib
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

from vits.train.corpus import Corpus
from vits.train.learner import Learner
from vits.train.recipe import Recipe
from vits.train.state import States
from vits.train.trainer import StageRun, Trainer

WARM, TIMED = 2, 5
"""Steps of each stage that are rehearsed: the first ones are slow, while memory is found."""

LEAST, MOST = 0.02, 50.0
"""Bounds of the factor: a training has at least a few steps, and ends."""


def fitted(
    recipe: Recipe,
    minutes: float,
    learner: Learner,
    train: Corpus,
    held: Corpus | None,
    folder: Path,
    judge_every: int,
    spent_s: float = 0.0,
) -> Recipe:
    """``recipe`` with as many steps as take ``minutes`` of wall time here, less ``spent_s``.

    The answer is kept in ``folder``, so that a training that goes on does so by the same recipe
    however busy the machine is by then.

    Raises:
        OSError: it could not be kept.
    """
    key = hashlib.sha256(repr((recipe, minutes)).encode()).hexdigest()
    note = folder / f"pace-{key[:16]}.json"  # one a budget: asking for another changes none
    try:
        return recipe.scaled(float(json.loads(note.read_text("utf-8"))["factor"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none yet, or damaged
    begun = time.perf_counter()
    once_s, steps_s = _paces_s(recipe, learner, train, held, folder, judge_every)
    left_s = 60 * minutes - spent_s - (time.perf_counter() - begun) - once_s
    factor = round(factor_for(recipe, steps_s, left_s), 4)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = note.with_suffix(".new")
    fresh.write_text(json.dumps({"minutes": minutes, "factor": factor}), "utf-8")
    fresh.replace(note)
    return recipe.scaled(factor)


def factor_for(recipe: Recipe, steps_s: list[float], left_s: float) -> float:
    """Of the steps, so that they take ``left_s``; by halving, since some stages have an end."""
    low, high = LEAST, MOST
    for _ in range(40):
        factor = (low + high) / 2
        taken_s = sum(
            s * stage.scaled(factor) for s, stage in zip(steps_s, recipe.stages, strict=True)
        )
        low, high = (low, factor) if taken_s > left_s else (factor, high)
    return low


def _paces_s(
    recipe: Recipe,
    learner: Learner,
    train: Corpus,
    held: Corpus | None,
    folder: Path,
    judge_every: int,
) -> tuple[float, list[float]]:
    """Seconds of what is done once, and of a step of each stage: from a few on a copy."""
    begun = time.perf_counter()
    learner.realign(train)
    once_s = align_s = time.perf_counter() - begun
    begun = time.perf_counter()
    if held is not None:
        learner.held_out(held)
    judge_s = time.perf_counter() - begun
    steps_s = []
    for number, stage in enumerate(recipe.stages):
        # From the first step on with the critics, whose work is most of such a stage.
        brief = replace(stage, critic_alone=0, realign_every=WARM + TIMED + 1)
        stages = (*recipe.stages[:number], brief, *recipe.stages[number + 1 :])
        trial = copy.deepcopy(learner)
        trial.recipe = replace(recipe, stages=stages)
        run = StageRun(Trainer(trial, train, None, States(folder), plan=""), number)
        run.done = 1  # step 0 of a later stage would align anew
        taken = []
        for _ in range(WARM + TIMED):
            begun = time.perf_counter()
            run.step()
            taken.append(time.perf_counter() - begun)
            run.done += 1
        step_s = statistics.median(taken[WARM:])
        once_s += max(0.0, taken[0] - step_s)  # every recording may be read then
        if stage.weights.prior or stage.weights.durations:  # only then it aligns
            step_s += align_s / stage.realign_every
        steps_s.append(step_s + judge_s / judge_every)
    return once_s, steps_s
