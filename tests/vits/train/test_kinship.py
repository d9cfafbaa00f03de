"""A person of higher voice is heard slower, so that the base need not forget how to speak."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.vits.tiny import FORMS, tiny_config, tiny_tensors
from tests.vits.train.recordings import dataset
from vits.config import VoiceConfig
from vits.data.records import read_dataset
from vits.io.folder import read_voice
from vits.io.packaged import DEFAULT_VOICE, prepare
from vits.nn.model import build
from vits.text.front import front
from vits.train.finetune import Job, finetune
from vits.train.kinship import MOST, STEP_HZ, base_pitch_hz, kindred_rate_hz, person_pitch_hz
from vits.train.learner import Learner
from vits.train.reader import Reader
from vits.train.recipe import FEW_MINUTES

PITCHES = st.none() | st.floats(60, 500)


@given(st.integers(8_000, 48_000), PITCHES, PITCHES, st.floats(0, 1))
def test_nobody_is_heard_faster_nor_much_slower(
    rate_hz: int, base: float | None, person: float | None, tract: float
) -> None:
    heard = kindred_rate_hz(rate_hz, base, person, tract)
    assert rate_hz <= heard <= MOST * rate_hz + STEP_HZ / 2
    if not base or not person or person <= base or not tract:
        assert heard == rate_hz


@pytest.mark.parametrize(("person_hz", "rate_hz"), [(197.0, 26_500), (92.0, 22_050)])
def test_a_man_hears_a_woman_a_fifth_slower(person_hz: float, rate_hz: int) -> None:
    assert kindred_rate_hz(22_050, 89.0, person_hz, FEW_MINUTES.tract) == rate_hz


def test_the_packaged_voice_has_the_pitch_of_its_speaker() -> None:
    config, tensors = read_voice(prepare(DEFAULT_VOICE))
    text = "The train to the coast leaves at nine."
    ids = [symbol for sentence in front(config).sentences(text) for symbol in sentence]
    pitch = base_pitch_hz(config, build(config, tensors).eval(), [ids])
    assert pitch
    assert 80 < pitch < 100
    assert base_pitch_hz(config, build(config, tensors).eval(), []) is None


def test_the_lowest_of_several_speakers_counts(tmp_path: Path) -> None:
    low = read_dataset(dataset(tmp_path / "low", "Ada", 120.0))
    high = read_dataset(dataset(tmp_path / "high", "Bea", 300.0))
    assert person_pitch_hz([low, high]) == person_pitch_hz([high, low]) == 120
    unvoiced = [replace(c, figures=replace(c.figures, pitch_hz=None)) for c in low.clips]
    silent = replace(low, clips=tuple(unvoiced))
    assert person_pitch_hz([silent]) is None
    assert person_pitch_hz([silent, high]) == 300


@pytest.mark.parametrize("form", FORMS)
def test_all_of_a_decoder_is_in_three_parts(form: str) -> None:
    a = FORMS[form]
    model = build(tiny_config(a), tiny_tensors(a))
    learner = Learner(tiny_config(a), model, Reader(a, taught=True), FEW_MINUTES, 8_000.0)
    names = ("decoder", "upsampling", "waveform")
    decoder, upsampling, waveform = ({id(p) for p in learner.parts()[name]} for name in names)
    whole = {id(p) for p in model.dec.parameters()}
    assert decoder | upsampling | waveform == whole
    assert len(decoder) + len(upsampling) + len(waveform) == len(whole)
    assert id(model.dec.conv_pre.weight) in decoder
    assert {id(up.weight) for up in model.dec.ups} <= upsampling
    assert id(model.dec.conv_post.weight) in waveform


def test_a_higher_voice_is_finished_at_a_higher_rate(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    text = "So many words that saying them takes longer than a second."
    data = dataset(tmp_path / "data", pitch_hz=200.0, texts=[text] * 3, seconds=4)
    joint = replace(FEW_MINUTES.stages[0], steps=2, batch=1, frames=16, sound_frames=12, warm_up=1)
    recipe = replace(
        FEW_MINUTES, stages=(joint,), teach_steps=2, teach_sentences=2, context_frames=4
    )
    made = finetune(Job("bea", prepare(DEFAULT_VOICE), (data,)), recipe, tmp_path, tmp_path / "c")
    assert made
    assert 25_500 <= VoiceConfig.read(made).rate_hz <= 27_500
