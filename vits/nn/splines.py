"""Monotonic rational-quadratic splines (Durkan et al. 2019), identity outside [-bound, bound].

The invertible map of the stochastic duration predictor (2.2.2): within the bound a curve of K
pieces, each the quotient of two parabolas, smooth where they meet.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

MIN_BIN = 1e-3  # least width and height of a piece, as a share of the whole
MIN_SLOPE = 1e-3


def _knots(raw: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Unnormalised sizes (..., K) -> positions of the knots (..., K + 1) and sizes (..., K)."""
    pieces = raw.shape[-1]
    sizes = MIN_BIN + (1 - MIN_BIN * pieces) * raw.softmax(-1)
    knots = F.pad(sizes.cumsum(-1), (1, 0)) * (2 * bound) - bound
    # The ends are exact whatever the sum rounds to.
    knots = torch.cat(
        [torch.full_like(knots[..., :1], -bound), knots[..., 1:-1], 0 * knots[..., -1:] + bound], -1
    )
    return knots, knots.diff(dim=-1)


def spline(
    x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float, *, inverse: bool
) -> tuple[Tensor, Tensor]:
    """Map x through the spline, or back.

    Args:
        x: any shape S.
        widths: (S, K) and heights: (S, K), unnormalised.
        slopes: (S, K - 1), unnormalised, at the inner knots; 1 at the ends.
        bound: beyond it x is unchanged.
        inverse: from heights to widths.

    Returns:
        (y, log |dy/dx|), both of shape S.
    """
    inside = (x >= -bound) & (x <= bound)
    at = x.clamp(-bound, bound)
    knots_x, sizes_x = _knots(widths, bound)
    knots_y, sizes_y = _knots(heights, bound)
    # softplus of this constant is 1 - MIN_SLOPE, so that the ends meet the identity smoothly.
    edge = math.log(math.exp(1 - MIN_SLOPE) - 1)
    slope = MIN_SLOPE + F.softplus(F.pad(slopes, (1, 1), value=edge))

    knots = knots_y if inverse else knots_x
    piece = (at[..., None] >= knots[..., 1:-1]).sum(-1, keepdim=True)  # (S, 1), 0 to K - 1

    def pick(table: Tensor, shift: int = 0) -> Tensor:
        return table.gather(-1, piece + shift)[..., 0]

    x0, dx, y0, dy = pick(knots_x), pick(sizes_x), pick(knots_y), pick(sizes_y)
    s0, s1 = pick(slope), pick(slope, 1)
    chord = dy / dx
    bend = s0 + s1 - 2 * chord
    if inverse:
        rise = at - y0
        a = rise * bend + dy * (chord - s0)
        b = dy * s0 - rise * bend
        c = -chord * rise
        # The stable form of the root; rounding may leave the discriminant a hair below zero.
        t = (2 * c) / (-b - (b * b - 4 * a * c).clamp_min(0).sqrt())
        y = t * dx + x0
    else:
        t = (at - x0) / dx
        y = y0 + dy * (chord * t * t + s0 * t * (1 - t)) / (chord + bend * t * (1 - t))
    below = chord + bend * t * (1 - t)
    above = chord * chord * (s1 * t * t + 2 * chord * t * (1 - t) + s0 * (1 - t) ** 2)
    log_slope = above.log() - 2 * below.log()
    if inverse:
        log_slope = -log_slope
    return torch.where(inside, y, x), torch.where(inside, log_slope, torch.zeros_like(x))
