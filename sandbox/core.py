"""What the sandbox's parts share: the world, the timeline, the gateway, and the bot's account."""

from __future__ import annotations

import asyncio
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.clock import Clock
from sandbox.errors import ApiError
from sandbox.records import Guild, User
from sandbox.timeline import Timeline, Violation
from sandbox.world import Snowflakes, World

if TYPE_CHECKING:
    from sandbox.faults import Faults
    from sandbox.gateway import Gateway
    from sandbox.ports import VoiceHost
    from sandbox.ratelimits import RateLimits

ACKNOWLEDGE_S = 3.0
"""How long a bot has to answer an interaction."""
TOKEN_S = 15 * 60.0
"""How long an interaction's token can be used."""


@dataclass(frozen=True)
class Rules:
    """What may be switched off: the application's settings in the developer portal."""

    privileged_intents: bool = True
    rate_limits: bool = True


@dataclass(eq=False)
class Core:
    """One sandbox. ``server.open_sandbox`` builds it and fills in what needs sockets."""

    clock: Clock
    rules: Rules
    bot: User
    token: str
    world: World
    timeline: Timeline
    gateway: Gateway = field(init=False)
    faults: Faults = field(init=False)
    limits: RateLimits = field(init=False)
    voice: VoiceHost = field(init=False)
    violations: list[Violation] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @staticmethod
    def create(clock: Clock, rules: Rules, bot_name: str) -> Core:
        """A world with nobody in it but the bot."""
        ids = Snowflakes(clock)
        world = World(clock, ids)
        bot = User(ids.next(), bot_name, bot=True)
        world.users[bot.id] = bot
        return Core(clock, rules, bot, make_token(bot.id), world, Timeline(clock))

    def note(self, kind: str, **details: object) -> None:
        """Write a line of the timeline."""
        self.timeline.note(kind, **details)

    def poke(self) -> None:
        """Wake whoever waits, without writing a line."""
        self.timeline.poke()

    def violate(self, rule: str, detail: str, code: int | None = None) -> None:
        """Record a broken rule."""
        violation = Violation(self.clock.now_s(), rule, detail, code)
        self.violations.append(violation)
        self.note("violation", violation=violation)

    def refused(self, error: ApiError, where: str) -> None:
        """Record what a REST call was refused for, if that was a broken rule."""
        if error.rule:
            self.violate(error.rule, f"{where}: {error.message} {error.errors or ''}", error.code)

    def voice_closed(self, guild_id: int, user_id: int, code: int) -> None:
        """The voice host lost a connection for good: its user leaves the channel."""
        from sandbox.deeds.voice import leave_voice

        guild = self.world.guilds.get(guild_id)
        self.note("voice.closed", guild_id=guild_id, user_id=user_id, code=code)
        if guild and user_id in guild.voice_states:
            leave_voice(self, guild, user_id, host_knows=True)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run a timer of the sandbox's; ``server`` cancels what is left at the end."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def bot_guilds(self) -> list[Guild]:
        """The guilds that the bot is in."""
        return [g for g in self.world.guilds.values() if self.bot.id in g.members]


def make_token(user_id: int) -> str:
    """A token of the shape that Discord's have: id, time and secret, in base64."""
    first = urlsafe_b64encode(str(user_id).encode()).decode().rstrip("=")
    return f"{first}.{secrets.token_urlsafe(4)[:6]}.{secrets.token_urlsafe(28)[:38]}"
