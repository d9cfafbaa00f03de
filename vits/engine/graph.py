"""A VITS written as ONNX graphs, from nothing but a voice's configuration and tensors.

So onnxruntime speaks every voice we can import, not only those that came as ONNX, and without
torch. Three graphs, one per stage of :mod:`vits.engine.staged`, each for a batch of one. The
network itself is explained in :mod:`vits.nn`, which this mirrors part by part.

Legend: C latent channels, H hidden channels, G speaker channels, T steps (symbols or frames).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from vits.arrays import F32
from vits.config import Architecture

OPSET = 17
Attribute = Any  # int, float or a list of them; onnx.helper is typed for fewer than it takes


class GraphWriter:
    """Collects nodes and the tensors they read; values are named by strings."""

    def __init__(self, name: str, a: Architecture, tensors: Mapping[str, F32]) -> None:
        self.a = a
        self._name = name
        self._tensors = tensors
        self._nodes: list[onnx.NodeProto] = []
        self._stored: dict[str, onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """Add a node with one output and return that output's name."""
        return self.split(kind, *inputs, outputs=1, **attributes)[0]

    def split(self, kind: str, *inputs: str, outputs: int, **attributes: Attribute) -> list[str]:
        """Add a node with several outputs."""
        names = [f"v{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def weight(self, name: str) -> str:
        """One of the voice's tensors."""
        if name not in self._stored:
            self._stored[name] = numpy_helper.from_array(self._tensors[name], name)
        return name

    def constant(self, value: float | Sequence[float] | NDArray[np.generic]) -> str:
        """A float32 constant, or int64 where the value is an integer array."""
        array = np.asarray(value)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        return self._keep(array)

    def ints(self, *values: int) -> str:
        """An int64 vector, as shapes and axes are given."""
        return self._keep(np.asarray(values, np.int64))

    def _keep(self, array: NDArray[np.generic]) -> str:
        name = f"c{len(self._stored)}"
        self._stored[name] = numpy_helper.from_array(array, name)
        return name

    def conv(self, x: str, name: str, *, dilation: int = 1, groups: int = 1) -> str:
        """A convolution that keeps the length: (1, in, T) -> (1, out, T)."""
        kernel = self._tensors[f"{name}.weight"].shape[2]
        left, right = dilation * ((kernel - 1) // 2), dilation * (kernel // 2)
        inputs = [x, self.weight(f"{name}.weight")]
        if f"{name}.bias" in self._tensors:
            inputs.append(self.weight(f"{name}.bias"))
        return self.op(
            "Conv", *inputs, dilations=[dilation], group=groups, pads=[left, right]
        )  # fmt: skip

    def norm(self, x: str, name: str) -> str:
        """Layer normalisation over channels."""
        last = self.op("Transpose", x, perm=[0, 2, 1])
        gamma, beta = self.weight(f"{name}.gamma"), self.weight(f"{name}.beta")
        normed = self.op("LayerNormalization", last, gamma, beta, axis=-1, epsilon=1e-5)
        return self.op("Transpose", normed, perm=[0, 2, 1])

    def half(self, x: str, sizes: Sequence[int], axis: int = 1) -> list[str]:
        """Cut along an axis into the given sizes."""
        return self.split("Split", x, self.ints(*sizes), outputs=len(sizes), axis=axis)

    def speaker(self) -> str | None:
        """The speaker's vector (1, G, 1); None in a voice with one speaker."""
        if not self.a.n_speakers:
            return None
        row = self.op("Gather", self.weight("emb_g.weight"), "speaker", axis=0)
        return self.op("Unsqueeze", row, self.ints(-1))

    def model(self, inputs: Mapping[str, tuple[int, int | None]], outputs: list[str]) -> bytes:
        """The finished model. ``inputs``: name -> (type, channels); None channels is (1, T)."""
        wires = [
            helper.make_tensor_value_info(
                name, kind, [1, "T"] if channels is None else [1, channels, "T"]
            )
            for name, (kind, channels) in inputs.items()
        ]
        if self.a.n_speakers:
            wires.append(helper.make_tensor_value_info("speaker", TensorProto.INT64, [1]))
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(
            self._nodes, self._name, wires, ends, initializer=list(self._stored.values())
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        made.ir_version = 8  # the one of this opset, so that older onnxruntimes read it
        return bytes(made.SerializeToString())


def wavenet(g: GraphWriter, x: str, name: str, layers: int, speaker: str | None) -> str:
    """See :class:`vits.nn.layers.WaveNet`."""
    hidden, total = g.a.hidden_channels, ""
    conditions: list[str] = []
    if speaker is not None:
        everything = g.conv(speaker, f"{name}.cond_layer")
        conditions = g.half(everything, [2 * hidden] * layers)
    for i in range(layers):
        gates = g.conv(x, f"{name}.in_layers.{i}")
        if conditions:
            gates = g.op("Add", gates, conditions[i])
        tanh, sigmoid = g.half(gates, [hidden, hidden])
        y = g.op("Mul", g.op("Tanh", tanh), g.op("Sigmoid", sigmoid))
        y = g.conv(y, f"{name}.res_skip_layers.{i}")
        if i < layers - 1:
            residual, y = g.half(y, [hidden, hidden])
            x = g.op("Add", x, residual)
        total = g.op("Add", total, y) if total else y
    return total


def flow_graph(a: Architecture, tensors: Mapping[str, F32]) -> bytes:
    """z_p (1, C, T) -> z (1, C, T); see :meth:`vits.nn.flow.Flow.inverse`."""
    g = GraphWriter("flow", a, tensors)
    speaker, half = g.speaker(), a.inter_channels // 2
    backwards = g.constant(np.arange(a.inter_channels)[::-1].copy())
    z = "z_p"
    for i in reversed(range(0, 2 * a.flow_n_flows, 2)):
        at = f"flow.flows.{i}"
        first, second = g.half(g.op("Gather", z, backwards, axis=1), [half, half])
        shift = wavenet(g, g.conv(first, f"{at}.pre"), f"{at}.enc", a.flow_n_layers, speaker)
        second = g.op("Sub", second, g.conv(shift, f"{at}.post"))
        z = g.op("Concat", first, second, axis=1)
    return g.model({"z_p": (TensorProto.FLOAT, a.inter_channels)}, [z])


def decoder_graph(a: Architecture, tensors: Mapping[str, F32]) -> bytes:
    """z (1, C, T) -> sound (1, 1, n); see :class:`vits.nn.decoder.Generator`."""
    g = GraphWriter("decoder", a, tensors)
    speaker, parallel = g.speaker(), len(a.resblock_kernel_sizes)
    x = g.conv("z", "dec.conv_pre")
    if speaker is not None:
        x = g.op("Add", x, g.conv(speaker, "dec.cond"))
    for stage, rate in enumerate(a.upsample_rates):
        pad = (a.upsample_kernel_sizes[stage] - rate) // 2
        at = f"dec.ups.{stage}"
        x = g.op(
            "ConvTranspose",
            *(g.op("LeakyRelu", x, alpha=a.leaky_slope), g.weight(f"{at}.weight")),
            g.weight(f"{at}.bias"),
            strides=[rate],
            pads=[pad, pad],
        )
        total = ""
        for j, dilations in enumerate(a.resblock_dilation_sizes):
            y = _resblock(g, x, f"dec.resblocks.{stage * parallel + j}", dilations)
            total = g.op("Add", total, y) if total else y
        x = g.op("Div", total, g.constant(float(parallel)))
    x = g.conv(g.op("LeakyRelu", x, alpha=0.01), "dec.conv_post")
    return g.model({"z": (TensorProto.FLOAT, a.inter_channels)}, [g.op("Tanh", x)])


def _resblock(g: GraphWriter, x: str, name: str, dilations: Sequence[int]) -> str:
    slope = g.a.leaky_slope
    for k, dilation in enumerate(dilations):
        stack = "convs1" if g.a.resblock == "1" else "convs"
        y = g.conv(g.op("LeakyRelu", x, alpha=slope), f"{name}.{stack}.{k}", dilation=dilation)
        if g.a.resblock == "1":
            y = g.conv(g.op("LeakyRelu", y, alpha=slope), f"{name}.convs2.{k}")
        x = g.op("Add", y, x)
    return x


def encoder(g: GraphWriter) -> tuple[str, str, str]:
    """ids (1, T) -> hidden (1, H, T), mean and log-deviation (1, C, T each)."""
    a = g.a
    x = g.op("Gather", g.weight("enc_p.emb.weight"), "ids", axis=0)
    x = g.op("Mul", x, g.constant(math.sqrt(a.hidden_channels)))
    x = g.op("Transpose", x, perm=[0, 2, 1])
    near, inside = _neighbours(g)
    for i in range(a.n_layers):
        y = _attention(g, x, f"enc_p.encoder.attn_layers.{i}", near, inside)
        x = g.norm(g.op("Add", x, y), f"enc_p.encoder.norm_layers_1.{i}")
        y = g.op("Relu", g.conv(x, f"enc_p.encoder.ffn_layers.{i}.conv_1"))
        y = g.conv(y, f"enc_p.encoder.ffn_layers.{i}.conv_2")
        x = g.norm(g.op("Add", x, y), f"enc_p.encoder.norm_layers_2.{i}")
    mean, log_std = g.half(g.conv(x, "enc_p.proj"), [a.inter_channels, a.inter_channels])
    return x, mean, log_std


def _neighbours(g: GraphWriter) -> tuple[str, str]:
    """For (1, heads, T, 2w + 1): the index of each symbol's neighbours, and 1 where one is."""
    window = g.a.window_size
    steps = g.op("Gather", g.op("Shape", "ids"), g.constant(np.asarray(1)), axis=0)
    places = g.op("Range", g.constant(np.asarray(0)), steps, g.constant(np.asarray(1)))
    offsets = g.constant(np.arange(-window, window + 1))
    index = g.op("Add", g.op("Unsqueeze", places, g.ints(1)), offsets)
    last = g.op("Sub", steps, g.constant(np.asarray(1)))
    clipped = g.op("Clip", index, g.constant(np.asarray(0)), last)
    inside = g.op("Cast", g.op("Equal", index, clipped), to=TensorProto.FLOAT)
    shape = g.op(
        "Concat",
        *(g.ints(1, g.a.n_heads), g.op("Unsqueeze", steps, g.ints(0)), g.ints(2 * window + 1)),
        axis=0,
    )
    return g.op("Expand", clipped, shape), inside


def _attention(g: GraphWriter, x: str, name: str, near: str, inside: str) -> str:
    """See :class:`vits.nn.text_encoder.RelativeSelfAttention`."""
    head = g.a.hidden_channels // g.a.n_heads
    split = g.ints(1, g.a.n_heads, head, -1)
    q, k, v = (g.op("Reshape", g.conv(x, f"{name}.conv_{part}"), split) for part in "qkv")
    q = g.op("Transpose", q, perm=[0, 1, 3, 2])
    q = g.op("Div", q, g.constant(math.sqrt(head)))
    keys = g.op("Transpose", g.weight(f"{name}.emb_rel_k"), perm=[0, 2, 1])
    by_distance = g.op("Mul", g.op("MatMul", q, keys), inside)
    scores = g.op("MatMul", q, k)
    scores = g.op("ScatterElements", scores, near, by_distance, axis=3, reduction="add")
    weights = g.op("Softmax", scores, axis=-1)
    close = g.op("Mul", g.op("GatherElements", weights, near, axis=3), inside)
    mixed = g.op("MatMul", weights, g.op("Transpose", v, perm=[0, 1, 3, 2]))
    mixed = g.op("Add", mixed, g.op("MatMul", close, g.weight(f"{name}.emb_rel_v")))
    joined = g.op("Transpose", mixed, perm=[0, 1, 3, 2])
    joined = g.op("Reshape", joined, g.ints(1, g.a.hidden_channels, -1))
    return g.conv(joined, f"{name}.conv_o")
