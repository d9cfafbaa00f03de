"""What a newcomer does on the page, in real Chromium, with the real bot and its real voice."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from playwright.async_api import expect

from tests.page.conftest import Open
from tests.page.visit import DONE_MS, Visit
from tests.support.endpoint import Reply
from tryout.page import Waiting
from vits.judge.whisper import Whisper

PLAYS = """() => new Promise((done) => {
  const audio = document.querySelector(".voice-message audio");
  audio.addEventListener("timeupdate", () => audio.currentTime > 0.3 && done());
})"""
SAID = "The lighthouse keeper walked along the harbour and counted seven small boats."


async def test_a_newcomer_sees_the_answer_grow_and_hears_it(visit: Visit) -> None:
    begun_s = time.monotonic()
    await visit.joined()
    await visit.record()
    visit.endpoint.then(Reply(SAID, pace_s=0.25))
    await visit.command("/chat :What happened at the harbour?")
    await visit.sees("The lighthouse")
    assert "boats" not in await visit.page.locator("#log").inner_text()
    light = visit.page.locator(".in-voice .avatar.speaking")
    await expect(light).to_be_visible(timeout=DONE_MS)
    print(f"three actions, first sound after {time.monotonic() - begun_s:.1f} s")
    await visit.sees(SAID)
    await expect(light).not_to_be_visible(timeout=DONE_MS)
    sound = await visit.recorded()
    assert np.abs(sound).max() > 0.02
    understood = Whisper("tiny.en", threads=1).hear(sound).text.lower()
    for word in ("lighthouse", "harbo", "seven", "boats"):
        assert word in understood, understood
    await expect(visit.page.locator("#bench")).to_contain_text(re.compile(r"sound\s*[\d.]+ m?s"))
    await expect(visit.page.locator("#meter")).to_contain_text(re.compile(r"delay \d+ ms"))
    assert not visit.sandbox.violations


async def test_buttons_menus_replies_and_direct_messages(visit: Visit) -> None:
    page = visit.page
    visit.endpoint.say("First answer.")
    await visit.command("/chat :Hello")
    await visit.sees("First answer.")
    visit.endpoint.say("Second answer.")
    await page.get_by_role("button", name="Regenerate").click()
    await visit.sees("Second answer.")
    await page.locator("#composer-text").press_sequentially("@Parl")
    await visit.choices.filter(has_text="@Parley").click()
    visit.endpoint.say("You called.")
    await page.keyboard.type("are you there?")
    await page.keyboard.press("Enter")
    await visit.sees("You called.")
    await page.get_by_role("button", name="Reply").last.click(force=True)
    visit.endpoint.say("And again.")
    await visit.say("go on")
    await visit.sees("And again.")
    await page.get_by_role("button", name="More for this message").last.click(force=True)
    await expect(page.get_by_role("menuitem", name="Ask Parley")).to_be_visible()
    await page.get_by_role("menuitem", name="Timeline of this message").click()
    await expect(page.locator("#story tbody")).to_contain_text("message.create")
    await page.get_by_role("button", name="Direct messages").click()
    visit.endpoint.say("In private, then.")
    await visit.say("Hello in private")
    await visit.sees("In private, then.")


async def test_voice_messages_have_a_waveform_and_play(visit: Visit) -> None:
    visit.endpoint.say("A short spoken answer.")
    await visit.command("/chat :Say something")
    player = visit.page.get_by_role("button", name=re.compile("Play voice message"))
    await expect(player).to_be_visible(timeout=DONE_MS)
    assert await visit.page.locator(".wave i").count() > 10
    await player.click()
    await visit.page.evaluate(PLAYS)


async def test_pictures_and_completion_of_options(visit: Visit) -> None:
    page = visit.page
    picture = visit.folder / "dot.png"
    await page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": 40, "height": 40})
    await page.locator("#picker").set_input_files(picture)
    await visit.say("look at this")
    await expect(page.locator(".picture img")).to_be_visible()
    assert await page.evaluate("document.querySelector('.picture img').naturalWidth") == 40
    await page.locator("#composer-text").fill("/")
    await expect(visit.choices.first).to_be_visible()
    paths = await visit.choices.all_inner_texts()
    assert any(p.startswith("/chat") for p in paths)
    assert not any(p.startswith("/mod ") for p in paths)
    await page.get_by_label("Language of your Discord").select_option("zh-TW")
    await visit.is_offered_to(str(visit.town.scene.you.id), "zh-TW")
    await page.locator("#composer-text").fill("/")
    await expect(visit.choices.filter(has_text=re.compile("[\u4e00-\u9fff]")).first).to_be_visible()


async def test_who_may_use_what_and_who_sees_what(visit: Visit) -> None:
    page = visit.page
    await visit.say("/mod log")
    await expect(page.locator("#toasts")).to_contain_text("hidden here: needs")
    await visit.act_as("iris")
    await visit.command("/mod log")
    await page.locator("form.command").get_by_role("button", name="Send").click()
    only = page.locator(".message.ephemeral")
    await expect(only).to_be_visible()
    await visit.act_as("you")
    await expect(only).not_to_be_visible()


async def test_the_house_fills_and_the_line_moves(visiting: Open) -> None:
    waiting = Waiting(idle_s=8.0, warning_s=4.0, claim_s=4.0, grace_s=2.0)
    visit = await visiting(waiting=waiting, slots=3)
    page = visit.page
    await page.get_by_role("button", name="Add ten members").click()
    await expect(page.locator(".in-voice").nth(7)).to_be_visible(timeout=DONE_MS)
    await page.get_by_role("button", name="Join voice channel lounge").click()
    await visit.command("/voice join")
    await expect(page.locator(".message.ephemeral").last).to_contain_text(
        re.compile("line|place|wait", re.I), timeout=DONE_MS
    )
    await visit.photograph("full-house")
    # Sessions of silent members end, and the line moves until one's own turn has come.
    await visit.command("/queue")
    await expect(page.locator("#log")).to_contain_text(
        "your turn", ignore_case=True, timeout=60_000
    )


@pytest.mark.parametrize(
    "press", ["Drop it", "Cut it", "Void the session", "Close with it", "Kill the speech worker",
              "429 to three edits", "502 to three edits"],
)  # fmt: skip
async def test_a_fault_is_survived(visit: Visit, press: str) -> None:
    await visit.joined()
    page = visit.page
    await page.get_by_role("button", name="Workshop").click()
    await page.get_by_role("button", name=press).first.click()
    await expect(page.locator("#toasts .toast").first).to_be_visible()
    await visit.sandbox.until(lambda: visit.sandbox.online, 30)
    visit.endpoint.say("Still here, and still talking.")
    await visit.command("/chat :Are you still there?")
    await visit.sees("Still here, and still talking.")
    await visit.heard()


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


async def test_the_model_dies_and_comes_back_and_a_picture_is_taken(visiting: Open) -> None:
    visit = await visiting(scripted=False)
    page = visit.page
    await visit.joined()
    await visit.command("/chat :Hello! Who are you?")
    await expect(page.locator(".in-voice .avatar.speaking")).to_be_visible(timeout=DONE_MS)
    await expect(page.get_by_role("button", name="Regenerate")).to_be_visible(timeout=60_000)
    await visit.heard()
    await visit.act_as("max")
    await visit.command("/chat :What can you do?")
    wave = page.locator(".voice-message")
    await expect(wave).to_be_visible(timeout=60_000)
    await visit.act_as("you")
    await visit.command("/chat :Tell me about the harbour.")
    again = page.get_by_role("button", name="Regenerate")
    await expect(again).to_have_count(3, timeout=60_000)
    await visit.photograph("picture")
    await page.get_by_role("button", name="Workshop").click()
    await page.get_by_role("button", name="Kill the model").click()
    await expect(page.locator("#toasts")).to_contain_text("was killed")
    await visit.command("/chat :Are you well?")
    await expect(again).to_have_count(4, timeout=60_000)
