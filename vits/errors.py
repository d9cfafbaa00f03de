"""Everything this library raises on purpose. Each message is one clear sentence in English.

The library knows nobody, so the bot's renderer chooses a translated sentence by class.
Messages may name a voice, a tensor or a file the caller named; never a text to be spoken.
"""

from __future__ import annotations

WITH_TORCH = "make train (or: pip install -r requirements/train.txt)"
"""How to install PyTorch and all that trains and judges voices."""


class VitsError(Exception):
    """Base of the tree; ``str(error)`` is the sentence."""


class BadVoice(VitsError):
    """A voice folder is not what ``voice.json`` says: a field, a tensor or a shape is wrong."""


class UnknownVoice(VitsError):
    """No voice of that name is on the shelf, or the name is not a voice name at all."""


class UnknownSpeaker(VitsError):
    """The voice has no speaker of that name or number."""


class BadCheckpoint(VitsError):
    """A file that was to be imported is damaged, of an unknown kind, or not a VITS."""


class BadText(VitsError):
    """The text front of a voice cannot be used, or was given ids outside its symbols."""


class BadStyle(VitsError):
    """A scale is not a number, or so far out that nothing would be heard."""


class BadAudio(VitsError):
    """A recording cannot be read or is too short to use."""


class BadData(VitsError):
    """A data set cannot be made or read: nothing usable in it, or its files are damaged."""


class DiskFull(BadData):
    """What was made of a data set does not fit on the disk; what was written before is kept."""


class BackendUnavailable(VitsError):
    """An engine cannot run here: its extension is not built or its package not installed."""


class MissingDependency(VitsError):
    """An optional package is needed; the message says how to install it."""
