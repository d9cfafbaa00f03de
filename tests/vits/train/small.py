"""``python -m tests.vits.train.small FOLDER ...``: the command line, with a recipe of seconds.

What is taught is cached in FOLDER.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from tests.vits.train.test_train import JOINT, RECIPE
from vits.command import main
from vits.train import command, recipe

SMALL = replace(RECIPE, stages=(replace(JOINT, steps=100, batch=1),), teach_steps=5)


@contextmanager
def small(folder: Path) -> Iterator[None]:
    """Recipes of seconds; the cache is in ``folder``."""
    with (
        mock.patch.object(recipe, "RECIPES", {"few-minutes": SMALL}),
        mock.patch.object(command, "MODELS", folder),
    ):
        yield


if __name__ == "__main__":
    with small(Path(sys.argv[1])):
        sys.exit(main(sys.argv[2:]))
