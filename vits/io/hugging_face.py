"""Hugging Face ``VitsModel`` folders, such as the MMS voices of a thousand languages.

The network is the original's with other names; the table below is the whole difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError, safe_open

from vits.arrays import F32
from vits.config import Defaults, TextFront, VoiceConfig
from vits.errors import BadCheckpoint
from vits.io.folder import float_tensor
from vits.io.infer import measure
from vits.io.kinds import Checkpoint, Fields
from vits.io.original import fused
from vits.io.pickled import Pickled, is_torch
from vits.io.program import TensorAt

_NAMES = (
    (r"text_encoder\.embed_tokens\.", "enc_p.emb."),
    (r"text_encoder\.encoder\.layers\.(\d+)\.attention\.([qkv])_proj\.", r"@\1.conv_\2."),
    (r"text_encoder\.encoder\.layers\.(\d+)\.attention\.out_proj\.", r"@\1.conv_o."),
    (r"text_encoder\.encoder\.layers\.(\d+)\.attention\.", r"@\1."),
    (r"@", "enc_p.encoder.attn_layers."),
    (r"text_encoder\.encoder\.layers\.(\d+)\.layer_norm\.", r"enc_p.encoder.norm_layers_1.\1."),
    (
        r"text_encoder\.encoder\.layers\.(\d+)\.final_layer_norm\.",
        r"enc_p.encoder.norm_layers_2.\1.",
    ),
    (r"text_encoder\.encoder\.layers\.(\d+)\.feed_forward\.", r"enc_p.encoder.ffn_layers.\1."),
    (r"text_encoder\.project\.", "enc_p.proj."),
    (r"posterior_encoder\.", "enc_q."),
    (r"decoder\.upsampler\.", "dec.ups."),
    (r"decoder\.", "dec."),
    (r"duration_predictor\.", "dp."),
    (r"embed_speaker\.", "emb_g."),
    (r"^(flow|enc_q)\.(flows\.\d+\.)?conv_pre\.", r"\1.\2pre."),
    (r"^flow\.(flows\.\d+\.)conv_post\.", r"flow.\1post."),
    (r"^enc_q\.conv_proj\.", "enc_q.proj."),
    (r"\.wavenet\.", ".enc."),
    (r"^dp\.(.*\.)?(post_)?conv_(pre|proj|dds)\.", r"dp.\1\2\3."),
    (r"^dp\.(.*\.)?(post_)?dds\.", r"dp.\1\2convs."),
    (r"\.convs_dilated\.", ".convs_sep."),
    (r"\.convs_pointwise\.", ".convs_1x1."),
    (r"\.translate$", ".m"),
    (r"\.log_scale$", ".logs"),
    (r"(norm[^.]*(?:\.\d+)?)\.weight$", r"\1.gamma"),
    (r"(norm[^.]*(?:\.\d+)?)\.bias$", r"\1.beta"),
)
_NAMES_COMPILED = tuple((re.compile(pattern), new) for pattern, new in _NAMES)


def _table(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


# ISO 639-3, as MMS names languages, where the two-letter code is better known.
_ISO = _table(
    "ara:ar ben:bn bul:bg cat:ca ces:cs cmn:zh dan:da deu:de ell:el eng:en est:et fas:fa "
    "fin:fi fra:fr heb:he hin:hi hun:hu ind:id isl:is ita:it jpn:ja kan:kn kor:ko lav:lv "
    "lit:lt mal:ml mar:mr msa:ms nld:nl nor:no pol:pl por:pt ron:ro rus:ru slk:sk spa:es "
    "swe:sv swh:sw tam:ta tel:te tgl:tl tha:th tur:tr ukr:uk urd:ur vie:vi yor:yo yue:yue"
)


def our_name(name: str) -> str:
    """Hugging Face's name of a tensor as :mod:`vits.layout` has it."""
    for pattern, new in _NAMES_COMPILED:
        name = pattern.sub(new, name)

    def renumbered(match: re.Match[str]) -> str:
        """Flips were layers of their own in the original, so its numbers run on."""
        kind, number = match.group(1), int(match.group(2))
        if kind == "flow.flows.":
            return f"{kind}{2 * number}."
        return f"{kind}{2 * number - 1 if number else 0}."

    return re.sub(r"^(flow\.flows\.|dp\.(?:post_)?flows\.)(\d+)\.", renumbered, name)


