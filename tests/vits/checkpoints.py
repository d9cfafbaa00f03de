"""Tiny checkpoints in every format that can be imported, written the way their makers write them.

(The importers were also run against the makers' own code: models built by jaywalnut310/vits,
VITS-fast-fine-tuning and transformers' VitsModel, with and without speakers, saved by them, and
compared sample for sample on the same noise.)
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from safetensors.numpy import save_file

from tests.vits.tiny import tiny_tensors
from vits.arrays import F32
from vits.config import Architecture

SYMBOLS = ["_", ",", ".", " ", *"abcdefghijklmnop"]


def with_weight_norm(tensors: dict[str, F32], *, new: bool = False) -> dict[str, F32]:
    """Weights of decoder, flow and posterior encoder as g and v, the way training has them."""
    normed = re.compile(r"(dec\.(ups|resblocks)|(flow|enc_q).*(in_layers|res_skip|cond)).*weight$")
    out = {}
    for name, tensor in tensors.items():
        if not normed.match(name):
            out[name] = tensor
            continue
        norm = np.sqrt(np.square(tensor).sum(axis=(1, 2), keepdims=True))
        base = name.removesuffix("weight")
        g, v = (
            ("parametrizations.weight.original0", "parametrizations.weight.original1")
            if new
            else ("weight_g", "weight_v")
        )
        out[base + g], out[base + v] = norm, tensor * 3
    return out


def original_settings(a: Architecture, cleaners: str = "basic_cleaners") -> dict[str, object]:
    """A configuration as MoeGoe and VITS-fast-fine-tuning write it."""
    rows = [[*row, 7][:3] for row in a.resblock_dilation_sizes]  # the original always has three
    return {
        "train": {"learning_rate": 2e-4},
        "data": {
            "text_cleaners": [cleaners],
            "sampling_rate": 22_050,
            "filter_length": 2 * (a.spec_channels - 1),
            "hop_length": a.hop,
            "win_length": 2 * (a.spec_channels - 1),
            "add_blank": True,
            "n_speakers": a.n_speakers,
        },
        "model": {
            "resblock": a.resblock,
            "resblock_dilation_sizes": rows,
            "upsample_rates": list(a.upsample_rates),
        },
        "symbols": SYMBOLS,
    }


def write_original(
    folder: Path,
    a: Architecture,
    *,
    old: bool = False,
    new_norm: bool = False,
    speakers: object = None,
    settings_name: str = "config.json",
    weights_name: str = "G_100.pth",
) -> Path:
    """A .pth with its optimizer, and a JSON configuration."""
    folder.mkdir(exist_ok=True)
    tensors = with_weight_norm(tiny_tensors(a, training=True), new=new_norm)
    model = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    weights = [torch.nn.Parameter(tensor.clone()) for tensor in list(model.values())[:2]]
    optimizer = torch.optim.AdamW(weights, 1e-3)
    weights[0].sum().backward()
    optimizer.step()
    checkpoint = {
        "model": model,
        "iteration": 7,
        "optimizer": optimizer.state_dict(),
        "learning_rate": 1e-3,
    }
    path = folder / weights_name
    torch.save(checkpoint, path, _use_new_zipfile_serialization=not old)
    settings = original_settings(a) | ({} if speakers is None else {"speakers": speakers})
    (folder / settings_name).write_text(json.dumps(settings, ensure_ascii=False), "utf-8")
    return path


def piper_model(a: Architecture) -> onnx.ModelProto:
    """Piper's graph as far as its names go: weights are anonymous, nodes are named by module."""
    tensors = tiny_tensors(a)
    nodes, stored = [], []
    dilations = {
        f"dec.resblocks.{stage * len(a.resblock_kernel_sizes) + j}.{stack}.{k}": row[k]
        for stage in range(len(a.upsample_rates))
        for j, row in enumerate(a.resblock_dilation_sizes)
        for k in range(len(row))
        for stack in ("convs", "convs1")
    }
    for number, (name, tensor) in enumerate(tensors.items()):
        module, _, part = name.rpartition(".")
        place = "/" + module.replace(".", "/").replace("/layers/", "/layers.")
        place = re.sub(r"/(\d+)", r".\1", place)
        if part == "weight" and "emb" in module:
            key = "sid" if module == "enc_p.emb" else name  # the exporter's odd choice
            stored.append(numpy_helper.from_array(tensor, key))
            ends = [key, "input"], [f"o{number}"]
            nodes.append(helper.make_node("Gather", *ends, f"{place}/Gather"))
        elif part == "weight":
            up = module.startswith("dec.ups.")
            kind = "ConvTranspose" if up else "Conv"
            attributes = {"dilations": [dilations.get(module, 1)]}
            if up:
                attributes["strides"] = [a.upsample_rates[int(module.rsplit(".", 1)[1])]]
            key = f"onnx::Conv_{number}"
            stored.append(numpy_helper.from_array(tensor, key))
            inputs = ["x", key, *([f"{module}.bias"] if f"{module}.bias" in tensors else [])]
            nodes.append(
                helper.make_node(kind, inputs, [f"o{number}"], f"{place}/{kind}", **attributes)
            )
        elif name == "dp.flows.0.logs":
            stored.append(numpy_helper.from_array(np.exp(-tensor), "/dp/flows.0/Exp_output_0"))
        else:
            stored.append(numpy_helper.from_array(tensor, name))
    graph = helper.make_graph(nodes, "piper", [], [], initializer=stored)
    return helper.make_model(graph)


