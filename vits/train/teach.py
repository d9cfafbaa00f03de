"""Teach a posterior encoder from a frozen voice that lacks one, once per voice."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from vits.arrays import F32
from vits.config import VoiceConfig
from vits.engine.base import frames_of
from vits.errors import BadData
from vits.nn.model import Vits
from vits.train.features import magnitudes
from vits.train.precision import autocast
from vits.train.reader import Reader
from vits.train.recipe import Recipe
from vits.train.state import Saved, States
from vits.train.trainer import Stop

Progress = Callable[[str, int, int], None]
FRAMES = 96
SEED = 1
"""Of the teaching, whatever the recipe's: a voice is taught once, and every training shares it."""

SAVE_EVERY = 150


@dataclass(frozen=True, slots=True)
class Lesson:
    """Around a teaching: where it is kept, who hears of it, and who may stop it."""

    cache: Path  # folder of what was taught to the end
    states: States  # what a teaching that was stopped goes on from
    progress: Progress = lambda name, step, steps: None
    stop: Stop = lambda: False


@torch.inference_mode()
def _sayings(
    config: VoiceConfig, model: Vits, texts: Sequence[Sequence[int]], seed: int
) -> list[tuple[Tensor, Tensor]]:
    """What the voice says, as (latent (C, T), spectrogram (F, T)) of each text."""
    random = np.random.default_rng(seed)
    device = model.enc_p.emb.weight.device
    made = []
    for number, ids in enumerate(texts):
        row = torch.tensor([number % max(1, config.architecture.n_speakers)], device=device)
        speaker = model.speaker(row)
        batch = torch.tensor([list(ids)], device=device)
        mask = torch.ones(1, 1, batch.shape[1], device=device)
        encoded = model.enc_p(batch, mask)
        noise = _normal(random, (1, 2, batch.shape[1])).to(device)
        logs = model.log_durations(encoded.hidden, mask, noise * config.defaults.noise_w, speaker)
        # A little faster and slower, so that the reader meets every pace.
        pace = float(random.uniform(0.85, 1.2))
        frames = torch.from_numpy(frames_of(logs[0].cpu().numpy(), pace)).to(device)
        mean, log_std = (
            t[0].repeat_interleave(frames, dim=1) for t in (encoded.mean, encoded.log_std)
        )
        drawn = _normal(random, mean.shape).to(device)
        z_p = (mean + drawn * log_std.exp() * config.defaults.noise_scale)[None]
        whole = torch.ones(1, 1, z_p.shape[-1], device=device)
        z = model.flow.inverse(z_p, whole, speaker)
        sound = model.dec(z, speaker)[:, 0]
        if z.shape[-1] > FRAMES:
            made.append((z[0].clone(), magnitudes(sound, config.win, config.hop)[0].clone()))
    return made


def taught_reader(
    config: VoiceConfig,
    model: Vits,
    texts: Sequence[Sequence[int]],
    recipe: Recipe,
    tensors: Mapping[str, F32],
    lesson: Lesson,
) -> Reader | None:
    """A reader for this voice: from the cache if it was taught before, else taught now.

    Args:
        texts: symbol ids of sentences for the voice to say.
        tensors: of the voice, for the cache's name.

    Returns:
        None if it was stopped (the same call goes on from there).

    Raises:
        BadData: the voice says nothing long enough to be taught from, or a teaching of something
            else was stopped before.
        NotSaved: the disk is full.
    """
    torch.manual_seed(SEED)
    reader = Reader(config.architecture, taught=True).to(model.enc_p.emb.weight.device)
    key = _fingerprint(tensors, recipe)
    path = lesson.cache / f"reader-{key}.safetensors"
    if not _recalled(reader, path):
        picked = [texts[i % len(texts)] for i in range(recipe.teach_sentences)]
        sayings = _sayings(config, model, picked, SEED)
        if not sayings:
            least_s = FRAMES * config.hop / config.rate_hz
            raise BadData(
                f"the base voice says each of the sentences in less than {least_s:.1f} s: "
                "there must be longer ones"
            )
        reader.hear_teacher(torch.cat([spec for _, spec in sayings], dim=1))
        plan = hashlib.sha256(repr((key, recipe.bf16, picked)).encode()).hexdigest()
        if not _teach(reader, sayings, recipe, lesson, plan):
            return None
        lesson.cache.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        safetensors.torch.save_file(reader.state_dict(), fresh)
        fresh.replace(path)
    reader.ignore_speakers()  # it was taught without any
    return reader


