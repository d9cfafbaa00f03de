"""``python -m tests.vits.studio.mortal``: the work of a training, which is killed once on its way.

The recordings were listened to already; judging has stories of its own.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

from tests.vits.train.test_train import JOINT, RECIPE
from vits.studio import work
from vits.train import recipe

SMALL = replace(RECIPE, stages=(replace(JOINT, steps=12),), teach_steps=4)


class Mortal(work.Work):
    """Killed in the middle of its first training."""

    def _say(self, stage: work.Stage, share: float) -> None:
        super()._say(stage, share)
        died = self._folder / "died"
        if stage == "train" and share > 0.5 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _judge(self) -> None:
        self._progress = replace(self._progress, verdict="clean.")


if __name__ == "__main__":
    with (
        mock.patch.object(work, "Work", Mortal),
        mock.patch.object(work, "NICE", 0),
        mock.patch.object(work, "TELL_S", 0.0),
        mock.patch.object(work, "SAVE_STEPS", 2),
        mock.patch.object(work, "MODELS", Path(sys.argv[1]).parent),
        mock.patch.object(recipe, "RECIPES", {"few-minutes": SMALL}),
    ):
        sys.exit(work.main())
