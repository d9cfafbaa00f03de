"""Attachments: what they are, their bytes say; all of them are bounded."""

from __future__ import annotations

import asyncio
import io
import math
import os
import subprocess
import time
import wave
import zlib
from array import array
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from pypdf import PdfWriter
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    EncodedStreamObject,
    NameObject,
)

from dialogue import attachments as module
from dialogue.ask import Document, Image
from dialogue.attachments import PDFS_AT_ONCE, Attachments
from dialogue.child import ChildFailed, run_child
from dialogue.errors import (
    AudioTooLong,
    FileTooLarge,
    NoHearing,
    NothingHeard,
    UnreadableFile,
)
from dialogue.hearing import CHILD, TIMEOUT_S, Hearing
from dialogue.settings import InputSettings
from vits.speaking import open_fallback

SETTINGS = InputSettings()


@pytest.fixture
def attachments() -> Attachments:
    return Attachments(SETTINGS, Hearing(SETTINGS))


def pdf(*pages: str, password: str = "") -> bytes:
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(200, 200)
        content = DecodedStreamObject()
        content.set_data(b"BT /F1 12 Tf 10 100 Td (" + text.encode() + b") Tj ET")
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Contents")] = content
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def tone(seconds: float, hz: float = 440.0) -> bytes:
    samples = array(
        "h",
        (int(8000 * math.sin(hz * math.tau * n / 16_000)) for n in range(int(seconds * 16_000))),
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0...", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
async def test_pictures(attachments: Attachments, data: bytes, kind: str) -> None:
    assert await attachments.read("x.txt", "text/plain", data) == Image(kind, data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("你好".encode(), "你好"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("wide 你好".encode("utf-16"), "wide 你好"),
        (
            b"almost \xe9verything is fine here, really",
            "almost \ufffdverything is fine here, really",
        ),
        (b"", ""),
    ],
)
async def test_text(attachments: Attachments, data: bytes, text: str) -> None:
    assert await attachments.read("a.md", None, data) == Document("a.md", text)


async def test_long_text_is_cut_and_says_so(attachments: Attachments) -> None:
    found = await attachments.read("a.txt", None, b"x" * 30_000)
    assert isinstance(found, Document)
    assert len(found.text) == SETTINGS.text_characters
    assert found.cut


@pytest.mark.parametrize(
    "data", [b"MZ\x90\x00\x03\x00\x00", os.urandom(4000).replace(b"\0", b"\x81"), b"PK\x03\x04\x00"]
)
async def test_programs_and_noise_are_no_text(attachments: Attachments, data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        await attachments.read("fine.txt", "text/plain", b"\x81\x82\x83" + data)


async def test_size_is_bounded_before_and_after_fetching(attachments: Attachments) -> None:
    attachments.check_size(SETTINGS.file_bytes)
    for act in (
        lambda: attachments.check_size(SETTINGS.file_bytes + 1),
        lambda: attachments.check_size(10**12),
    ):
        with pytest.raises(FileTooLarge) as caught:
            act()
        assert caught.value.details == {"limit": 8.0}
    with pytest.raises(FileTooLarge):
        await attachments.read("a.txt", None, b"x" * (SETTINGS.file_bytes + 1))


async def test_a_pdf_is_read(attachments: Attachments) -> None:
    found = await attachments.read("a.pdf", "application/pdf", pdf("First page.", "Second page."))
    assert found == Document("a.pdf", "First page.\n\nSecond page.")


async def test_a_long_pdf_is_cut(attachments: Attachments) -> None:
    short = replace(SETTINGS, pdf_pages=1)
    found = await Attachments(short, Hearing(short)).read("a.pdf", None, pdf("One.", "Two."))
    assert found == Document("a.pdf", "One.", cut=True)
    short = replace(SETTINGS, text_characters=100)
    found = await Attachments(short, Hearing(short)).read("a.pdf", None, pdf("word " * 90, "x"))
    assert isinstance(found, Document)
    assert found.cut
    assert 95 < len(found.text) <= 100


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\nthis is not one",
        b"%PDF-",
        pdf("secret", password="hush"),
        pdf(""),
        pdf("text")[:200],
        b"%PDF-1.4\n" + b"[" * 200_000,
    ],
)
async def test_a_pdf_that_cannot_be_read(attachments: Attachments, data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        await attachments.read("a.pdf", None, data)


async def test_a_file_that_hangs_its_reader_costs_that_reader_only(
    attachments: Attachments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = tmp_path / "hung.py"
    write(hung, "while True: pass\n")
    monkeypatch.setattr(module, "PDF_CHILD", hung)
    monkeypatch.setattr(module, "PDF_TIMEOUT_S", 0.3)
    began_s = time.monotonic()
    with pytest.raises(UnreadableFile):
        await attachments.read("a.pdf", None, pdf("x"))
    assert time.monotonic() - began_s < 10


async def test_a_small_file_that_would_become_huge_is_refused(attachments: Attachments) -> None:
    """A page of 1 GiB, packed into one MiB."""
    pack = zlib.compressobj(9)
    packed = b"".join(pack.compress(bytes(1 << 20)) for _ in range(1024)) + pack.flush()
    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    content = EncodedStreamObject()  # type: ignore[no-untyped-call]  # pypdf declares none
    content[NameObject("/Filter")] = NameObject("/FlateDecode")
    content._data = packed  # as it is in the file
    page[NameObject("/Contents")] = content
    file = io.BytesIO()
    writer.write(file)
    assert len(file.getvalue()) < 2 << 20
    with pytest.raises(UnreadableFile):
        await attachments.read("a.pdf", None, file.getvalue())


async def test_readers_are_few_at_a_time(
    attachments: Attachments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    write(
        child,
        "import json, os, pathlib, sys, time\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "(here / f'{os.getpid()}.running').touch()\n"
        "time.sleep(0.2)\n"
        "count = len(list(here.glob('*.running')))\n"
        "(here / f'{os.getpid()}.running').unlink()\n"
        "sys.stdin.buffer.read()\n"
        "print(json.dumps({'text': str(count)}))\n",
    )
    monkeypatch.setattr(module, "PDF_CHILD", child)
    found = await asyncio.gather(*(attachments.read("a.pdf", None, pdf("x")) for _ in range(6)))
    assert max(int(each.text) for each in found if isinstance(each, Document)) <= PDFS_AT_ONCE


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(3)",
        "print('no json')",
        "print('[]')",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
async def test_a_reader_that_breaks(tmp_path: Path, program: str) -> None:
    write(tmp_path / "child.py", program)
    with pytest.raises(ChildFailed):
        await run_child(tmp_path / "child.py", {}, b"x" * 1_000_000, timeout_s=10)


def write(path: Path, text: str) -> None:
    path.write_text(text)


# -- recordings --------------------------------------------------------------------------------


async def test_without_a_model_nobody_listens() -> None:
    deaf = replace(SETTINGS, hearing="off")
    hearing = Hearing(deaf)
    assert not hearing.installed
    with pytest.raises(NoHearing):
        await Attachments(deaf, hearing).read("voice.ogg", "audio/ogg", b"OggS...")
    assert not Hearing(replace(SETTINGS, hearing_model="/nowhere")).installed


async def test_a_recording_is_heard(attachments: Attachments, spoken: bytes) -> None:
    found = await attachments.read("voice-message.ogg", "audio/ogg", spoken)
    assert isinstance(found, Document)
    assert found.heard
    words = found.text.lower()
    assert "tomorrow" in words
    assert "london" in words


@pytest.fixture(scope="module")
def spoken() -> bytes:
    """A sentence, said by espeak-ng and packed as Discord packs voice messages."""
    voice = open_fallback("en-US")
    sound = np.concatenate(list(voice.speak("What will the weather be like tomorrow in London?")))
    return encoded((sound * 32767).astype("<i2").tobytes(), voice.rate_hz)


def encoded(pcm: bytes, rate_hz: int) -> bytes:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-v", "error", "-f", "s16le", "-ar", str(rate_hz), "-ac", "1", "-i", "-"),
        *("-c:a", "libopus", "-f", "ogg", "-"),
    ]
    return subprocess.run(command, input=pcm, capture_output=True, check=True).stdout


async def test_whoever_listens_is_limited_in_memory_and_time(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.bin").write_bytes(bytes(1 << 20))
    write(
        tmp_path / "child.py",
        "import json, mmap, pathlib, resource, sys\n"
        f"sys.path.insert(0, {str(CHILD.parent)!r})\n"
        "import hearing_child\n"
        f"hearing_child.bound(pathlib.Path({str(model)!r}))\n"
        "room = resource.getrlimit(resource.RLIMIT_AS)[0]\n"
        "try:\n    mmap.mmap(-1, room, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)\n"
        "except OSError:\n    refused = True\n"
        "time = resource.getrlimit(resource.RLIMIT_CPU)[0]\n"
        "print(json.dumps({'room': room, 'refused': refused, 'time': time}))\n",
    )
    found = await run_child(tmp_path / "child.py", {}, b"", timeout_s=10)
    assert 3 << 30 < found["room"] < 1 << 40
    assert found["refused"]
    assert 0 < found["time"] <= 2 * TIMEOUT_S


@pytest.mark.parametrize("data", [tone(1.5), tone(0.0), tone(1.0, hz=0.0)])
async def test_where_nobody_speaks_nothing_is_made_up(
    attachments: Attachments, data: bytes
) -> None:
    with pytest.raises(NothingHeard):
        await attachments.read("noise.wav", "audio/wav", data)


async def test_a_long_recording_is_refused_early() -> None:
    short = replace(SETTINGS, audio_s=1.0)
    with pytest.raises(AudioTooLong) as caught:
        await Attachments(short, Hearing(short)).read("long.wav", "audio/wav", tone(3.0))
    assert caught.value.details == {"limit": 1}


async def test_a_broken_recording(attachments: Attachments) -> None:
    with pytest.raises(UnreadableFile):
        await attachments.read("voice.ogg", "audio/ogg", b"OggS" + bytes(200))
