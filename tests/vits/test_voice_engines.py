"""Every form of network: the engines agree, and streamed sound is the whole sound."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vits.tiny import FORMS, PLAIN, tiny_config, tiny_tensors
from vits.arrays import F32
from vits.config import Defaults
from vits.engine import onnx as onnx_engine
from vits.engine.base import Engine, Noise, Style, frames_of, open_engine
from vits.engine.staged import LAST_WINDOW, affordable, decoder_reach, flow_reach, window
from vits.errors import BackendUnavailable, BadStyle, BadText
from vits.io.folder import write_voice
from vits.nn import engine as torch_engine
from vits.nn.model import Vits, build

STYLE = Style(0.8, 0.5, 0.3, seed=11)


def engines(form: str) -> tuple[Engine, Engine]:
    config, tensors = tiny_config(FORMS[form]), tiny_tensors(FORMS[form])
    found = (
        module.open_voice(config, tensors, precision="auto", threads=1)
        for module in (torch_engine, onnx_engine)
    )
    return next(found), next(found)


@pytest.mark.parametrize("form", FORMS)
def test_torch_and_onnxruntime_agree(form: str) -> None:
    ours, other = engines(form)
    random = np.random.default_rng(1)
    for length, speaker in itertools.product((1, 2, 37), range(max(1, FORMS[form].n_speakers))):
        ids = random.integers(0, 20, length).tolist()
        assert (
            ours.durations(ids, speaker=speaker, style=STYLE)
            == other.durations(ids, speaker=speaker, style=STYLE)
        ).all()
        sound = ours.whole(ids, speaker=speaker, style=STYLE)
        frames = ours.durations(ids, speaker=speaker, style=STYLE).sum()
        assert len(sound) == frames * FORMS[form].hop
        assert np.abs(sound - other.whole(ids, speaker=speaker, style=STYLE)).max() < 1e-4


@pytest.mark.parametrize("form", FORMS)
def test_speakers_differ_and_seeds_repeat(form: str) -> None:
    engine, _ = engines(form)
    ids = list(range(3, 15))
    sound = engine.whole(ids, style=STYLE)
    assert (sound == engine.whole(ids, style=STYLE)).all()
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1
    if FORMS[form].n_speakers:
        other = engine.whole(ids, speaker=1, style=STYLE)
        assert other.shape != sound.shape or np.abs(other - sound).max() > 1e-3


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("length", [1, 5, 90])
def test_streamed_is_whole(form: str, length: int) -> None:
    ids = (np.arange(length) % 20).tolist()
    for engine in engines(form):
        pieces = list(engine.stream(ids, style=STYLE))
        whole = engine.whole(ids, style=STYLE)
        assert sum(map(len, pieces)) == len(whole)
        assert np.abs(np.concatenate(pieces) - whole).max() <= 1e-5
        assert length < 90 or len(pieces) > 1


@pytest.mark.parametrize("form", FORMS)
def test_reach_is_exact_and_no_larger(form: str) -> None:
    """Change one frame: what changes in the sound is within reach, and reaches its edge."""
    a = FORMS[form]
    model = build(tiny_config(a), tiny_tensors(a)).double()
    speaker = model.speaker(torch.tensor([0]))
    frames, middle = 161, 80
    z = torch.randn(1, a.inter_channels, frames, dtype=torch.float64)
    moved = z.clone()
    moved[:, :, middle] += 1
    mask = torch.ones(1, 1, frames, dtype=torch.float64)
    with torch.inference_mode():
        change = model.flow.inverse(z, mask, speaker) - model.flow.inverse(moved, mask, speaker)
        far = (change.abs().amax(1)[0] > 0).nonzero()[:, 0] - middle
        assert max(-far.min(), far.max()) == flow_reach(a)
        sound = (model.dec(z, speaker) - model.dec(moved, speaker))[0, 0].view(frames, a.hop)
        far = (sound.abs().amax(1) > 0).nonzero()[:, 0] - middle
        assert max(-far.min(), far.max()) == decoder_reach(a)


@given(st.integers(1, 5000), st.lists(st.integers(1, 400), min_size=1, max_size=40))
def test_windows_cover_everything_once(frames: int, sizes: list[int]) -> None:
    covered: list[int] = []
    steps = itertools.cycle(sizes)
    while len(covered) < frames:
        size = next(steps)
        found = window(len(covered), size, frames)
        assert len(found) <= size + size // 2
        covered += found
    assert covered == list(range(frames))


def test_windows_are_as_long_as_can_be_ready_in_time() -> None:
    """48 frames took as long as what they made sounds: the next is no longer; a fast one is."""
    assert affordable(0.2, 0.2, 48, 32) == 16
    assert affordable(0.2, 0.03, 48, 32) == 208
    assert affordable(0.2, 0.06, 48, 32) == 80
    assert affordable(0.2, 1e-9, 48, 32) == LAST_WINDOW


@given(
    st.lists(st.floats(-40, 40) | st.sampled_from([np.nan, np.inf, -np.inf]), max_size=8),
    st.floats(0.1, 10),
)
@settings(max_examples=100)
def test_no_draw_makes_endless_or_no_sound(logs: list[float], scale: float) -> None:
    frames = frames_of(np.asarray(logs, np.float32), scale)
    assert len(frames) == len(logs)
    assert (frames >= 0).all()
    assert (frames <= 1000).all()
    assert not logs or frames.sum() > 0


def test_wrong_requests_are_refused() -> None:
    engine, _ = engines("three speakers")
    for ids, speaker in (([20], 0), ([-1], 0), ([1], 3), ([1], -1)):
        with pytest.raises(BadText):
            engine.whole(ids, speaker=speaker, style=STYLE)
    with pytest.raises(ValueError, match="noise"):
        engine.whole([1, 2], style=STYLE, noise=Noise(_zeros(2, 1), _zeros(8, 999)))
    with pytest.raises(ValueError, match="noise"):
        engine.whole([1, 2], style=STYLE, noise=Noise(_zeros(2, 2), _zeros(8, 1)))
    for scales in ((-1.0, 1.0, 0.8), (0.6, 0.0, 0.8), (0.6, 1.0, float("nan"))):
        with pytest.raises(BadStyle):
            Style(*scales)
    slow = Defaults(length_scale=10.0)  # a voice may be, and may yet be asked to speak slower
    assert [Style.of(slow, speed=speed).length_scale for speed in (0.25, 2.0)] == [10.0, 5.0]
    assert engine.whole([], style=STYLE).size == 0
    assert list(engine.stream([], style=STYLE)) == []


def _zeros(*shape: int) -> F32:
    return np.zeros(shape, np.float32)


def test_network_is_its_own_inverse() -> None:
    """The flow undoes itself, and the loss of the durations falls when they are learned."""
    torch.manual_seed(0)
    a = FORMS["posterior"]
    model: Vits = build(tiny_config(a), tiny_tensors(a, training=True))
    speaker = model.speaker(torch.tensor([0, 2]))
    z = torch.randn(2, a.inter_channels, 9)
    mask = torch.ones(2, 1, 9)
    back = model.flow.inverse(model.flow(z, mask, speaker), mask, speaker)
    assert (back - z).abs().max() < 1e-5

    predictor = model.dp.train()
    hidden = torch.randn(4, a.hidden_channels, 6)
    mask = torch.ones(4, 1, 6)
    durations = torch.randint(2, 9, (1, 1, 6)).float().expand(4, 1, 6)
    learner = torch.optim.Adam(predictor.parameters(), 3e-3)
    losses = []
    for _ in range(60):
        loss = predictor.nll(hidden, mask, durations).mean()
        learner.zero_grad()
        loss.backward()
        learner.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 3


def test_padding_changes_nothing() -> None:
    """A sentence in a batch with a longer one gets the statistics it has alone."""
    model = build(tiny_config(PLAIN), tiny_tensors(PLAIN))
    ids = torch.randint(0, 20, (1, 7))
    padded = torch.cat([ids, torch.zeros(1, 4, dtype=torch.long)], 1)
    mask = torch.tensor([[[1.0] * 7 + [0.0] * 4]])
    alone = model.enc_p(ids, torch.ones(1, 1, 7))
    among = model.enc_p(padded, mask)
    assert (alone.mean - among.mean[..., :7]).abs().max() < 1e-5
    noise = torch.randn(1, 2, 11)
    one = model.log_durations(alone.hidden, torch.ones(1, 1, 7), noise[..., :7], None)
    two = model.log_durations(among.hidden, mask, noise, None)
    assert (one - two[:, :7]).abs().max() < 1e-5


@pytest.mark.parametrize("form", FORMS)
def test_nothing_stays_on_another_device(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no GPU here; the device that holds no numbers refuses to mix, too."""
    a = FORMS[form]
    monkeypatch.setattr(torch_engine, "_array", lambda t: np.zeros(t.shape, np.float32))
    model = build(tiny_config(a), tiny_tensors(a)).requires_grad_(False)
    stages = torch_engine.TorchStages(model, torch.device("meta"))
    text = stages.text(np.array([1, 2, 3]), 0, np.zeros((2, 3), np.float32))
    assert text.mean.shape == (a.inter_channels, 3)
    z = stages.flow(np.zeros((a.inter_channels, 5), np.float32), 0)
    assert stages.decode(z, 0).shape == (5 * a.hop,)


def test_what_cannot_run_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_voice(tmp_path / "tiny", tiny_config(PLAIN), tiny_tensors(PLAIN))
    folder = tmp_path / "tiny"
    with pytest.raises(BackendUnavailable, match="fp32 only"):
        open_engine(folder, backend="onnx", precision="bf16")
    with pytest.raises(BackendUnavailable, match="fp32 only"):
        open_engine(folder, backend="torch", precision="bf16")
    with pytest.raises(BackendUnavailable, match="does not use a GPU"):
        open_engine(folder, backend="onnx", device="cuda")
    if not torch.cuda.is_available():
        with pytest.raises(BackendUnavailable, match="no GPU"):
            open_engine(folder, device="cuda")
    assert open_engine(folder, backend="torch", device="cpu").config.name == "tiny"
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "vits.nn.engine", None)  # as where torch is not installed
        with pytest.raises(BackendUnavailable, match=r"PyTorch is not installed.*make train"):
            open_engine(folder, device="cuda")
