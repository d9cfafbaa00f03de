"""Every story happens in a town of its own; one that fails prints what happened there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import open_sandbox
from tests.stories.town import Town
from tests.support.endpoint import open_endpoint


@pytest.fixture
async def quiet_town(tmp_path: Path) -> AsyncIterator[Town]:
    """A town where Parley is not switched on yet: settings can be changed."""
    async with open_endpoint() as endpoint, open_sandbox() as sandbox:
        town = Town(sandbox, endpoint, tmp_path)
        yield town
        endpoint.release()
        await town.stop()
        assert not sandbox.violations, sandbox.transcript()


@pytest.fixture
async def town(quiet_town: Town) -> Town:
    """A town where Parley is."""
    await quiet_town.start()
    return quiet_town


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the transcript of the channel under a failure."""
    report = yield
    places: dict[str, Any] = getattr(item, "funcargs", {})
    town = places.get("quiet_town")
    if report.failed and isinstance(town, Town):
        report.sections.append(("what happened", town.sandbox.transcript()))
    return report
