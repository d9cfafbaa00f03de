"""The splitter: nothing is lost, nothing is too long, code stays code."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cogs.pages import BLANK, MESSAGE_UNITS, PAGE_UNITS, paginate, units, within

_SCRAPS = st.sampled_from(
    [
        "word ",
        "a",
        "\n",
        "\n\n",
        "```",
        "```py\n",
        "`",
        "好。",
        "👩‍👩‍👧",
        "é",
        "x" * 300,
        ". ",
        "🎉" * 40,
    ]
)
_TEXTS = st.lists(_SCRAPS, max_size=120).map("".join)


@given(_TEXTS, st.integers(60, 400))
def test_no_character_is_lost_and_no_page_is_too_long(text: str, limit: int) -> None:
    pages = paginate(text, limit=limit)
    assert "".join(page.body for page in pages) == text
    assert all(units(page.body) <= limit for page in pages)
    assert all(page.render().strip() for page in pages)


@given(st.text(max_size=6000), st.text(max_size=150))
def test_whatever_is_written_discord_accepts_every_page(text: str, footer: str) -> None:
    pages = paginate(text, footer=footer)
    assert "".join(page.body for page in pages) == text
    assert all(0 < units(page.render()) <= MESSAGE_UNITS for page in pages)
    assert footer in pages[-1].render()


@given(_TEXTS, _TEXTS, st.integers(60, 400))
def test_growing_text_leaves_full_pages_alone(start: str, more: str, limit: int) -> None:
    before = paginate(start, limit=limit)[:-1]
    assert paginate(start + more, limit=limit)[: len(before)] == before


def test_a_cut_fence_is_closed_and_reopened_with_its_language() -> None:
    code = "".join(f"print({n})\n" for n in range(400))
    pages = paginate(f"Here you are:\n```python\n{code}```\nDone.")
    assert len(pages) == 3
    assert pages[0].render().endswith("\n```")
    assert pages[1].render().startswith("```python\nprint(")
    assert all(page.render().count("```") == 2 for page in pages)
    assert pages[2].render().endswith("```\nDone.")


def test_short_text_is_one_page_and_empty_text_can_still_be_sent() -> None:
    assert [page.render() for page in paginate("Hello.")] == ["Hello."]
    assert [page.render() for page in paginate("")] == [BLANK]
    assert [page.render() for page in paginate("\n \n", footer="foot")] == ["foot"]


def test_pages_end_where_sentences_do() -> None:
    first, *_ = paginate("One sentence of some length. " * 100)
    assert first.body.endswith(". ")
    assert PAGE_UNITS // 2 < len(first.body) <= PAGE_UNITS


def test_a_footer_that_does_not_fit_gets_a_page_of_its_own() -> None:
    pages = paginate("x" * PAGE_UNITS, footer="f" * 150)
    assert [page.render()[:1] for page in pages] == ["x", "f"]


@given(st.lists(st.text(st.sampled_from("ab\U0001f389"), max_size=200), max_size=60))
def test_a_list_is_cut_between_its_lines(lines: list[str]) -> None:
    shown = within(lines)
    assert units(shown) <= MESSAGE_UNITS
    whole = "\n".join(lines)
    assert shown == whole or whole.startswith(shown.removesuffix("\u2026"))
    assert (shown == whole) == (units(whole) <= MESSAGE_UNITS)
