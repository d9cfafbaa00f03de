"""The window: within its budget whatever is put in, and the oldest turn leaves first."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.prompt import messages
from dialogue.tokens import MESSAGE_OVERHEAD, REPLY_OVERHEAD, TURN_OVERHEAD
from dialogue.window import fit, newly_left, pin_limit, system_limit
from storage.records import Summary, Turn


class Letters:
    """A counter whose tokens are characters."""

    name = "letters"

    def count(self, text: str) -> int:
        return len(text)

    def head(self, text: str, tokens: int) -> str:
        return text[: max(tokens, 0)]


LETTERS = Letters()


def turn(turn_id: int, asked: int = 10, answered: int = 10, **given: object) -> Turn:
    made = Turn(
        id=turn_id,
        person_id=1,
        guild_id=1,
        channel_id=1,
        asked="q" * asked,
        answered="a" * answered,
        asked_tokens=asked,
        answered_tokens=answered,
        encoding="letters",
        complete=True,
        pinned=False,
        at_s=0.0,
        since_id=0,
    )
    return replace(made, **given)  # type: ignore[arg-type]


@st.composite
def histories(draw: st.DrawFn) -> list[Turn]:
    sizes = draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=12))
    pins = draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    return [
        turn(number, asked, answered, pinned=pin)
        for number, ((asked, answered), pin) in enumerate(zip(sizes, pins, strict=True), start=1)
    ]


texts = st.text("x", max_size=900)
summaries = st.none() | st.integers(0, 300).map(lambda n: Summary("s" * n, n, "letters", 1))


@given(histories(), texts, texts, st.text("n", max_size=32), summaries, st.integers(256, 1200))
@settings(max_examples=300)
def test_the_budget_holds_and_only_the_newest_stay(
    history: list[Turn],
    system: str,
    message: str,
    name: str,
    summary: Summary | None,
    budget: int,
) -> None:
    pinned = [each for each in history if each.pinned]
    window = fit(
        system=system,
        message=message,
        turns=history,
        pinned=pinned,
        summary=summary,
        name=name,
        budget_tokens=budget,
        counter=LETTERS,
    )
    # The count is that of what is really sent, message by message.
    sent = messages(window)
    counted = REPLY_OVERHEAD + sum(len(str(m.content)) + MESSAGE_OVERHEAD for m in sent)
    counted += len(name) + 1 if name else 0
    assert counted == window.tokens <= budget

    # Unpinned turns that stayed are the newest ones, without a gap.
    kept = {each.id for each in window.turns}
    unpinned = [each for each in history if not each.pinned]
    stayed = [each.id in kept for each in unpinned]
    assert stayed == sorted(stayed)
    assert window.turns == tuple(each for each in history if each.id in kept)
    assert window.trimmed == tuple(each for each in history if each.id not in kept)

    # The newest of those that left would not have fitted: nothing left for no reason.
    if window.trimmed:
        assert window.tokens + window.trimmed[-1].tokens + TURN_OVERHEAD > budget
    assert window.message_cut == (window.message != message)
    assert message.startswith(window.message)


def test_a_turn_over_the_budget_alone_leaves_with_all_older_ones() -> None:
    history = [turn(1), turn(2, 5000), turn(3)]
    window = fit(system="s", message="m", turns=history, budget_tokens=500, counter=LETTERS)
    assert [each.id for each in window.turns] == [3]
    window = fit(system="s", message="m", turns=history[:2], budget_tokens=500, counter=LETTERS)
    assert window.turns == ()
    assert window.since_id == 3


def test_a_pinned_turn_stays_while_newer_ones_leave() -> None:
    history = [turn(1, pinned=True), *(turn(n, 100, 100) for n in range(2, 8))]
    window = fit(
        system="s",
        message="m",
        turns=history,
        pinned=history[:1],
        budget_tokens=500,
        counter=LETTERS,
    )
    assert [each.id for each in window.turns] == [1, 6, 7]
    assert window.since_id == 6


def test_a_message_alone_over_the_budget_is_cut_and_says_so() -> None:
    window = fit(system="s", message="m" * 999, turns=[turn(1)], budget_tokens=300, counter=LETTERS)
    assert window.message_cut
    assert window.turns == ()
    assert window.tokens == 300


def test_a_system_prompt_fills_half_of_the_budget_at_most() -> None:
    window = fit(system="s" * 999, message="m", budget_tokens=300, counter=LETTERS)
    assert len(window.system) == system_limit(300)
    assert window.message == "m"


def test_turns_counted_with_another_vocabulary_are_counted_anew() -> None:
    stale = turn(1, 100, 100, encoding="other", asked_tokens=1, answered_tokens=1)
    window = fit(system="", message="", turns=[stale], budget_tokens=256, counter=LETTERS)
    assert window.tokens == REPLY_OVERHEAD + 2 * MESSAGE_OVERHEAD + 200 + TURN_OVERHEAD
    assert window.turns == (stale,)


def test_what_left_just_now_was_in_the_window_before() -> None:
    history = [turn(n, 100, 100, since_id=max(1, n - 2)) for n in range(1, 7)]
    window = fit(system="", message="", turns=history, budget_tokens=700, counter=LETTERS)
    assert [each.id for each in window.turns] == [4, 5, 6]
    # Turn 6 was asked when 4 was the oldest in the window: nothing left since.
    assert newly_left(window, history) == ()
    bigger = fit(system="", message="m" * 250, turns=history, budget_tokens=700, counter=LETTERS)
    assert [each.id for each in newly_left(bigger, history)] == [4]


def test_pins_may_fill_half_of_the_budget() -> None:
    assert pin_limit(2000) == 1000
