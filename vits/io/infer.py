"""The sizes of a VITS, measured from its tensors: most are there to be read off.

What shapes cannot tell (upsampling rates, dilations) each format says in its own way and passes in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vits.config import Architecture
from vits.errors import BadCheckpoint

Shape = tuple[int, ...]


def measure(
    shapes: Mapping[str, Shape],
    *,
    upsample_rates: tuple[int, ...],
    resblock_dilation_sizes: tuple[tuple[int, ...], ...],
    spec_channels: int = 513,
    dp_tail_bound: float = 5.0,
    leaky_slope: float = 0.1,
) -> Architecture:
    """The architecture whose tensors these are (names as in :mod:`vits.layout`).

    Raises:
        BadCheckpoint: a tensor that tells a size is missing or has another number of axes.
    """

    def size(name: str, axis: int, axes: int = 3) -> int:
        shape = shapes.get(name)
        if shape is None:
            raise BadCheckpoint(f"this is not a VITS we know: tensor {name} is missing")
        if len(shape) != axes:
            raise BadCheckpoint(f"{name} has {len(shape)} axes, expected {axes}")
        return shape[axis]

    def count(pattern: str) -> int:
        """One more than the highest number at the place marked # in the names."""
        regex = re.compile(re.escape(pattern).replace("\\#", r"(\d{1,4})"))
        found = [int(m.group(1)) for m in map(regex.match, shapes) if m]
        return max(found, default=-1) + 1

    hidden = size("enc_p.emb.weight", 1, 2)
    relative = "enc_p.encoder.attn_layers.0.emb_rel_k"
    first_ffn = "enc_p.encoder.ffn_layers.0.conv_1.weight"
    blocks = max(1, count("dec.resblocks.#.") // max(1, count("dec.ups.#.weight")))
    kind = "1" if "dec.resblocks.0.convs1.0.weight" in shapes else "2"
    stack = "convs1" if kind == "1" else "convs"
    sdp = "dp.flows.0.m" in shapes
    spline = f"dp.flows.{max(1, count('dp.flows.#.') - 1)}.proj.weight"
    coupling = "flow.flows.0.enc.in_layers"
    posterior = "enc_q.enc.in_layers.0.weight" in shapes
    return Architecture(
        n_symbols=size("enc_p.emb.weight", 0, 2),
        inter_channels=size("enc_p.proj.weight", 0) // 2,
        hidden_channels=hidden,
        filter_channels=size(first_ffn, 0),
        n_heads=max(1, hidden // max(1, size(relative, 2))),
        n_layers=count("enc_p.encoder.attn_layers.#."),
        kernel_size=size(first_ffn, 2),
        window_size=(size(relative, 1) - 1) // 2,
        resblock="1" if kind == "1" else "2",
        resblock_kernel_sizes=tuple(
            size(f"dec.resblocks.{j}.{stack}.0.weight", 2) for j in range(blocks)
        ),
        resblock_dilation_sizes=resblock_dilation_sizes,
        upsample_rates=upsample_rates,
        upsample_kernel_sizes=tuple(
            size(f"dec.ups.{i}.weight", 2) for i in range(count("dec.ups.#.weight"))
        ),
        upsample_initial_channel=size("dec.conv_pre.weight", 0),
        use_sdp=sdp,
        n_speakers=size("emb_g.weight", 0, 2) if "emb_g.weight" in shapes else 0,
        gin_channels=size("emb_g.weight", 1, 2) if "emb_g.weight" in shapes else 0,
        spec_channels=size("enc_q.pre.weight", 1) if posterior else spec_channels,
        flow_n_flows=(count("flow.flows.#.") + 1) // 2,
        flow_n_layers=count(f"{coupling}.#.weight"),
        flow_kernel_size=size(f"{coupling}.0.weight", 2),
        posterior_n_layers=count("enc_q.enc.in_layers.#.weight") if posterior else 16,
        posterior_kernel_size=size("enc_q.enc.in_layers.0.weight", 2) if posterior else 5,
        dp_filter_channels=size("dp.pre.weight" if sdp else "dp.conv_1.weight", 0),
        dp_kernel_size=size("dp.convs.convs_sep.0.weight" if sdp else "dp.conv_1.weight", 2),
        dp_n_flows=count("dp.flows.#.") // 2 if sdp else 4,
        dp_n_bins=(size(spline, 0) + 1) // 3 if sdp else 10,
        dp_dds_layers=count("dp.convs.convs_sep.#.weight") if sdp else 3,
        dp_tail_bound=dp_tail_bound,
        has_posterior=posterior,
        leaky_slope=leaky_slope,
    )
