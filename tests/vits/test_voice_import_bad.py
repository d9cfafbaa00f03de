"""A checkpoint that is not whole is refused with a sentence; nothing is written, nothing is run."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

import onnx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vits.checkpoints import piper_model, write_hugging_face, write_original, write_piper
from tests.vits.tiny import PLAIN
from vits.errors import BadCheckpoint
from vits.io.importing import import_voice
from vits.io.pickled import Pickled

FORMATS = st.sampled_from(["zip", "old", "onnx", "hf", "bin"])
# One folder of good files serves all examples; each puts back what it damaged.
SHARED = [HealthCheck.function_scoped_fixture]


def refused(path: Path, out: Path, complaint: str) -> None:
    with pytest.raises(BadCheckpoint, match=complaint) as caught:
        import_voice(path, "bad", out)
    assert not (out / "bad").exists()
    assert not list(out.glob(".*"))
    assert "\n" not in str(caught.value)


class Exploit:
    """Unpickled, it would write a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
@pytest.mark.parametrize("place", ["value", "state"])
def test_an_exploit_is_named_and_not_run(old: bool, place: str, tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    marker = tmp_path / "run"
    checkpoint = torch.load(path, weights_only=True)
    if place == "value":
        checkpoint["extra"] = Exploit(marker)
    else:
        checkpoint["model"]["enc_p.emb.weight"] = Exploit(marker)
    torch.save(checkpoint, path, _use_new_zipfile_serialization=not old)
    refused(path, tmp_path, r"asks to use (posix|nt)\.system.*nothing of it was run")
    path.write_bytes(pickle.dumps(Exploit(marker)))
    refused(path, tmp_path, r"system")
    assert not marker.exists()


@pytest.mark.parametrize(
    "name",
    [
        *("builtins eval", "builtins exec", "builtins getattr", "torch.hub load"),
        *("torch.serialization_x load", "subprocess Popen", "operator attrgetter"),
        *("torch.jit load", "runpy _run_code", "os system", "torch load", "numpy load"),
        *("torch.serialization load", "numpy.core.multiarray scalar2", "pathlib os.system"),
    ],
)
def test_nothing_that_could_run_is_known(name: str, tmp_path: Path) -> None:
    module, _, attribute = name.partition(" ")
    program = b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b"X\x01\x00\x00\x00x\x85R."
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("archive/data.pkl", program)
    with pytest.raises(BadCheckpoint, match="not data"):
        Pickled(tmp_path / "x.pth")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("good")
    return {
        "zip": write_original(base / "zip", PLAIN),
        "old": write_original(base / "old", PLAIN, old=True),
        "onnx": write_piper(base / "onnx", PLAIN),
        "hf": write_hugging_face(base / "hf", PLAIN) / "model.safetensors",
        "bin": write_hugging_face(base / "bin", PLAIN, pickled=True) / "pytorch_model.bin",
    }


@given(FORMATS, st.floats(0, 0.999))
@settings(max_examples=60, suppress_health_check=SHARED)
def test_cut_short(good: dict[str, Path], tmp_path: Path, kind: str, share: float) -> None:
    path = good[kind]
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: int(len(whole) * share)])
        refused(path, tmp_path, ".")
    finally:
        path.write_bytes(whole)


@given(
    FORMATS,
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=20),
)
@settings(max_examples=40, suppress_health_check=SHARED)
def test_flipped_bytes_are_an_error_or_a_voice(
    good: dict[str, Path], tmp_path: Path, kind: str, changes: list[tuple[float, int]]
) -> None:
    path = good[kind]
    whole = path.read_bytes()
    damaged = bytearray(whole)
    for share, byte in changes:
        damaged[int(len(damaged) * share)] = byte
    out = tmp_path / "out"
    shutil.rmtree(out, ignore_errors=True)
    try:
        path.write_bytes(bytes(damaged))
        import_voice(path, "x", out)
    except BadCheckpoint:
        assert not (out / "x").exists()
    finally:
        path.write_bytes(whole)


def test_names_do_not_matter_but_content_does(good: dict[str, Path], tmp_path: Path) -> None:
    for kind, suffix in (("zip", ".onnx"), ("onnx", ".pth"), ("old", ".txt")):
        folder = tmp_path / kind
        shutil.copytree(good[kind].parent, folder)
        renamed = (folder / good[kind].name).rename(folder / f"model{suffix}")
        import_voice(renamed, kind, tmp_path / "out")
    contents = (b"", b"{}", b"hello", b"\x08", b"PK\x03\x04", b"\x80\x02", b"\0" * 99)
    for number, content in enumerate(contents):
        odd = tmp_path / f"odd{number}.pth"
        odd.write_bytes(content)
        refused(odd, tmp_path / "out", ".")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.jpg", b"x")
    refused(tmp_path / "photos.zip", tmp_path / "out", "no configuration|no PyTorch checkpoint")
    refused(tmp_path / "nothing.pth", tmp_path / "out", "no file")
    refused(good["zip"].parent / "config.json", tmp_path / "out", "weights beside it")


