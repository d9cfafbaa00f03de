"""Files made to harm whoever imports them: refused in one line, and nothing grows or is written."""

from __future__ import annotations

import io
import json
import math
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from tests.vits.checkpoints import piper_model, write_hugging_face, write_original, write_piper
from tests.vits.test_voice_import_bad import Exploit, refused
from tests.vits.tiny import PLAIN
from vits.io.importing import import_voice
from vits.io.kinds import shown

NUMBERS = math.prod(piper_model(PLAIN).graph.initializer[3].dims)


def archived(folder: Path, program: bytes, place: str = "x/") -> Path:
    """A .pth around a pickle and one number, with its configuration beside it."""
    path = write_original(folder, PLAIN)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{place}data.pkl", b"\x80\x02" + program)
        archive.writestr(f"{place}data/0", bytes(4))
    return path


def whole(number: int) -> bytes:
    """One integer of a pickle."""
    packed = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(packed)]) + packed


def tensor(shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> bytes:
    """A state of one tensor that describes itself like this, and has one number."""
    sizes, steps = (b"(" + b"".join(map(whole, each)) + b"t" for each in (shape, strides))
    return (
        b"}X\x10\0\0\0enc_p.emb.weightctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage"
        b"ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu" + whole(1) + b"tQ"
    ) + (whole(offset) + sizes + steps + b"tRs.")


@pytest.mark.parametrize(
    "program",
    [
        b"](K\x01K\x02u.",  # items into a list
        b")K\x01a.",  # an item into a tuple
        b"NK\x01K\x02s.",  # a key into nothing
        b")" + b"\x85" * 200_000 + b"}\x85.",  # deep
        b"})" + b"\x85" * 200_000 + b"Ns.",  # deep, as a key: hashing it would end the process
        b"NQ.",
        b"G\x7f\xf0\0\0\0\0\0\0.",
        tensor((0, 1 << 62, 1 << 62), (1, 1, 1)),
        tensor((1,) * 70, (1,) * 70),
        tensor((1, 1), (1,)),
        tensor((-1, -1), (1, 1)),
        tensor((2, 1), (1 << 70, 1)),
        tensor((1, 1), (1, 1), 1 << 70),
    ],
)
def test_odd_programs(program: bytes, tmp_path: Path) -> None:
    refused(archived(tmp_path / "in", program), tmp_path, ".")


# Lists that hold one list many times over: short to write, endless to copy or to print.
MANY = b"]q\0(" + b"K\x01" * 100_000 + b"e0](" + b"h\0" * 100_000 + b"e"
DEEP = b"]q\0" + b"0](h\0h\0eq\0" * 40
STORED = b"}X\x01\0\0\0a(X\x07\0\0\0storagectorch\nFloatStorage\n"
LIMITED = """
import resource, sys
from pathlib import Path
from vits.errors import BadCheckpoint
from vits.io.importing import import_voice
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (300 << 20),) * 2)
try:
    import_voice(Path(sys.argv[1]), "bad", Path(sys.argv[2]))
except BadCheckpoint as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does")
@pytest.mark.parametrize(
    "program",
    [
        b"ccollections\nOrderedDict\n" + MANY + b"\x85R.",
        DEEP + b"\x8c\x01a\x93.",
        b"\x8c\x01a" + DEEP + b"\x93.",
        STORED + DEEP + b"X\x03\0\0\0cpuK\x01tQs.",
    ],
    ids=["pairs", "module", "name", "storage"],
)
def test_a_list_of_one_list_does_not_eat_the_memory(program: bytes, tmp_path: Path) -> None:
    path = archived(tmp_path / "in", program)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "damaged" in done.stdout, done.stderr


def test_a_step_along_one_place_may_be_any_number(tmp_path: Path) -> None:
    path = archived(tmp_path / "in", tensor((1, 1), (1 << 70, 9)))
    refused(path, tmp_path, r"tensor enc_p\.proj\.weight is missing")


def test_a_small_file_does_not_become_a_large_memory(tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    model = torch.load(path, weights_only=True)["model"]
    shared = torch.zeros(100_000)
    torch.save({"model": model | {f"enc_p.{i}": shared for i in range(500)}}, path)
    refused(path, tmp_path, "claims more numbers than it holds")


def test_names_from_a_file_are_shown_on_one_line(tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    model = torch.load(path, weights_only=True)["model"]
    torch.save({"model": model | {"enc_p.\n\x1b[31mred" + "a" * 9999: torch.zeros(1)}}, path)
    refused(path, tmp_path, "not part of this network|red")
    assert shown("a\n\x1b[31m\u202eb ") == "a [31m b"
    assert len(shown("a" * 999)) == 101


def test_numbers_that_are_none(tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    model = torch.load(path, weights_only=True)["model"]
    model["dec.conv_pre.bias"][2] = math.nan
    torch.save({"model": model}, path)
    refused(path, tmp_path, r"dec\.conv_pre\.bias is not all numbers")


def test_other_archives(tmp_path: Path) -> None:
    """The layout before zip and pickle was tar; names in a zip archive may lead anywhere."""
    path, marker = write_original(tmp_path / "in", PLAIN), tmp_path / "run"
    exploit = pickle.dumps(Exploit(marker))
    with tarfile.open(path, "w") as archive:
        for name in ("sys_info", "pickle", "../../tensors"):
            about = tarfile.TarInfo(name)
            about.size = len(exploit)
            archive.addfile(about, io.BytesIO(exploit))
    refused(path, tmp_path, "no known kind")
    for protocol in (0, 5):
        path.write_bytes(pickle.dumps(Exploit(marker), protocol))
        refused(path, tmp_path, "no known kind|system")
    outside = archived(tmp_path / "in", b"}.", "../../../outside/")
    refused(outside, tmp_path, "no VITS")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}." * 1000)
    path.write_bytes(path.read_bytes().replace(path.read_bytes()[60:90], bytes(30)))
    refused(path, tmp_path, "damaged")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sampling_rate", 10**400),
        ("sampling_rate", 10**15),
        ("filter_length", 10**300),
        ("win_length", 10**12),
        ("win_length", 0),
    ],
)
def test_sizes_out_of_this_world(field: str, value: int, tmp_path: Path) -> None:
    path = write_original(tmp_path / "in", PLAIN)
    about = json.loads((path.parent / "config.json").read_text())
    about["data"][field] = value
    (path.parent / "config.json").write_text(json.dumps(about))
    refused(path, tmp_path, "out of range|finite number")


@pytest.mark.parametrize(
    "change",
    [
        {"espeak": {"voice": "../../../etc/passwd"}},
        {"espeak": {"voice": "en\0us"}},
        {"language": {"code": "x" * 1000}},
        {"phoneme_id_map": {}},
        {"phoneme_id_map": {"a": [10**30]}},
        {"inference": {"length_scale": 10**400}},
    ],
)
def test_settings_that_lead_elsewhere(change: dict[str, object], tmp_path: Path) -> None:
    path = write_piper(tmp_path / "in", PLAIN)
    settings = Path(f"{path}.json")
    settings.write_text(json.dumps(json.loads(settings.read_text()) | change))
    refused(path, tmp_path, ".")


def sized(*dims: int) -> Callable[[onnx.GraphProto], None]:
    def change(graph: onnx.GraphProto) -> None:
        graph.initializer[3].dims[:] = dims

    return change


@pytest.mark.parametrize(
    "change",
    [sized(-1, -NUMBERS), sized(*[1] * 70, NUMBERS), sized(1 << 40, 1 << 40), sized(0), sized()],
)
def test_odd_graphs(change: Callable[[onnx.GraphProto], None], tmp_path: Path) -> None:
    model = piper_model(PLAIN)
    change(model.graph)
    path = write_piper(tmp_path / "in", PLAIN)
    path.write_bytes(model.SerializeToString())
    refused(path, tmp_path, "claims")


def test_nodes_of_a_graph_may_lack_what_they_need(tmp_path: Path) -> None:
    model = piper_model(PLAIN)
    for kind in ("Identity", "Constant", "Conv", "ConvTranspose", "Gather"):
        model.graph.node.add(op_type=kind, name="/enc_p/emb/x")
    path = write_piper(tmp_path / "in", PLAIN)
    path.write_bytes(model.SerializeToString())
    import_voice(path, "fine", tmp_path / "out")


@pytest.mark.parametrize("places", [((0, 8), (4, 12)), ((0, 8), (0, 8)), ((8, 16), (16, 24))])
def test_numbers_that_overlap(
    places: tuple[tuple[int, int], tuple[int, int]], tmp_path: Path
) -> None:
    folder = write_hugging_face(tmp_path / "in", PLAIN)
    entry = {"dtype": "F32", "shape": [2]}
    header = {name: entry | {"data_offsets": at} for name, at in zip("ab", places, strict=True)}
    packed = json.dumps(header).encode()
    content = struct.pack("<Q", len(packed)) + packed + bytes(places[1][1])
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, tmp_path, "damaged")


def test_swapped_names_do_not_matter_in_folders_either(tmp_path: Path) -> None:
    safe = write_hugging_face(tmp_path / "safe", PLAIN)
    (safe / "model.safetensors").rename(safe / "pytorch_model.bin")
    pickled = write_hugging_face(tmp_path / "pickled", PLAIN, pickled=True)
    (pickled / "pytorch_model.bin").rename(pickled / "model.safetensors")
    odd = write_hugging_face(tmp_path / "odd", PLAIN)
    (odd / "model.safetensors").rename(odd / "weights.dat")
    plain = write_original(tmp_path / "plain", PLAIN)
    plain.rename(plain.with_name("latest"))
    swapped = write_piper(tmp_path / "swapped", PLAIN)
    swapped.rename(swapped.with_suffix(".pth"))
    ours, _ = import_voice(safe, "ours", tmp_path / "out")
    for number, path in enumerate(
        [
            *(pickled, pickled / "model.safetensors", odd, odd / "weights.dat"),
            *(plain.parent, swapped.parent, ours, ours / "model.safetensors"),
        ]
    ):
        import_voice(path, f"v{number}", tmp_path / "out")
    (odd / "weights.dat").unlink()
    refused(odd, tmp_path / "out", "neither model.safetensors nor")
    (ours / "voice.json").unlink()
    refused(ours / "model.safetensors", tmp_path / "out", "no known kind")
    shutil.rmtree(safe)
    refused(safe, tmp_path / "out", "no file")


def test_bytes_changed_at_random_never_surprise(tmp_path: Path) -> None:
    """Two hundred damages to a graph: an error of ours, or a voice of numbers."""
    path, random = write_piper(tmp_path / "in", PLAIN), np.random.default_rng(3)
    good = path.read_bytes()
    for number in range(200):
        damaged = bytearray(good)
        for place in random.integers(0, len(good), 1 + number % 30):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            import_voice(path, f"v{number}", tmp_path / "out")
        except Exception as error:
            assert type(error).__name__ == "BadCheckpoint", error
