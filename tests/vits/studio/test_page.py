"""The studio's page over its HTTP API: speak, convert, reports, trainings; and who may not."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soundfile

from tests.vits.tiny import FORMS, PLAIN, tiny_config, tiny_tensors
from tests.vits.train.recordings import dataset
from tests.vits.train.test_train import RECIPE, train
from vits.io.folder import write_voice
from vits.studio.orders import Heard, Order, Progress, write_order, write_progress
from vits.studio.page import open_page
from vits.studio.shelves import Shelves

NASTY = '<img src=x onerror=alert(1)> "; rm -rf ~'
ESCAPED = "&lt;img src=x"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    shelf = tmp_path / "voices"
    write_voice(shelf / "tiny", tiny_config(PLAIN), tiny_tensors(PLAIN))
    a = FORMS["posterior"]
    config = replace(tiny_config(a, "choir"), licence=NASTY)
    write_voice(shelf / "choir", config, tiny_tensors(a))
    dataset(tmp_path / "sets" / "one", speaker=NASTY)
    return tmp_path


@pytest.fixture
async def page(folders: Path) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    shelves = Shelves(folders / "voices", (folders / "sets",), folders / "training")
    async with open_page(shelves) as url, aiohttp.ClientSession() as client:
        yield url, client


Open = tuple[str, aiohttp.ClientSession]


async def got(page: Open, path: str) -> Any:
    url, client = page
    async with client.get(url + path) as answer:
        assert answer.status == 200, path
        return await answer.json()


async def posted(page: Open, path: str, **how: Any) -> tuple[int, bytes]:
    url, client = page
    async with client.post(url + path, **how) as answer:
        return answer.status, await answer.read()


def seconds(data: bytes) -> float:
    with wave.open(io.BytesIO(data)) as file:
        return file.getnframes() / file.getframerate()


async def test_text_becomes_speech_the_same_for_the_same_seed(page: Open) -> None:
    names = {each["name"]: each for each in await got(page, "api/voices")}
    assert names["choir"]["converts"] and not names["tiny"]["converts"]
    given = {"voice": "choir", "speaker": "speaker 1", "text": "a cab", "seed": "7"}
    status, first = await posted(page, "api/say", json=given)
    assert status == 200 and seconds(first) > 0
    assert (await posted(page, "api/say", json=given))[1] == first
    other = await posted(page, "api/say", json=given | {"speaker": "speaker 2"})
    assert other[1] != first
    fast = await posted(
        page, "api/say", json=given | {"length_scale": 0.3}
    )  # at least a frame each
    assert seconds(fast[1]) < 0.8 * seconds(first)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"voice": "../../etc", "text": "a"}, "a voice's name"),
        ({"voice": "tiny", "text": "a", "speaker": "../x"}, "no such speaker"),
        ({"voice": "tiny", "text": "  "}, "nothing to say"),
        ({"voice": "tiny", "text": "a" * 5001}, "longer"),
        ({"voice": "tiny", "text": "a", "length_scale": "1; rm"}, "no number"),
        ({"voice": "tiny", "text": "a", "noise_scale": 1e9}, "noise_scale"),
        ([1], "no JSON object"),
    ],
)
async def test_what_cannot_be_said_is_told(page: Open, given: Any, expected: str) -> None:
    status, body = await posted(page, "api/say", json=given)
    assert status == 400
    assert expected in json.loads(body)["error"]


async def test_a_recording_is_said_again_by_another_speaker(page: Open) -> None:
    file = io.BytesIO()
    tone = 0.3 * np.sin(np.arange(22_050) * 0.05)
    soundfile.write(file, tone, 22_050, format="WAV")

    def form(**values: str) -> aiohttp.FormData:
        made = aiohttp.FormData()
        made.add_field("recording", file.getvalue(), filename=f"../../{NASTY}.wav")
        fields = {"voice": "choir", "source": "speaker 0", "target": "speaker 2"} | values
        for name, value in fields.items():
            made.add_field(name, value)
        return made

    status, body = await posted(page, "api/convert", data=form())
    assert status == 200
    assert seconds(body) == pytest.approx(1.0, abs=0.01)
    for values in ({"voice": "tiny"}, {"voice": "../x"}, {"target": "nobody"}):
        status, body = await posted(page, "api/convert", data=form(**values))
        assert status == 400 and json.loads(body)["error"]
    broken = aiohttp.FormData()
    broken.add_field("recording", b"no sound", filename="a.wav")
    broken.add_field("voice", "choir")
    assert (await posted(page, "api/convert", data=broken))[0] == 400
    assert (await posted(page, "api/convert", data=b"x"))[0] == 400


async def test_the_report_of_a_data_set_is_shown_with_its_clips(page: Open) -> None:
    url, client = page
    (found,) = await got(page, "api/datasets")
    assert (found["speaker"], found["clips"], found["held_out"]) == (NASTY, 2, 1)
    async with client.get(f"{url}datasets/{found['id']}/report.html") as answer:
        text = await answer.text()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ESCAPED in text and "<img" not in text
    clip = f"datasets/{found['id']}/clips/{1:016x}.flac"
    async with client.get(url + clip) as answer:
        assert (await answer.read()).startswith(b"fLaC")
    for path in (
        f"datasets/{found['id']}/clips/..%2Fdataset.json",
        "datasets/99/clips/0000000000000000.flac",
        "datasets/..%2F..%2Fetc/report.html",
        "static/..%2Fpage.py",
    ):
        async with client.get(url + path) as answer:
            assert answer.status in (400, 404), path


async def test_a_data_set_keeps_its_address_when_others_come_and_a_full_disk_is_told(
    page: Open, folders: Path
) -> None:
    url, client = page
    (before,) = await got(page, "api/datasets")
    dataset(folders / "sets" / "another", speaker="Bea")
    after = {each["speaker"]: each["id"] for each in await got(page, "api/datasets")}
    assert after[NASTY] == before["id"] != after["Bea"]
    report = folders / "sets" / "one" / "report.html"
    report.mkdir()  # it cannot be written
    async with client.get(f"{url}datasets/{before['id']}/report.html") as answer:
        assert answer.status == 400
        assert "could not be written" in (await answer.json())["error"]


async def test_trainings_are_seen_as_far_as_they_are(page: Open, folders: Path) -> None:
    assert await got(page, "api/trainings") == []
    # One of the bot's, by what it wrote; one of `finetune`, by the states it really saved.
    work = folders / "training" / "parley.12ab"
    work.mkdir(parents=True)
    write_order(work, Order("ada", "base", "shelf"))
    heard = Heard(2.9, 50, 6, 2, {"too noisy": 2}, 3.2, 120)
    write_progress(work, Progress("train", 0.25, 600.0, heard))
    states = folders / "voices" / ".bea.training"
    fourth = states / "state-00-0000004.pt"
    made, _ = train(folders, RECIPE, "bea", stop=fourth.is_file, save_every=2)
    assert made is None
    ada, bea = await got(page, "api/trainings")
    assert (ada["voice"], ada["stage"], ada["share"], ada["left_s"]) == ("ada", "train", 0.25, 600)
    assert ada["heard"]["minutes"] == 2.9
    assert (bea["voice"], bea["part"], bea["step"]) == ("bea", 1, 4)


async def test_the_page_is_for_this_machine_and_for_whoever_has_its_address(page: Open) -> None:
    url, client = page
    assert url.startswith("http://127.0.0.1:")
    async with client.get(url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "http" not in text.replace("http-equiv", "")
    for name in ("studio.js", "studio.css"):
        async with client.get(f"{url}static/{name}") as answer:
            assert "//" not in (await answer.text()).replace("// ", "")
    root = url.rsplit("/", 2)[0]
    async with client.get(f"{root}/other/api/voices") as answer:
        assert answer.status == 404
    async with client.get(f"{url}api/voices", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 421
    origin = {"Origin": "http://evil.example"}
    async with client.post(f"{url}api/say", json={}, headers=origin) as answer:
        assert answer.status == 403
