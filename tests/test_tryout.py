"""``bot.py try`` as a process: however it ends, it leaves no bot behind."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import psutil
import pytest

from dialogue.model_server import CHILD
from speech.studio import COMMAND
from tryout.page import MODEL, WORKER

REPO = Path(__file__).parents[1]
ENDS_S = 30.0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_tryout_takes_its_bot_with_it(how: signal.Signals) -> None:
    trying = await asyncio.create_subprocess_exec(
        *(sys.executable, "bot.py", "try", "--no-browser"),
        cwd=REPO,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert trying.stdout is not None
    assert b"http://127.0.0.1:" in await trying.stdout.readline()
    assert b"online" in await trying.stdout.readline()
    children = psutil.Process(trying.pid).children(recursive=True)
    assert any("run" in child.cmdline() for child in children)
    trying.send_signal(how)
    await trying.wait()
    assert trying.returncode in (130, -signal.SIGKILL)
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, ENDS_S)
    assert not alive


def test_the_page_knows_the_processes_of_the_bot() -> None:
    """``tryout`` imports nothing of the bot, so it knows them by their names only."""
    assert WORKER in COMMAND
    assert MODEL in str(CHILD)
