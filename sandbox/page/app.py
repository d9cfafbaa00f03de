"""The page's own small server: plain HTTP, loopback only, behind a random token.

Other pages in the same browser cannot drive it: requests must name this host, websockets this
origin, and every address begins with the token. The page itself may ask nobody but this server
(Content-Security-Policy), and what members uploaded is never run.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.actor import Actor
from sandbox.page.session import Session
from sandbox.page.trouble import Dial, Extra, Trouble
from sandbox.server import Sandbox

HOST = "127.0.0.1"
STATIC = Path(__file__).with_name("static")
_LARGEST = 64 * 1024 * 1024
_KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "audio/ogg", "audio/wav",
                    "audio/mpeg", "audio/x-wav"})  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A page that is being served."""

    url: str


class Served:
    """What the handlers share."""

    def __init__(self, sandbox: Sandbox, people: list[Actor], trouble: Trouble, note: str) -> None:
        self.sandbox = sandbox
        self.people = people
        self.trouble = trouble
        self.note = note
        self.token = secrets.token_urlsafe(18)
        self.hosts: frozenset[str] = frozenset()
        self.sockets: set[web.WebSocketResponse] = set()

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in whoever knows the token and names this server; add the headers that confine."""
        if request.headers.get("Host") not in self.hosts:
            return web.Response(status=421, text="this is not the server you are looking for")
        given = request.match_info.get("token", "")
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return web.Response(status=404, text="open the address that the terminal printed")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_confining(str(request.headers["Host"])))
        return response

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page."""
        del request
        return _file(STATIC / "index.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        """A module, a style sheet or a picture of the page's."""
        path = STATIC / request.match_info["name"]
        known = path.parent == STATIC and path.suffix in _KINDS and path.is_file()
        return _file(path) if known else web.Response(status=404)

    async def file(self, request: web.Request) -> web.StreamResponse:
        """An attachment: pictures and sound in place, anything else as a download."""
        known = self.sandbox.core.world.attachments.get(int(request.match_info["id"]))
        if known is None:
            return web.Response(status=404)
        kind = known.content_type.partition(";")[0]
        if kind in _SHOWN:
            return web.Response(body=known.data, content_type=kind)
        headers = {"Content-Disposition": f'attachment; filename="{known.filename}"'}
        return web.Response(
            body=known.data, content_type="application/octet-stream", headers=headers
        )

    async def live(self, request: web.Request) -> web.StreamResponse:
        """The websocket of one open page."""
        if request.headers.get("Origin") != f"http://{request.headers['Host']}":
            return web.Response(status=403, text="wrong origin")
        socket = web.WebSocketResponse(max_msg_size=_LARGEST, heartbeat=20.0)
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            await Session(self.sandbox, socket, self.people, self.trouble, self.note).run()
        finally:
            self.sockets.discard(socket)
        return socket


@asynccontextmanager
async def open_page(
    sandbox: Sandbox,
    people: list[Actor],
    *,
    extras: Sequence[Extra] = (),
    dials: Sequence[Dial] = (),
    note: str = "",
    port: int = 0,
) -> AsyncIterator[Page]:
    """Serve the page until the block ends. ``people`` may be acted as, the first to begin with.

    The list is read live: append to it when somebody joins. ``note`` is shown on the page.
    Raises OSError when ``port`` is taken.
    """
    served = Served(sandbox, people, Trouble(sandbox.core, extras, dials), note)
    app = web.Application(middlewares=[served.guard], client_max_size=_LARGEST)
    app.router.add_get("/{token}/", served.index)
    app.router.add_get("/{token}/static/{name}", served.static)
    app.router.add_get(r"/{token}/files/{id:\d+}/{name}", served.file)
    app.router.add_get("/{token}/live", served.live)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        bound = runner.addresses[0][1]
        served.hosts = frozenset({f"{HOST}:{bound}", f"localhost:{bound}"})
        yield Page(f"http://{HOST}:{bound}/{served.token}/")
    finally:
        for socket in list(served.sockets):
            await socket.close()
        await runner.cleanup()


def _file(path: Path) -> web.Response:
    return web.Response(body=path.read_bytes(), content_type=_KINDS[path.suffix], charset="utf-8")


def _confining(host: str) -> dict[str, str]:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"media-src 'self' blob:; connect-src 'self' ws://{host}; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
