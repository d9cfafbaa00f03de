"""Training in miniature: a tiny voice learns two clips, stops, goes on, and survives accidents."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from tests.vits.train.recordings import RATE_HZ, dataset
from vits.config import Architecture, VoiceConfig
from vits.engine.base import Style
from vits.errors import BadData
from vits.io.folder import read_voice, write_voice
from vits.speaking import open_synthesizer
from vits.train.discriminators import Critics
from vits.train.features import LowPass
from vits.train.finetune import Job, finetune
from vits.train.recipe import PARTS, Recipe, Stage, Weights
from vits.train.state import NotSaved, Saved, States
from vits.train.trainer import Diverged, Report

CRITICS = Critics(periods=(2, 3), scales=1, windows=(64,), width=0.02)
JOINT = Stage(
    "joint",
    24,
    {"decoder": 2e-3, "reader": 2e-3, "deviation": 1e-3, "flow": 2e-3, "prior": 2e-3},
    Weights(mel=4.5, prior=1.0),
    muon={"decoder": 1e-2},
    batch=2,
    frames=32,
    sound_frames=16,
    warm_up=3,
    realign_every=10,
)
SHARPEN = replace(
    JOINT,
    name="sharpen",
    steps=8,
    rates={"decoder": 5e-4},
    weights=Weights(mel=4.5, fool=0.2, feature=0.5),
    critics=CRITICS,
    critic_alone=2,
)
RECIPE = Recipe(
    (JOINT, SHARPEN),
    teach_steps=30,
    teach_sentences=4,
    bf16=False,
    edge_frames=1,
    prior_edge_frames=2,
    context_frames=4,
    seed=3,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def voice(
    folder: Path, a: Architecture = PLAIN, name: str = "base", *, training: bool = False
) -> Path:
    write_voice(folder / name, tiny_config(a, name), tiny_tensors(a, training=training))
    return folder / name


def train(
    tmp: Path,
    recipe: Recipe,
    name: str = "ada",
    *,
    base: Path | None = None,
    steps: int | None = None,
    **how: object,
) -> tuple[Path | None, list[Report]]:
    """Train; stop after so many ``steps``."""
    data = tmp / "data" if (tmp / "data").exists() else dataset(tmp / "data")
    job = Job(name, base or voice(tmp), (data,), licence="CC0", consent="Ada agreed")
    reports: list[Report] = []
    if steps is not None:
        how["stop"] = lambda: len(reports) == steps
    made = finetune(
        job,
        recipe,
        tmp / "voices",
        tmp / "cache",
        listener=reports.append,
        **how,  # type: ignore[arg-type]  # passed on
    )
    return made, reports


def tensors_of(folder: Path | None) -> dict[str, np.ndarray]:
    assert folder is not None
    _, tensors = read_voice(folder)
    return {name: np.asarray(tensors[name]) for name in tensors}


def test_two_clips_are_learned_and_the_voice_speaks(tmp_path: Path) -> None:
    long = replace(RECIPE, stages=(replace(JOINT, steps=160), SHARPEN))
    made, reports = train(tmp_path, long, judge_every=40)
    first = np.mean([r.losses["mel"] for r in reports[:8]])
    last = np.mean([r.losses["mel"] for r in reports if r.stage == "joint"][-8:])
    assert last < 0.6 * first
    assert {"fool", "feature", "critic"} <= set(reports[-1].losses)
    assert made is not None
    config = VoiceConfig.read(made)
    assert (config.licence, config.source) == ("CC0", "fine-tuned from ; Ada agreed")
    speaks = open_synthesizer(made, backend="torch")
    pieces = list(speaks.speak("abc", Style(seed=1)))
    assert sum(map(len, pieces)) > 0


def test_parts_that_no_stage_names_stand_still(tmp_path: Path) -> None:
    base = voice(tmp_path)
    made, _ = train(tmp_path, RECIPE, base=base)
    before, after = tensors_of(base), tensors_of(made)
    same = {name for name in after if (before[name] == after[name]).all()}
    assert {name for name in after if name.startswith(("dp.", "enc_p.enc", "enc_p.emb"))} <= same
    assert not {name for name in after if name.startswith("dec.conv_pre")} & same


def test_a_training_that_stopped_ends_with_the_same_numbers(tmp_path: Path) -> None:
    base = voice(tmp_path)
    whole, straight = train(tmp_path, RECIPE, "whole", base=base)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked in {9, 19, 30}  # inside the first stage twice, and inside the second

    halves: list[Report] = []
    made = None
    while made is None:
        made, reports = train(tmp_path, RECIPE, "halves", base=base, stop=stop)
        halves += reports
    assert [r.losses for r in halves] == [r.losses for r in straight]
    one, other = tensors_of(whole), tensors_of(made)
    assert all((one[name] == other[name]).all() for name in one)


def test_with_dropout_and_critics_too_a_training_that_stopped_ends_with_the_same_numbers(
    tmp_path: Path,
) -> None:
    base = voice(tmp_path, training=True)
    everything = replace(
        SHARPEN,
        steps=24,
        rates=dict.fromkeys(PARTS, 1e-3),
        weights=replace(SHARPEN.weights, prior=1.0, durations=1.0),
        dropout=True,
    )
    recipe = replace(RECIPE, stages=(everything,))
    whole, straight = train(tmp_path, recipe, "whole", base=base)
    halves: list[Report] = []
    made = None
    while made is None:
        # Ten at a time: then what is done first is to align anew.
        made, reports = train(tmp_path, recipe, "halves", base=base, steps=10)
        halves += reports
    assert [r.losses for r in halves] == [r.losses for r in straight]
    one, other = tensors_of(whole), tensors_of(made)
    assert all((one[name] == other[name]).all() for name in one)


def test_durations_that_cannot_be_taught_stand_still_with_what_they_read(tmp_path: Path) -> None:
    everything = replace(
        JOINT, rates=dict.fromkeys(PARTS, 1e-3), weights=replace(JOINT.weights, durations=1.0)
    )
    recipe = replace(RECIPE, stages=(replace(everything, steps=6),))
    for training in (False, True):
        base = voice(tmp_path, name=f"base{training}", training=training)
        made, reports = train(tmp_path, recipe, f"ada{training}", base=base)
        before, after = tensors_of(base), tensors_of(made)
        assert after.keys() == before.keys()
        moved = {name.split(".")[0] for name in after if (before[name] != after[name]).any()}
        assert ("dp" in moved) == ("durations" in reports[0].losses) == training
        read = [n for n in after if n.startswith(("enc_p.emb", "enc_p.encoder"))]
        assert any((before[n] != after[n]).any() for n in read) == training


def test_a_loss_that_is_no_number_stops_with_a_saved_state(tmp_path: Path) -> None:
    rates = {"decoder": 1e30}
    wild = replace(JOINT, name="wild", steps=60, rates=rates, muon=rates, warm_up=0)
    with pytest.raises(Diverged, match=r"wild, step 1: .* not a number"):
        train(tmp_path, replace(RECIPE, stages=(JOINT, wild)), save_every=1)
    # What the step before left is ruined though it is finite, so the one before that is kept.
    newest = max((tmp_path / "voices" / ".ada.training").glob("state-*.pt"))
    assert newest.name == "state-01-0000000.pt"
    learned = torch.load(newest, weights_only=True)["tensors"]["learner"]
    assert max(float(tensor.abs().max()) for tensor in learned.values()) < 1e3
    assert not (tmp_path / "voices" / "ada").exists()


def test_a_state_of_another_form_is_not_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("vits.train.state.FORMAT", 1)
        train(tmp_path, RECIPE, steps=4)
    with pytest.raises(BadData, match="--fresh"):
        train(tmp_path, RECIPE)


def test_another_plan_does_not_go_on_from_this_ones_state(tmp_path: Path) -> None:
    train(tmp_path, RECIPE, steps=4)
    with pytest.raises(BadData, match="--fresh"):
        train(tmp_path, replace(RECIPE, seed=4))
    made, _ = train(tmp_path, replace(RECIPE, seed=4), fresh=True)
    assert made is not None


def test_being_killed_while_saving_loses_one_state_at_most(tmp_path: Path) -> None:
    states = States(tmp_path, keep=2)
    for step in range(4):
        states.save(Saved("plan", 0, step, {"x": torch.full((4,), step)}))
    newest = sorted(tmp_path.glob("state-*.pt"))
    assert len(newest) == 2
    newest[-1].write_bytes(newest[-1].read_bytes()[:100])
    (tmp_path / "state-00-0000009.new").write_bytes(b"half")
    found = states.newest("plan")
    assert found is not None and found.step == 2


def test_a_state_executes_nothing(tmp_path: Path) -> None:
    class Exploit:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"plan": Exploit()}, tmp_path / "state-00-0000001.pt")
    assert States(tmp_path).newest("plan") is None
    assert not (tmp_path / "owned").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_named_and_earlier_states_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = States(tmp_path)
    kept = states.save(Saved("plan", 0, 1, {}))
    (tmp_path / "state-00-0000002.new").symlink_to("/dev/full")
    with pytest.raises(NotSaved, match="full"):
        states.save(Saved("plan", 0, 2, {"x": torch.zeros(100_000)}))
    assert kept.is_file()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")
def test_a_process_killed_in_the_middle_of_saving_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = States(tmp_path)
    states.save(Saved("plan", 0, 1, {"x": torch.ones(4)}))
    child = os.fork()
    if not child:
        # Everything but the last act is done: written, not yet in its place.
        monkeypatch.setattr(os, "fsync", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        states.save(Saved("plan", 0, 2, {"x": torch.zeros(100_000)}))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    found = states.newest("plan")
    assert found is not None and found.step == 1
    states.save(Saved("plan", 0, 2, {"x": torch.zeros(4)}))
    found = states.newest("plan")
    assert found is not None and found.step == 2


def test_a_budget_of_minutes_sets_the_steps_and_is_kept_when_it_goes_on(tmp_path: Path) -> None:
    base = voice(tmp_path)
    made, begun = train(tmp_path, RECIPE, base=base, minutes=0.1, steps=1)
    assert made is None
    total = begun[0].total
    (note,) = (tmp_path / "voices" / ".ada.training").glob("pace-*.json")
    assert total == RECIPE.scaled(json.loads(note.read_text("utf-8"))["factor"]).steps
    made, rest = train(tmp_path, RECIPE, base=base, minutes=0.1)
    assert made is not None
    assert {report.total for report in rest} == {total}
    assert [r.done for r in begun + rest] == list(range(1, total + 1))
    assert not list((tmp_path / "voices" / ".ada.training").iterdir())


def test_several_speakers_become_one_voice_and_auxiliary_ones_are_left_out(tmp_path: Path) -> None:
    ada, bob = dataset(tmp_path / "ada"), dataset(tmp_path / "bob", "Bob", 200)
    extra = dataset(tmp_path / "extra", "Somebody", 90)
    job = Job("choir", voice(tmp_path), (ada, bob), auxiliary=(extra,))
    short = replace(
        RECIPE, stages=(replace(JOINT, steps=4, rates={**JOINT.rates, "speakers": 1e-3}),)
    )
    made = finetune(job, short, tmp_path / "voices", tmp_path / "cache")
    assert made is not None
    config = VoiceConfig.read(made)
    assert dict(config.speakers) == {"Ada": 0, "Bob": 1}
    assert tensors_of(made)["emb_g.weight"].shape[0] == 2


def test_two_data_sets_of_one_speaker_are_refused(tmp_path: Path) -> None:
    sets = dataset(tmp_path / "one"), dataset(tmp_path / "two", pitch_hz=200)
    with pytest.raises(BadData, match="name the same speaker"):
        finetune(Job("ada", voice(tmp_path), sets), RECIPE, tmp_path, tmp_path)


def test_a_voice_with_its_own_posterior_encoder_needs_no_teaching(tmp_path: Path) -> None:
    taught: list[str] = []
    a = replace(PLAIN, n_speakers=3, gin_channels=6, has_posterior=True)
    made, _ = train(
        tmp_path,
        replace(RECIPE, stages=(replace(JOINT, steps=3),)),
        base=voice(tmp_path, a),
        teaching=lambda name, step, steps: taught.append(name),
    )
    assert not taught
    assert VoiceConfig.read(made or tmp_path).architecture.has_posterior


def test_data_of_another_rate_is_learned_from_at_the_voice_s(tmp_path: Path) -> None:
    base = voice(tmp_path)
    config, tensors = read_voice(base)
    other = replace(config, name="slow", rate_hz=16_000)
    write_voice(tmp_path / "slow", other, {name: np.asarray(tensors[name]) for name in tensors})
    brief = replace(RECIPE, stages=(replace(JOINT, steps=2),))
    made, _ = train(tmp_path, brief, base=tmp_path / "slow")
    assert VoiceConfig.read(made or tmp_path).rate_hz == 16_000


def test_what_a_recording_does_not_hold_is_taken_from_both_sides() -> None:
    time = torch.arange(RATE_HZ) / RATE_HZ
    low, high = torch.sin(2 * np.pi * 3_000 * time)[None], torch.sin(2 * np.pi * 9_000 * time)[None]
    telephone = LowPass(RATE_HZ, 8_000)
    middle = slice(500, -500)
    torch.testing.assert_close(telephone(low + high)[:, middle], low[:, middle], atol=1e-2, rtol=0)
    assert LowPass(RATE_HZ, RATE_HZ / 2)(high) is high
