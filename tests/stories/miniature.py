"""``python -m tests.stories.miniature``: the work of a training, with a recipe of seconds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

from tests.vits.train.test_train import JOINT, RECIPE, SHARPEN
from vits.studio import work
from vits.train import recipe

SMALL = replace(
    RECIPE,
    stages=(
        replace(JOINT, steps=3, rates=dict.fromkeys(JOINT.rates, 1e-6), muon={}),
        replace(SHARPEN, steps=2, rates={"decoder": 1e-6}, muon={}, critic_alone=0),
    ),
    teach_steps=2,
)
"""So little that the voice stays as good as it was: judges are quick with what they understand."""

if __name__ == "__main__":
    with (
        mock.patch.object(recipe, "RECIPES", {"few-minutes": SMALL}),
        mock.patch.object(work, "NICE", 0),  # nobody waits for a frame here, but for the test
        mock.patch.object(work, "MODELS", Path(sys.argv[1]).parent),  # what it caches goes with it
    ):
        sys.exit(work.main())
