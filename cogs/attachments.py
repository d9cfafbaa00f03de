"""Fetches what people attach, for the dialogue to read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import discord

from dialogue.ask import Document, Image
from dialogue.attachments import Attachments
from errors import Unavailable
from words import N_


class AttachmentGone(Unavailable):
    """Discord does not give it to us."""

    sentence = N_("I could not download your attachment. Please send it again.")


async def take_in(
    attachments: Sequence[discord.Attachment], reader: Attachments
) -> tuple[tuple[Image, ...], tuple[Document, ...]]:
    """The pictures and documents among ``attachments``, in their order. Raises ``ParleyError``."""
    for each in attachments:
        reader.check_size(each.size)
    try:
        async with asyncio.TaskGroup() as group:  # what is refused for one file spares the others
            taken = [group.create_task(_take(each, reader)) for each in attachments]
    except ExceptionGroup as errors:
        first = errors.exceptions[0]
        raise first from first.__cause__
    read = [task.result() for task in taken]
    return (
        tuple(each for each in read if isinstance(each, Image)),
        tuple(each for each in read if isinstance(each, Document)),
    )


async def _take(attachment: discord.Attachment, reader: Attachments) -> Image | Document:
    try:
        data = await attachment.read()
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise AttachmentGone from error
    return await reader.read(attachment.filename, attachment.content_type, data)
