"""Which tensors a VITS of given sizes has, by their names in jaywalnut310/vits, weight norm fused.

The one table that importers, engines and the PyTorch model are held against. Convolution weights
are (out, in / groups, kernel); those of transposed convolutions (in, out, kernel).

The parts, and the sections of the VITS paper that describe them:

- ``enc_p`` text encoder (2.1.3, appendix B.1), ``dp`` duration predictor (2.2.2, B.2)
- ``flow`` the prior's normalizing flow (2.1.3), ``dec`` HiFi-GAN generator (2.3)
- ``enc_q`` posterior encoder (2.1.2): for training and voice conversion, not needed to speak
- ``emb_g`` speaker vectors
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vits.config import Architecture

Shape = tuple[int, ...]
Shapes = dict[str, Shape]


def _conv(name: str, out: int, inp: int, kernel: int = 1, *, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (out, inp, kernel)}
    if bias:
        shapes[f"{name}.bias"] = (out,)
    return shapes


def _norm(name: str, channels: int) -> Shapes:
    return {f"{name}.gamma": (channels,), f"{name}.beta": (channels,)}


def _text_encoder(a: Architecture) -> Shapes:
    hidden, head = a.hidden_channels, a.hidden_channels // a.n_heads
    shapes: Shapes = {"enc_p.emb.weight": (a.n_symbols, hidden)}
    for i in range(a.n_layers):
        at = f"enc_p.encoder.attn_layers.{i}"
        shapes |= {f"{at}.emb_rel_{kv}": (1, 2 * a.window_size + 1, head) for kv in "kv"}
        for which in "qkvo":
            shapes |= _conv(f"{at}.conv_{which}", hidden, hidden)
        ffn = f"enc_p.encoder.ffn_layers.{i}"
        shapes |= _conv(f"{ffn}.conv_1", a.filter_channels, hidden, a.kernel_size)
        shapes |= _conv(f"{ffn}.conv_2", hidden, a.filter_channels, a.kernel_size)
        shapes |= _norm(f"enc_p.encoder.norm_layers_1.{i}", hidden)
        shapes |= _norm(f"enc_p.encoder.norm_layers_2.{i}", hidden)
    return shapes | _conv("enc_p.proj", 2 * a.inter_channels, hidden)


def _wavenet(name: str, a: Architecture, layers: int, kernel: int) -> Shapes:
    hidden = a.hidden_channels
    shapes: Shapes = {}
    for i in range(layers):
        shapes |= _conv(f"{name}.in_layers.{i}", 2 * hidden, hidden, kernel)
        out = hidden if i == layers - 1 else 2 * hidden
        shapes |= _conv(f"{name}.res_skip_layers.{i}", out, hidden)
    if a.gin_channels:
        shapes |= _conv(f"{name}.cond_layer", 2 * hidden * layers, a.gin_channels)
    return shapes


def _flow(a: Architecture) -> Shapes:
    half, shapes = a.inter_channels // 2, Shapes()
    for i in range(0, 2 * a.flow_n_flows, 2):  # the odd ones flip the channels and own nothing
        at = f"flow.flows.{i}"
        shapes |= _conv(f"{at}.pre", a.hidden_channels, half)
        shapes |= _wavenet(f"{at}.enc", a, a.flow_n_layers, a.flow_kernel_size)
        shapes |= _conv(f"{at}.post", half, a.hidden_channels)
    return shapes


def _posterior(a: Architecture) -> Shapes:
    return (
        _conv("enc_q.pre", a.hidden_channels, a.spec_channels)
        | _wavenet("enc_q.enc", a, a.posterior_n_layers, a.posterior_kernel_size)
        | _conv("enc_q.proj", 2 * a.inter_channels, a.hidden_channels)
    )


def _dds(name: str, a: Architecture) -> Shapes:
    """Dilated depth-separable convolutions: one channel per group, then one by one."""
    width, shapes = a.dp_filter_channels, Shapes()
    for i in range(a.dp_dds_layers):
        shapes |= _conv(f"{name}.convs_sep.{i}", width, 1, a.dp_kernel_size)
        shapes |= _conv(f"{name}.convs_1x1.{i}", width, width)
        shapes |= _norm(f"{name}.norms_1.{i}", width) | _norm(f"{name}.norms_2.{i}", width)
    return shapes


def _spline_flow(name: str, a: Architecture) -> Shapes:
    return (
        _conv(f"{name}.pre", a.dp_filter_channels, 1)
        | _dds(f"{name}.convs", a)
        | _conv(f"{name}.proj", 3 * a.dp_n_bins - 1, a.dp_filter_channels)
    )


def _durations(a: Architecture) -> Shapes:
    width, hidden = a.dp_filter_channels, a.hidden_channels
    if a.use_sdp:
        shapes = _conv("dp.pre", width, hidden) | _dds("dp.convs", a)
        shapes |= _conv("dp.proj", width, width)
        shapes |= {"dp.flows.0.m": (2, 1), "dp.flows.0.logs": (2, 1)}
        for i in range(1, 2 * a.dp_n_flows, 2):
            shapes |= _spline_flow(f"dp.flows.{i}", a)
        cond = width
    else:
        shapes = _conv("dp.conv_1", width, hidden, a.dp_kernel_size) | _norm("dp.norm_1", width)
        shapes |= _conv("dp.conv_2", width, width, a.dp_kernel_size) | _norm("dp.norm_2", width)
        shapes |= _conv("dp.proj", 1, width)
        cond = hidden  # the deterministic predictor is conditioned on its input
    if a.gin_channels:
        shapes |= _conv("dp.cond", cond, a.gin_channels)
    return shapes


def _durations_training(a: Architecture) -> Shapes:
    if not a.use_sdp:
        return {}
    shapes = _conv("dp.post_pre", a.dp_filter_channels, 1) | _dds("dp.post_convs", a)
    shapes |= _conv("dp.post_proj", a.dp_filter_channels, a.dp_filter_channels)
    shapes |= {"dp.post_flows.0.m": (2, 1), "dp.post_flows.0.logs": (2, 1)}
    for i in range(1, 2 * a.dp_n_flows, 2):
        shapes |= _spline_flow(f"dp.post_flows.{i}", a)
    return shapes


def _decoder(a: Architecture) -> Shapes:
    width = a.upsample_initial_channel
    shapes = _conv("dec.conv_pre", width, a.inter_channels, 7)
    if a.gin_channels:
        shapes |= _conv("dec.cond", width, a.gin_channels)
    per_stage = len(a.resblock_kernel_sizes)
    for i, kernel in enumerate(a.upsample_kernel_sizes):
        shapes[f"dec.ups.{i}.weight"] = (width, width // 2, kernel)
        shapes[f"dec.ups.{i}.bias"] = (width // 2,)
        width //= 2
        blocks = zip(a.resblock_kernel_sizes, a.resblock_dilation_sizes, strict=True)
        for j, (block_kernel, dilations) in enumerate(blocks):
            stacks = ("convs1", "convs2") if a.resblock == "1" else ("convs",)
            for stack in stacks:
                for k in range(len(dilations)):
                    at = f"dec.resblocks.{i * per_stage + j}.{stack}.{k}"
                    shapes |= _conv(at, width, width, block_kernel)
    return shapes | _conv("dec.conv_post", 1, width, 7, bias=False)


def _speakers(a: Architecture) -> Shapes:
    return {"emb_g.weight": (a.n_speakers, a.gin_channels)} if a.n_speakers else {}


def speaking(a: Architecture) -> Shapes:
    """Name and shape of every tensor that is used to speak.

    The first spline flow of the stochastic duration predictor is not among them: sampling skips
    it, as the original does ("a useless vflow"), and exported voices lack it.
    """
    parts: tuple[Callable[[Architecture], Shapes], ...] = (
        *(_text_encoder, _durations, _flow, _decoder, _speakers),
    )
    shapes = {name: shape for part in parts for name, shape in part(a).items()}
    return {name: shape for name, shape in shapes.items() if not name.startswith("dp.flows.1.")}


def training_only(a: Architecture) -> Shapes:
    """Name and shape of the tensors that only training, or voice conversion, uses."""
    first = {n: s for n, s in _durations(a).items() if n.startswith("dp.flows.1.")}
    return first | _durations_training(a) | _posterior(a)


def posterior(a: Architecture) -> Shapes:
    """Name and shape of the posterior encoder's tensors."""
    return _posterior(a)


def differences(a: Architecture, found: Mapping[str, Shape]) -> list[str]:
    """What is missing, of another shape, or unknown, each as one line; empty when all is well."""
    needed, extra = speaking(a), training_only(a)
    if not a.has_posterior:
        extra = {name: shape for name, shape in extra.items() if not name.startswith("enc_q.")}
    else:
        needed = needed | posterior(a)
    lines = [f"{name} is missing" for name in needed if name not in found]
    for name, shape in found.items():
        wanted = needed.get(name, extra.get(name))
        if wanted is None:
            lines.append(f"{name} {list(shape)} is not part of this network")
        elif wanted != shape:
            lines.append(f"{name} has shape {list(shape)}, expected {list(wanted)}")
    return lines
