"""A newcomer at the page: what they press and type, and what they see and hear."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Browser, Locator, Page, expect
from pydantic import SecretStr

from bot import start_bot
from lobby.pace import Pace
from sandbox.server import Sandbox
from settings import Settings
from tests.support.endpoint import Endpoint, open_endpoint
from tryout.page import LEASES, Town, open_town

DONE_MS = 30_000
RECORD = """async () => {
  const voice = await import(new URL("static/voice.js", location.href));
  const node = voice.output(), context = node.context;
  const tap = context.createScriptProcessor(4096, 1, 1);
  window.recorded = [];
  tap.onaudioprocess = (e) => window.recorded.push(e.inputBuffer.getChannelData(0).slice());
  node.connect(tap);
  tap.connect(context.destination);
}"""
RECORDED = """() => {
  const all = new Int16Array(window.recorded.reduce((n, a) => n + a.length, 0));
  let at = 0;
  for (const part of window.recorded) {
    for (const x of part) all[at++] = Math.max(-1, Math.min(1, x)) * 32767;
  }
  const bytes = new Uint8Array(all.buffer);
  let text = "";
  const step = 32768;
  for (let i = 0; i < bytes.length; i += step) {
    text += String.fromCharCode(...bytes.subarray(i, i + step));
  }
  return btoa(text);
}"""


class Visit:
    """One open page."""

    def __init__(self, page: Page, town: Town, endpoint: Endpoint, folder: Path) -> None:
        self.page = page
        self.town = town
        self.endpoint = endpoint
        self.folder = folder
        self.requests: list[str] = []
        self.problems: list[str] = []
        self._heard = 0

    @property
    def sandbox(self) -> Sandbox:
        return self.town.scene.sandbox

    @property
    def choices(self) -> Locator:
        """What the composer offers to complete."""
        return self.page.locator(".listbox:visible [role=option]")

    async def command(self, line: str) -> None:
        """Type a slash command as one does, and send it."""
        self._heard = len(self.town.scene.you.heard(self.town.scene.guild).frames)
        box = self.page.locator("#composer-text")
        await box.fill("")
        path, _, rest = line.partition(" :")
        await box.press_sequentially(path)
        await expect(self.choices.first).to_be_visible()
        await box.press("Enter")
        if rest:
            await self.page.keyboard.type(rest)
            await self.page.keyboard.press("Enter")

    async def say(self, text: str) -> None:
        box = self.page.locator("#composer-text")
        await box.fill(text)
        await box.press("Enter")

    async def joined(self) -> None:
        """In the lounge, with a voice session, Parley there too."""
        await self.page.get_by_role("button", name="Join voice channel lounge").click()
        await self.command("/voice join")
        await expect(self.page.locator(".in-voice", has_text="Parley")).to_be_visible(
            timeout=DONE_MS
        )

    async def in_voice(self) -> None:
        """Where the session was lost with the connection: ask for it again, as one would."""
        guild, bot = self.town.scene.guild, self.sandbox.bot
        parley = self.page.locator(".in-voice", has_text="Parley")
        if bot.id not in guild.voice_states:
            await self.command("/voice join")
        await expect(parley).to_be_visible(timeout=DONE_MS)

    async def presses(self, label: str) -> None:
        """A button of the faults panel, which says what it did, and not that it cannot."""
        told = self.page.locator("#toasts .toast")
        await told.evaluate_all("all => all.forEach((toast) => toast.remove())")
        await self.page.get_by_role("button", name=label).first.click()
        await expect(told).to_be_visible()
        await expect(told).not_to_have_class(re.compile(r"\bbad\b"))

    async def act_as(self, name: str) -> None:
        choice = self.page.get_by_label("Act as", exact=True)
        person = next(p for p in self.town.people if p.name == name)
        await choice.select_option(str(person.id))
        await self.is_offered_to(str(person.id), person.user.locale)

    async def is_offered_to(self, person_id: str, locale: str) -> None:
        """The composer completes the commands of this member, in this language."""
        composer = self.page.locator("#composer")
        await expect(composer).to_have_attribute("data-offered-to", f"{person_id} {locale}")

    async def sees(self, text: str, timeout_ms: int = DONE_MS) -> None:
        """The text is in the log."""
        await expect(self.page.locator("#log")).to_contain_text(text, timeout=timeout_ms)

    async def record(self) -> None:
        await self.page.evaluate(RECORD)

    async def recorded(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """What came out of the page's audio graph, (n,) at 16 kHz."""
        raw = np.frombuffer(base64.b64decode(await self.page.evaluate(RECORDED)), np.int16)
        whole = raw[: len(raw) // 3 * 3].reshape(-1, 3).mean(axis=1)
        return (whole / 32768).astype(np.float32)

    async def heard(self) -> None:
        """Parley has spoken since the last command, and stopped."""
        assert await self.hears_or_is_left(), "Parley left voice without a word"

    async def hears_or_is_left(self) -> bool:
        """Whether Parley spoke since the last command and stopped, rather than leave voice."""
        scene, bot = self.town.scene, self.sandbox.bot
        ear = scene.you.heard(scene.guild)

        def spoke() -> bool:
            return any(not frame.silence for frame in ear.frames[self._heard :])

        await self.sandbox.until(
            lambda: spoke() or bot.id not in scene.guild.voice_states, DONE_MS / 1000
        )
        light = self.page.locator(".in-voice .avatar.speaking")
        await expect(light).not_to_be_visible(timeout=DONE_MS)
        return spoke()

    async def photograph(self, name: str) -> None:
        """Keep a screenshot; ``PARLEY_SHOTS`` names a folder to keep them in, which exists."""
        path = self.folder / f"{name}.png"
        await self.page.screenshot(path=path)
        if keep := os.environ.get("PARLEY_SHOTS"):
            await asyncio.to_thread(shutil.copy, path, keep)


@asynccontextmanager
async def open_visit(
    browser: Browser,
    folder: Path,
    *,
    slots: int = 10,
    width: int = 1200,
    height: int = 760,
    colours: Any = "dark",
    scripted: bool = True,
    **model: Any,
) -> AsyncIterator[Visit]:
    """A town with the real bot in it, and a browser on its page. ``model``: its settings."""
    async with open_endpoint() as endpoint:
        settings = Settings()
        if scripted:
            model |= {"base_url": endpoint.base_url, "api_key": SecretStr("key"), "retries": 0}
        settings = replace(settings, model=replace(settings.model, **model))
        settings = replace(
            settings,
            lobby=replace(settings.lobby, slots=slots, **LEASES),
            storage=replace(settings.storage, url=f"sqlite:///{folder}/page.db"),
        )
        pace = Pace()
        async with open_town(
            lambda *where: start_bot(settings, *where, pace=pace), hurry=pace.hurry
        ) as town:
            context = await browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=colours
            )
            page = await context.new_page()
            visit = Visit(page, town, endpoint, folder)
            page.on("request", lambda request: visit.requests.append(request.url))
            page.on("pageerror", lambda error: visit.problems.append(str(error)))
            page.on("console", lambda m: m.type == "error" and visit.problems.append(m.text))
            await page.goto(town.url)
            await town.scene.until_ready()
            await expect(page.locator("#composer-text")).to_be_enabled()
            yield visit
            endpoint.release()
            await context.close()
        assert not visit.problems, visit.problems
        assert all(u.startswith(("http://127.0.0.1", "blob:", "data:")) for u in visit.requests)
