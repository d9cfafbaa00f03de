"""A scripted model endpoint: OpenAI's chat completions over a real socket, saying what it is told.

    async with open_endpoint() as endpoint:
        endpoint.say("Hello there.")                    # the next answer, word by word
        endpoint.then(Reply("Hel", ending="cut"))       # after it, one that breaks
        endpoint.then(REFUSALS["rate_limit"])           # and a refusal
        ... ChatOpenAI(base_url=endpoint.base_url, api_key="key") ...
        assert endpoint.requests[0].messages[-1]["content"] == "Hi"

When the script is empty, ``endpoint.otherwise`` answers (an echo, unless replaced). Run as a
program it echoes on a port of its own: ``python -m tests.support.endpoint [--pace-s S]``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web


@dataclass(frozen=True)
class Reply:
    """An answer. ``text`` goes out in pieces, cut after each word unless ``pieces`` are given."""

    text: str = ""
    pieces: tuple[str, ...] = ()
    first_s: float = 0.0
    """Before the first piece."""
    pace_s: float = 0.0
    """Between pieces."""
    finish: str = "stop"
    usage: Literal["counted", "none"] | tuple[int, int] = "counted"
    """``counted``: one token a piece; a pair: (prompt, completion); ``none``: not reported."""
    ending: Literal["done", "cut", "drop", "stall", "hold"] = "done"
    """``cut``: the connection breaks; ``drop``: it closes in good order, with no end in the stream;
    ``stall``: it stays open and silent; ``hold``: likewise, until ``endpoint.release()``."""
    tools: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Tool calls: name and arguments."""

    def cut(self) -> tuple[str, ...]:
        return self.pieces or tuple(re.findall(r"\s*\S+\s*$|\s*\S+", self.text))


@dataclass(frozen=True)
class Refusal:
    """An error instead of an answer, as OpenAI words it."""

    status: int
    code: str | None
    type: str = "invalid_request_error"
    message: str = "refused"


REFUSALS = {
    "rate_limit": Refusal(429, "rate_limit_exceeded", "requests"),
    "quota": Refusal(429, "insufficient_quota", "insufficient_quota"),
    "filter": Refusal(400, "content_filter"),
    "context": Refusal(400, "context_length_exceeded"),
    "llama_context": Refusal(400, "400", "exceed_context_size_error"),
    "authentication": Refusal(401, "invalid_api_key"),
    "permission": Refusal(403, "unsupported_country_region_territory"),
    "model": Refusal(404, "model_not_found"),
    "bad_request": Refusal(400, None),
    "server": Refusal(500, None, "server_error"),
    "overloaded": Refusal(503, None, "server_error"),
}


@dataclass(frozen=True)
class Request:
    """What was asked of the endpoint."""

    path: str
    body: dict[str, Any]
    key: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.body["messages"]

    @property
    def asked(self) -> str:
        """Text of the last message."""
        content = self.messages[-1]["content"]
        if isinstance(content, str):
            return content
        return "".join(part.get("text", "") for part in content)


Answering = Callable[[Request], "Reply | Refusal"]


def echo(request: Request) -> Reply:
    """Say back what was asked."""
    return Reply(f"You said: {request.asked}")


