"""Which files are taken for recordings."""

from __future__ import annotations

SOUNDS = frozenset(
    "wav flac mp3 ogg oga opus m4a aac wma aiff aif g722 amr".split()  # noqa: SIM905 - words read better
    + "mp4 3gp mkv mov webm avi m4v mpg mpeg".split()  # noqa: SIM905
)
"""Endings of sound and of video, in lower case."""