def write_piper(folder: Path, a: Architecture) -> Path:
    """A Piper voice."""
    folder.mkdir(exist_ok=True)
    path = folder / "xx-tiny.onnx"
    onnx.save(piper_model(a), str(path))
    settings = {
        "audio": {"sample_rate": 16_000},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US"},
        "inference": {"noise_scale": 0.3, "length_scale": 1.1, "noise_w": 0.4},
        "phoneme_id_map": {symbol: [row] for row, symbol in enumerate("_^$ əhlobatck")},
        "num_speakers": a.n_speakers,
        "speaker_id_map": {f"speaker {i}": i for i in range(a.n_speakers)},
    }
    Path(f"{path}.json").write_text(json.dumps(settings))
    return path


def hugging_face_name(name: str) -> str:
    """The name that transformers' VitsModel has for one of our tensors."""
    attention = re.match(r"enc_p\.encoder\.attn_layers\.(\d+)\.(conv_(.)\.)?(.*)", name)
    if attention:
        part = {"o": "out_proj.", None: ""}.get(attention[3], f"{attention[3]}_proj.")
        return f"text_encoder.encoder.layers.{attention[1]}.attention.{part}{attention[4]}"
    if "flows." in name and not name.startswith("dec"):
        name = re.sub(r"flows\.(\d+)", _hugging_face_number, name)
    changes = [
        (r"enc_p\.emb\.", "text_encoder.embed_tokens."),
        (r"enc_p\.proj\.", "text_encoder.project."),
        (r"enc_p\.encoder\.norm_layers_1\.(\d+)", r"enc_p.encoder.layers.\1.layer_norm"),
        (r"enc_p\.encoder\.norm_layers_2\.(\d+)", r"enc_p.encoder.layers.\1.final_layer_norm"),
        (r"enc_p\.encoder\.ffn_layers\.(\d+)", r"enc_p.encoder.layers.\1.feed_forward"),
        (r"^enc_p\.encoder", "text_encoder.encoder"),
        (r"^dec\.ups\.", "decoder.upsampler."),
        (r"^dec\.", "decoder."),
        (r"^emb_g\.", "embed_speaker."),
        (r"^enc_q\.(pre|proj)\.", r"posterior_encoder.conv_\1."),
        (r"^enc_q\.enc\.", "posterior_encoder.wavenet."),
        (r"^flow\.(flows\.\d+)\.(pre|post)\.", r"flow.\1.conv_\2."),
        (r"^flow\.(flows\.\d+)\.enc\.", r"flow.\1.wavenet."),
        (r"^dp\.((?:post_)?flows\.\d+\.|post_)?(pre|proj)\.", r"duration_predictor.\1conv_\2."),
        (r"^dp\.((?:post_)?flows\.\d+\.|post_)?convs\.", r"duration_predictor.\1conv_dds."),
        (r"^dp\.", "duration_predictor."),
        (r"convs_sep", "convs_dilated"),
        (r"convs_1x1", "convs_pointwise"),
        (r"\.m$", ".translate"),
        (r"\.logs$", ".log_scale"),
        (r"gamma$", "weight"),
        (r"beta$", "bias"),
    ]
    for pattern, new in changes:
        name = re.sub(pattern, new, name)
    return name


def _hugging_face_number(match: re.Match[str]) -> str:
    number = int(match[1])
    coupling = match.string.startswith("flow.")
    return f"flows.{number // 2 if coupling else (number + 1) // 2}"


def write_hugging_face(folder: Path, a: Architecture, *, pickled: bool = False) -> Path:
    """A VitsModel folder, as ``save_pretrained`` makes it."""
    folder.mkdir(exist_ok=True)
    tensors = {}
    for name, tensor in tiny_tensors(a).items():
        linear = re.search(r"attn_layers\.\d+\.conv_.\.weight$", name)
        tensors[hugging_face_name(name)] = tensor[:, :, 0] if linear else tensor
    if not a.use_sdp:
        last = "duration_predictor."
        tensors = {n.replace(f"{last}conv_proj.", f"{last}proj."): t for n, t in tensors.items()}
    if pickled:
        state = {n: torch.from_numpy(t.copy()) for n, t in tensors.items()}
        torch.save(state, folder / "pytorch_model.bin")
    else:
        save_file({n: t.copy() for n, t in tensors.items()}, folder / "model.safetensors")
    settings = {
        "model_type": "vits",
        "upsample_rates": list(a.upsample_rates),
        "resblock_dilation_sizes": [list(row) for row in a.resblock_dilation_sizes],
        "resblock": a.resblock,
        "sampling_rate": 16_000,
        "spectrogram_bins": a.spec_channels,
        "speaking_rate": 0.8,
        "noise_scale": 0.5,
        "noise_scale_duration": 0.6,
    }
    (folder / "config.json").write_text(json.dumps(settings))
    letters = {symbol: row for row, symbol in enumerate(SYMBOLS)}
    (folder / "vocab.json").write_text(json.dumps(letters))
    tokenizer = {"add_blank": True, "normalize": True, "phonemize": False, "language": "eng"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder
