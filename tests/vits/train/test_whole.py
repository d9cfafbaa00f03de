"""The whole way in about a minute: recordings, a data set, a training, a judgement, a voice."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vits.command import main
from vits.engine.base import Style
from vits.io.packaged import DEFAULT_VOICE, prepare
from vits.speaking import open_synthesizer
from vits.train.finetune import Job, finetune
from vits.train.recipe import FEW_MINUTES
from vits.train.trainer import Report

LINES = (
    "The train to the coast leaves at nine.",
    "Please bring your own cup to the meeting.",
    "Nobody had seen the map before that day.",
    "A cold wind came down from the hills.",
)
BRIEF = replace(
    FEW_MINUTES,
    stages=tuple(
        replace(stage, steps=3, batch=2, critic_alone=1, warm_up=1) for stage in FEW_MINUTES.stages
    ),
    teach_steps=8,
    teach_sentences=3,
)


def test_recordings_become_a_judged_voice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = prepare(DEFAULT_VOICE)
    person = open_synthesizer(base, threads=1)
    given = tmp_path / "my recordings"
    given.mkdir()
    pause = np.zeros(person.rate_hz // 2, np.float32)
    with (given / "metadata.csv").open("w", newline="") as file:
        script = csv.writer(file, delimiter="|")
        for number, line in enumerate(LINES):
            sound = np.concatenate([pause, *person.speak(line, Style(seed=number)), pause])
            soundfile.write(given / f"{number}.wav", sound, person.rate_hz)
            script.writerow([str(number), line])
    data = str(tmp_path / "set")
    how = ["--speaker", "Ada", "--language", "en", "--held-out", "0.5", "--threads", "1"]
    assert main(["data", str(given), "-o", data, *how]) == 0

    reports: list[Report] = []
    job = Job("ada", base, (Path(data),), licence="CC0-1.0", consent="Ada agreed")
    voices = tmp_path / "voices"
    made = finetune(job, BRIEF, voices, tmp_path / "cache", listener=reports.append)
    assert made == voices / "ada"
    assert [r.stage for r in reports if r.step == 1] == ["joint", "decoder"]
    assert all(np.isfinite(v) for r in reports for v in r.losses.values())

    ask = ["--data", data, "--sentences", "2", "--voices", str(voices), "--base", DEFAULT_VOICE]
    assert main(["judge", "ada", *ask]) == 0
    assert "likeness" in capsys.readouterr().out
    report = Path(data) / "judged-ada"
    figures = json.loads((report / "figures.json").read_text())["figures"]["ada"]
    # The person is the base voice itself: after so few steps it is still that person's voice.
    assert figures["likeness"] > 0.8
    assert figures["word_errors"] < 0.4
    assert (report / "report.html").is_file()
