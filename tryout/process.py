"""The bot in a process of its own, as it would run against Discord."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tryout.scene import Address, TryFailed

BOT = Path(__file__).resolve().parent.parent / "bot.py"
PATIENCE_S = 15.0
"""Before a bot that was asked to stop is killed."""


class BotProcess:
    """Starts it (a ``StartBot``): with ``config``, and ``environ`` over this process's own."""

    def __init__(self, config: Path | None, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None

    def hurry(self, factor: float) -> None:
        """Have the bot's lobby live so many seconds in each real one (``lobby.pace``)."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(f"{factor}\n".encode())

    @asynccontextmanager
    async def __call__(self, address: Address, ca_file: Path, token: str) -> AsyncIterator[None]:
        """The running bot. Raises TryFailed when it ends by itself."""
        host, port = address
        config = ["--config", str(self._config)] if self._config else []
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(BOT), *config),
            *("run", "--discord", f"{host}:{port}", "--ca", str(ca_file), "--paced"),
            # In the environment, not among the arguments, which others on this machine can read.
            env={**os.environ, **self._environ, "DISCORD_TOKEN": token},
            stdin=asyncio.subprocess.PIPE,
            # Ctrl-C is for us: we ask the bot to stop, and it saves what it is doing.
            start_new_session=True,
        )
        block = asyncio.current_task()
        watch = asyncio.create_task(_cancel_when_ended(process, block))
        try:
            yield
        except asyncio.CancelledError:
            if process.returncode is None or block is None:
                raise
            block.uncancel()
            raise TryFailed(
                f"the bot ended by itself, with exit code {process.returncode}"
            ) from None
        finally:
            watch.cancel()
            await _stop(process)


async def _cancel_when_ended(
    process: asyncio.subprocess.Process, block: asyncio.Task[object] | None
) -> None:
    await process.wait()
    if block is not None:
        block.cancel()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
