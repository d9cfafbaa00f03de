"""``python -m tests.stories.instant``: the work of a training, whose voice is there at once.

Recordings, learning and judging have stories of their own; what is told, put on the shelf and
stopped is real. While a file ``hold-judge`` or ``hold-done`` lies beside the trainings, it waits
before the voice is on the shelf, or when it is and nobody was told.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

from tests.vits.tiny import PLAIN, tiny_config, tiny_tensors
from tests.vits.train.recordings import dataset
from vits.config import VoiceConfig
from vits.data.records import Dataset, read_dataset
from vits.io.folder import write_voice
from vits.studio import work

FIGURES = {"likeness": 0.91, "word_errors": 0.02, "quality": 3.1, "real_time": 0.1}


class Instant(work.Work):
    """Only what takes long is left out."""

    def _data(self, base: VoiceConfig) -> Dataset:
        folder = self._folder / "data"
        if not folder.exists():
            dataset(folder)
        return read_dataset(folder)

    def _train(self) -> bool:
        name = self._order.voice
        write_voice(self._folder / "voices" / name, tiny_config(PLAIN, name), tiny_tensors(PLAIN))
        return True

    def _judge(self) -> None:
        self._wait("hold-judge")
        self._progress = replace(self._progress, figures=FIGURES, verdict="clean.")

    def _publish(self) -> None:
        super()._publish()
        self._wait("hold-done")

    def _wait(self, name: str) -> None:
        while (self._folder.parent.parent / name).exists():
            time.sleep(0.02)


if __name__ == "__main__":
    assert Path(sys.argv[1]).is_dir()
    with mock.patch.object(work, "Work", Instant), mock.patch.object(work, "NICE", 0):
        sys.exit(work.main())
