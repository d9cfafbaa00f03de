"""Tiny voices with random weights, in every form that a configuration can name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vits import layout
from vits.arrays import F32
from vits.config import Architecture, TextFront, VoiceConfig

PLAIN = Architecture(
    n_symbols=20,
    inter_channels=8,
    hidden_channels=12,
    filter_channels=16,
    n_heads=2,
    n_layers=2,
    kernel_size=3,
    window_size=4,
    resblock="2",
    resblock_kernel_sizes=(3, 5),
    resblock_dilation_sizes=((1, 2), (2, 6)),
    upsample_rates=(4, 2),
    upsample_kernel_sizes=(8, 4),
    upsample_initial_channel=16,
    spec_channels=17,
    flow_n_flows=2,
    flow_n_layers=2,
    dp_filter_channels=10,
)

FORMS: dict[str, Architecture] = {
    "one speaker": PLAIN,
    "three speakers": replace(PLAIN, n_speakers=3, gin_channels=6),
    "posterior": replace(
        PLAIN, n_speakers=3, gin_channels=6, has_posterior=True, posterior_n_layers=3
    ),
    "large blocks": replace(
        PLAIN,
        resblock="1",
        resblock_kernel_sizes=(3, 7, 11),
        resblock_dilation_sizes=((1, 3, 5),) * 3,
        upsample_rates=(8, 8, 2, 2),
        upsample_kernel_sizes=(16, 16, 4, 4),
        upsample_initial_channel=32,
    ),
    "fixed durations": replace(PLAIN, use_sdp=False, dp_filter_channels=14),
    "fixed durations, speakers": replace(
        PLAIN, use_sdp=False, dp_filter_channels=14, n_speakers=2, gin_channels=5
    ),
    "odd sizes": replace(
        PLAIN,
        n_heads=3,
        window_size=2,
        kernel_size=4,
        resblock_kernel_sizes=(5,),
        resblock_dilation_sizes=((3, 1),),
        upsample_rates=(5, 3),
        upsample_kernel_sizes=(11, 3),
        flow_kernel_size=3,
        dp_n_bins=7,
        dp_n_flows=3,
    ),
}


def tiny_tensors(a: Architecture, seed: int = 0, *, training: bool = False) -> dict[str, F32]:
    """Random weights of every tensor that speaks, and if asked those that only train."""
    random = np.random.default_rng(seed)
    shapes = layout.speaking(a)
    extra = layout.training_only(a)
    if not training:
        extra = {n: s for n, s in extra.items() if a.has_posterior and n.startswith("enc_q.")}
    elif not a.has_posterior:
        extra = {n: s for n, s in extra.items() if not n.startswith("enc_q.")}
    tensors = {}
    for name, shape in {**shapes, **extra}.items():
        fan_in = int(np.prod(shape[1:])) or 1
        spread = 0.3 if len(shape) == 1 else 1 / np.sqrt(fan_in)
        tensors[name] = random.normal(0, spread, shape).astype(np.float32)
        if name.endswith("gamma"):
            tensors[name] += 1
    # Durations of a few frames, as a voice has them.
    for name in ("dp.flows.0.m", "dp.proj.bias"):
        if name in tensors and tensors[name].size <= 2:
            tensors[name] = np.full(tensors[name].shape, 1.0, np.float32)
    return tensors


def tiny_config(a: Architecture, name: str = "tiny") -> VoiceConfig:
    """A voice of letters."""
    symbols = {"_": (0,), "^": (1,), "$": (2,), **{chr(97 + i): (3 + i,) for i in range(17)}}
    speakers = {f"speaker {i}": i for i in range(a.n_speakers)}
    return VoiceConfig(name, ("en",), 22_050, TextFront("characters", symbols), a, speakers, win=32)
