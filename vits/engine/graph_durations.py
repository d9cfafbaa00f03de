"""The text stage as an ONNX graph: text encoder and either duration predictor.

Mirrors :mod:`vits.nn.durations` and :mod:`vits.nn.splines`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from onnx import TensorProto

from vits.arrays import F32
from vits.config import Architecture
from vits.engine.graph import GraphWriter, encoder

MIN_BIN = 1e-3
MIN_SLOPE = 1e-3


def text_graph(a: Architecture, tensors: Mapping[str, F32]) -> bytes:
    """ids (1, T), noise (1, 2, T) -> mean, log-deviation (1, C, T), log-durations (1, 1, T)."""
    g = GraphWriter("text", a, tensors)
    hidden, mean, log_std = encoder(g)
    speaker = g.speaker()
    predict = _sampled if a.use_sdp else _predicted
    inputs: dict[str, tuple[int, int | None]] = {"ids": (TensorProto.INT64, None)}
    if a.use_sdp:
        inputs["noise"] = (TensorProto.FLOAT, 2)
    return g.model(inputs, [mean, log_std, predict(g, hidden, speaker)])


def _predicted(g: GraphWriter, x: str, speaker: str | None) -> str:
    if speaker is not None:
        x = g.op("Add", x, g.conv(speaker, "dp.cond"))
    x = g.norm(g.op("Relu", g.conv(x, "dp.conv_1")), "dp.norm_1")
    x = g.norm(g.op("Relu", g.conv(x, "dp.conv_2")), "dp.norm_2")
    return g.conv(x, "dp.proj")


def _sampled(g: GraphWriter, hidden: str, speaker: str | None) -> str:
    x = g.conv(hidden, "dp.pre")
    if speaker is not None:
        x = g.op("Add", x, g.conv(speaker, "dp.cond"))
    condition = g.conv(_stack(g, x, "dp.convs"), "dp.proj")
    first, second = g.half("noise", [1, 1])
    # Backwards through flip and spline, without the first spline; then the last flip.
    for i in range(2 * g.a.dp_n_flows - 1, 1, -2):
        first, second = second, first
        second = _spline_flow(g, f"dp.flows.{i}", first, second, condition)
    first = second
    shift, scale = g.half(g.weight("dp.flows.0.m"), [1, 1], axis=0)[0], "dp.flows.0.logs"
    growth = g.half(g.op("Exp", g.op("Neg", g.weight(scale))), [1, 1], axis=0)[0]
    return g.op("Mul", g.op("Sub", first, shift), growth)


def _gelu(g: GraphWriter, x: str) -> str:
    erf = g.op("Erf", g.op("Div", x, g.constant(math.sqrt(2))))
    grown = g.op("Mul", x, g.op("Add", erf, g.constant(1.0)))
    return g.op("Mul", grown, g.constant(0.5))


def _stack(g: GraphWriter, x: str, name: str) -> str:
    """See :class:`vits.nn.layers.DepthSeparable`."""
    a = g.a
    for i in range(a.dp_dds_layers):
        dilation = a.dp_kernel_size**i
        y = g.conv(x, f"{name}.convs_sep.{i}", dilation=dilation, groups=a.dp_filter_channels)
        y = _gelu(g, g.norm(y, f"{name}.norms_1.{i}"))
        y = _gelu(g, g.norm(g.conv(y, f"{name}.convs_1x1.{i}"), f"{name}.norms_2.{i}"))
        x = g.op("Add", x, y)
    return x


def _spline_flow(g: GraphWriter, name: str, first: str, second: str, condition: str) -> str:
    bins = g.a.dp_n_bins
    h = g.op("Add", g.conv(first, f"{name}.pre"), condition)
    h = g.conv(_stack(g, h, f"{name}.convs"), f"{name}.proj")
    h = g.op("Transpose", h, perm=[0, 2, 1])
    widths, heights, slopes = g.half(h, [bins, bins, bins - 1], axis=2)
    scale = g.constant(1 / math.sqrt(g.a.dp_filter_channels))
    widths, heights = g.op("Mul", widths, scale), g.op("Mul", heights, scale)
    y = g.op("Transpose", second, perm=[0, 2, 1])
    return g.op("Transpose", _unspline(g, y, widths, heights, slopes), perm=[0, 2, 1])


def _knots(g: GraphWriter, raw: str) -> tuple[str, str]:
    """(1, T, K) -> knots (1, T, K + 1) with exact ends, and sizes (1, T, K)."""
    bins, bound = g.a.dp_n_bins, g.a.dp_tail_bound
    sizes = g.op("Mul", g.op("Softmax", raw, axis=-1), g.constant(1 - MIN_BIN * bins))
    sizes = g.op("Add", sizes, g.constant(MIN_BIN))
    knots = g.op("CumSum", sizes, g.constant(np.asarray(2)))
    knots = g.op("Sub", g.op("Mul", knots, g.constant(2 * bound)), g.constant(bound))
    inner = g.op("Slice", knots, g.ints(0), g.ints(-1), g.ints(2))
    pads = [g.ints(0, 0, 1, 0, 0, 0), g.ints(0, 0, 0, 0, 0, 1)]
    knots = g.op("Pad", inner, pads[0], g.constant(np.asarray(-bound)))
    knots = g.op("Pad", knots, pads[1], g.constant(np.asarray(bound)))
    low = g.op("Slice", knots, g.ints(0), g.ints(-1), g.ints(2))
    high = g.op("Slice", knots, g.ints(1), g.ints(bins + 1), g.ints(2))
    return knots, g.op("Sub", high, low)


def _unspline(g: GraphWriter, y: str, widths: str, heights: str, raw_slopes: str) -> str:
    """The spline backwards, y (1, T, 1) -> x (1, T, 1); see :func:`vits.nn.splines.spline`."""
    bins, bound = g.a.dp_n_bins, g.a.dp_tail_bound
    edge = math.log(math.exp(1 - MIN_SLOPE) - 1)
    padded = g.op("Pad", raw_slopes, g.ints(0, 0, 1, 0, 0, 1), g.constant(np.asarray(edge)))
    slopes = g.op("Add", g.op("Softplus", padded), g.constant(MIN_SLOPE))
    knots_x, sizes_x = _knots(g, widths)
    knots_y, sizes_y = _knots(g, heights)
    at = g.op("Clip", y, g.constant(np.asarray(-bound)), g.constant(np.asarray(bound)))
    inner = g.op("Slice", knots_y, g.ints(1), g.ints(bins), g.ints(2))
    passed = g.op("Cast", g.op("GreaterOrEqual", at, inner), to=TensorProto.INT64)
    piece = g.op("ReduceSum", passed, g.ints(2), keepdims=1)
    following = g.op("Add", piece, g.constant(np.asarray(1)))

    def pick(table: str, index: str = piece) -> str:
        return g.op("GatherElements", table, index, axis=2)

    x0, dx, y0, dy = pick(knots_x), pick(sizes_x), pick(knots_y), pick(sizes_y)
    s0, s1 = pick(slopes), pick(slopes, following)
    chord = g.op("Div", dy, dx)
    bend = g.op("Sub", g.op("Add", s0, s1), g.op("Mul", chord, g.constant(2.0)))
    rise = g.op("Sub", at, y0)
    curved = g.op("Mul", rise, bend)
    a = g.op("Add", curved, g.op("Mul", dy, g.op("Sub", chord, s0)))
    b = g.op("Sub", g.op("Mul", dy, s0), curved)
    c = g.op("Neg", g.op("Mul", chord, rise))
    four_ac = g.op("Mul", g.op("Mul", a, c), g.constant(4.0))
    root = g.op("Sqrt", g.op("Relu", g.op("Sub", g.op("Mul", b, b), four_ac)))
    t = g.op("Div", g.op("Mul", c, g.constant(2.0)), g.op("Sub", g.op("Neg", b), root))
    x = g.op("Add", g.op("Mul", t, dx), x0)
    return g.op("Where", g.op("Equal", at, y), x, y)
