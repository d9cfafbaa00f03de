"""Each native kernel, of every instruction set this machine has, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.vits.engine.native_kernels import ConvCase, Kernels, random_case
from vits.arrays import F32
from vits.engine.native_api import NUMBERS, Library
from vits.nn.splines import spline

LIBRARY = Library()
SETS = LIBRARY.instruction_sets()
OFFERED = [(i, n) for i in SETS for n in NUMBERS if LIBRARY.offers(i, n)]

# Of the length of a typical output: what rounding, amplified by the transforms, may come to.
TOLERANCE = {"fp32": 3e-5, "int16": 1e-2, "bf16": 2.5e-2}


@pytest.fixture(params=SETS)
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return Kernels(request.param)


def expected(case: ConvCase) -> tuple[F32, float]:
    """What PyTorch says in float64, and the length of a typical output."""
    arrays = {k: None if v is None else torch.tensor(v).double() for k, v in case.arrays().items()}
    x, weights, bias = arrays["x"], arrays["weights"], arrays["bias"]
    assert x is not None
    assert weights is not None
    # Enough zeros on both sides that rows from `first` on exist.
    after = case.first + case.count + case.taps * case.dilation
    padded = F.pad(x.T[None], (case.pad, after))
    conv = F.conv1d(padded, weights, bias, dilation=case.dilation)[0].T
    y = conv[case.first : case.first + case.count]
    if case.gate:
        a, b = y.chunk(2, 1)
        return (torch.tanh(a) * torch.sigmoid(b)).float().numpy(), 0.3
    if arrays["residual"] is not None:
        r = arrays["residual"]
        y = y + torch.minimum(r, r * case.unslope)
    if arrays["base"] is not None:
        y = y + arrays["base"]
    y = F.leaky_relu(y * case.scale, case.slope)
    return y.float().numpy(), max(1.0, case.unslope / 4)


@pytest.mark.parametrize(("instructions", "number"), OFFERED)
@settings(max_examples=60)
@given(seed=st.integers(0, 1 << 30))
def test_convolutions(instructions: str, number: str, seed: int) -> None:
    case = random_case(np.random.default_rng(seed), number)
    wanted, size = expected(case)
    found = Kernels(instructions).conv(case)
    assert np.isfinite(found).all()
    # The root of the mean square scatters over the few outputs of a small case.
    limit = TOLERANCE[number] * size * (1 + 3 / np.sqrt(wanted.size))
    assert np.sqrt(np.square(found - wanted).mean()) <= limit, case
    assert np.abs(found - wanted).max() <= 8 * limit, case


@pytest.mark.parametrize(("instructions", "number"), OFFERED)
@pytest.mark.parametrize("taps", range(1, 14))
@pytest.mark.parametrize("threads", [1, 2])
def test_convolutions_of_a_decoder(instructions: str, number: str, taps: int, threads: int) -> None:
    """Every length of filter at a usual width: the whole range of forms, and a tail."""
    case = ConvCase(
        number=number,
        threads=threads,
        outputs=64,
        inputs=64,
        taps=taps,
        dilation=3,
        pad=(taps - 1) // 2 * 3,
        rows=333,
        count=333,
        slope=0.1,
        residual=True,
        unslope=10.0,
        base=True,
        scale=1 / 3,
    )
    wanted, size = expected(case)
    error = np.sqrt(np.square(Kernels(instructions).conv(case) - wanted).mean())
    assert error <= TOLERANCE[number] * size / 2


@pytest.mark.parametrize("instructions", [i for i, n in OFFERED if n == "int16"])
@pytest.mark.parametrize("inputs", [32, 96, 512])
def test_int16_sums_do_not_overflow(instructions: str, inputs: int) -> None:
    """The worst there is: every weight and every activation at its largest, all of one sign."""

    class Loud(ConvCase):
        def arrays(self) -> dict[str, F32 | None]:
            arrays = super().arrays()
            return {
                k: None if v is None else np.full_like(v, 0 if k == "bias" else 1e3)
                for k, v in arrays.items()
            }

    for taps in (1, 2, 3, 5, 7, 11):
        case = Loud(number="int16", inputs=inputs, outputs=32, taps=taps, pad=0, rows=90, count=60)
        found = Kernels(instructions).conv(case)
        wanted = np.float32(1e6 * inputs * taps)
        assert np.abs(found / wanted - 1).max() < 0.01


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 200), st.booleans(), st.booleans(), st.integers(0, 99))
@example(1, 1, False, False, 0)
@example(3, 192, True, True, 0)
def test_layer_norm(rows: int, channels: int, gelu: bool, adds: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, channels), np.float32) * 3 + 1
    gamma, beta = random.standard_normal((2, channels), np.float32)
    add = random.standard_normal((rows, channels), np.float32) if adds else None
    wanted = F.layer_norm(
        torch.tensor(x), (channels,), torch.tensor(gamma), torch.tensor(beta), 1e-5
    )
    if gelu:
        wanted = F.gelu(wanted)
    if add is not None:
        wanted = wanted + torch.tensor(add)
    for name in SETS:
        found = Kernels(name).layer_norm(x, add, gamma, beta, gelu=gelu)
        assert np.abs(found - wanted.numpy()).max() < 2e-5


@settings(max_examples=40)
@given(st.integers(1, 20), st.integers(1, 100), st.floats(0.01, 80), st.integers(0, 99))
def test_softmax(rows: int, columns: int, spread: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, columns), np.float32) * np.float32(spread)
    wanted = torch.softmax(torch.tensor(x), 1).numpy()
    for name in SETS:
        assert np.abs(Kernels(name).softmax(x) - wanted).max() < 1e-6


@settings(max_examples=40)
@given(
    *(st.integers(1, 60), st.integers(1, 100), st.sampled_from([1, 3, 5]), st.integers(1, 27)),
    st.integers(0, 99),
)
def test_depthwise(rows: int, channels: int, taps: int, dilation: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, channels), np.float32)
    weights = random.standard_normal((taps, channels), np.float32)
    bias = random.standard_normal(channels, np.float32)
    wanted = F.conv1d(
        torch.tensor(x.T[None]),
        torch.tensor(weights.T[:, None].copy()),
        torch.tensor(bias),
        padding=(taps - 1) * dilation // 2,
        dilation=dilation,
        groups=channels,
    )[0].T.numpy()
    for name in SETS:
        assert np.abs(Kernels(name).depthwise(x, weights, bias, dilation) - wanted).max() < 1e-5


@settings(max_examples=40)
@given(st.integers(1, 90), st.integers(1, 70), st.sampled_from([1, 3, 7]), st.integers(0, 99))
def test_last_projection(rows: int, channels: int, taps: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, channels), np.float32)
    weights = random.standard_normal((taps, channels), np.float32) * np.float32(0.3)
    sums = F.conv1d(
        torch.tensor(x.T[None]), torch.tensor(weights.T[None].copy()), padding=taps // 2
    )
    wanted = torch.tanh(sums[0, 0] + 0.1).numpy()
    for name in SETS:
        assert np.abs(Kernels(name).project(x, weights, 0.1) - wanted).max() < 1e-5


@settings(max_examples=60)
@given(st.integers(1, 200), st.integers(2, 16), st.floats(0.1, 30), st.integers(0, 999))
def test_spline(n: int, bins: int, spread: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    y = (random.standard_normal(n) * 4).astype(np.float32)
    parameters = random.standard_normal((n, 3 * bins - 1), np.float32) * np.float32(spread)
    scaled = parameters.copy()
    scaled[:, : 2 * bins] *= np.float32(0.2)
    widths, heights, slopes = (
        torch.tensor(part).double() for part in np.split(scaled, [bins, 2 * bins], axis=1)
    )
    at = torch.tensor(y).double()
    wanted = spline(at, widths, heights, slopes, 5.0, inverse=True)[0].numpy()
    found = Kernels(SETS[0]).spline(y, parameters, 5.0, 0.2)
    # Where a bin is nearly flat, x moves far for a rounding of y.
    assert np.median(np.abs(found - wanted)) < 1e-5
    assert np.abs(found - wanted).max() < 0.05
    assert ((np.abs(y) <= 5) | (found == y)).all()
