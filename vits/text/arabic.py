"""Vowel signs for Arabic, which is written without most of them and cannot be read aloud so.

piper-tts adds them by a small network of its own (libtashkeel) before espeak-ng reads; its voices
were trained on that. The network lies in piper-tts, which is installed anyway; onnxruntime runs it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

_MOST_CHARACTERS = 12_000
"""What the network takes at once. Nobody hands over more (see ``vits.speaking.blocks``)."""


def vowelled(text: str) -> str:
    """``text`` with vowel signs; as it is where piper-tts or onnxruntime is not installed."""
    add = _network()
    if add is None or len(text) > _MOST_CHARACTERS:
        return text
    return add(text)


@functools.cache
def _network() -> Callable[[str], str] | None:
    try:
        module: Any = importlib.import_module("piper.tashkeel")
    except ImportError:
        return None
    found: Callable[[str], str] = module.TashkeelDiacritizer()
    return found
