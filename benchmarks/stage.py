"""The real bot, in a process of its own, before members of a sandbox: what benchmarks time."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from benchmarks import harness
from sandbox.actor import Actor
from sandbox.records import Channel, Guild
from sandbox.server import Sandbox
from tryout import scene

START_S = 60.0


@dataclass(frozen=True)
class Member:
    """One member, alone in a server of their own with a voice session."""

    actor: Actor
    guild: Guild
    lounge: Channel


def move_in(sandbox: Sandbox, number: int) -> Member:
    """A member with a server of their own, that the bot is in."""
    guild = sandbox.add_guild(f"Harbour {number}", text=("general",), voice=("lounge",))
    return Member(
        sandbox.add_member(guild, f"member{number}"), guild, sandbox.channel(guild, "lounge")
    )


@asynccontextmanager
async def start_bot(sandbox: Sandbox, **environ: str) -> AsyncIterator[psutil.Process]:
    """The real bot in a process of its own; ``environ`` are settings."""
    host, port = sandbox.address
    with tempfile.TemporaryDirectory(prefix="parley-ten-") as folder:
        environment = os.environ | {
            "DISCORD_TOKEN": sandbox.token,
            # Nobody asks a model here; with an address no demo model is started either.
            "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
            "OPENAI_API_KEY": "none",
            "PARLEY_STORAGE__URL": f"sqlite:///{folder}/ten.db",
            "PARLEY_LOG__LEVEL": "error",
            **environ,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "bot.py", "run"),
            *("--discord", f"{host}:{port}", "--ca", str(sandbox.ca_file)),
            cwd=harness.ROOT,
            env=environment,
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def have_session(sandbox: Sandbox, member: Member) -> None:
    """Join the voice channel and hold a voice session. Raises TryFailed."""

    def offered() -> bool:
        return any(offer.path == "voice join" for offer in member.actor.offers())

    await sandbox.until_online(START_S)
    await sandbox.until(offered, START_S)
    await member.actor.join_voice(member.lounge)
    await scene.have_session(sandbox, member.actor, member.guild, member.lounge)
