"""Piper voices: an ONNX graph beside an ``.onnx.json``. Read, never run, and without torch.

The exporter fuses weight norm and loses names, so a tensor is named by the node that uses it:
``/flow/flows.0/enc/in_layers.1/Conv`` reads ``flow.flows.0.enc.in_layers.1.weight``. Only sizes
that no shape shows, strides and dilations, come from node attributes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs

from vits.arrays import F32
from vits.config import Defaults, FrontKind, TextFront, VoiceConfig
from vits.errors import BadCheckpoint
from vits.io.infer import measure
from vits.io.kinds import Checkpoint, Fields, fuse, shown

_FRONTS: Mapping[str, FrontKind] = {
    "espeak": "espeak",
    "text": "characters",
    "pinyin": "pinyin",
}
_DTYPES: Mapping[int, type[np.floating[Any]]] = {
    onnx.TensorProto.FLOAT: np.float32,
    onnx.TensorProto.FLOAT16: np.float16,
}


def read_piper(model: Path, settings: Path, name: str) -> Checkpoint:
    """A Piper voice of any quality and any number of speakers.

    Raises:
        BadCheckpoint: a file is damaged, or not a Piper voice; the message says what is wrong.
    """
    about = Fields.of_file(settings)
    graph = _graph(model)
    tensors = _named_tensors(graph)
    nodes = {_module(node): node for node in graph.node if node.op_type in _WEIGHTED}
    rates: list[int] = []
    while (up := nodes.get(f"dec.ups.{len(rates)}")) is not None:
        rates.append(_attribute(up, "strides")[0])
    architecture = measure(
        {key: tensor.shape for key, tensor in tensors.items()},
        upsample_rates=tuple(rates),
        resblock_dilation_sizes=_dilations(nodes, len(rates)),
    )
    config = VoiceConfig(
        name=name,
        languages=_languages(about),
        rate_hz=about.child("audio").whole("sample_rate"),
        front=_front(about),
        architecture=architecture,
        speakers=about.table("speaker_id_map") if architecture.n_speakers else {},
        defaults=_defaults(about.child("inference")),
        made_with="Piper ONNX",
    )
    return Checkpoint(config, tensors)


def _graph(model: Path) -> onnx.GraphProto:
    try:
        # Tensors stored in other files could name any path on this machine: never followed.
        proto = onnx.load_model_from_string(model.read_bytes())
    except (OSError, DecodeError, ValueError) as error:
        raise BadCheckpoint(f"{model.name} is not a readable ONNX file") from error
    if not proto.graph.node:
        raise BadCheckpoint(f"{model.name} holds no network: is it cut short?")
    names = [each.name for each in proto.graph.initializer]
    names += [n for x in proto.graph.node for n in (x.name, x.op_type, *x.input, *x.output)]
    if not all(isinstance(name, str) for name in names):  # bytes, where they are no UTF-8
        raise BadCheckpoint(f"{model.name} is damaged")
    return proto.graph


_WEIGHTED = ("Conv", "ConvTranspose")


def _module(node: onnx.NodeProto) -> str:
    """``/dec/ups.0/ConvTranspose`` -> ``dec.ups.0``."""
    return ".".join(node.name.strip("/").split("/")[:-1])


def _named_tensors(graph: onnx.GraphProto) -> dict[str, F32]:
    stored = {initial.name: initial for initial in graph.initializer}
    for node in graph.node:
        if not node.output:
            continue
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            stored[node.output[0]] = node.attribute[0].t
        if node.op_type == "Identity" and node.input and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]  # equal tensors are stored once
    uses = dict(_uses(graph))
    plain = {n: n for n in stored if n.startswith(("enc_p.", "dp.", "flow.", "dec.", "emb_g."))}
    wanted = {name: key for name, key in (plain | uses).items() if key in stored}
    tensors = {name: _array(stored[key], name) for name, key in wanted.items()}
    logs, folded = "dp.flows.0.logs", "/dp/flows.0/Exp_output_0"
    if logs not in tensors and folded in stored:
        tensors[logs] = -np.log(_array(stored[folded], logs))  # the graph keeps exp(-logs)
    return _fused(tensors)


def _uses(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """(our name, name in the graph) of every weight, bias and embedding that a node reads."""
    for node in graph.node:
        if node.op_type in _WEIGHTED:
            for key, part in zip(node.input[1:], ("weight", "bias"), strict=False):
                yield f"{_module(node)}.{part}", key
        elif node.op_type == "Gather" and node.input and _module(node) in ("enc_p.emb", "emb_g"):
            yield f"{_module(node)}.weight", node.input[0]


def _array(tensor: onnx.TensorProto, name: str) -> F32:
    """The numbers of a tensor, float32, once its claimed size is found to be true."""
    dtype = _DTYPES.get(tensor.data_type)
    if dtype is None or tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise BadCheckpoint(
            f"{shown(name)} is quantised or stored elsewhere; only plain floats are read"
        )
    claimed = math.prod(tensor.dims) if tensor.dims else 1
    if tensor.raw_data:
        array = np.frombuffer(tensor.raw_data, dtype) if _whole(tensor, dtype) else np.empty(0)
    else:
        array = np.asarray(tensor.float_data, np.float32)
    if array.size != claimed or len(tensor.dims) > 8 or min(tensor.dims, default=0) < 0:
        raise BadCheckpoint(
            f"{shown(name)} claims {list(tensor.dims)[:9]} but holds {array.size} numbers"
        )
    return array.reshape(tuple(tensor.dims)).astype(np.float32)


def _whole(tensor: onnx.TensorProto, dtype: type[np.floating[Any]]) -> bool:
    return len(tensor.raw_data) % np.dtype(dtype).itemsize == 0


def _fused(tensors: dict[str, F32]) -> dict[str, F32]:
    """Weight norm (Salimans and Kingma 2016), w = g v / |v|, where an export left it apart."""
    for name in [name for name in tensors if name.endswith(".weight_v")]:
        base = name.removesuffix("_v")
        tensors[base] = fuse(tensors.pop(f"{base}_g", None), tensors.pop(name), base)
    return tensors


def _attribute(node: onnx.NodeProto, name: str) -> tuple[int, ...]:
    return next((tuple(a.ints) for a in node.attribute if a.name == name and a.ints), (1,))


def _dilations(nodes: Mapping[str, onnx.NodeProto], stages: int) -> tuple[tuple[int, ...], ...]:
    rows: list[tuple[int, ...]] = []
    while True:
        row: list[int] = []
        for stack in ("convs1", "convs"):
            while (n := nodes.get(f"dec.resblocks.{len(rows)}.{stack}.{len(row)}")) is not None:
                row.append(_attribute(n, "dilations")[0])
        if not row:
            # Every stage repeats the same blocks.
            return tuple(rows[: max(1, len(rows) // max(1, stages))])
        rows.append(tuple(row))


def _languages(about: Fields) -> tuple[str, ...]:
    code = about.child("language").text("code", "") or about.child("espeak").text("voice", "")
    return (code.replace("_", "-"),) if code else ()


def _front(about: Fields) -> TextFront:
    symbols = about.id_lists("phoneme_id_map")
    kind = _FRONTS.get(about.text("phoneme_type", "espeak"))
    if kind is None:
        raise BadCheckpoint(f"phoneme type {about.text('phoneme_type')!r} is not supported")
    return TextFront(
        kind=kind,
        symbols=symbols,
        espeak_voice=about.child("espeak").text("voice", "") if kind == "espeak" else "",
        clusters=about.text_rows("vowel_clusters"),
    )


def _defaults(inference: Fields) -> Defaults:
    plain = Defaults()
    return Defaults(
        noise_scale=inference.number("noise_scale", plain.noise_scale),
        noise_w=inference.number("noise_w", plain.noise_w),
        length_scale=inference.number("length_scale", plain.length_scale),
    )
