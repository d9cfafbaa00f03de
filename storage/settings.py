"""Where things are remembered. ``settings.py`` composes it; nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StorageSettings:
    """Where things are remembered.

    Attributes:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or
            ``postgresql://user:password@host/name``. A password in it is never printed.
    """

    url: str = "sqlite:///data/parley.db"

    def __repr__(self) -> str:
        return f"StorageSettings(url={self.url.split('://')[0]}://…)"
