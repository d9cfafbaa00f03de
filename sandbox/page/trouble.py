"""The faults panel: what goes wrong on purpose, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.errors import NotPossible
from sandbox.records import Json

if TYPE_CHECKING:
    from sandbox.core import Core

CLOSE_CODES = (4006, 4009, 4014, 4015, 4016, 4017, 4020, 4021, 4022)
"""Voice close codes that a client meets (Voice > Close Event Codes)."""
_SLOW_S = 3.0
_MANY = 3
_EDITS = "PATCH *"
"""Acknowledgements are spared: three refusals of one take longer than Discord's three seconds."""


@dataclass(frozen=True)
class Extra:
    """A deed that whoever opened the page adds to it: a fault of the bot's own, or a crowd.

    ``run`` returns a sentence for the page; ``people`` puts its button among the members.
    """

    name: str
    label: str
    run: Callable[[], Awaitable[str]]
    people: bool = False


@dataclass(frozen=True)
class Dial:
    """Something with a few positions, shown among the members; the first to begin with.

    ``choices`` are ``(value, label)``; ``turn(value)`` returns a sentence for the page.
    """

    name: str
    label: str
    choices: tuple[tuple[str, str], ...]
    turn: Callable[[str], Awaitable[str]]


class Trouble:
    """Every fault that the page offers."""

    def __init__(self, core: Core, extras: Sequence[Extra], dials: Sequence[Dial]) -> None:
        self._core = core
        self.extras = {extra.name: extra for extra in extras}
        self._dials = {dial.name: dial for dial in dials}
        self._positions = {dial.name: dial.choices[0][0] for dial in dials}

    def view(self) -> Json:
        """What is going wrong at the moment."""
        voice = self._core.faults.voice
        return {
            "codes": list(CLOSE_CODES),
            "loss": voice.loss,
            "jitter_s": voice.jitter_s,
            "slow_dave": voice.welcome_delay_s > 0,
            "extras": [
                {"name": e.name, "label": e.label, "people": e.people} for e in self.extras.values()
            ],
            "dials": [
                {
                    "name": d.name,
                    "label": d.label,
                    "value": self._positions[d.name],
                    "choices": [{"value": value, "label": label} for value, label in d.choices],
                }
                for d in self._dials.values()
            ],
        }

    async def make(self, what: str, order: Json) -> str:
        """Do it; a sentence that says what was done. Raises NotPossible, LookupError."""
        if extra := self.extras.get(what):
            return await extra.run()
        if dial := self._dials.get(what):
            return await self._turn(dial, str(order["value"]))
        deeds: dict[str, Callable[[Json], Awaitable[str]]] = {
            "gateway_drop": self._gateway_drop,
            "gateway_cut": self._gateway_cut,
            "session": self._session,
            "voice_close": self._voice_close,
            "voice_drop": self._voice_drop,
            "slow_dave": self._slow_dave,
            "loss": self._loss,
            "jitter": self._jitter,
            "rest_limit": self._rest_limit,
            "rest_error": self._rest_error,
            "heal": self._heal,
        }
        if what not in deeds:
            raise NotPossible(f"there is no fault {what!r}")
        return await deeds[what](order)

    async def _turn(self, dial: Dial, value: str) -> str:
        if value not in dict(dial.choices):
            raise NotPossible(f"{dial.label} cannot be {value!r}")
        said = await dial.turn(value)
        self._positions[dial.name] = value
        return said

    async def _gateway_drop(self, _: Json) -> str:
        await self._core.faults.drop_gateway()
        return "The gateway closed the connection; the bot may resume."

    async def _gateway_cut(self, _: Json) -> str:
        self._core.faults.cut_gateway()
        return "The gateway's connection was cut with no goodbye."

    async def _session(self, _: Json) -> str:
        self._core.faults.invalidate_session()
        return "The gateway's session is void; the bot has to identify again."

    async def _voice_close(self, order: Json) -> str:
        code = int(order["code"])
        guild_id = self._call()
        self._core.faults.voice.close(guild_id, self._core.bot.id, code)
        return f"The voice connection was closed with {code}."

    async def _voice_drop(self, _: Json) -> str:
        self._core.faults.voice.drop(self._call(), self._core.bot.id)
        return "The voice connection was cut with no goodbye."

    async def _slow_dave(self, order: Json) -> str:
        on = bool(order.get("on", True))
        self._core.faults.voice.welcome_delay_s = _SLOW_S if on else 0.0
        return f"Keys for new voice members are {_SLOW_S:.0f} s late." if on else "Keys are prompt."

    async def _loss(self, order: Json) -> str:
        share = _share(order["value"])
        self._core.faults.voice.loss = share
        return f"{share:.0%} of the voice packets are lost."

    async def _jitter(self, order: Json) -> str:
        share = _share(order["value"])
        self._core.faults.voice.jitter_s = share
        return f"Voice packets are up to {share * 1000:.0f} ms late."

    async def _rest_limit(self, _: Json) -> str:
        self._core.faults.rate_limit(_EDITS, times=_MANY, retry_after_s=1.0)
        return f"The next {_MANY} edits of messages are answered 429."

    async def _rest_error(self, _: Json) -> str:
        self._core.faults.server_error(_EDITS, status=502, times=_MANY)
        return f"The next {_MANY} edits of messages are answered 502."

    async def _heal(self, _: Json) -> str:
        voice = self._core.faults.voice
        voice.welcome_delay_s = voice.loss = voice.jitter_s = 0.0
        self._core.faults.clear()
        return "Nothing goes wrong on purpose any more."

    def _call(self) -> int:
        for guild in self._core.world.guilds.values():
            if self._core.bot.id in guild.voice_states:
                return guild.id
        raise NotPossible("the bot is in no voice channel")


def _share(value: Any) -> float:
    return min(1.0, max(0.0, float(value)))
