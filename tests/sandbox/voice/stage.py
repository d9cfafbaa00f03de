"""A stage for voice: just enough gateway for a real discord.py client to reach the voice host.

The gateway here knows op 2 and op 4 and nothing else; the sandbox's own is tested elsewhere.
Nothing is polled: ``stage.until`` wakes when the voice host notes or pokes.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import discord
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox.clock import Clock
from sandbox.ports import VoiceTicket
from sandbox.voice.host import Host, open_voice

BOT = 900
GUILDS = tuple(range(10_001, 10_011))
VOICE_HOST = "voice.discord.media"
PATIENCE_S = 10.0


def channel_of(guild_id: int, number: int = 0) -> int:
    """The id of a guild's ``number``-th voice channel; each guild has two."""
    return guild_id * 10 + number


@dataclass
class World:
    """The voice host's view of the world, with a way to wait for it."""

    clock: Clock = field(default_factory=Clock)
    notes: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    violations: list[tuple[str, str]] = field(default_factory=list)
    gone: list[tuple[int, int, int]] = field(default_factory=list)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, kind: str, **details: object) -> None:
        self.notes.append((kind, details))
        self.poke()

    def poke(self) -> None:
        self._stirred.set()
        self._stirred = asyncio.Event()

    def violate(self, rule: str, detail: str) -> None:
        self.violations.append((rule, detail))
        self.poke()

    def voice_closed(self, guild_id: int, user_id: int, code: int) -> None:
        self.gone.append((guild_id, user_id, code))
        self.poke()

    def kinds(self, kind: str) -> list[Mapping[str, object]]:
        return [details for noted, details in self.notes if noted == kind]

    async def until(self, predicate: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not predicate():
                    await self._stirred.wait()
        except TimeoutError:
            story = "\n".join(f"{kind} {dict(details)}" for kind, details in self.notes)
            raise AssertionError(f"waited in vain; so far:\n{story}") from None


@dataclass
class Stage:
    """The world, the voice host, and the tiny gateway in front of them."""

    world: World
    host: Host
    port: int
    ca_pem: str
    tickets: int = 0
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    sequence: int = 0

    async def until(self, predicate: Callable[[], object]) -> None:
        await self.world.until(predicate)

    def client_connector(self) -> aiohttp.TCPConnector:
        """A connector that finds this stage under every name of Discord's."""
        context = ssl.create_default_context(cadata=self.ca_pem)
        context.check_hostname = False  # one certificate stands for all of Discord's names
        return aiohttp.TCPConnector(resolver=_Here(self.port), ssl=context)

    async def send(self, kind: str, data: object) -> None:
        self.sequence += 1
        payload = {"op": 0, "t": kind, "s": self.sequence, "d": data}
        for gateway in self.sockets:
            await gateway.send_json(payload)

    async def put(self, guild_id: int, channel_id: int | None) -> None:
        """Answer op 4, or move the bot: a ticket, a voice state and a voice server."""
        self.tickets += 1
        session_id = f"session-{self.tickets}"
        if channel_id is None:
            self.host.forget(guild_id, BOT)
        await self.send(
            "VOICE_STATE_UPDATE",
            _voice_state(guild_id, channel_id, session_id),
        )
        if channel_id is not None:
            token = f"token-{self.tickets}"
            self.host.expect(VoiceTicket(guild_id, channel_id, BOT, session_id, token))
            await self.send(
                "VOICE_SERVER_UPDATE",
                {"guild_id": str(guild_id), "token": token, "endpoint": self.host.endpoint},
            )


class _Here(AbstractResolver):
    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._port, family=socket.AF_INET,
                proto=0, flags=socket.AI_NUMERICHOST,
            )
        ]  # fmt: skip

    async def close(self) -> None:
        return


@asynccontextmanager
async def open_stage(
    tmp_path: Path, *, heartbeat_interval_s: float = 13.75
) -> AsyncIterator[Stage]:
    """Serve on an ephemeral loopback port; closes everything at the end."""
    context, ca_pem = _certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        world = World()
        host = await open_voice(world, VOICE_HOST, port, heartbeat_interval_s=heartbeat_interval_s)
        stage = Stage(world, host, port, ca_pem)
        app = web.Application()
        app.router.add_get("/", _websocket)
        app.router.add_get("/api/v10/users/@me", _me)
        app.router.add_get("/api/v10/oauth2/applications/@me", _application)
        app[STAGE] = stage
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        await web.SockSite(runner, listening, ssl_context=context).start()
        try:
            yield stage
        finally:
            await host.close()
            await runner.cleanup()


