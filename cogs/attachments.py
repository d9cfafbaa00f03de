"""What comes attached to a message, made ready for the model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import discord

from dialogue.ask import Document, Image
from dialogue.errors import FileTooLarge
from dialogue.settings import InputSettings
from errors import Unavailable
from words import N_


class AttachmentGone(Unavailable):
    """Discord does not give it to us."""

    sentence = N_("I could not download your attachment. Please send it again.")


async def take_in(
    attachments: Sequence[discord.Attachment], settings: InputSettings
) -> tuple[tuple[Image, ...], tuple[Document, ...]]:
    """The pictures and documents among ``attachments``. Raises ``ParleyError``."""
    pictures = [each for each in attachments if _is_picture(each)]
    for each in pictures:
        if each.size > settings.file_bytes:
            raise FileTooLarge(limit=settings.file_bytes // 1024**2)
    images = await asyncio.gather(*(_read(each) for each in pictures[: settings.images]))
    return tuple(images), ()


def _is_picture(attachment: discord.Attachment) -> bool:
    return (attachment.content_type or "").startswith("image/")


async def _read(attachment: discord.Attachment) -> Image:
    try:
        data = await attachment.read()
    except (discord.DiscordException, OSError) as error:
        raise AttachmentGone from error
    return Image((attachment.content_type or "").partition(";")[0], data)
