"""The studio's page: speak, convert, look at data and trainings. On this machine only.

Plain HTTP on a loopback port, behind a token in the path; the Host is checked, so that no web site
can reach it under a name of its own; a strict Content-Security-Policy, and nothing from outside.
Work runs in threads, one piece of each kind at a time.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import tempfile
import wave
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import BodyPartReader, web

from vits.arrays import F32
from vits.engine.base import Style
from vits.errors import BadAudio, BadData, BadStyle, BadText, MissingDependency, VitsError
from vits.speaking import VoiceSynthesizer, open_synthesizer
from vits.studio.shelves import Shelves, report

HOST = "127.0.0.1"
STATIC = Path(__file__).parent / "static"
FILES = {"studio.js": "text/javascript", "studio.css": "text/css"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "media-src 'self' blob:; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
REPORT_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"
TEXT_MOST, UPLOAD_MOST = 5_000, 200 << 20
VOICES_KEPT = 2
CONVERT_FIELDS = frozenset({"voice", "source", "target", "seed"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """The handlers. ``token`` is the first part of every path."""

    def __init__(self, shelves: Shelves, *, threads: int = 1) -> None:
        self.token = secrets.token_urlsafe(16)
        self._shelves = shelves
        self._threads = threads
        self._speaking = asyncio.Lock()
        self._converting = asyncio.Lock()
        self._voices: OrderedDict[str, VoiceSynthesizer] = OrderedDict()

    def app(self) -> web.Application:
        """All of it, ready to be served."""
        app = web.Application(middlewares=[_careful], client_max_size=UPLOAD_MOST)
        root = f"/{self.token}"
        app.router.add_get(f"{root}/", self.index)
        app.router.add_get(f"{root}/static/{{name}}", self.static)
        app.router.add_get(f"{root}/api/voices", self.voices)
        app.router.add_post(f"{root}/api/say", self.say)
        app.router.add_post(f"{root}/api/convert", self.convert)
        app.router.add_get(f"{root}/api/datasets", self.datasets)
        app.router.add_get(f"{root}/api/trainings", self.trainings)
        app.router.add_get(f"{root}/datasets/{{id}}/report.html", self.report)
        app.router.add_get(f"{root}/datasets/{{id}}/clips/{{name}}", self.clip)
        return app

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page itself."""
        del request
        return web.Response(
            text=(STATIC / "index.html").read_text("utf-8"), content_type="text/html"
        )

    async def static(self, request: web.Request) -> web.StreamResponse:
        """Its script and its style."""
        name = request.match_info["name"]
        if name not in FILES:
            raise web.HTTPNotFound
        return web.Response(text=(STATIC / name).read_text("utf-8"), content_type=FILES[name])

    async def voices(self, request: web.Request) -> web.StreamResponse:
        """Every voice: its languages, speakers, licence, and whether it converts."""
        del request
        return web.json_response(await asyncio.to_thread(self._shelves.list_voices))

    async def datasets(self, request: web.Request) -> web.StreamResponse:
        """Every data set in figures."""
        del request
        return web.json_response(await asyncio.to_thread(self._shelves.list_datasets))

    async def trainings(self, request: web.Request) -> web.StreamResponse:
        """Every training under way."""
        del request
        return web.json_response(await asyncio.to_thread(self._shelves.list_trainings))

    async def report(self, request: web.Request) -> web.StreamResponse:
        """The report of a data set; its own page, without scripts."""
        dataset = (await asyncio.to_thread(self._shelves.datasets)).get(request.match_info["id"])
        if dataset is None:
            raise web.HTTPNotFound
        try:
            text = await asyncio.to_thread(report, dataset)
        except OSError as error:
            raise BadData("the report could not be written: is the disk full?") from error
        answer = web.Response(text=text, content_type="text/html")
        answer.headers["Content-Security-Policy"] = REPORT_POLICY
        return answer

    async def clip(self, request: web.Request) -> web.StreamResponse:
        """The sound of one clip."""
        path = await asyncio.to_thread(
            self._shelves.clip, request.match_info["id"], request.match_info["name"]
        )
        return web.FileResponse(path, headers={"Content-Type": "audio/flac"})

    async def say(self, request: web.Request) -> web.StreamResponse:
        """JSON (voice, text, and speaker, length_scale, noise_scale, noise_w, seed) to a WAV."""
        given = await _object(request)
        text = given.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BadText("there is nothing to say")
        if len(text) > TEXT_MOST:
            raise BadText(f"that is longer than {TEXT_MOST} characters")
        async with self._speaking:
            return _sound(*await asyncio.to_thread(self._said, given, text))

    async def convert(self, request: web.Request) -> web.StreamResponse:
        """A form (recording, voice, source, target) to a WAV."""
        with tempfile.TemporaryDirectory() as scratch:
            recording = Path(scratch) / "recording"  # whatever its owner called it
            given = await _uploaded(request, recording)
            async with self._converting:
                return _sound(*await asyncio.to_thread(self._converted, given, recording))

    def _said(self, given: dict[str, Any], text: str) -> tuple[list[F32], int]:
        synthesizer = self._synthesizer(str(given.get("voice") or ""))
        defaults = synthesizer.config.defaults
        style = Style(
            noise_scale=_number(given, "noise_scale", defaults.noise_scale),
            length_scale=_number(given, "length_scale", defaults.length_scale),
            noise_w=_number(given, "noise_w", defaults.noise_w),
            seed=_seed(given.get("seed")),
        )
        speaker = given.get("speaker") or None
        pieces = list(synthesizer.speak(text, style, None if speaker is None else str(speaker)))
        return pieces, synthesizer.rate_hz

    def _synthesizer(self, name: str) -> VoiceSynthesizer:
        path = self._shelves.shelf.path(name)
        # A voice that was made anew under its name is another.
        key = f"{path}:{(path / 'voice.json').stat().st_mtime_ns}"
        if key not in self._voices:
            self._voices[key] = open_synthesizer(path, threads=self._threads)
        self._voices.move_to_end(key)
        while len(self._voices) > VOICES_KEPT:
            self._voices.popitem(last=False)
        return self._voices[key]

    def _converted(self, given: dict[str, str], recording: Path) -> tuple[list[F32], int]:
        config, tensors = self._shelves.shelf.open(given.get("voice", ""))
        try:
            import torch

            from vits.data.decode import decode
            from vits.nn.convert import Converter
            from vits.nn.model import build
        except ImportError as error:
            raise MissingDependency("converting needs PyTorch: make train") from error
        sound, rate_hz = decode(recording)
        torch.set_num_threads(max(1, self._threads))
        converter = Converter(config, build(config, tensors))
        source, target = given.get("source", ""), given.get("target", "")
        seed = _seed(given.get("seed"))
        return list(converter.convert(sound, rate_hz, source, target, seed=seed)), config.rate_hz


