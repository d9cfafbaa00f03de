"""``bot.py try``: the page of a Discord on localhost, with the bot and some members in it."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psutil

from sandbox.actor import Actor
from sandbox.errors import NotPossible
from sandbox.page.app import open_page
from sandbox.page.trouble import Dial, Extra
from sandbox.permissions import MODERATOR, Permission
from sandbox.server import Sandbox, open_sandbox
from tryout.crowd import Crowd
from tryout.process import BotProcess
from tryout.scene import Scene, StartBot

WORKER, MODEL = "speech.opening", "model_child"
"""How the bot's child processes are recognised by their command lines."""

FROZEN_S = 5.0
"""Less than it takes until a model that stands still is taken for dead."""


LEASES = {"heartbeat_s": 60.0, "resume_s": 1800.0, "lease_s": 3600.0}
"""Of the lobby: as long when hurried most as the usual ones are at their own pace, roughly."""

FACTORS = (1, 10, 60)
"""How many seconds of waiting the page can let pass in one."""

NOTE = (
    "Everything here is on this machine. Join lounge, type /voice join, then /chat. "
    "Waiting can be hurried beside the members."
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
    hurry: Callable[[float], None],
    port: int = 0,
    opened: Callable[[str], None] = lambda url: None,
) -> AsyncIterator[Town]:
    """The sandbox, its members, the page, then the bot. Raises OSError, TryFailed.

    ``hurry(factor)`` has the bot's lobby live so many seconds in each real one; ``opened(url)`` is
    called when the page can be looked at, before the bot is there.
    """
    async with open_sandbox() as sandbox:
        scene, people = populate(sandbox)
        crowd = Crowd(sandbox, scene.guild, scene.voice, people)

        async def turn(value: str) -> str:
            hurry(float(value))
            return (
                "Waiting takes its time." if value == "1" else f"Waiting passes {value}× as fast."
            )

        pace = Dial("pace", "Waiting passes", tuple((str(f), f"{f}×") for f in FACTORS), turn)
        extras = (
            Extra("crowd", "Add ten members", crowd.add, people=True),
            Extra("worker", "Kill the speech worker", lambda: _kill(WORKER, "speech worker")),
            Extra("freeze", "Freeze the model", lambda: _freeze(MODEL, "model server")),
            Extra("model", "Kill the model", lambda: _kill(MODEL, "model server")),
        )
        try:
            async with open_page(
                sandbox, people, extras=extras, dials=[pace], note=NOTE, port=port
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
    child = _child(mark, what)
    child.kill()
    return f"The {what} (process {child.pid}) was killed."


async def _freeze(mark: str, what: str) -> str:
    """Stop one of them where it is, and let it go on after a while. Raises NotPossible."""
    child = _child(mark, what)
    child.suspend()
    asyncio.get_running_loop().call_later(FROZEN_S, _thaw, child)
    return f"The {what} (process {child.pid}) stands still for {FROZEN_S:.0f} s."


def _thaw(child: psutil.Process) -> None:
    with suppress(psutil.Error):
        child.resume()


def _child(mark: str, what: str) -> psutil.Process:
    for child in psutil.Process().children(recursive=True):
        try:
            if any(mark in word for word in child.cmdline()):
                return child
        except psutil.Error:
            continue
    raise NotPossible(f"no {what} is running")


async def show_page(start: BotProcess, *, port: int, browser: bool) -> None:
    """Open the town and its page, and keep them until interrupted. Raises OSError, TryFailed."""
    looking: list[asyncio.Task[bool]] = []

    def opened(url: str) -> None:
        _say(f"Parley on localhost: {url}")
        if browser:
            looking.append(asyncio.create_task(asyncio.to_thread(webbrowser.open, url)))

    async with open_town(start, hurry=start.hurry, port=port, opened=opened) as town:
        await town.scene.until_ready()
        _say("Parley is online. Ctrl+C ends it; nothing is kept.")
        await asyncio.Event().wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
