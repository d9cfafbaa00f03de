"""What goes into an answer and what is known after it: plain frozen records.

Legend: ids are Discord snowflakes; ``guild_id`` 0 means direct messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for the model to see."""

    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """Text taken out of an attachment (``dialogue.attachments``, ``dialogue.hearing``)."""

    name: str = field(repr=False)
    text: str = field(repr=False)
    cut: bool = False
    """Whether the file held more."""
    heard: bool = False
    """Whether it is the transcript of a recording."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One message to answer."""

    person_id: int
    guild_id: int
    channel_id: int
    name: str = field(repr=False)
    """How the person is called here."""
    text: str = field(repr=False)
    images: tuple[Image, ...] = ()
    documents: tuple[Document, ...] = ()
    locale: str = "en-US"
    role_ids: tuple[int, ...] = ()
    """Highest role first; decides about limits and the default persona."""
    replaces: int | None = None
    """A turn to answer again; with an empty ``text``, what was asked then is asked again."""


class Finish(StrEnum):
    """How an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one answer."""

    tokens_in: int
    tokens_out: int
    counted: bool
    """Whether this is our own count, because the provider reported none."""
    cost: float = 0.0