def _recalled(reader: Reader, path: Path) -> bool:
    """Whether ``reader`` is now what was taught before; a damaged file is deleted."""
    if not path.is_file():
        return False
    try:
        found = safetensors.torch.load_file(path)
    except SafetensorError:
        found = {}
    shapes = {name: tensor.shape for name, tensor in reader.state_dict().items()}
    if {name: tensor.shape for name, tensor in found.items()} != shapes:
        path.unlink(missing_ok=True)
        return False
    reader.load_state_dict(found)
    return True


def _teach(
    reader: Reader,
    sayings: list[tuple[Tensor, Tensor]],
    recipe: Recipe,
    lesson: Lesson,
    plan: str,
) -> bool:
    """Regression on the latent, channel by channel as loud as it is. False: stopped, and saved."""
    scale = torch.cat([z for z, _ in sayings], dim=1).std(1)[None, :, None].clamp_min(1e-3)
    reader.requires_grad_(True)
    moving = [p for name, p in reader.named_parameters() if name != "log_std"]
    optimiser = torch.optim.AdamW(moving, lr=1e-3, betas=(0.8, 0.99), weight_decay=0.0)
    device = reader.log_std.device
    mask = torch.ones(8, 1, FRAMES, device=device)
    saved = lesson.states.newest(plan)
    if saved:
        reader.load_state_dict(saved.tensors["reader"])
        optimiser.load_state_dict(saved.tensors["optimiser"])
    begun = saved.step if saved else 0
    for step in range(begun, recipe.teach_steps):
        stopped = lesson.stop()
        if stopped or (step > begun and step % SAVE_EVERY == 0):
            tensors = {"reader": reader.state_dict(), "optimiser": optimiser.state_dict()}
            lesson.states.save(Saved(plan, 0, step, tensors))
        if stopped:
            return False
        random = np.random.default_rng([SEED, 10_000, step])
        picks = random.integers(0, len(sayings), 8)
        starts = [int(random.integers(0, sayings[i][0].shape[-1] - FRAMES + 1)) for i in picks]
        pairs = list(zip(picks, starts, strict=True))
        z = torch.stack([sayings[i][0][:, s : s + FRAMES] for i, s in pairs])
        spec = torch.stack([sayings[i][1][:, s : s + FRAMES] for i, s in pairs])
        progress_share = step / recipe.teach_steps
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * min(1, (step + 1) / 30) * (0.02 + 0.98 * _cosine(progress_share))
        with autocast(device, bf16=recipe.bf16):
            read = reader(spec, mask, None, torch.zeros_like(z)).mean
        # The crop's edges lack what the encoder sees around them.
        missed = ((read.float() - z) / scale)[..., 8:-8]
        loss = missed.abs().mean() + 0.1 * missed.square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving, 5.0)
        optimiser.step()
        lesson.progress("teach", step + 1, recipe.teach_steps)
    with torch.no_grad():
        residual = []
        for z, spec in sayings[: max(1, len(sayings) // 6)]:
            whole = torch.ones(1, 1, z.shape[-1], device=device)
            read = reader(spec[None], whole, None, torch.zeros_like(z)[None]).mean[0]
            residual.append(read - z)
        spread = torch.cat(residual, dim=1).std(1, keepdim=True).clamp_min(1e-3)
        reader.log_std.copy_(spread.log())
    reader.requires_grad_(False)
    return True


def _normal(random: np.random.Generator, shape: Sequence[int]) -> Tensor:
    return torch.from_numpy(random.standard_normal(shape, np.float32))


def _cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


def _fingerprint(tensors: Mapping[str, F32], recipe: Recipe) -> str:
    """Of the voice and of how it is taught."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + np.ascontiguousarray(tensors[name]).tobytes())
    digest.update(repr((recipe.teach_steps, recipe.teach_sentences, SEED)).encode())
    return digest.hexdigest()[:16]
