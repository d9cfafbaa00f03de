"""What a newcomer does on the page, in real Chromium, with the real bot and its real voice."""

from __future__ import annotations

import re
import time

import numpy as np
from playwright.async_api import expect

from tests.page.conftest import Open
from tests.page.visit import DONE_MS, Visit
from tests.support.endpoint import Reply
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


async def test_a_form_is_filled_in_mended_and_sent(visit: Visit) -> None:
    page = visit.page
    await visit.command("/persona make")
    await page.locator("form.command").get_by_role("button", name="Send").click()
    form = page.get_by_role("dialog")
    await expect(form).to_be_visible()
    await expect(page.locator("#bench"), "a form is no answer to time").to_have_text("")
    await visit.photograph("form")
    name, prompt = form.get_by_label("Name"), form.get_by_role("textbox").nth(1)
    await expect(name).to_be_focused()
    await prompt.fill("You are a pirate. Answer in one sentence.")
    await form.get_by_role("button", name="Submit").click()
    await expect(form, "an empty line that has to be filled in is not sent").to_be_visible()
    assert not await name.evaluate("field => field.checkValidity()")
    await name.fill("***")
    await form.get_by_role("button", name="Submit").click()
    await expect(form).not_to_be_visible()
    await visit.sees("A name has 1 to")
    await visit.command("/persona make")
    await page.locator("form.command").get_by_role("button", name="Send").click()
    await name.fill("Pirate")
    await prompt.fill("You are a pirate. Answer in one sentence.")
    await page.keyboard.press("Tab")
    await form.get_by_role("button", name="Submit").click()
    await expect(form).not_to_be_visible()
    await expect(page.locator(".message.ephemeral").last).to_contain_text("Pirate")


async def test_a_full_house_a_line_and_a_hand_over_within_a_minute(visit: Visit) -> None:
    begun_s, page = time.monotonic(), visit.page
    await page.get_by_role("button", name="Add ten members").click()
    await expect(page.locator(".in-voice")).to_have_count(11, timeout=DONE_MS)
    await page.get_by_role("button", name="Join voice channel lounge").click()
    await visit.command("/voice join")
    only = page.locator(".message.ephemeral").last
    await expect(only).to_contain_text(re.compile("line", re.I), timeout=DONE_MS)
    await visit.photograph("full-house")
    await page.get_by_role("radio", name="10×").click()
    await expect(page.locator("#toasts")).to_contain_text("10× as fast")
    await visit.sees("Your voice session ends in", 40_000)
    await visit.sees("Your voice session has ended", 40_000)
    await visit.sees("It is your turn", 40_000)
    await visit.photograph("hand-over")
    took_s = time.monotonic() - begun_s
    await page.get_by_role("radio", name="1×").click()
    visit.endpoint.say("Good evening, you have waited patiently.")
    await visit.command("/chat :At last!")
    await visit.heard()
    print(f"full house, line, warning and hand-over in {took_s:.0f} s")
    assert not visit.sandbox.violations


async def test_a_conversation_to_look_at(visiting: Open) -> None:
    visit = await visiting(scripted=False)
    page = visit.page
    await visit.joined()
    await visit.command("/chat :Hello! Who are you?")
    await expect(page.locator(".in-voice .avatar.speaking")).to_be_visible(timeout=DONE_MS)
    again = page.get_by_role("button", name="Regenerate")
    await expect(again).to_be_visible(timeout=60_000)
    await visit.heard()
    await visit.act_as("max")
    await visit.command("/chat :What can you do?")
    await expect(page.locator(".voice-message")).to_be_visible(timeout=60_000)
    await visit.act_as("you")
    await visit.command("/chat :Tell me about the harbour.")
    await expect(again).to_have_count(3, timeout=60_000)
    await visit.photograph("picture")