def test_missing_and_odd_tensors_are_named(tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    good_checkpoint = torch.load(path, weights_only=True)

    def without(change: dict[str, object], gone: str = "") -> None:
        model = {**good_checkpoint["model"], **change}
        model.pop(gone, None)
        torch.save({"model": model}, path)

    without({}, "dec.conv_pre.bias")
    refused(path, tmp_path, r"dec\.conv_pre\.bias is missing")
    without({"enc_p.emo_proj.weight": torch.zeros(3, 4)})
    refused(path, tmp_path, r"enc_p\.emo_proj\.weight \[3, 4\] is not part")
    without({"enc_p.proj.bias": torch.zeros(5)})
    refused(path, tmp_path, r"enc_p\.proj\.bias has shape \[5\], expected \[16\]")
    without({}, "dec.ups.0.weight_g")
    refused(path, tmp_path, r"dec\.ups\.0\.weight: its weight norm is incomplete")
    without({}, "enc_p.emb.weight")
    refused(path, tmp_path, r"enc_p\.emb\.weight is missing")
    torch.save({"model": {"discriminators.0.convs.0.bias": torch.zeros(1)}}, path)
    refused(path, tmp_path, "discriminator")
    for value in ([1, 2], "text", {"model": 3}, {}, torch.zeros(3)):
        torch.save(value, path)
        refused(path, tmp_path, "no network|no VITS")


def test_a_gigabyte_claimed_is_not_believed(tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    program = next(name for name in files if name.endswith("data.pkl"))
    # The first claim of a size in the program is that of the embedding, 20 x 12 numbers.
    claimed = files[program].replace(b"K\xf0", b"J\x00\x00\x00\x40", 1)
    assert claimed != files[program]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, program: claimed}.items():
            archive.writestr(name, content)
    refused(path, tmp_path, "claims more numbers than it holds")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            bomb = bytes(200 << 20) if name.endswith("data/0") else content
            archive.writestr(name, bomb)
    refused(path, tmp_path, "claims more numbers than it holds|damaged")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(80 << 20))
    refused(path, tmp_path, "impossible length")
    path.write_bytes(b"\x80\x02X" + struct.pack("<I", 1 << 30))
    refused(path, tmp_path, "impossible size|damaged|cut short")

    model = piper_model(PLAIN)
    model.graph.initializer[3].dims[:] = [1 << 14, 1 << 14]
    voice = write_piper(tmp_path / "piper", PLAIN)
    onnx.save(model, str(voice))
    refused(voice, tmp_path, "claims")
    header = json.dumps(
        {
            "text_encoder.embed_tokens.weight": {"dtype": "F32", "shape": [1 << 14, 1 << 14]}
            | {"data_offsets": [0, 1 << 30]}
        }
    ).encode()
    folder = write_hugging_face(tmp_path / "hf", PLAIN)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    refused(folder, tmp_path, "damaged")


def test_a_graph_that_points_at_other_files_reads_none(tmp_path: Path) -> None:
    model = piper_model(PLAIN)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    voice = write_piper(tmp_path / "in", PLAIN)
    voice.write_bytes(model.SerializeToString())
    refused(voice, tmp_path, "quantised or stored elsewhere")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"symbols": ["_"] * 21}, "21"),
        ({"symbols": None}, "178"),
        ({"data": {"text_cleaners": ["klingon_cleaners"], "sampling_rate": 22050}}, "klingon"),
        ({"model": {"upsample_rates": "fast"}}, "upsample_rates"),
        (
            {"model": {"upsample_rates": [4, 2], "resblock_dilation_sizes": [[1]]}},
            "dilation",
        ),
    ],
)
def test_a_configuration_that_does_not_fit(
    change: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    file = path.parent / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    refused(path, tmp_path, complaint)


def test_which_configuration(tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    shutil.copy(path.parent / "config.json", path.parent / "other.json")
    refused(path, tmp_path, r"--config, one of: config\.json, other\.json")
    import_voice(path, "named", tmp_path, settings=path.parent / "other.json")
    (path.parent / "config.json").unlink()
    (path.parent / "other.json").write_text("{}")
    refused(path, tmp_path, "no configuration fits")
    shutil.copy(path, path.parent / "G_200.pth")
    refused(path.parent, tmp_path, r"G_100\.pth, G_200\.pth")


def test_a_program_cannot_eat_the_memory(tmp_path: Path) -> None:
    marks, stores = b"(" * 5_000_000, b"\x80\x02]" + b"q\x00" * 3_000_000
    for program in (marks, stores, b"\x80\x02]r\xff\xff\xff\xff."):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("x/data.pkl", program)
        (tmp_path / "x.pth").write_bytes(buffer.getvalue())
        refused(tmp_path / "x.pth", tmp_path, ".")
