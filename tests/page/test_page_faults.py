"""What goes wrong on purpose, from the page's own panel: Parley survives, and is heard again."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from sandbox.page.trouble import CLOSE_CODES
from tests.page.conftest import Open
from tests.page.visit import DONE_MS, Visit
from tests.support.endpoint import REFUSALS, Refusal, Reply


async def talks_again(visit: Visit, what: object) -> None:
    """Answers, and is heard; back in voice by a member's hand where the session was lost."""
    await visit.sandbox.until(lambda: visit.sandbox.online, DONE_MS / 1000)
    for again in ("", " again"):
        await visit.in_voice()
        said = f"Still here after {what}{again}."
        visit.endpoint.say(said)
        await visit.command("/chat :Are you still there?")
        await visit.sees(said)
        if await visit.hears_or_is_left():
            return
    raise AssertionError(f"nothing was heard after {what}")


@pytest.mark.parametrize("presses", [
    ("Drop it", "Cut it", "Void the session"),
    ("429 to three edits", "502 to three edits", "Kill the speech worker"),
])  # fmt: skip
async def test_faults_are_survived(visit: Visit, presses: tuple[str, ...]) -> None:
    await visit.joined()
    await visit.page.get_by_role("button", name="Workshop").click()
    for press in presses:
        await visit.presses(press)
        await talks_again(visit, press)


async def test_every_code_that_voice_closes_with_is_survived(visit: Visit) -> None:
    await visit.joined()
    page = visit.page
    await page.get_by_role("button", name="Workshop").click()
    for code in CLOSE_CODES:
        await page.get_by_label("Close code").select_option(str(code))
        await visit.presses("Close with it")
        await talks_again(visit, code)
    await page.get_by_role("button", name="Cut it").nth(1).click()
    await talks_again(visit, "a cut")


async def test_lost_packets_and_slow_keys_show_in_the_meter(visit: Visit) -> None:
    page = visit.page
    await page.get_by_role("button", name="Workshop").click()
    await page.get_by_label("Slow keys (DAVE)").check()
    await visit.joined()
    loss = page.get_by_label("Packets lost")
    await loss.fill("0.2")
    visit.endpoint.say("Some of these words will be lost on their way to you.")
    await visit.command("/chat :Hello")
    await visit.heard()
    await expect(page.locator("#meter")).to_contain_text(re.compile(r"lost \d+"))
    await page.get_by_role("button", name="Heal everything").click()
    await expect(page.get_by_label("Slow keys (DAVE)")).not_to_be_checked()
    await expect(page.get_by_label("Packets lost")).to_have_value("0")


FAILURES: dict[str, tuple[Reply | Refusal, str]] = {
    "rate limit": (REFUSALS["rate_limit"], "Too many people are asking"),
    "quota": (REFUSALS["quota"], "owner of this bot"),
    "filter": (REFUSALS["filter"], "content filter"),
    "key": (REFUSALS["authentication"], "owner of this bot"),
    "model": (REFUSALS["model"], "owner of this bot"),
    "server": (REFUSALS["server"], "fault of its own"),
    "a break": (Reply("Half of a", ending="cut"), "broke in the middle"),
    "silence": (Reply("Half of a", ending="stall"), "stopped in the middle"),
    "nothing": (Reply(""), "nothing to say"),
}


async def test_every_way_a_model_fails_is_said_and_survived(visiting: Open) -> None:
    visit = await visiting(stall_s=1.0)
    await visit.joined()
    for reply, said in FAILURES.values():
        visit.endpoint.then(reply)
        await visit.command("/chat :Hello?")
        await expect(visit.page.locator("#log .message").last).to_contain_text(
            said, timeout=DONE_MS
        )
    await talks_again(visit, "all that")


async def test_the_model_is_frozen_and_killed_and_comes_back(visiting: Open) -> None:
    visit = await visiting(scripted=False, answer_tokens=60)  # what is spoken must end in time
    page = visit.page
    again = page.get_by_role("button", name="Regenerate")
    await visit.joined()
    await page.get_by_role("button", name="Workshop").click()
    await visit.presses("Freeze the model")
    await visit.command("/chat :Hello! Who are you?")
    await expect(again).to_have_count(1, timeout=60_000)
    await visit.heard()
    await visit.presses("Kill the model")
    # It answers when the model is back; or it says that it cannot yet, and is asked again.
    refused = page.locator(".message").get_by_text("try again")
    while await again.count() < 2:
        before = await refused.count()
        await visit.command("/chat :Are you well?")
        await expect(again.nth(1).or_(refused.nth(before)).first).to_be_visible(timeout=90_000)
    await visit.heard()