@asynccontextmanager
async def open_bot(stage: Stage) -> AsyncIterator[discord.Client]:
    """A real discord.py client, logged in and ready."""
    client = discord.Client(
        intents=discord.Intents(guilds=True, voice_states=True),
        connector=stage.client_connector(),
        max_messages=None,
    )
    await client.login("token")
    running = asyncio.create_task(client.connect(reconnect=False))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await client.wait_until_ready()
        yield client
    finally:
        await client.close()
        await asyncio.gather(running, return_exceptions=True)


STAGE = web.AppKey("stage", Stage)


async def _me(request: web.Request) -> web.Response:
    return _json(_user())


async def _application(request: web.Request) -> web.Response:
    return _json(
        {
            "id": str(BOT), "name": "bot", "icon": None, "description": "", "bot_public": False,
            "bot_require_code_grant": False, "verify_key": "00", "flags": 0, "summary": "",
            "owner": _user(), "team": None,
        }
    )  # fmt: skip


def _json(data: object) -> web.Response:
    """Discord's client reads JSON only under exactly this content type."""
    return web.Response(body=json.dumps(data).encode(), content_type="application/json")


async def _websocket(request: web.Request) -> web.StreamResponse:
    stage = request.app[STAGE]
    if request.host.startswith(VOICE_HOST):
        return await stage.host.websocket(request)
    gateway = web.WebSocketResponse()
    await gateway.prepare(request)
    await gateway.send_json({"op": 10, "d": {"heartbeat_interval": 45_000}})
    async for message in gateway:
        payload = json.loads(message.data)
        if payload["op"] == 1:
            await gateway.send_json({"op": 11, "d": None})
        elif payload["op"] == 2:
            stage.sockets.append(gateway)
            await stage.send("READY", _ready())
            for guild_id in GUILDS:
                await stage.send("GUILD_CREATE", _guild(guild_id))
        elif payload["op"] == 4:
            channel_id = payload["d"]["channel_id"]
            await stage.put(int(payload["d"]["guild_id"]), channel_id and int(channel_id))
    return gateway


def _user() -> dict[str, Any]:
    return {"id": str(BOT), "username": "bot", "discriminator": "0", "avatar": None, "bot": True}


def _voice_state(guild_id: int, channel_id: int | None, session_id: str) -> dict[str, Any]:
    return {
        "guild_id": str(guild_id), "channel_id": channel_id and str(channel_id),
        "user_id": str(BOT), "session_id": session_id, "deaf": False, "mute": False,
        "self_deaf": False, "self_mute": False, "self_video": False, "suppress": False,
        "request_to_speak_timestamp": None, "member": _member(),
    }  # fmt: skip


def _member() -> dict[str, Any]:
    joined = "2026-01-01T00:00:00+00:00"
    return {"user": _user(), "roles": [], "joined_at": joined, "deaf": False, "mute": False,
            "flags": 0}  # fmt: skip


def _ready() -> dict[str, Any]:
    unavailable = [{"id": str(guild_id), "unavailable": True} for guild_id in GUILDS]
    return {
        "v": 10, "user": _user(), "guilds": unavailable, "session_id": "gateway",
        "resume_gateway_url": "wss://gateway.discord.gg",
        "application": {"id": str(BOT), "flags": 0},
    }  # fmt: skip


def _guild(guild_id: int) -> dict[str, Any]:
    channels = [
        {
            "id": str(channel_of(guild_id, number)), "type": 2, "name": f"voice {number}",
            "position": number, "permission_overwrites": [], "bitrate": 64_000, "user_limit": 0,
            "parent_id": None, "nsfw": False, "rtc_region": None,
        }
        for number in range(2)
    ]  # fmt: skip
    everyone = {
        "id": str(guild_id), "name": "@everyone", "permissions": "8", "position": 0, "color": 0,
        "hoist": False, "managed": False, "mentionable": False, "flags": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
    }  # fmt: skip
    return {
        "id": str(guild_id), "name": f"guild {guild_id}", "icon": None, "owner_id": str(BOT),
        "roles": [everyone], "channels": channels, "members": [_member()], "member_count": 1,
        "emojis": [], "stickers": [], "features": [], "voice_states": [], "presences": [],
        "threads": [], "stage_instances": [], "guild_scheduled_events": [],
        "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
        "mfa_level": 0, "premium_tier": 0, "nsfw_level": 0, "afk_timeout": 60,
        "system_channel_flags": 0, "preferred_locale": "en-US", "large": False,
    }  # fmt: skip


def _certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stage")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    file = folder / "stage.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + pem
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, pem.decode()
