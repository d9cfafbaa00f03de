"""One scene for each story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dialogue.scene import Scene, open_scene


@pytest.fixture(scope="session", autouse=True)
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Vocabulary files are unpacked once for all stories."""
    import os

    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(tmp_path_factory.mktemp("vocabulary")))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as opened:
        yield opened
