"""What is trained when, and how fast: data, not code.

A recipe is a list of stages. A stage names the parts that move and their learning rates, the
size of its crops and the weights of its losses. The shipped figures were chosen by measurement
(docs/finetuning.md has the tables).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vits.train.discriminators import Critics

PARTS = (
    *("reader", "deviation", "flow", "prior", "text", "durations"),
    *("decoder", "upsampling", "waveform", "speakers"),
)
"""Posterior encoder; its deviations; flow; projection of the text encoder; the rest of it; the
duration predictor; the decoder but for the next two; its transposed convolutions, which alone know
where in a frame a sample lies; what follows the last of them, which draws the waveform and knows
least of who speaks; the speaker vectors."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the losses (VITS section 2.4; a 0 leaves a loss out and saves its time)."""

    mel: float = 0.0
    spectral: float = 0.0
    prior: float = 0.0  # Kullback-Leibler divergence, nats a channel and frame
    durations: float = 0.0
    fool: float = 0.0
    feature: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of training."""

    name: str
    steps: int
    rates: Mapping[str, float]  # part -> learning rate; a part not named stands still
    weights: Weights
    muon: Mapping[str, float] = field(default_factory=dict)  # part -> rate of its kernels by Muon
    most: int | None = None  # steps, however much time there is: more of them do harm
    batch: int = 8
    frames: int = 64  # of the crop that the flow sees
    sound_frames: int = 32  # of that, how many become sound
    warm_up: int = 30
    realign_every: int = 150
    critics: Critics | None = None
    critic_rate: float = 3e-4
    critic_alone: int = 0  # steps before the decoder listens to the critics
    dropout: bool = False  # a few minutes of speech are learned better without
    betas: tuple[float, float] = (0.8, 0.99)

    def __post_init__(self) -> None:
        unknown = set(self.rates) - set(PARTS)
        if unknown:
            raise ValueError(f"no such part: {', '.join(sorted(unknown))}")
        if still := set(self.muon) - set(self.rates):
            raise ValueError(f"no rate for what is not a kernel of: {', '.join(sorted(still))}")

    def scaled(self, factor: float) -> int:
        """How many steps ``factor`` times as many are."""
        steps = max(2, round(self.steps * factor))
        return steps if self.most is None else min(steps, self.most)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Stages in order, and what holds for all of them."""

    stages: tuple[Stage, ...]
    teach_steps: int = 900  # for a posterior encoder that must be taught first
    teach_sentences: int = 60
    ema: float = 0.995
    seed: int = 1
    bf16: bool = True  # where the machine multiplies it: see precision.autocast
    edge_frames: int = 4  # left out where a crop's border makes sound wrong
    prior_edge_frames: int = 6
    context_frames: int = 16  # that the posterior encoder sees around a crop
    defaults: Mapping[str, float] = field(default_factory=dict)  # of the finished voice
    tract: float = 0.0  # see kinship.kindred_rate_hz; 0 keeps the base's rate

    def scaled(self, factor: float) -> Recipe:
        """The same recipe with ``factor`` times the steps, a stage's ``most`` at most.

        Shorter stages warm up for less long too; longer ones need no longer warm-up.
        """
        less = min(1.0, factor)
        stages = tuple(
            replace(
                stage,
                steps=stage.scaled(factor),
                warm_up=round(stage.warm_up * less),
                critic_alone=round(stage.critic_alone * less),
            )
            for stage in self.stages
        )
        return replace(self, stages=stages)

    def without(self, *parts: str) -> Recipe:
        """The same recipe with ``parts`` standing still; nothing is asked of durations that do."""
        stages = tuple(
            replace(
                stage,
                rates={part: rate for part, rate in stage.rates.items() if part not in parts},
                muon={part: rate for part, rate in stage.muon.items() if part not in parts},
                weights=replace(stage.weights, durations=0.0)
                if "durations" in parts
                else stage.weights,
            )
            for stage in self.stages
        )
        return replace(self, stages=stages)

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)


FEW_MINUTES = Recipe(
    stages=(
        Stage(
            "joint",
            460,
            {
                **{"decoder": 6e-4, "reader": 2e-4, "deviation": 1e-3, "flow": 3e-4, "prior": 5e-4},
                **{"speakers": 1e-2},  # where there are several: none has a vector of its own yet
            },
            Weights(mel=1.2, spectral=2.4, prior=4.0),
            muon={"decoder": 1.5e-3},
            most=300,
            batch=4,
            sound_frames=64,
        ),
        Stage(
            "decoder",
            970,
            {"decoder": 6e-4},
            Weights(mel=1.2, spectral=2.4),
            muon={"decoder": 1.5e-3},
            batch=4,
            sound_frames=64,
        ),
    ),
    defaults={"noise_scale": 0.2, "noise_w": 0.5},
    tract=0.23,
)
"""For one new speaker, minutes of speech, and a CPU. Text encoder, durations, the upsampling and
the drawing of the waveform stand still (docs/decisions/0008 and 0009); critics need more steps than
there is time for. What a long training has more of is the decoder's alone: the rest would forget
how words are said that the recordings do not have (docs/decisions/0010). Its kernels move by Muon
(docs/decisions/0011)."""

FULL = Recipe(
    stages=(
        Stage(
            "full",
            20_000,
            dict.fromkeys(PARTS, 2e-4),
            # The paper sums the divergence over its 192 channels, where ours is their mean.
            Weights(mel=45.0, prior=192.0, durations=1.0, fool=1.0, feature=2.0),
            batch=16,
            frames=128,
            sound_frames=32,
            warm_up=0,
            critics=Critics(),
            critic_rate=2e-4,
            dropout=True,
        ),
    ),
    ema=0.999,
)
"""All of VITS at once with the paper's losses (section 2.4) and discriminators: for a GPU. We have
none: the recipe has never been run to its end."""

RECIPES: Mapping[str, Recipe] = {"few-minutes": FEW_MINUTES, "full": FULL}
