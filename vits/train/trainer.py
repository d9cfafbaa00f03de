"""The loop: stages one after another, stopping and going on without a trace."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vits.errors import VitsError
from vits.train.corpus import Corpus
from vits.train.discriminators import Discriminator
from vits.train.learner import Learner
from vits.train.muon import Muon
from vits.train.precision import autocast
from vits.train.recipe import Recipe, Stage
from vits.train.state import Saved, States


class Diverged(VitsError):
    """A loss or its gradient is no longer a number. The last good state stays saved."""


@dataclass(frozen=True, slots=True)
class Report:
    """After each step, for whoever shows it."""

    stage: str
    step: int
    steps: int
    losses: Mapping[str, float]
    held_out: Mapping[str, float] | None = None
    done: int = 0  # steps of all stages so far
    total: int = 0  # of the whole training


Listener = Callable[[Report], None]
Stop = Callable[[], bool]


class Trainer:
    """Trains a learner by a recipe. ``stop`` is asked between steps (Ctrl-C, a cancel button)."""

    def __init__(
        self,
        learner: Learner,
        train: Corpus,
        held: Corpus | None,
        states: States,
        *,
        plan: str,
        listener: Listener = lambda report: None,
        stop: Stop = lambda: False,
        save_every: int = 100,
        judge_every: int = 100,
    ) -> None:
        self.learner = learner
        self.recipe: Recipe = learner.recipe
        self.best = math.inf
        self._train, self._held = train, held
        self._states, self._plan = states, plan
        self._listener, self._stop = listener, stop
        self._save_every, self._judge_every = save_every, judge_every

    def run(self) -> bool:
        """Train to the end, from the newest state if there is one.

        Returns:
            True when finished, False when stopped (the state is saved).

        Raises:
            Diverged: a loss or its gradient is not finite; the last good state stays saved.
            NotSaved: a state could not be written (:mod:`vits.train.state`).
        """
        saved = self._states.newest(self._plan)
        if saved is None:
            self.learner.realign(self._train)
        first = saved.stage if saved else 0
        for number in range(first, len(self.recipe.stages)):
            run = StageRun(self, number)
            if saved is not None and saved.stage == number:
                run.restore(saved)
            if not run.go():
                return False
        return True

    # -- pieces that a stage uses -------------------------------------------------------------

    def before(self, stage: int) -> int:
        """Steps of the stages before this one."""
        return sum(each.steps for each in self.recipe.stages[:stage])

    def judged(self) -> dict[str, float] | None:
        """Held-out figures, or None where nothing is held out."""
        return self.learner.held_out(self._held) if self._held is not None else None

    def kept(self) -> list[tuple[Tensor | None, Tensor | None, Tensor | None]]:
        """What is kept with every utterance: its alignment, hidden states and latent.

        The last two could be computed again, but not to the last bit: how a matrix product
        rounds depends on where its operands lie in memory.
        """
        return [(each.path, each.hidden, each.latent) for each in self._train.utterances]

    def put_back(self, kept: list[tuple[Tensor | None, Tensor | None, Tensor | None]]) -> None:
        """Put it back."""
        device = self.learner.device
        for utterance, (path, hidden, latent) in zip(self._train.utterances, kept, strict=True):
            utterance.path, utterance.latent = path, latent
            utterance.hidden = hidden.to(device) if hidden is not None else None


class StageRun:
    """One stage: its optimisers, its averaged weights, its best moment."""

    def __init__(self, trainer: Trainer, number: int) -> None:
        self.t = trainer
        self.number = number
        self.stage: Stage = trainer.recipe.stages[number]
        self.done = 0
        parts = trainer.learner.parts()
        for parameter in trainer.learner.parameters():
            parameter.requires_grad_(False)
        self.groups = {name: parts[name] for name in self.stage.rates if parts[name]}
        for group in self.groups.values():
            for parameter in group:
                parameter.requires_grad_(True)
        trainer.learner.train(self.stage.dropout)
        trainer._train.forget_latents()
        self.optimisers = _optimisers(self.stage, self.groups)
        self.critic: Discriminator | None = None
        self.critic_optimiser: torch.optim.AdamW | None = None
        if self.stage.critics is not None:
            torch.manual_seed(trainer.recipe.seed)
            self.critic = Discriminator(self.stage.critics).to(trainer.learner.device)
            self.critic_optimiser = torch.optim.AdamW(
                self.critic.parameters(), lr=self.stage.critic_rate, betas=self.stage.betas,
                weight_decay=0.0,
            )  # fmt: skip
        self.ema = [p.detach().clone() for g in self.groups.values() for p in g]
        self.best: dict[str, Any] = {"score": math.inf}

    def go(self) -> bool:
        """Train to the end of the stage; False if stopped before (the state is saved)."""
        stage, trainer = self.stage, self.t
        while self.done < stage.steps:
            if trainer._stop():
                self.save()
                return False
            losses = self.step()
            if not all(math.isfinite(value) for value in losses.values()):
                # What this step began from may be ruined already, so it is not saved.
                trainer._states.forget(self.number, self.done)
                raise Diverged(
                    f"stage {stage.name}, step {self.done}: a loss or its gradient is "
                    "not a number. The same command goes on from the last good state; "
                    "if that ends here again, begin anew with --fresh and another --seed"
                )
            self.done += 1
            held = None
            if self.done % trainer._judge_every == 0 or self.done == stage.steps:
                held = self._judge()
            done = trainer.before(self.number) + self.done
            trainer._listener(
                Report(stage.name, self.done, stage.steps, losses, held, done, trainer.recipe.steps)
            )
            if self.done % trainer._save_every == 0 and self.done < stage.steps:
                self.save()
        self._finish()
        return True

    def step(self) -> dict[str, float]:
        """Learn from one batch; returns the losses by name.

        Nothing moves where one of them, or a gradient, is not finite; that is among them then.
        """
        stage, learner = self.stage, self.t.learner
        reads_text = bool(stage.weights.prior or stage.weights.durations)
        if reads_text and self.done % stage.realign_every == 0 and (self.number or self.done):
            learner.eval()  # nothing is dropped at random: it would not be the same when resumed
            learner.realign(self.t._train)
            learner.train(stage.dropout)
        random = np.random.default_rng([self.t.recipe.seed, self.number, self.done])
        torch.manual_seed(int(random.integers(0, 2**62)))  # dropout and the duration loss
        if learner.reads_alike:
            learner.keep_latents(self.t._train)
        scale = _schedule(self.done, stage)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["rate"] * scale
        heeds = self.done >= stage.critic_alone
        with autocast(learner.device, bf16=self.t.recipe.bf16):
            losses = learner.losses(stage, self.t._train, random, self.critic, heeds=heeds)
        total = torch.stack([value.float() for value in losses.voice.values()]).sum()
        values = {name: float(value.detach()) for name, value in losses.voice.items()}
        optimisers, moving, judged = [*self.optimisers], [*self.groups.values()], losses.critics
        voice = [parameter for group in moving for parameter in group]
        if judged is not None and self.critic is not None and self.critic_optimiser is not None:
            values["critic"] = float(judged.detach())
            optimisers.append(self.critic_optimiser)
            moving.append(list(self.critic.parameters()))
        whole = float(total.detach())
        if not all(map(math.isfinite, (whole, *values.values()))):
            return values | {"total": whole}
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        self._backward(total, voice, again=judged is not None)
        if judged is not None:
            self._backward(judged, moving[-1])
        steepness = sum(float(nn.utils.clip_grad_norm_(group, 5.0)) for group in moving)
        if not math.isfinite(steepness):
            return values | {"gradient": steepness}
        for optimiser in optimisers:
            optimiser.step()
        self._average()
        return values

    @staticmethod
    def _backward(loss: Tensor, moving: list[nn.Parameter], *, again: bool = False) -> None:
        """Gradients of ``moving`` alone; ``again``: another loss of the same step follows."""
        torch.autograd.backward([loss], inputs=moving, retain_graph=again)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.t.recipe.ema, (1 + self.done) / (10 + self.done))
        live = (p for group in self.groups.values() for p in group)
        for mean, parameter in zip(self.ema, live, strict=True):
            mean.lerp_(parameter, 1 - decay)

    def _judge(self) -> dict[str, float] | None:
        """Figures of the averaged weights; the best moment of the stage is kept."""
        live = self._swap(self.ema)
        learning = self.t.learner.training
        self.t.learner.eval()
        held = self.t.judged()
        self.t.learner.train(learning)
        self._swap(live)
        if held is None:
            return None
        score = held["prior"] if not self.stage.weights.mel else held["mel"] + held["prior"]
        if self.stage.critics is not None:
            score = -self.done  # adversarial training trades distance for quality: keep the last
        if score < self.best["score"]:
            self.best = {"score": score, "ema": [mean.clone() for mean in self.ema]}
        return held

    @torch.no_grad()
    def _swap(self, values: list[Tensor]) -> list[Tensor]:
        """Put ``values`` in place of the moving parameters; returns what was there."""
        live = [p for group in self.groups.values() for p in group]
        before = [p.detach().clone() for p in live]
        for parameter, value in zip(live, values, strict=True):
            parameter.copy_(value)  # from whichever device it lies on
        return before

    def _finish(self) -> None:
        """Leave the stage with its best averaged weights."""
        self._swap(self.best.get("ema", self.ema))
        self.t.learner.eval()
        following = self.number + 1
        if following < len(self.t.recipe.stages):
            self.t._states.save(
                Saved(self.t._plan, following, 0, {"learner": self.t.learner.state_dict(),
                                                   "kept": self.t.kept()})
            )  # fmt: skip

    def save(self) -> None:
        """Everything that the next step depends on."""
        tensors: dict[str, Any] = {
            "learner": self.t.learner.state_dict(),
            "optimisers": [each.state_dict() for each in self.optimisers],
            "ema": self.ema,
            "best": self.best,
            "kept": self.t.kept(),
        }
        if self.critic is not None and self.critic_optimiser is not None:
            tensors["critic"] = self.critic.state_dict()
            tensors["critic_optimiser"] = self.critic_optimiser.state_dict()
        self.t._states.save(Saved(self.t._plan, self.number, self.done, tensors))

    def restore(self, saved: Saved) -> None:
        """Take up a saved state."""
        tensors = saved.tensors
        self.t.learner.load_state_dict(tensors["learner"])
        self.t.put_back(tensors["kept"])
        self.done = saved.step
        if "optimisers" not in tensors:  # saved between stages
            self.t._train.forget_latents()
            self.ema = [p.detach().clone() for g in self.groups.values() for p in g]
            return
        for optimiser, state in zip(self.optimisers, tensors["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        device = self.t.learner.device
        self.ema = [mean.to(device, copy=True) for mean in tensors["ema"]]
        self.best = copy.copy(tensors["best"])
        if self.critic is not None and self.critic_optimiser is not None:
            self.critic.load_state_dict(tensors["critic"])
            self.critic_optimiser.load_state_dict(tensors["critic_optimiser"])


def _optimisers(
    stage: Stage, groups: Mapping[str, list[nn.Parameter]]
) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon for the kernels that the stage wants moved by it."""
    by_muon, by_adam = [], []
    for name, parameters in groups.items():
        kernels = [p for p in parameters if p.ndim > 2] if name in stage.muon else []
        rest = [p for p in parameters if p.ndim <= 2] if kernels else parameters
        rate = stage.rates[name]
        by_adam.append({"params": rest, "lr": rate, "rate": rate})
        if kernels:
            rate = stage.muon[name]
            by_muon.append({"params": kernels, "lr": rate, "rate": rate})
    adam = torch.optim.AdamW(by_adam, betas=stage.betas, weight_decay=0.0, fused=True)
    return [adam, Muon(by_muon)] if by_muon else [adam]


def _schedule(step: int, stage: Stage) -> float:
    """Linear warm-up, then a cosine down to a twentieth."""
    if step < stage.warm_up:
        return (step + 1) / stage.warm_up
    progress = (step - stage.warm_up) / max(1, stage.steps - stage.warm_up)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))
