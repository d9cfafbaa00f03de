"""A Discord on localhost: opened, filled with people, watched, and closed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from aiohttp import web

from sandbox.actor import Actor
from sandbox.cdn import Cdn
from sandbox.certificate import make_certificate
from sandbox.clock import Clock
from sandbox.core import Core, Rules
from sandbox.deeds import guilds
from sandbox.errors import TimedOut
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.gateway_socket import Socket
from sandbox.permissions import Permission
from sandbox.ports import OpenVoice
from sandbox.ratelimits import RateLimits
from sandbox.records import (
    Channel,
    ChannelKind,
    Command,
    Guild,
    Interaction,
    Json,
    Message,
    Overwrite,
    Role,
    User,
)
from sandbox.rest.app import Api
from sandbox.timeline import Event, Violation
from sandbox.transcript import records, transcript
from sandbox.voice.host import open_voice as open_real_voice

T = TypeVar("T")
HOST = "127.0.0.1"
_BODY_LIMIT = 64 * 1024 * 1024


class Sandbox:
    """The sandbox as tests, the terminal and the page use it. Made by ``open_sandbox``."""

    def __init__(self, core: Core, address: tuple[str, int], ca_file: Path) -> None:
        self.core = core
        self.address = address
        self.ca_file = ca_file

    # --- what a client needs

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.core.token

    @property
    def bot(self) -> User:
        """The bot's account; its id is the application's too."""
        return self.core.bot

    @property
    def clock(self) -> Clock:
        """Sandbox time: ``clock.speed = 10``, ``clock.advance(900)``."""
        return self.core.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""
        return self.core.faults

    @property
    def online(self) -> bool:
        """Whether a bot is connected and identified."""
        return self.core.gateway.online

    # --- building

    def add_user(self, name: str, *, locale: str = "en-US", dms_open: bool = True) -> Actor:
        """Someone who is in no guild yet."""
        user = User(self.core.world.ids.next(), name, locale=locale, dms_open=dms_open)
        self.core.world.users[user.id] = user
        return Actor(self.core, user)

    def add_guild(
        self,
        name: str,
        *,
        owner: Actor | None = None,
        bot_permissions: Permission | None = guilds.BOT_PERMISSIONS,
        text: Sequence[str] = ("general",),
        voice: Sequence[str] = (),
    ) -> Guild:
        """A server with these channels. The bot joins with ``bot_permissions``, or not (None).

        Without an ``owner`` somebody called "Owner" owns it.
        """
        owner = owner or self.add_user("Owner")
        guild = guilds.create_guild(self.core, name, owner.id)
        for each in text:
            self.add_text_channel(guild, each)
        for each in voice:
            self.add_voice_channel(guild, each)
        owner.here = owner.here or next(iter(guild.channels.values()), None)
        if bot_permissions is not None:
            guilds.invite_bot(self.core, guild, bot_permissions)
        return guild

    def invite_bot(self, guild: Guild, permissions: Permission = guilds.BOT_PERMISSIONS) -> None:
        """Let the bot join a server that it is not in."""
        guilds.invite_bot(self.core, guild, permissions)

    def add_role(
        self,
        guild: Guild,
        name: str,
        permissions: Permission = Permission(0),  # noqa: B008 - an immutable flag
        *,
        mentionable: bool = False,
    ) -> Role:
        """A role above the ones that exist."""
        return guilds.create_role(self.core, guild, name, permissions, mentionable=mentionable)

    def add_text_channel(
        self, guild: Guild, name: str, *, overwrites: Sequence[Overwrite] = ()
    ) -> Channel:
        """A text channel."""
        return guilds.create_channel(
            self.core, guild, name, ChannelKind.TEXT, overwrites=list(overwrites)
        )

    def add_voice_channel(
        self,
        guild: Guild,
        name: str,
        *,
        user_limit: int = 0,
        overwrites: Sequence[Overwrite] = (),
    ) -> Channel:
        """A voice channel; ``user_limit`` 0 means none."""
        return guilds.create_channel(
            self.core,
            guild,
            name,
            ChannelKind.VOICE,
            user_limit=user_limit,
            overwrites=list(overwrites),
        )

    def add_member(
        self, guild: Guild, name: str, *, roles: Sequence[Role] = (), locale: str = "en-US"
    ) -> Actor:
        """A new user who is in the guild and looks at its first text channel."""
        actor = self.add_user(name, locale=locale)
        actor.join(guild, roles)
        return actor

    def owner(self, guild: Guild) -> Actor:
        """The guild's owner, who may do everything."""
        channel = next(iter(guild.channels.values()), None)
        return Actor(self.core, self.core.world.users[guild.owner_id], channel)

    def channel(self, guild: Guild, name: str) -> Channel:
        """A guild's channel by name. Raises LookupError."""
        for channel in guild.channels.values():
            if channel.name == name:
                return channel
        raise LookupError(name)

    # --- reading

    async def until(self, predicate: Callable[[], T], timeout_s: float = 5.0) -> T:
        """The first truthy value of ``predicate``, asked again after each event, and now and then.

        ``timeout_s`` is real time. Raises TimedOut, whose text ends with the transcript.
        """
        try:
            return await self.core.timeline.until(predicate, timeout_s)
        except TimeoutError:
            raise TimedOut(f"waited {timeout_s} s in vain\n{self.transcript()}") from None

    async def until_online(self, timeout_s: float = 10.0) -> None:
        """Wait for a bot to identify."""
        await self.until(lambda: self.online, timeout_s)

    def messages(self, where: Channel | None = None, *, by: User | None = None) -> list[Message]:
        """Messages that exist, ephemeral ones too: of one channel or all, of one author or all."""
        channels = [where.id] if where else list(self.core.world.messages)
        found = [m for c in channels for m in self.core.world.in_channel(c)]
        return sorted((m for m in found if by in (None, _author(self, m))), key=lambda m: m.id)

    @property
    def commands(self) -> list[Command]:
        """The commands the bot has registered."""
        return list(self.core.world.commands.values())

    @property
    def interactions(self) -> list[Interaction]:
        """Every interaction so far."""
        return list(self.core.world.interactions.values())

    @property
    def guilds(self) -> list[Guild]:
        """All servers."""
        return list(self.core.world.guilds.values())

    @property
    def violations(self) -> list[Violation]:
        """The rules that were broken; tests assert that there are none."""
        return self.core.violations

    @property
    def events(self) -> Sequence[Event]:
        """Everything that happened, oldest first."""
        return self.core.timeline.events

    def subscribe(self) -> AbstractAsyncContextManager[asyncio.Queue[Event]]:
        """``async with sandbox.subscribe() as events``: a queue of all events from now on."""
        return self.core.timeline.subscribe()

    def transcript(self) -> str:
        """Every message, edit and interaction as readable lines with times."""
        return transcript(self.core)

    def records(self) -> list[Json]:
        """The same as JSON-able records."""
        return records(self.core)


