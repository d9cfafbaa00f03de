"""So many minutes become so many steps, also where a stage may not have more of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from vits.train.budget import LEAST, MOST, factor_for
from vits.train.recipe import FEW_MINUTES, Recipe, Stage, Weights

stages = st.lists(
    st.builds(
        Stage,
        st.just("any"),
        st.integers(2, 2_000),
        st.just({}),
        st.just(Weights()),
        most=st.none() | st.integers(2, 2_000),
    ),
    min_size=1,
    max_size=4,
)


@given(stages, st.lists(st.floats(0.01, 10), min_size=4, max_size=4), st.floats(1, 1e5))
def test_the_steps_fill_the_time_and_no_more(
    some: list[Stage], paces_s: list[float], left_s: float
) -> None:
    recipe, steps_s = Recipe(tuple(some)), paces_s[: len(some)]

    def taken_s(factor: float) -> float:
        done = recipe.scaled(factor).stages
        return sum(s * stage.steps for s, stage in zip(steps_s, done, strict=True))

    factor = factor_for(recipe, steps_s, left_s)
    assert LEAST <= factor <= MOST
    assert taken_s(factor) <= left_s or factor == LEAST
    more = factor * 1.001
    assert taken_s(more) > left_s or more > MOST


def test_more_time_goes_to_the_stage_that_gains_by_it() -> None:
    short, long = FEW_MINUTES.scaled(0.4), FEW_MINUTES.scaled(4)
    grown = {s.name: new.steps / s.steps for s, new in zip(short.stages, long.stages, strict=True)}
    assert max(grown, key=grown.__getitem__) == "decoder"
    for stage in long.stages:
        assert stage.most is None or stage.steps <= stage.most


def test_a_shorter_training_warms_up_for_less_long() -> None:
    stage = replace(FEW_MINUTES.stages[0], steps=100, warm_up=30, critic_alone=10, most=None)
    short, long = (Recipe((stage,)).scaled(f).stages[0] for f in (0.5, 2))
    assert (short.steps, short.warm_up, short.critic_alone) == (50, 15, 5)
    assert (long.steps, long.warm_up, long.critic_alone) == (200, 30, 10)
