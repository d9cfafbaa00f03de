"""Muon turns what gradients ask for into steps that are as long in every direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vits.train.muon import Muon, orthogonal
from vits.train.recipe import FEW_MINUTES, Stage, Weights
from vits.train.trainer import _optimisers


@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 9))
def test_singular_values_are_brought_to_about_one(rows: int, columns: int, seed: int) -> None:
    torch.manual_seed(seed)
    matrix = torch.randn(rows, columns)
    values = torch.linalg.svdvals(orthogonal(matrix))
    asked = torch.linalg.svdvals(matrix / matrix.norm())
    assert float(values.max()) < 1.3
    # What is hardly asked for at all stays small: five iterations reach no further.
    assert float(values[asked > 0.02].min()) > 0.5
    # Directions are kept: of the nearest orthogonal matrix, no other.
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    kept = left.T @ orthogonal(matrix) @ right.T
    assert torch.allclose(kept, torch.diag(kept.diag()), atol=1e-3)
    assert bool((kept.diag() > 0).all())


@given(st.floats(1e-6, 1e6))
def test_how_loudly_it_is_asked_for_does_not_matter(loudness: float) -> None:
    torch.manual_seed(1)
    matrix = torch.randn(12, 30)
    assert torch.allclose(orthogonal(matrix), orthogonal(matrix * loudness), atol=1e-4)


def test_a_first_step_is_as_long_as_adam_s_would_be() -> None:
    torch.manual_seed(1)
    kernel = torch.nn.Parameter(torch.zeros(16, 8, 5))
    muon = Muon([{"params": [kernel], "lr": 1e-2}])
    kernel.grad = 100 * torch.randn(16, 8, 5)
    muon.step()
    assert float(kernel.detach().square().mean().sqrt()) == pytest.approx(0.2e-2, rel=0.2)
    kernel.grad = None
    before = kernel.detach().clone()
    muon.step()
    assert torch.equal(kernel, before)


def test_a_badly_scaled_problem_takes_it_fewer_steps() -> None:
    """Directions of which gradients say a thousand times less are learned as soon."""
    random = np.random.default_rng(0)
    scales = torch.logspace(0, -3, 16)[:, None]
    wanted = torch.from_numpy(random.standard_normal((8, 16)).astype(np.float32)) * 0.1
    inputs = torch.from_numpy(random.standard_normal((64, 16)).astype(np.float32)) @ (
        torch.linalg.qr(torch.from_numpy(random.standard_normal((16, 16))).float())[0] * scales
    )
    left = {}
    for name in ("muon", "plain"):
        kernel = torch.nn.Parameter(torch.zeros(8, 16, 1))
        groups = [{"params": [kernel], "lr": 0.05}]
        optimiser = Muon(groups) if name == "muon" else torch.optim.SGD(groups)
        for _ in range(100):
            loss = (inputs @ (kernel[..., 0] - wanted).T).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        left[name] = float((kernel[..., 0] - wanted).norm().detach())
    assert left["muon"] < left["plain"]


def test_kernels_go_to_muon_and_everything_else_to_adam() -> None:
    conv, other = torch.nn.Conv1d(4, 6, 3), torch.nn.Linear(3, 3)
    stage = Stage("x", 1, {"decoder": 1e-3, "flow": 2e-3}, Weights(), muon={"decoder": 5e-3})
    adam, muon = _optimisers(
        stage, {"decoder": list(conv.parameters()), "flow": list(other.parameters())}
    )
    assert [p.shape for g in muon.param_groups for p in g["params"]] == [(6, 4, 3)]
    assert [g["lr"] for g in muon.param_groups] == [5e-3]
    assert [len(g["params"]) for g in adam.param_groups] == [1, 2]
    assert len(_optimisers(FEW_MINUTES.stages[0], {"decoder": list(other.parameters())})) == 1


def test_a_part_that_stands_still_cannot_move_by_muon() -> None:
    with pytest.raises(ValueError, match="flow"):
        Stage("x", 1, {"decoder": 1e-3}, Weights(), muon={"flow": 1e-3})
