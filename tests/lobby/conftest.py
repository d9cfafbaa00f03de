"""The stage of most stories about the lobby; when a story ends, its audit trail must add up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.lobby.invariants import Count
from tests.lobby.scene import Scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Scene(slots=2) as scene:
        yield scene
        count = Count(scene.settings.slots).read(scene.trail())
        count.agrees_with(scene.store.books.places)