def is_hugging_face(folder: Path) -> bool:
    """Whether this folder's ``config.json`` is a VitsModel's."""
    try:
        about = Fields.of_file(folder / "config.json")
        return about.text("model_type", "") == "vits"
    except BadCheckpoint:
        return False


def is_safetensors(path: Path) -> bool:
    """Whether this file begins as one of safetensors does: the size of its header, and JSON."""
    with path.open("rb") as file:
        begin = file.read(9)
    return begin[6:] == b"\0\0{"


def read_hugging_face(folder: Path, name: str, weights: Path) -> Checkpoint:
    """A folder of config.json, vocab.json and weights (model.safetensors or pytorch_model.bin).

    Raises:
        BadCheckpoint: a file is missing or damaged, or the network is of another form.
    """
    about = Fields.of_file(folder / "config.json")
    if about.whole("wavenet_dilation_rate", 1) != 1 or about.text("hidden_act", "relu") != "relu":
        raise BadCheckpoint("config.json: dilated WaveNets and other activations are not supported")
    tensors = fused({our_name(key): tensor for key, tensor in _tensors(weights).items()})
    # Attention is four linear layers there, convolutions of width one in the original.
    for key, tensor in tensors.items():
        if re.search(r"attn_layers\.\d+\.conv_.\.weight$", key) and tensor.ndim == 2:
            tensors[key] = tensor[:, :, None]
    kind = about.text("resblock", "1")
    rows = about.whole_rows("resblock_dilation_sizes")
    measured = measure(
        {key: tensor.shape for key, tensor in tensors.items()},
        upsample_rates=about.wholes("upsample_rates"),
        resblock_dilation_sizes=tuple(row[:2] for row in rows) if kind == "2" else rows,
        spec_channels=about.whole("spectrogram_bins", 513),
        dp_tail_bound=about.number("duration_predictor_tail_bound", 5.0),
        leaky_slope=about.number("leaky_relu_slope", 0.1),
    )
    front, languages = _front(folder)
    config = VoiceConfig(
        name=name,
        languages=languages,
        rate_hz=about.whole("sampling_rate", 16_000),
        front=front,
        architecture=measured,
        defaults=Defaults(
            noise_scale=about.number("noise_scale", 0.667),
            noise_w=about.number("noise_scale_duration", 0.8),
            length_scale=1 / max(0.1, about.number("speaking_rate", 1.0)),
        ),
        win=2 * (measured.spec_channels - 1),
        made_with="Hugging Face VitsModel",
    )
    return Checkpoint(config, tensors)


def _tensors(weights: Path) -> dict[str, F32]:
    if is_torch(weights):
        pickled = Pickled(weights)
        if not isinstance(pickled.value, Mapping):
            raise BadCheckpoint(f"{weights.name} holds no network")
        pairs = pickled.value.items()
        return pickled.arrays({str(key): at for key, at in pairs if isinstance(at, TensorAt)})
    try:
        with safe_open(weights, framework="numpy") as file:
            return {key: float_tensor(file, key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BadCheckpoint(f"{weights.name} is damaged or cut short") from error


def _front(folder: Path) -> tuple[TextFront, tuple[str, ...]]:
    vocabulary = Fields.of_file(folder / "vocab.json").root_table()
    tokenizer = folder / "tokenizer_config.json"
    about = Fields.of_file(tokenizer) if tokenizer.is_file() else Fields({}, tokenizer.name)
    front = TextFront(
        kind="vocabulary",
        symbols={symbol: (row,) for symbol, row in vocabulary.items()},
        add_blank=about.flag("add_blank", True),
        lower_case=about.flag("normalize", True),
        romanize=about.flag("is_uroman", False),
    )
    if about.flag("phonemize", False):
        front = replace(front, espeak_voice="en-us")  # all that its tokenizer knows
    language = about.text("language", "") if "language" in about else ""
    tag = _ISO.get(language.split("-")[0], language)
    return front, (tag,) if tag else ()
