"""At which rate a base voice hears a person, so that the two are alike before anything is learned.

A voice that was exported to speak knows one person. Someone who speaks higher has a shorter vocal
tract too: heard slower, pitch and formants come near to what the base can already say, and its
decoder has less to forget. The finished voice is then simply played at the higher rate. What it
gains and how it was chosen is in docs/decisions/0008.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
import torch

from vits.config import VoiceConfig
from vits.data.measure import pitch_hz
from vits.data.records import Dataset
from vits.engine.base import Style
from vits.engine.staged import StagedEngine
from vits.nn.engine import TorchStages
from vits.nn.model import Vits

SENTENCES = 8
"""That a base voice says to have its pitch taken."""

STEP_HZ = 500
"""Rates are multiples of this: a resampler's filter has as many phases as the ratio asks for."""

MOST = 1.25
"""A person is heard this much slower at most; nobody is heard faster, which would cost band."""


def base_pitch_hz(config: VoiceConfig, model: Vits, texts: Sequence[Sequence[int]]) -> float | None:
    """Median pitch of what the voice makes of ``texts``, symbol ids; None if nothing is voiced."""
    engine = StagedEngine(config, TorchStages(model, torch.device("cpu")))
    style = Style.of(config.defaults, seed=1)
    pitches = [pitch_hz(engine.whole(ids, style=style), config.rate_hz) for ids in texts]
    return statistics.median(found) if (found := [p for p in pitches if p]) else None


def person_pitch_hz(datasets: Sequence[Dataset]) -> float | None:
    """Median pitch of the lowest of the speakers, so that all are heard within their range."""
    each = []
    for dataset in datasets:
        heard = [clip.figures.pitch_hz for clip in dataset.of("train") if clip.figures.pitch_hz]
        if heard:
            each.append(statistics.median(heard))
    return min(each) if each else None


def kindred_rate_hz(
    rate_hz: int, base_hz: float | None, person_hz: float | None, tract: float
) -> int:
    """The rate at which a base of ``base_hz`` median pitch hears a person of ``person_hz``.

    ``tract`` is how vocal tracts go with pitch: lengths as the pitches' ratio to this power.
    """
    if not base_hz or not person_hz:
        return rate_hz
    slower = float(np.clip((person_hz / base_hz) ** tract, 1.0, MOST))
    if rate_hz * (slower - 1) < STEP_HZ:
        return rate_hz
    return round(rate_hz * slower / STEP_HZ) * STEP_HZ
