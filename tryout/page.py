"""``bot.py try``: the page of a Discord on localhost, with the bot and some members in it."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from sandbox.actor import Actor
from sandbox.errors import NotPossible
from sandbox.page.app import open_page
from sandbox.page.trouble import Extra
from sandbox.permissions import MODERATOR, Permission
from sandbox.server import Sandbox, open_sandbox
from tryout.crowd import Crowd
from tryout.scene import Scene, StartBot

WORKER, MODEL = "speech.worker", "model_child"
"""How the bot's child processes are recognised by their command lines."""


@dataclass(frozen=True)
class Waiting:
    """How patient the lobby of a tryout is, in seconds: minutes would be long to watch."""

    idle_s: float = 60.0
    warning_s: float = 20.0
    claim_s: float = 20.0
    grace_s: float = 8.0

    @property
    def sentence(self) -> str:
        """What the page says about it."""
        return (
            "Everything here is on this machine. Waiting is shortened: a voice session ends after "
            f"{self.idle_s:.0f} s without a word (warning {self.warning_s:.0f} s before), a free "
            f"place is kept for {self.claim_s:.0f} s. Join lounge, /voice join, then /chat."
        )


@dataclass(frozen=True)
class Town:
    """A sandbox with a page on it. ``people`` may be acted as."""

    scene: Scene
    people: list[Actor]
    url: str


@asynccontextmanager
async def open_town(
    start: StartBot,
    *,
    port: int = 0,
    waiting: Waiting = Waiting(),
    opened: Callable[[str], None] = lambda url: None,
) -> AsyncIterator[Town]:
    """The sandbox, its members, the page, then the bot. Raises OSError, TryFailed.

    ``opened(url)`` is called when the page can be looked at, before the bot is there.
    """
    async with open_sandbox() as sandbox:
        scene, people = populate(sandbox)
        crowd = Crowd(sandbox, scene.guild, scene.voice, people, waiting.idle_s / 5)
        extras = (
            Extra("crowd", "Add ten members", crowd.add, people=True),
            Extra("worker", "Kill the speech worker", lambda: _kill(WORKER, "speech worker")),
            Extra("model", "Kill the model", lambda: _kill(MODEL, "model server")),
        )
        try:
            async with open_page(
                sandbox, people, extras=extras, note=waiting.sentence, port=port
            ) as page:
                opened(page.url)
                async with start(sandbox.address, sandbox.ca_file, sandbox.token):
                    yield Town(scene, people, page.url)
        finally:
            await crowd.close()


def populate(sandbox: Sandbox) -> tuple[Scene, list[Actor]]:
    """Two servers; you, a friend, a moderator and an administrator."""
    ada = sandbox.add_user("ada")
    guild = sandbox.add_guild(
        "Harbour", owner=ada, text=("general", "quiet-corner"), voice=("lounge", "pier")
    )
    administrator = sandbox.add_role(guild, "Administrator", Permission.ADMINISTRATOR)
    moderator = sandbox.add_role(guild, "Moderator", MODERATOR)
    you = sandbox.add_member(guild, "you")
    mei = sandbox.add_member(guild, "mei", locale="zh-TW")
    max_ = sandbox.add_member(guild, "max", roles=[moderator])
    iris = sandbox.add_member(guild, "iris", roles=[administrator])
    library = sandbox.add_guild("Night Library", owner=mei, text=("desk",), voice=("reading-room",))
    kenji = sandbox.add_member(library, "kenji", locale="ja")
    you.join(library)
    general, voice = sandbox.channel(guild, "general"), sandbox.channel(guild, "lounge")
    you.here = general
    scene = Scene(sandbox, guild, general, voice, you, mei)
    return scene, [you, mei, max_, iris, ada, kenji]


async def _kill(mark: str, what: str) -> str:
    """End one of the bot's child processes, as a crash would. Raises NotPossible."""
    for child in psutil.Process().children(recursive=True):
        try:
            if any(mark in word for word in child.cmdline()):
                child.kill()
                return f"The {what} (process {child.pid}) was killed."
        except psutil.Error:
            continue
    raise NotPossible(f"no {what} is running")


async def show_page(start: StartBot, *, port: int, browser: bool, waiting: Waiting) -> None:
    """Open the town and its page, and keep them until interrupted. Raises OSError, TryFailed."""
    looking: list[asyncio.Task[bool]] = []

    def opened(url: str) -> None:
        _say(f"Parley on localhost: {url}")
        if browser:
            looking.append(asyncio.create_task(asyncio.to_thread(webbrowser.open, url)))

    async with open_town(start, port=port, waiting=waiting, opened=opened) as town:
        await town.scene.until_ready()
        _say("Parley is online. Ctrl+C ends it; nothing is kept.")
        await asyncio.Event().wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
