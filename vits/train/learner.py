"""The networks of a training, by parts, and the losses of one step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vits.config import VoiceConfig
from vits.nn.durations import StochasticDurations
from vits.nn.model import Vits
from vits.nn.posterior import Posterior
from vits.train.corpus import Corpus, Crop, Utterance, align_utterance
from vits.train.discriminators import Discriminator, feature_loss, fool_loss, judge_loss
from vits.train.features import LowPass, MelDistance, SpectralDistance
from vits.train.reader import Reader
from vits.train.recipe import Recipe, Stage

SCORED = 8
"""Held-out utterances that a training scores itself on: more would take its time."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """What a step made and what it should sound like, each (B, n)."""

    made: Tensor
    real: Tensor


@dataclass(frozen=True, slots=True)
class Losses:
    """Of one step: the voice's, weighted and by name; and the critics' own, of the same sounds."""

    voice: dict[str, Tensor]
    critics: Tensor | None = None


class Learner(nn.Module):
    """A voice that learns: the network, its reader, and the recordings' upper frequency."""

    def __init__(
        self, config: VoiceConfig, model: Vits, reader: Reader, recipe: Recipe, top_hz: float
    ) -> None:
        super().__init__()
        self.config = config
        self.model = model
        self.reader = reader
        self.recipe = recipe
        self._low_pass = LowPass(config.rate_hz, top_hz)
        self._mel = MelDistance(config.rate_hz, min(8_000.0, top_hz), config.win, config.hop)
        self._spectral = SpectralDistance(config.rate_hz)

    @property
    def device(self) -> torch.device:
        """Where it computes. Utterances stay in main memory; crops of them are brought here."""
        return self.reader.log_std.device

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the names that a recipe uses."""
        model = self.model
        dec = model.dec
        drawing = nn.ModuleList([*dec.resblocks[-dec.parallel :], dec.conv_post])
        apart = {*map(id, dec.ups.parameters()), *map(id, drawing.parameters())}
        text = dict(model.enc_p.named_parameters())
        prior = [text.pop(name) for name in list(text) if name.startswith("proj.")]
        reader = [p for name, p in self.reader.named_parameters() if name != "log_std"]
        return {
            "reader": reader,
            "deviation": [self.reader.log_std] if self.reader.taught else [],
            "flow": list(model.flow.parameters()),
            "prior": prior,
            "text": list(text.values()),
            "durations": list(model.dp.parameters()),
            "decoder": [p for p in dec.parameters() if id(p) not in apart],
            "upsampling": list(dec.ups.parameters()),
            "waveform": list(drawing.parameters()),
            "speakers": list(model.emb_g.parameters()) if model.emb_g else [],
        }

    # -- what an utterance's text says --------------------------------------------------------

    def hidden(self, utterance: Utterance, *, moving: bool) -> Tensor:
        """(H, T_text) of the text encoder; kept with the utterance while it stands still."""
        if moving:
            return self._encode(utterance)
        if utterance.hidden is None:
            with torch.no_grad():
                utterance.hidden = self._encode(utterance)
        return utterance.hidden

    def _encode(self, utterance: Utterance) -> Tensor:
        ids = utterance.ids[None].to(self.device)
        hidden: Tensor = self.model.enc_p(ids, self._ones(1, ids.shape[1])).hidden[0]
        return hidden

    def _ones(self, batch: int, length: int) -> Tensor:
        """A mask (B, 1, T) that hides nothing."""
        return torch.ones(batch, 1, length, device=self.device)

    def _prior(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log deviation, each (C, T_text)."""
        mean, log_std = self.model.enc_p.proj(hidden[None])[0].chunk(2)
        return mean, log_std

    # -- alignment ----------------------------------------------------------------------------

    @torch.no_grad()
    def realign(self, corpus: Corpus) -> None:
        """Find anew which symbol each frame belongs to, from the means of the reader."""
        for utterance in corpus.utterances:
            utterance.hidden = None
            mean, log_std = self._prior(self.hidden(utterance, moving=False))
            z_p = self._read(utterance)
            frames = align_utterance(mean, log_std, z_p)
            utterance.path = torch.from_numpy(np.repeat(np.arange(len(frames)), frames))

    def _read(self, utterance: Utterance) -> Tensor:
        """The mean latent of a whole utterance through the flow: (C, T)."""
        posterior = self._posterior(utterance)
        mask = self._ones(1, utterance.frames)
        flowed: Tensor = self.model.flow(posterior.mean, mask, self.speaker(utterance))[0]
        return flowed

    def _posterior(self, utterance: Utterance) -> Posterior:
        """Of a whole utterance, nothing drawn."""
        mask = self._ones(1, utterance.frames)
        silent = torch.zeros(
            (1, self.config.architecture.inter_channels, utterance.frames), device=self.device
        )
        spec = utterance.spec[None].to(self.device)
        found: Posterior = self.reader(spec, mask, self.speaker(utterance), silent)
        return found

    def speaker(self, utterance: Utterance) -> Tensor | None:
        """The vector (1, G, 1) of whoever speaks; None in a voice of one."""
        return self.model.speaker(torch.tensor([utterance.speaker], device=self.device))

    @property
    def reads_alike(self) -> bool:
        """Whether nothing moves that has a part in reading: once for each recording will do."""
        speakers = self.model.emb_g.parameters() if self.model.emb_g else ()
        return not any(p.requires_grad for p in (*self.reader.parameters(), *speakers))

    @torch.no_grad()
    def keep_latents(self, corpus: Corpus) -> None:
        """Read every recording that has not been read, and keep that with it."""
        for utterance in corpus.utterances:
            if utterance.latent is None:
                found = self._posterior(utterance)
                utterance.latent = torch.cat([found.mean, found.log_std]).cpu()

    # -- one step -----------------------------------------------------------------------------

    def losses(
        self,
        stage: Stage,
        corpus: Corpus,
        random: np.random.Generator,
        critic: Discriminator | None,
        *,
        heeds: bool,
    ) -> Losses:
        """The losses that a stage asks for; ``heeds``: the decoder listens to the critics.

        The reader sees some frames around a crop, but where it :attr:`reads_alike`: what it read
        of whole recordings (:meth:`keep_latents`) is taken then.
        """
        alike = self.reads_alike
        around = 0 if alike else self.recipe.context_frames
        crop = corpus.crop(random, stage.batch, stage.frames + 2 * around)
        speaker = self.model.speaker(crop.speakers().to(self.device))
        noise = torch.from_numpy(
            random.standard_normal(
                (stage.batch, self.config.architecture.inter_channels, crop.frames), np.float32
            )
        ).to(self.device)
        if alike:
            mean, log_std = (each.to(self.device) for each in crop.latent())
            z = mean + noise * log_std.exp()
        else:
            mask = self._ones(stage.batch, crop.frames)
            posterior = self.reader(crop.spec().to(self.device), mask, speaker, noise)
            window = slice(around, around + stage.frames)
            z, log_std = posterior.z[..., window], posterior.log_std[..., window]
        critics = None
        found: dict[str, Tensor] = {}
        weights = stage.weights
        if weights.prior:
            found["prior"] = weights.prior * self._divergence(stage, crop, z, log_std, speaker)
        if weights.durations:
            found["durations"] = weights.durations * self._duration_loss(crop)
        if weights.mel or weights.spectral or weights.fool:
            offset = int(random.integers(0, stage.frames - stage.sound_frames + 1))
            sounds = self._sound(crop, z, speaker, around, offset, stage.sound_frames)
            heard, critics = self._sound_losses(stage, sounds, critic, heeds=heeds)
            found |= heard
        return Losses(found, critics)

    def _divergence(
        self, stage: Stage, crop: Crop, z: Tensor, log_std: Tensor, speaker: Tensor | None
    ) -> Tensor:
        """KL from posterior to prior, nats a channel and frame (VITS equations 3 and 4)."""
        flowed = self.model.flow(z, self._ones(z.shape[0], z.shape[-1]), speaker).float()
        moving = "text" in stage.rates
        around = (crop.frames - z.shape[-1]) // 2
        means, deviations = [], []
        for utterance, symbols in zip(crop.utterances, crop.symbols(), strict=True):
            # Priors stay in full precision: bf16 would blur the means that words depend on.
            with torch.autocast(z.device.type, enabled=False):
                mean, deviation = self._prior(self.hidden(utterance, moving=moving).float())
            inside = symbols[around : around + z.shape[-1]].to(self.device)
            means.append(mean[:, inside])
            deviations.append(deviation[:, inside])
        mean, deviation = torch.stack(means), torch.stack(deviations)
        divergence = (
            deviation
            - log_std.float()
            - 0.5
            + 0.5 * (flowed - mean).square() * torch.exp(-2 * deviation)
        )
        edge = self.recipe.prior_edge_frames
        mean_loss: Tensor = divergence[..., edge : divergence.shape[-1] - edge].mean()
        return mean_loss

    def _duration_loss(self, crop: Crop) -> Tensor:
        """Negative log-likelihood of the aligned durations, nats a symbol (equation 7)."""
        total = torch.zeros((), device=self.device)
        for utterance in crop.utterances:
            if utterance.path is None:
                raise RuntimeError("align first")
            symbols = len(utterance.ids)
            # Cut, though it is no longer: so its length is known where there are only shapes.
            counted = torch.bincount(utterance.path, minlength=symbols)[:symbols]
            durations = counted.float()[None, None].to(self.device)
            hidden = self.hidden(utterance, moving=False)[None]
            mask, speaker = self._ones(1, symbols), self.speaker(utterance)
            predictor = self.model.dp
            if isinstance(predictor, StochasticDurations):
                loss = predictor.nll(hidden, mask, durations, speaker).sum()
            else:
                logs = predictor(hidden, mask, speaker)
                loss = (logs - durations[:, 0].clamp_min(1e-6).log()).square().sum()
            total = total + loss / symbols
        return total / len(crop.utterances)

    def _sound(
        self,
        crop: Crop,
        z: Tensor,
        speaker: Tensor | None,
        around: int,
        offset: int,
        frames: int,
    ) -> Sounds:
        """Decode ``frames`` of z from ``offset`` on, beside the recording of the same frames."""
        hop = self.config.hop
        made = self.model.dec(z[..., offset : offset + frames], speaker).squeeze(1).float()
        start = (around + offset) * hop
        real = crop.sound(hop)[:, start : start + frames * hop].to(self.device)
        edge = self.recipe.edge_frames * hop  # here the decoder lacks the frames it would see
        end = made.shape[-1] - edge
        made, real = self._low_pass(made), self._low_pass(real)
        return Sounds(made[:, edge:end], real[:, edge:end])

    def _sound_losses(
        self, stage: Stage, sounds: Sounds, critic: Discriminator | None, *, heeds: bool
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        weights, found = stage.weights, {}
        if weights.mel:
            found["mel"] = weights.mel * self._mel(sounds.made, sounds.real)
        if weights.spectral:
            found["spectral"] = weights.spectral * self._spectral(sounds.made, sounds.real)
        if critic is None:
            return found, None
        # Both sides learn from one hearing: hearing twice would cost a third of a step more.
        made = critic((sounds.made if heeds else sounds.made.detach()).unsqueeze(1))
        real = critic(sounds.real.unsqueeze(1))
        if heeds:
            found["fool"] = weights.fool * fool_loss(made)
            found["feature"] = weights.feature * feature_loss(real, made)
        return found, judge_loss(real, made)

    # -- how far it is ------------------------------------------------------------------------

    @torch.no_grad()
    def held_out(self, corpus: Corpus) -> dict[str, float]:
        """On whole held-out utterances: mel distance of what the decoder makes of the latent
        that the reader reads, and the prior's divergence. Lower is better.

        Texts are encoded anew: the text encoder may have moved."""
        mels, divergences = [], []
        for utterance in corpus.in_turn(SCORED):
            speaker, mask = self.speaker(utterance), self._ones(1, utterance.frames)
            posterior = self._posterior(utterance)
            made = self.model.dec(posterior.mean, speaker).squeeze(1)
            mels.append(float(self._mel(made, utterance.sound[None].to(self.device))))
            mean, log_std = self._prior(self._encode(utterance))
            flowed = self.model.flow(posterior.mean, mask, speaker)[0]
            frames = torch.from_numpy(align_utterance(mean, log_std, flowed)).to(self.device)
            m, s = (t.repeat_interleave(frames, dim=1) for t in (mean, log_std))
            spread = torch.exp(2 * posterior.log_std[0]) + (flowed - m).square()
            divergence = s - posterior.log_std[0] - 0.5 + 0.5 * spread * torch.exp(-2 * s)
            divergences.append(float(divergence.mean()))
        return {"mel": float(np.mean(mels)), "prior": float(np.mean(divergences))}
