"""discord.js holds the sandbox to Discord's protocol: a client nobody here wrote.

It needs Node 20 or later and its packages: ``cd tests/sandbox/js && npm ci``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.actor import File
from sandbox.server import Sandbox
from tests.sandbox.client import Home

FOLDER = Path(__file__).parent / "js"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "discord.js").is_dir(),
    reason="needs Node 20+ and discord.js: cd tests/sandbox/js && npm ci",
)


class Script:
    """A running Node script that reports in JSON lines."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def told(self, kind: str) -> dict[str, Any]:
        """The next report of this kind; an error it reports fails the test."""
        assert self._process.stdout is not None
        async with asyncio.timeout(15):
            while True:
                line = await self._process.stdout.readline()
                assert line, f"the script ended: {await self.complaints()}"
                report = json.loads(line)
                assert report["kind"] != "error", report
                if report["kind"] == kind:
                    return report

    async def complaints(self) -> str:
        """What it wrote to standard error."""
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode()


@asynccontextmanager
async def node(sandbox: Sandbox, script: str, **environ: str) -> AsyncIterator[Process]:
    """Run a script of ``js/`` against the sandbox; it ends when its standard input does."""
    host, port = sandbox.address
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        script,
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ
        | {
            "SANDBOX": f"https://{host}:{port}",
            "TOKEN": sandbox.token,
            "NODE_EXTRA_CA_CERTS": str(sandbox.ca_file),
            **environ,
        },
    )
    yield process
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(10):
        await process.wait()


@pytest.fixture
async def bot(sandbox: Sandbox, home: Home) -> AsyncIterator[Script]:
    async with node(sandbox, "check.js") as process:
        yield Script(process)


async def test_discord_js_logs_in_talks_and_answers(
    sandbox: Sandbox, home: Home, bot: Script
) -> None:
    ready = await bot.told("ready")
    assert ready["user"] == "Parley"
    assert ready["channels"] == ["general", "Lounge"]
    assert ready["members"] == ["Ann", "Ben", "Owner", "Parley"]
    assert ready["commands"] == ["Quote", "echo", "panel", "slow", "voice", "weigh"]

    said = await home.ann.say(home.general, "hello", attachments=[File("a.bin", b"12345")])
    assert await bot.told("message") == {
        "kind": "message",
        "content": "hello",
        "direct": False,
        "sizes": [5],
    }
    reply = await sandbox.until(
        lambda: next((m for m in sandbox.messages() if m.content == "edited"), None)
    )
    assert reply is not None
    assert reply.reply_to == said.id
    assert reply.versions[0].embeds[0]["title"] == "heard"
    assert reply.attachments[0].data == b"OggS"
    assert reply.reactions == {"👍": [sandbox.bot.id]}
    assert home.ann.pings() == []
    await home.ann.dm("psst")
    assert (await bot.told("message"))["direct"]

    echo = await home.ann.command("echo", text="hi")
    assert echo.messages[0].content == "hi"
    weighed = await home.ann.command("weigh", file=File("b.bin", b"123"))
    assert weighed.messages[0].content == "b.bin: 3"
    assert [c["name"] for c in await home.ann.autocomplete("voice set", "name", "j")] == ["joe"]
    assert (await home.ann.command("voice set", name="joe")).messages[0].content == "set joe"
    quoted = await home.ben.menu("Quote", said)
    assert quoted.messages[0].content == "> hello"

    slow = await home.ann.command("slow")
    followed = await bot.told("followed up")
    assert followed["original"] == "slowly"
    assert [m.content for m in slow.messages] == ["slowly", "more"]
    assert slow.messages[1].visible_to == home.ann.id

    panel = (await home.ann.command("panel")).messages[0]
    form = await home.ben.click(panel, "Go")
    answered = await home.ben.submit(form, {"Why": "because"})
    assert answered.messages[0].content == "because"
    await home.ann.choose(panel, "Amy")
    assert (panel.content, panel.components) == ("amy", [])
    assert not sandbox.violations


async def test_discord_js_resumes_after_a_drop(sandbox: Sandbox, home: Home, bot: Script) -> None:
    await bot.told("ready")
    await sandbox.faults.drop_gateway()
    await home.ann.say(home.general, "while you were away")
    assert (await bot.told("message"))["content"] == "while you were away"
    assert [e.kind for e in sandbox.events].count("gateway.identify") == 1