@asynccontextmanager
async def open_page(shelves: Shelves, *, port: int = 0, threads: int = 1) -> AsyncIterator[str]:
    """Serve the page while the block runs; gives its address. Raises ``OSError``: port in use."""
    page = Page(shelves, threads=threads)
    runner = web.AppRunner(page.app(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        host, bound = runner.addresses[0][:2]
        yield f"http://{host}:{bound}/{page.token}/"
    finally:
        await runner.cleanup()


@web.middleware
async def _careful(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn other Hosts away, say what went wrong as JSON, and set the headers."""
    name = request.host.rpartition(":")[0] or request.host
    if name not in (HOST, "localhost"):
        raise web.HTTPMisdirectedRequest
    # A page of another site may send a form here, but not read our address.
    origin = request.headers.get("Origin")
    if origin not in (None, f"http://{request.host}"):
        raise web.HTTPForbidden
    try:
        answer = await handler(request)
    except VitsError as error:
        answer = web.json_response({"error": str(error)}, status=400)
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        given = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadText("that is not JSON") from error
    if not isinstance(given, dict):
        raise BadText("that is no JSON object")
    return given


async def _uploaded(request: web.Request, recording: Path) -> dict[str, str]:
    """The fields of a form; its file goes to ``recording`` piece by piece."""
    if not request.content_type.startswith("multipart/"):
        raise BadAudio("send the recording as a form")
    given: dict[str, str] = {}
    stored = False
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "recording":
            await _store(part, recording)
            stored = True
        elif part.name in CONVERT_FIELDS:
            given[part.name] = (await part.read_chunk(1024)).decode("utf-8", "replace")
    if not stored:
        raise BadAudio("there is no recording")
    return given


async def _store(part: BodyPartReader, recording: Path) -> None:
    size = 0
    with recording.open("wb") as file:
        while chunk := await part.read_chunk(1 << 16):
            size += len(chunk)
            if size > UPLOAD_MOST:
                raise BadAudio(f"the recording is larger than {UPLOAD_MOST >> 20} MB")
            file.write(chunk)


def _number(given: dict[str, Any], name: str, default: float) -> float:
    value = given.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadStyle(f"{name} is no number")
    return float(value)


def _seed(value: Any) -> int | None:
    text = str(value if value is not None else "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _sound(pieces: Iterable[F32], rate_hz: int) -> web.Response:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        for piece in pieces:
            out.writeframes((np.clip(piece, -1, 1) * 32767).astype("<i2").tobytes())
    return web.Response(body=file.getvalue(), content_type="audio/wav")
