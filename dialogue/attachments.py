"""Attachments as part of a message: pictures to see, text and PDF to read, recordings to hear.

What a file is, its first bytes say; its name and declared type are hints. Everything is bounded:
bytes, pages, characters, seconds.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from dialogue.ask import Document, Image
from dialogue.child import ChildFailed, run_child
from dialogue.errors import FileTooLarge, UnreadableFile
from dialogue.hearing import Hearing
from dialogue.settings import InputSettings

PDF_CHILD = Path(__file__).with_name("pdf_child.py")
PDF_TIMEOUT_S = 30.0
PDFS_AT_ONCE = 2
"""Each may cost a process with its limits in memory and time: a crowd of them waits in line."""
UNDECODABLE_MOST = 0.05
"""Share of a text that may be unreadable before it is no text."""

_PICTURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_SOUND = re.compile(
    rb"OggS|RIFF....WAVE|fLaC|ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb\xf1\xf9]|\x1aE\xdf\xa3|....ftyp",
    re.DOTALL,
)
_TEXT_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


class Attachments:
    """Reads what people attach."""

    def __init__(self, settings: InputSettings, hearing: Hearing) -> None:
        self._settings = settings
        self._hearing = hearing
        self._readers = asyncio.Semaphore(PDFS_AT_ONCE)

    def check_size(self, size_bytes: int) -> None:
        """Before a file is fetched. Raises ``FileTooLarge``."""
        if size_bytes > self._settings.file_bytes:
            raise FileTooLarge(limit=round(self._settings.file_bytes / 2**20, 1))

    async def read(self, name: str, content_type: str | None, data: bytes) -> Image | Document:
        """One attachment; ``content_type`` is what Discord declared.

        A recording becomes a document with ``heard`` set: show it, so that its owner sees what
        was understood. Raises ``FileTooLarge``, ``UnreadableFile``, and what
        ``Hearing.transcribe`` raises.
        """
        self.check_size(len(data))
        for magic, kind in _PICTURES:
            if magic.match(data):
                return Image(content_type=kind, data=data)
        if data.startswith(b"%PDF-"):
            return await self._pdf(name, data)
        if _SOUND.match(data) or (content_type or "").startswith(("audio/", "video/")):
            return Document(name=name, text=await self._hearing.transcribe(data), heard=True)
        text = _decoded(data)
        limit = self._settings.text_characters
        return Document(name=name, text=text[:limit], cut=len(text) > limit)

    async def _pdf(self, name: str, data: bytes) -> Document:
        given = {
            "pages": self._settings.pdf_pages,
            "characters": self._settings.text_characters,
        }
        try:
            async with self._readers:
                found = await run_child(PDF_CHILD, given, data, timeout_s=PDF_TIMEOUT_S)
        except ChildFailed as error:
            raise UnreadableFile from error
        text = str(found.get("text", "")).strip()
        if not text:
            raise UnreadableFile  # pictures of pages, or locked
        return Document(name=name, text=text, cut=bool(found.get("cut")))


def _decoded(data: bytes) -> str:
    for mark, encoding in _TEXT_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\0" in data:
        raise UnreadableFile
    text = data.decode("utf-8", errors="replace")
    if text.count("\ufffd") > UNDECODABLE_MOST * max(len(text), 1):
        raise UnreadableFile
    return text
