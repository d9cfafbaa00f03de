"""Stands between the bot and its model, passes everything on, and notes when each thing passed.

So the model's time and Parley's own can be told apart from outside, for any model.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from speech.sentences import Splitter


@dataclass
class Passed:
    """One request, in seconds of the clock that the relay was given; 0: not yet."""

    asked_s: float
    word_s: float = 0.0
    """The first text of the answer."""
    sentence_s: float = 0.0
    """The piece with which the first sentence was known to be complete."""
    ended_s: float = 0.0
    _splitter: Splitter = field(default_factory=Splitter)

    def see(self, line: bytes, now_s: float) -> None:
        """A line of the stream."""
        if not line.startswith(b"data: {"):
            return
        choices = json.loads(line.removeprefix(b"data: "))["choices"]
        text = choices[0]["delta"].get("content") if choices else None
        if not text:
            return
        self.word_s = self.word_s or now_s
        if not self.sentence_s and self._splitter.feed(text):
            self.sentence_s = now_s

    def end(self, now_s: float) -> None:
        """The answer is complete."""
        self.ended_s = now_s
        self.sentence_s = self.sentence_s or now_s


class Relay:
    """Made by :func:`open_relay`."""

    def __init__(
        self, session: aiohttp.ClientSession, target: str, key: str, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._target = target
        self._key = key
        self._clock = clock
        self.passed: list[Passed] = []
        self.base_url = ""

    async def pass_on(self, http: web.Request) -> web.StreamResponse:
        """A chat request, there and back."""
        passed = Passed(self._clock())
        self.passed.append(passed)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        async with self._session.post(
            f"{self._target}/chat/completions", data=await http.read(), headers=headers
        ) as answer:
            kind = answer.headers["Content-Type"]
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": kind})
            await response.prepare(http)
            async for line in answer.content:
                passed.see(line, self._clock())
                await response.write(line)
            passed.end(self._clock())
            await response.write_eof()
        return response


@asynccontextmanager
async def open_relay(target: str, key: str, clock: Callable[[], float]) -> AsyncIterator[Relay]:
    """On loopback, in front of the endpoint at ``target``; ``clock`` gives the times."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:
        relay = Relay(session, target, key, clock)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", relay.pass_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            relay.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            yield relay
        finally:
            await runner.cleanup()
