"""Text from outside, made harmless without changing what it says. Pure.

Three things are taken out of what people write, of files and of names: characters nobody sees but a
model reads (Unicode tags, bidirectional overrides, zero-width marks); the marks with which model
formats separate roles, since many servers read them inside a message too (llama.cpp does); and, in
names, everything that is not part of a name.
"""

from __future__ import annotations

import re
import unicodedata

NAME_CHARACTERS = 32

# ZWJ and ZWNJ stay: emoji, Persian and the scripts of India are written with them.
_INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff"
    "\ud800-\udfff"
    "\U0001d173-\U0001d17a"  # musical controls
    "\U000e0000-\U000e0fff"  # tags, and selectors that can spell a hidden text
    "]"
)
_JOINERS = re.compile("[\u200c\u200d]{2,}")
_MARKS = re.compile(
    r"<([|\uff5c][^<>\n]{1,64}?[|\uff5c])>"  # <|im_start|> and its kin
    r"|<(/?(?:s|bos|eos|pad|unk|mask|im_start|im_end|start_of_turn|end_of_turn|"
    r"start_header_id|end_header_id|eot_id|system|user|assistant|human))>"
    r"|<(</?SYS>)>"
    r"|\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS))\]",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """``text`` with nothing invisible in it, and with every role mark as mere typography."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _JOINERS.sub(lambda found: found.group()[0], _INVISIBLE.sub("", text))
    return _MARKS.sub(_typography, text)


def plain_name(name: str) -> str:
    """A name that OpenAI's ``name`` field takes: letters, digits, ``_`` and ``-``; may be empty.

    Letters of every script stay; anything else (spaces, punctuation, emoji) joins them with ``_``.
    """
    kept = "".join(
        character if unicodedata.category(character)[0] in "LN" or character == "-" else "_"
        for character in unicodedata.normalize("NFKC", plain(name))
    )
    return re.sub("_+", "_", kept).strip("_-")[:NAME_CHARACTERS].rstrip("_-")


def _typography(found: re.Match[str]) -> str:
    inner = next(group for group in found.groups() if group is not None)
    inner = inner.replace("<", "‹").replace(">", "›").replace("|", "¦").replace("\uff5c", "¦")
    return f"‹{inner}›"
