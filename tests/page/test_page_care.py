"""Who may drive the page, what it may ask for, and whether everybody can use it."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import axe_playwright_python
import pytest
from playwright.async_api import expect

from sandbox.page.app import open_page
from sandbox.server import open_sandbox
from tests.page.conftest import Open
from tests.page.visit import Visit

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")


async def test_strangers_cannot_drive_the_page() -> None:
    async with open_sandbox() as sandbox:
        you = sandbox.add_user("you")
        sandbox.add_guild("Harbour", owner=you)
        async with open_page(sandbox, [you]) as page, aiohttp.ClientSession() as http:
            origin = page.url.rsplit("/", 2)[0]
            async with http.get(page.url) as answer:
                assert answer.status == 200
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                assert "unsafe" not in answer.headers["Content-Security-Policy"]
            for path in ("/", "/guess/", "/guess/static/app.js", "/guess/live"):
                async with http.get(origin + path) as answer:
                    assert answer.status == 404
            async with http.get(page.url, headers={"Host": "evil.example"}) as answer:
                assert answer.status == 421
            for path in ("static/../app.py", "static/%2e%2e%2fapp.py", "static/app.py"):
                async with http.get(page.url + path) as answer:
                    assert answer.status == 404
            for theirs in ("http://evil.example", "null", origin.replace("127.0.0.1", "localhost")):
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await http.ws_connect(page.url + "live", origin=theirs)
                assert refused.value.status == 403
            async with http.ws_connect(page.url + "live", origin=origin) as socket:
                assert (await socket.receive_json())["ev"] == "world"


@pytest.mark.parametrize(("colours", "width"), [("dark", 1200), ("light", 1200), ("dark", 390)])
async def test_no_serious_finding_of_axe(visiting: Open, colours: str, width: int) -> None:
    visit = await visiting(colours=colours, width=width)
    page = visit.page
    visit.endpoint.say("**Bold**, `code`, ||a spoiler|| and\n> a quote\n```py\nprint(1)\n```")
    await visit.command("/chat :Hello")
    await expect(page.get_by_role("button", name="Regenerate")).to_be_visible()
    await page.get_by_role("button", name="Workshop").click()
    await visit.photograph(f"axe-{colours}-{width}")
    await _no_findings(visit)
    await page.get_by_role("button", name="Workshop").click()
    await page.locator("#composer-text").fill("/")
    await expect(visit.choices.first).to_be_visible()
    await _no_findings(visit)


async def _no_findings(visit: Visit) -> None:
    await visit.page.evaluate(AXE)
    found = await visit.page.evaluate("axe.run()")
    serious = [
        (v["id"], [n["html"][:160] for n in v["nodes"]])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert not serious, serious


async def test_the_keyboard_is_enough(visit: Visit) -> None:
    page = visit.page
    await page.keyboard.press("Control+Home")
    await page.get_by_role("button", name="Join voice channel lounge").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Voice connected")).to_be_visible()
    await page.locator("#scroll").focus()
    await page.keyboard.press("/")
    await expect(page.locator("#composer-text")).to_be_focused()
    await page.keyboard.type("/voice")
    first = visit.choices.first
    await expect(first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowDown")
    await expect(first).to_have_attribute("aria-selected", "false")
    await page.keyboard.press("Escape")
    await expect(first).not_to_be_visible()
    person = page.get_by_role("button", name="mei")
    await person.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem").first).to_be_focused()
    await page.keyboard.press("End")
    await expect(page.get_by_role("menuitem", name="Mention")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(person).to_be_focused()


async def test_a_phone_shows_channels_on_demand(visiting: Open) -> None:
    visit = await visiting(width=390, height=780)
    page = visit.page
    await expect(page.locator("#side")).not_to_be_visible()
    await page.get_by_role("button", name="Channels").click()
    await page.get_by_role("button", name="quiet-corner").click()
    await expect(page.locator("#channel-name")).to_have_text("# quiet-corner")
    await expect(page.locator("#side")).not_to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
