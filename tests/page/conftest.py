"""The page in a real browser: headless Chromium, driven through Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.page.visit import Visit, open_visit

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
Open = Callable[..., Awaitable[Visit]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the browser tests out only where somebody said so."""
    if chromium() is None and os.environ.get("PARLEY_WITHOUT_BROWSER") == "1":
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="PARLEY_WITHOUT_BROWSER=1"))


def chromium() -> str | None:
    """Debian's Chromium, or another build of it."""
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    if path is None:
        pytest.fail("the page's tests need Chromium: apt install chromium", pytrace=False)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture
async def visiting(browser: Browser, tmp_path: Path) -> AsyncIterator[Open]:
    """``visit = await visiting(...)``: the page of a fresh town, the bot online in it."""
    async with AsyncExitStack() as stack:

        async def begin(**wishes: object) -> Visit:
            return await stack.enter_async_context(open_visit(browser, tmp_path, **wishes))

        yield begin


@pytest.fixture
async def visit(visiting: Open) -> Visit:
    """A visit as most stories need it: a scripted model, a wide dark window."""
    return await visiting()
