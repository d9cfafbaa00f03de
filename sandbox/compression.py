"""Transport compression of the gateway: one context for the life of a connection."""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import Any, Protocol


class Compressor(Protocol):
    """Turns each message into one binary frame that ends on a flush."""

    def __call__(self, text: bytes) -> bytes: ...


def compressor(name: str | None) -> Compressor | None:
    """The compressor that ``?compress=`` asks for; None for plain text frames.

    Raises LookupError for a name Discord does not know, or zstd where Python has none
    (a client asks for it only where its own Python has one).
    """
    if not name:
        return None
    if name == "zlib-stream":
        return _zlib()
    if name == "zstd-stream":
        return _zstd()
    raise LookupError(name)


def _zlib() -> Compressor:
    context = zlib.compressobj()

    def compress(text: bytes) -> bytes:
        return context.compress(text) + context.flush(zlib.Z_SYNC_FLUSH)

    return compress


def _zstd() -> Compressor:
    # The same two sources, in the same order, as discord.py looks for.
    for source in ("zstandard", "compression.zstd"):
        try:
            module: Any = import_module(source)
        except ImportError:
            continue
        return _zstd_package(module) if source == "zstandard" else _zstd_standard(module)
    raise LookupError("zstd-stream")


def _zstd_package(module: Any) -> Compressor:
    context = module.ZstdCompressor().compressobj()

    def compress(text: bytes) -> bytes:
        return bytes(context.compress(text) + context.flush(module.COMPRESSOBJ_FLUSH_BLOCK))

    return compress


def _zstd_standard(module: Any) -> Compressor:
    context = module.ZstdCompressor()

    def compress(text: bytes) -> bytes:
        return bytes(context.compress(text, module.ZstdCompressor.FLUSH_BLOCK))

    return compress
