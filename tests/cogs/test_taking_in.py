"""What people attach: for one file that cannot be read, no other is read to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import discord
import pytest

from cogs.attachments import AttachmentGone, take_in
from dialogue.attachments import Attachments
from dialogue.errors import UnreadableFile
from dialogue.hearing import Hearing
from dialogue.settings import InputSettings


@dataclass
class Attached:
    """A file as Discord hands it over, or does not; without ``data`` its download never ends."""

    filename: str
    data: bytes | Exception | None = None
    content_type: str = "application/octet-stream"
    size: int = 10
    given_up: bool = False

    async def read(self) -> bytes:
        if isinstance(self.data, Exception):
            raise self.data
        try:
            return self.data or await asyncio.get_running_loop().create_future()
        finally:
            self.given_up = True


@pytest.mark.parametrize(
    ("bad", "raised"), [(b"MZ\x90\x00", UnreadableFile), (OSError("lost"), AttachmentGone)]
)
async def test_the_first_file_that_cannot_be_read_ends_the_reading_of_the_others(
    bad: bytes | Exception, raised: type[Exception]
) -> None:
    settings, endless = InputSettings(), Attached("a.pdf")
    files = cast("list[discord.Attachment]", [endless, Attached("a.exe", bad)])
    with pytest.raises(raised) as caught:
        await take_in(files, Attachments(settings, Hearing(settings)))
    assert caught.value.__cause__ is (bad if isinstance(bad, Exception) else None)
    assert endless.given_up
