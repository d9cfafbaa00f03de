"""Counting tokens, offline.

tiktoken downloads a vocabulary when it first needs it. ``bpe-openai`` carries the same files (same
SHA-256); laid where tiktoken looks, under the SHA-1 of the address it would load, they are found.

Legend: *overhead* is what a message costs beside its text, as OpenAI's chat format has it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import tiktoken

from dialogue.model_server import NAME as DEMO_MODEL

FALLBACK = "o200k_base"
MESSAGE_OVERHEAD = 4
"""Start, role, separator and end of one message."""
REPLY_OVERHEAD = 3
"""What primes the model to answer; once for each request."""
TURN_OVERHEAD = 2 * MESSAGE_OVERHEAD
IMAGE_TOKENS = 765
"""Of one picture of 1024 x 1024 in high detail: what a budget must expect of it."""

_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
_CARRIED = ("o200k_base", "cl100k_base")
_NEAREST = {DEMO_MODEL: "cl100k_base"}
"""For models whose own vocabulary tiktoken does not have. Neither is exact for the demo model,
whose vocabulary is a quarter of these; the smaller one spares the bot 40 MB."""


class TokenCounter:
    """Counts with one encoding; made by :func:`open_counter`."""

    def __init__(self, encoding: tiktoken.Encoding) -> None:
        self._encoding = encoding
        self.name = encoding.name

    def count(self, text: str) -> int:
        """Tokens of ``text`` alone. Marks such as ``<|endoftext|>`` count as the text they are."""
        return len(self._encode(text))

    def message(self, text: str) -> int:
        """Tokens of ``text`` as one message."""
        return self.count(text) + MESSAGE_OVERHEAD

    def head(self, text: str, tokens: int) -> str:
        """The longest beginning of ``text`` that is at most ``tokens`` long."""
        found = self._encode(text)
        if len(found) <= tokens:
            return text
        kept = self._encoding.decode_bytes(found[: max(tokens, 0)])
        # A token may end inside a character: that character goes.
        head = kept.decode("utf-8", errors="ignore")
        # Cut text can count more than its tokens did, since its end splits anew.
        while self.count(head) > tokens:
            head = head[:-1]
        return head

    def _encode(self, text: str) -> list[int]:
        return self._encoding.encode_ordinary(text)


def open_counter(model: str, cache: Path) -> TokenCounter:
    """A counter for ``model``; for one that tiktoken does not know, ``o200k_base``.

    ``cache`` is a folder of ours for the vocabulary files; TIKTOKEN_CACHE_DIR wins over it.
    """
    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        name = _NEAREST.get(model, FALLBACK)
    if name not in _CARRIED:
        name = FALLBACK  # older models: counted a little differently, but offline
    return _opened(name, str(cache))


@lru_cache(maxsize=4)
def _opened(name: str, cache: str) -> TokenCounter:
    folder = Path(os.environ.setdefault(_CACHE_VARIABLE, cache))
    lay(name, folder)
    encoding = tiktoken.get_encoding(name)
    # The table the encoding was built from: 26 MB that encode_ordinary never looks at again.
    encoding._mergeable_ranks.clear()
    return TokenCounter(encoding)


def lay(name: str, folder: Path) -> Path:
    """Put the vocabulary ``name`` into ``folder`` under the name tiktoken looks for; its path."""
    place = (
        folder
        / hashlib.sha1(_ADDRESS.format(name=name).encode(), usedforsecurity=False).hexdigest()
    )
    if not place.is_file():
        packed = (_carrier() / "data" / f"{name}.tiktoken.gz").read_bytes()
        folder.mkdir(parents=True, exist_ok=True)
        # Renamed into place: a reader, or a crash, never meets half a file.
        half = place.with_suffix(f".{os.getpid()}")
        half.write_bytes(gzip.decompress(packed))
        half.replace(place)
    return place


def _carrier() -> Path:
    """The folder of ``bpe_openai``. It is not imported: that would load 70 MB of its own code."""
    found = find_spec("bpe_openai")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("bpe_openai is not installed")
    return Path(found.origin).parent
