"""From an HTTP request to a handler and back: routes, token, faults, limits, errors."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from sandbox.errors import ApiError
from sandbox.faults import Fault, What
from sandbox.rest import commands, guilds, interactions, messages, people
from sandbox.rest.call import Call, Route, read_body

if TYPE_CHECKING:
    from sandbox.core import Core

_VERSIONED = re.compile(r"^/api(?:/v(\d+))?(/.*)$")
_NAME = re.compile(r"\{(\w+)\}")
ROUTES: list[Route] = [
    *messages.ROUTES,
    *interactions.ROUTES,
    *people.ROUTES,
    *guilds.ROUTES,
    *commands.ROUTES,
]


class Api:
    """Serves everything under /api."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Literal parts before placeholders, so that /users/@me is not /users/{user_id}.
        ordered = sorted(ROUTES, key=lambda r: [p.startswith("{") for p in r.template.split("/")])
        self._routes = [(re.compile(_pattern(r.template)), r) for r in ordered]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call and note it on the timeline."""
        core = self._core
        began_s = core.clock.real_s()
        versioned = _VERSIONED.match(request.rel_url.raw_path)
        version, path = versioned.groups() if versioned else (None, request.path)
        if fault := core.faults.strike(request.method, path, What.DELAY):
            await asyncio.sleep(fault.delay_s)
        template = path
        try:
            route, params = self._find(version, request.method, path)
            template = route.template
            response = await self._limited(request, route, params, path)
        except ApiError as error:
            core.refused(error, f"{request.method} {path}")
            response = web.json_response(error.body(), status=error.status)
        # discord.py compares the whole header: no "; charset=utf-8" may follow.
        if response.content_type == "application/json":
            response.headers["Content-Type"] = "application/json"
        core.note(
            "rest",
            method=request.method,
            path=path,
            template=template,
            status=response.status,
            took_s=core.clock.real_s() - began_s,
        )
        if core.faults.strike(request.method, path, What.LOSE_ANSWER) and request.transport:
            request.transport.abort()
        return response

    def _find(self, version: str | None, method: str, path: str) -> tuple[Route, dict[str, str]]:
        if version not in ("9", "10", None):
            raise ApiError(400, 50041, "Invalid API version", rule="api-version")
        known = False
        for pattern, route in self._routes:
            if match := pattern.match(path):
                known = True
                if route.method == method:
                    return route, {k: unquote(v) for k, v in match.groupdict().items()}
        if known:
            raise ApiError(405, 0, "405: Method Not Allowed", rule="unknown-route")
        raise ApiError(404, 0, "404: Not Found", rule="unknown-route")

    async def _limited(
        self, request: web.Request, route: Route, params: dict[str, str], path: str
    ) -> web.Response:
        core = self._core
        if fault := core.faults.strike(request.method, path, What.RATE_LIMIT, What.STATUS):
            return _faulty(fault)
        if not route.open and request.headers.get("Authorization") != f"Bot {core.token}":
            raise ApiError(401, 0, "401: Unauthorized")
        if request.method in ("POST", "PATCH", "PUT") and not request.headers.get("User-Agent"):
            raise ApiError(403, 40333, "internal network error", rule="user-agent")
        if not route.open and (wait_s := core.limits.over_all_s()):
            core.note("rest.limited", method=request.method, path=path)
            return _too_many(wait_s, {}, scope="global")
        verdict = core.limits.take(route.method, route.template, params)
        if not verdict.allowed:
            core.note("rest.limited", method=request.method, path=path)
            return _too_many(verdict.retry_after_s, verdict.headers, scope="user")
        try:
            response = await self._handle(request, route, params, path)
        except ApiError as error:
            core.refused(error, f"{request.method} {path}")
            response = web.json_response(error.body(), status=error.status)
        response.headers.update(verdict.headers)
        return response

    async def _handle(
        self, request: web.Request, route: Route, params: dict[str, str], path: str
    ) -> web.Response:
        data, uploads = await read_body(request)
        reason = request.headers.get("X-Audit-Log-Reason")
        call = Call(
            core=self._core,
            method=request.method,
            path=path,
            params=params,
            query=request.query,
            data=data,
            uploads=uploads,
            reason=unquote(reason) if reason else None,
            host=request.host,
        )
        try:
            result: Any = route.handler(call)
            if inspect.isawaitable(result):
                result = await result
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # A field of the wrong type: Discord would say 50035 and name it.
            raise ApiError(
                400, 50035, f"Invalid Form Body: {error!r}", rule="malformed-body"
            ) from error
        if result is None:
            return web.Response(status=204)
        return web.json_response(result)


def _pattern(template: str) -> str:
    return "^" + _NAME.sub(r"(?P<\1>[^/]+)", re.sub(r"[.\-]", r"\\\g<0>", template)) + "$"


def _faulty(fault: Fault) -> web.Response:
    if fault.what is What.STATUS:
        return web.json_response(
            {"message": f"{fault.status}: fault", "code": 0}, status=fault.status
        )
    if not fault.via:
        # What Cloudflare sends to an address it has banned: no Via, and HTML.
        page = "<html>error code: 1015</html>"
        return web.Response(status=429, text=page, content_type="text/html")
    scope = "global" if fault.everywhere else "user"
    return _too_many(fault.retry_after_s, {}, scope=scope)


def _too_many(retry_after_s: float, headers: dict[str, str], *, scope: str) -> web.Response:
    more = {"Via": "1.1 google", "Retry-After": str(int(retry_after_s) + 1)}
    more["X-RateLimit-Scope"] = scope
    if scope == "global":
        more["X-RateLimit-Global"] = "true"
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after_s, 3),
        "global": scope == "global",
    }
    return web.json_response(body, status=429, headers=headers | more)
