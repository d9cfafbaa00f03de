"""Muon, for kernels of convolutions (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon).

An update is the momentum with all its singular values brought to about one, so that directions that
gradients seldom ask for move as far as those that they ask for all the time. In as many steps the
decoder learns a third more of a new speaker than with Adam (docs/decisions/0011).

``torch.optim.Muon`` takes matrices alone and computes in bfloat16, which a CPU may not have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the iteration: steepest at zero, at the price of ending between .7 and 1.2."""

ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Groups with ``params`` (of two dimensions or more; the first is taken for rows) and ``lr``.

    ``lr`` is comparable to Adam's: an update has the root mean square .2 ``lr`` (Liu et al. 2025,
    section 2.2).
    """

    def __init__(self, groups: Iterable[Mapping[str, Any]], momentum: float = 0.95) -> None:
        super().__init__([dict(group) for group in groups], {"momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # nothing to close over
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                mean = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(mean, group["momentum"])  # Nesterov's
                rows = ahead.flatten(1)
                change = orthogonal(rows).mul_(0.2 * math.sqrt(max(rows.shape)))
                parameter.add_(change.view_as(parameter), alpha=-group["lr"])


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest semi-orthogonal matrix, by Newton and Schulz: (M, N) -> (M, N)."""
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / x.norm().clamp_min(1e-7)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x
