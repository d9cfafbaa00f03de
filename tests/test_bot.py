"""The front door as a process: what it says, how it ends, what it weighs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from sandbox.server import open_sandbox
from tests.stories.town import Town, process
from tests.support.endpoint import open_endpoint

REPO = Path(__file__).parents[1]
RESIDENT_MB = 240
"""In `try` it is to stay under 220 (benchmarks/reply.py: 192); here a model of OpenAI's is named,
whose vocabulary takes 22 more."""


def front_door(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``bot.py`` to its end."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PARLEY_")}
    return subprocess.run(
        (sys.executable, "bot.py", *arguments),
        cwd=REPO,
        env=clean | {"DISCORD_TOKEN": "", "OPENAI_API_KEY": ""} | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (("run",), {}, "DISCORD_TOKEN: is not set"),
        (("run", "--discord", "nowhere"), {}, "--discord: nowhere: is not HOST:PORT"),
        (("run",), {"PARLEY_SPEECH__WORKERS": "many"}, "PARLEY_SPEECH__WORKERS: input should be"),
        (("--config", "missing.toml", "check"), {}, "missing.toml: file: cannot be read"),
        (("run",), {"PARLEY_STORAGE__URL": "mysql://me:x@host/y"}, "storage: url: that kind of"),
    ],
)
def test_settings_that_cannot_be_used_end_it_with_two_and_one_line(
    arguments: tuple[str, ...], environ: Mapping[str, str], said: str
) -> None:
    ended = front_door(*arguments, **environ)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


async def test_a_token_that_discord_refuses_ends_it_with_one_line(tmp_path: Path) -> None:
    async with open_sandbox() as sandbox:
        host, port = sandbox.address
        place = ("--discord", f"{host}:{port}", "--ca", str(sandbox.ca_file))
        ended = await asyncio.to_thread(
            front_door,
            "run",
            *place,
            DISCORD_TOKEN="not.the.token",
            OPENAI_API_KEY="key",
            PARLEY_STORAGE__URL=f"sqlite:///{tmp_path}/bot.db",
            PARLEY_LOG__LEVEL="error",
        )
    assert ended.returncode == 1
    assert ended.stderr.strip() == "parley: Discord does not accept the token (DISCORD_TOKEN)"


@asynccontextmanager
async def running(town: Town) -> AsyncIterator[psutil.Process]:
    """The bot as a process of its own, online in the town."""
    async with process(town, PARLEY_LOG__LEVEL="warning") as started:
        await town.until(lambda: any(offer.path == "chat" for offer in town.amy.offers()))
        await town.until(lambda: town.sandbox.online)
        yield psutil.Process(started.pid)
        started.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await started.wait() == 0


async def test_it_loads_no_torch_and_stays_light_while_it_does_its_work(tmp_path: Path) -> None:
    async with open_endpoint() as endpoint, open_sandbox() as sandbox:
        town = Town(sandbox, endpoint, tmp_path)
        async with running(town) as process:
            await town.chat(town.amy, "In text, and as a file.")
            await town.until(lambda: [m for m in town.said() if m.attachments])
            await town.joined(town.amy)
            await town.chat(town.amy, "And aloud.")
            await town.until(lambda: len(town.amy.heard(town.guild).frames) > 30)
            mapped = {each.path for each in process.memory_maps()}
            resident_mb = process.memory_info().rss / 1e6
        assert not [path for path in mapped if "/torch/" in path]
        print(f"resident: {resident_mb:.0f} MB")
        assert resident_mb < RESIDENT_MB
        assert not town.bot_channel(), "it said goodbye"
        assert not sandbox.violations, sandbox.transcript()


async def test_sigterm_saves_what_was_shown(tmp_path: Path) -> None:
    async with open_endpoint() as endpoint, open_sandbox() as sandbox:
        town = Town(sandbox, endpoint, tmp_path)
        async with running(town):
            endpoint.say("word " * 300, pace_s=0.05)
            asked = await town.amy.command("chat", text="Talk.")
            await town.until(lambda: [m for m in asked.messages if m.content])
        assert "-# Stopped." in asked.messages[-1].content
        shown = asked.messages[-1].content.split("\n")[0].strip()
        async with running(town):
            await town.chat(town.amy, "Go on.")
        contents = [str(m["content"]) for m in endpoint.chats[-1].messages[1:]]
        assert contents[0] == "Talk."
        assert contents[1].startswith(shown[: len(shown) // 2])
