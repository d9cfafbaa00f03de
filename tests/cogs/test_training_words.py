"""What went wrong with a training, as it is told."""

from __future__ import annotations

import pytest

from cogs.training_words import OTHER, REASONS, failure
from vits.data.build import UNFOUND
from vits.data.decode import LONGEST_S
from vits.data.measure import LIMITS
from vits.errors import BadData
from vits.studio.orders import Progress
from vits.studio.work import UNFIT, _reasons
from words import Words

ENGLISH = Words.of("en-US")


def told(error: str) -> str:
    """By what the data stage raises."""
    why = tuple(_reasons(BadData(error)))
    return failure(ENGLISH, Progress("failed", failure="unusable", why=why), 60)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            f"no clip could be used: it is longer than {LONGEST_S / 3600:g} hours; please cut it",
            "it is longer than 3 hours",
        ),
        ("001.zip: too much in one zip", "too much in one zip"),
        ("000.zip: the zip is damaged or locked", "the zip is damaged or locked"),
        ("no recording was found in what was given", "no recording was found in what was given"),
        (UNFIT, UNFIT),
        ("secret.wav: something new", OTHER),
    ],
)
def test_what_is_wrong_with_recordings_is_said_without_our_names_for_them(
    error: str, expected: str
) -> None:
    assert told(error).startswith(f"Nothing in the recordings can be used: {expected}")
    assert "zip:" not in told(error) and "secret" not in told(error)


def test_every_reason_of_the_measures_has_its_words() -> None:
    assert {UNFIT, UNFOUND, *(why for _, why in LIMITS)} <= set(REASONS)
