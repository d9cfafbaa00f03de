"""Several speakers in one training: each is told apart, none is mixed up with what is not kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vits.tiny import FORMS, PLAIN, tiny_config, tiny_tensors
from tests.vits.train.recordings import dataset
from tests.vits.train.test_device import corpus, learner
from tests.vits.train.test_train import JOINT, RECIPE, tensors_of
from vits.config import Architecture, VoiceConfig
from vits.engine.base import Style
from vits.io.folder import write_voice
from vits.nn.model import build
from vits.speaking import open_synthesizer
from vits.train.corpus import Corpus
from vits.train.finetune import Job, _for_speakers, finetune
from vits.train.reader import Reader
from vits.train.recipe import FEW_MINUTES
from vits.train.state import States
from vits.train.teach import Lesson, taught_reader

SPEAKERS = replace(PLAIN, n_speakers=2, gin_channels=6)
REAL_HOP = replace(
    FORMS["fixed durations"],
    spec_channels=513,
    upsample_rates=(8, 8, 2, 2),  # a hop of 256, as the shipped recipe's spectra expect it
    upsample_kernel_sizes=(16, 16, 4, 4),
    upsample_initial_channel=16,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def calm(folder: Path, config: VoiceConfig) -> Path:
    """A voice whose symbols are all about as long, some frames."""
    tensors = tiny_tensors(config.architecture)
    tensors["dp.proj.weight"] *= 0.1
    tensors["dp.proj.bias"] += 0.5
    write_voice(folder / "base", config, tensors)
    return folder / "base"


def reads_alike(reader: Reader, a: Architecture) -> bool:
    """Whether it reads the same whoever speaks, and nobody."""
    spec = torch.rand(1, a.spec_channels, 40) + 0.1
    mask, still = torch.ones(1, 1, 40), torch.zeros(1, a.inter_channels, 40)
    nobody = reader(spec, mask, None, still).mean
    someone = (torch.randn(1, a.gin_channels, 1) for _ in range(2))
    return all(torch.equal(reader(spec, mask, each, still).mean, nobody) for each in someone)


def test_a_taught_reader_reads_alike_whoever_speaks(tmp_path: Path) -> None:
    config, tensors = tiny_config(SPEAKERS), tiny_tensors(SPEAKERS)
    lesson = Lesson(tmp_path, States(tmp_path / "states"))
    how = (config, build(config, tensors), [list(range(3, 20)) * 4], RECIPE, tensors, lesson)
    for _ in ("taught", "recalled"):
        reader = taught_reader(*how)
        assert reader is not None
        assert reads_alike(reader.eval(), SPEAKERS)


def test_a_posterior_encoder_that_knew_one_speaker_reads_others_alike_at_first() -> None:
    one = replace(PLAIN, has_posterior=True)
    config, tensors = _for_speakers(tiny_config(one), tiny_tensors(one), 2)
    a = config.architecture
    reader = Reader(a, taught=False)
    encoder = build(config, tensors).enc_q
    assert encoder is not None
    reader.enc.load_state_dict(encoder.state_dict())
    assert reads_alike(reader, a)


@pytest.mark.parametrize("before", [0, 3], ids=["a base of one speaker", "a base of three"])
def test_the_shipped_recipe_tells_two_speakers_apart(tmp_path: Path, before: int) -> None:
    a = replace(REAL_HOP, n_speakers=before, gin_channels=6 if before else 0)
    base = calm(tmp_path, replace(tiny_config(a), win=1_024))
    texts = ["abcdefgh ijklm nop"] * 2
    sets = (
        dataset(tmp_path / "ada", "Ada", 110.0, texts, seconds=1.3),
        dataset(tmp_path / "bob", "Bob", 190.0, texts, seconds=1.3),
    )
    recipe = replace(FEW_MINUTES.scaled(0.03), teach_steps=3, teach_sentences=2)
    made = finetune(Job("both", base, sets), recipe, tmp_path, tmp_path / "cache")
    assert made is not None
    ada, bob = tensors_of(made)["emb_g.weight"]
    assert float(np.abs(ada - bob).mean()) > 0.01
    speaks = open_synthesizer(made, backend="torch")
    style = Style(noise_scale=0.0, noise_w=0.0, seed=1)
    one, other = (np.concatenate([*speaks.speak("abc", style, who)]) for who in ("Ada", "Bob"))
    both = min(len(one), len(other))
    assert float(np.std(one[:both] - other[:both])) > 0.03 * float(np.std(one[:both]))


def test_the_pace_is_of_the_speakers_that_are_kept_and_not_of_the_base(tmp_path: Path) -> None:
    ada = dataset(tmp_path / "ada", seconds=0.03)
    slow = dataset(tmp_path / "slow", "Somebody", seconds=0.5)
    brief = replace(RECIPE, stages=(replace(JOINT, steps=2, frames=16, sound_frames=12),))
    paces = {}
    base = calm(tmp_path, tiny_config(FORMS["fixed durations"]))
    pairs: tuple[tuple[str, tuple[Path, ...]], ...] = (
        ("first", ()),
        ("second", ()),
        ("helped", (slow,)),
    )
    for name, auxiliary in pairs:
        job = Job(name, base, (ada,), auxiliary)
        made = finetune(job, brief, tmp_path / "voices", tmp_path / "cache")
        assert made is not None
        paces[name] = VoiceConfig.read(made).defaults.length_scale
        base = made if name == "first" else tmp_path / "base"
    assert 0.6 < paces["first"] < 2
    assert abs(paces["first"] - 1) > 0.1
    assert paces["first"] == paces["second"] == paces["helped"]


def many() -> Corpus:
    """Eleven utterances of speaker 0, then two of speaker 1."""
    (one,) = corpus(SPEAKERS).utterances
    said = [replace(one, clip=str(n), speaker=int(n > 10)) for n in range(13)]
    return Corpus(said, np.full(13, 1 / 13, np.float32))


def test_every_speaker_is_scored() -> None:
    said = many()
    assert [u.clip for u in said.in_turn(8)] == ["0", "11", "1", "12", "2", "3", "4", "5"]
    assert said.spoken_by(1).in_turn(8) == said.utterances[:8]
    assert [u.speaker for u in said.spoken_by(2).utterances] == [0] * 11 + [1] * 2
    assert float(said.spoken_by(1).weights.sum()) == pytest.approx(1)
    voice = learner(SPEAKERS).eval()
    scored = voice.held_out(said)
    assert scored == voice.held_out(Corpus(said.in_turn(8), said.weights[:8]))
    assert scored != voice.held_out(said.spoken_by(1))


def test_what_is_held_out_is_scored_by_the_text_encoder_as_it_is_now() -> None:
    voice, said = learner(SPEAKERS).eval(), many()
    before = voice.held_out(said)
    with torch.no_grad():
        voice.model.enc_p.emb.weight.mul_(-1)
    after = voice.held_out(said)
    anew = [replace(utterance, hidden=None) for utterance in said.utterances]
    assert after == voice.held_out(Corpus(anew, said.weights))
    assert after["prior"] != before["prior"]
    assert after["mel"] == before["mel"]