@asynccontextmanager
async def open_sandbox(
    *,
    bot_name: str = "Parley",
    speed: float = 1.0,
    rules: Rules = Rules(),  # noqa: B008 - frozen
    open_voice: OpenVoice = open_real_voice,
    port: int = 0,
) -> AsyncIterator[Sandbox]:
    """A Discord on an ephemeral loopback port, gone at the end with everything in it.

    ``rules`` switches off what the developer portal can (privileged intents) and rate limits.
    """
    core = Core.create(Clock(speed), rules, bot_name)
    core.gateway = Gateway(core)
    core.faults = Faults(core)
    core.limits = RateLimits(core.clock, enforced=rules.rate_limits)
    with TemporaryDirectory(prefix="sandbox-") as folder:
        ca_file = Path(folder) / "ca.pem"
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", _Front(core).serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port, ssl_context=make_certificate(ca_file))
            await site.start()
            address: tuple[str, int] = runner.addresses[0][:2]
            core.voice = await open_voice(core, *address)
            yield Sandbox(core, address, ca_file)
        finally:
            for task in list(core.tasks):
                task.cancel()
            await core.gateway.close()
            if hasattr(core, "voice"):
                await core.voice.close()
            await runner.cleanup()


class _Front:
    """Sends each request to the part that answers it.

    Every one of Discord's host names leads here, so only paths and queries tell them apart.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._api = Api(core)
        self._cdn = Cdn(core)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.path.startswith("/api/"):
            return await self._api.serve(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            # The gateway is asked for version 9 or 10, voice for 8 or less.
            if int(request.query.get("v", "10")) <= 8:
                return await self._core.voice.websocket(request)
            return await Socket(self._core, request).serve()
        return await self._cdn.serve(request)


def _author(sandbox: Sandbox, message: Message) -> User | None:
    return sandbox.core.world.users.get(message.author_id)