@dataclass
class Endpoint:
    """A running endpoint; made by :func:`open_endpoint`."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    otherwise: Answering = echo
    flagged: tuple[str, ...] = ()
    """Words that the moderation call flags."""
    moderation_fails: bool = False
    abandoned: int = 0
    """Streams that the client closed before their end."""
    streaming: int = 0
    _script: deque[Reply | Refusal] = field(default_factory=deque)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def say(self, text: str, **options: Any) -> None:
        """The next answer not yet scripted."""
        self.then(Reply(text, **options))

    def then(self, *replies: Reply | Refusal) -> None:
        self._script.extend(replies)

    def release(self) -> None:
        """Let every ``hold`` end."""
        self._released.set()

    async def until(self, predicate: Callable[[Endpoint], bool], timeout_s: float = 10.0) -> None:
        """Wait until something is true of the endpoint."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: predicate(self))

    async def asked(self, number: int) -> Request:
        """The ``number``-th chat request (from 1), once it has come."""
        await self.until(lambda endpoint: len(endpoint.chats) >= number)
        return self.chats[number - 1]

    @property
    def chats(self) -> list[Request]:
        return [request for request in self.requests if request.path.endswith("/completions")]

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # -- what it serves ----------------------------------------------------------------------

    async def _chat(self, http: web.Request) -> web.StreamResponse:
        request = await self._take(http)
        reply = self._script.popleft() if self._script else self.otherwise(request)
        if isinstance(reply, Refusal):
            return _refuse(reply)
        if not request.body.get("stream"):
            return web.json_response(_whole(request, reply))
        return await self._stream(http, request, reply)

    async def _take(self, http: web.Request) -> Request:
        key = http.headers.get("Authorization", "").removeprefix("Bearer ")
        request = Request(path=http.path, body=await http.json(), key=key)
        self.requests.append(request)
        await self._note()
        return request

    async def _stream(
        self, http: web.Request, request: Request, reply: Reply
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http)
        self.streaming += 1
        finished = False
        try:
            await self._pieces(response, request, reply)
            finished = await self._end(http, response, request, reply)
        except ConnectionError:
            finished = False
        finally:
            self.streaming -= 1
            self.abandoned += not finished
            await asyncio.shield(self._note())
        return response

    async def _pieces(self, response: web.StreamResponse, request: Request, reply: Reply) -> None:
        await asyncio.sleep(reply.first_s)
        await _send(response, _chunk(request, {"role": "assistant", "content": ""}))
        for index, (name, arguments) in enumerate(reply.tools):
            call = {
                "index": index,
                "id": f"call_{len(self.requests)}_{index}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            await _send(response, _chunk(request, {"tool_calls": [call]}))
        for index, piece in enumerate(reply.cut()):
            if index and reply.pace_s:
                await asyncio.sleep(reply.pace_s)
            await _send(response, _chunk(request, {"content": piece}))

    async def _end(
        self, http: web.Request, response: web.StreamResponse, request: Request, reply: Reply
    ) -> bool:
        """Whether the stream came to the end it was meant to come to."""
        match reply.ending:
            case "cut":
                # Discarding the transport resets the connection in the middle of a chunk.
                if http.transport is not None:
                    http.transport.abort()
                return True
            case "drop":
                return True
            case "stall":
                # aiohttp cancels this when the client has gone away.
                await asyncio.Event().wait()
            case "hold":
                await self._released.wait()
        finish = "tool_calls" if reply.tools else reply.finish
        await _send(response, _chunk(request, {}, finish))
        if reply.usage != "none" and request.body.get("stream_options", {}).get("include_usage"):
            await _send(response, {**_chunk(request), "choices": [], "usage": _usage(reply)})
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return True

    async def _moderate(self, http: web.Request) -> web.Response:
        request = await self._take(http)
        if self.moderation_fails:
            return _refuse(REFUSALS["server"])
        given = request.body["input"]
        texts = given if isinstance(given, list) else [given]
        results = [
            {
                "flagged": any(word in str(text) for word in self.flagged),
                "categories": {},
                "category_scores": {},
                "category_applied_input_types": {},
            }
            for text in texts
        ]
        return web.json_response({"id": "modr-1", "model": "moderation", "results": results})

    async def _models(self, _http: web.Request) -> web.Response:
        return web.json_response(
            {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
        )


@asynccontextmanager
async def open_endpoint(*, port: int = 0, otherwise: Answering = echo) -> AsyncIterator[Endpoint]:
    """Serve on loopback, on a free port unless one is given."""
    endpoint = Endpoint(otherwise=otherwise)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", endpoint._chat)
    app.router.add_post("/v1/moderations", endpoint._moderate)
    app.router.add_get("/v1/models", endpoint._models)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        endpoint.port = runner.addresses[0][1]
        yield endpoint
    finally:
        endpoint.release()
        await runner.cleanup()


_numbers = itertools.count(1)


def _chunk(
    request: Request, delta: dict[str, Any] | None = None, finish: str | None = None
) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{next(_numbers)}",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": request.body.get("model", "scripted"),
        "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}],
    }


def _whole(request: Request, reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(reply.cut())}
    return {
        **_chunk(request),
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": _usage(reply),
    }


def _usage(reply: Reply) -> dict[str, int]:
    sent, answered = reply.usage if isinstance(reply.usage, tuple) else (7, len(reply.cut()))
    return {
        "prompt_tokens": sent,
        "completion_tokens": answered,
        "total_tokens": sent + answered,
    }


def _refuse(refusal: Refusal) -> web.Response:
    error = {"message": refusal.message, "type": refusal.type, "param": None, "code": refusal.code}
    return web.json_response({"error": error}, status=refusal.status)


async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")


async def _serve(pace_s: float, port: int) -> None:
    def paced(request: Request) -> Reply:
        return Reply(echo(request).text, pace_s=pace_s)

    async with open_endpoint(port=port, otherwise=paced) as endpoint:
        print(endpoint.base_url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pace-s", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(_serve(given.pace_s, given.port))
