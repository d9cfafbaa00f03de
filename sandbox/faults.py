"""Faults on demand for REST and the gateway. Voice has its own (``faults.voice``).

A REST fault names its route as ``"METHOD /path"`` with ``*`` for any part, such as
``"POST /channels/*/messages"`` (paths without ``/api/v10``); None means every route. It
strikes ``times`` calls, then it is spent. Each strike is an event of kind ``fault``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sandbox.deeds.guilds import set_outage
from sandbox.records import Guild

if TYPE_CHECKING:
    from sandbox.core import Core
    from sandbox.voice.faults import VoiceFaults


class What(Enum):
    """The kinds of REST fault."""

    RATE_LIMIT = "rate limit"
    STATUS = "status"
    DELAY = "delay"
    LOSE_ANSWER = "lose answer"


@dataclass
class Fault:
    """One armed fault. ``delay_s`` and ``retry_after_s`` are real seconds."""

    what: What
    route: str | None
    times: int
    status: int = 500
    delay_s: float = 0.0
    retry_after_s: float = 0.0
    everywhere: bool = False
    via: bool = True

    def strikes(self, method: str, path: str) -> bool:
        """Whether this call is hit."""
        return self.times > 0 and (
            self.route is None or fnmatchcase(f"{method} {path}", self.route)
        )


class Faults:
    """What goes wrong on purpose. A fresh one does no harm."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._armed: list[Fault] = []
        self._identify_refusals: list[int] = []

    @property
    def voice(self) -> VoiceFaults:
        """Close codes, a slow Welcome, packet loss: see ``sandbox/voice/faults.py``."""
        return self._core.voice.faults

    # --- REST

    def rate_limit(
        self,
        route: str | None = None,
        *,
        times: int = 1,
        retry_after_s: float = 0.2,
        everywhere: bool = False,
        via: bool = True,
    ) -> None:
        """Answer 429. ``everywhere`` makes it the global limit; without ``via`` the answer
        lacks the Via header and a JSON body, as a ban by Cloudflare does."""
        self._armed.append(
            Fault(
                What.RATE_LIMIT,
                route,
                times,
                retry_after_s=retry_after_s,
                everywhere=everywhere,
                via=via,
            )
        )

    def server_error(self, route: str | None = None, *, status: int = 500, times: int = 1) -> None:
        """Answer a 5xx before anything is done."""
        self._armed.append(Fault(What.STATUS, route, times, status=status))

    def delay(self, route: str | None = None, *, by_s: float, times: int = 1) -> None:
        """Begin to work on the call only after ``by_s`` real seconds."""
        self._armed.append(Fault(What.DELAY, route, times, delay_s=by_s))

    def lose_answer(self, route: str | None = None, *, times: int = 1) -> None:
        """Do the work, then cut the connection before answering."""
        self._armed.append(Fault(What.LOSE_ANSWER, route, times))

    def clear(self) -> None:
        """Disarm what has not struck yet."""
        self._armed.clear()
        self._identify_refusals.clear()

    def strike(self, method: str, path: str, *kinds: What) -> Fault | None:
        """The fault of these kinds that hits this call, spent by one (for ``rest/app.py``)."""
        for fault in self._armed:
            if fault.what in kinds and fault.strikes(method, path):
                fault.times -= 1
                self._core.note("fault", what=fault.what.value, method=method, path=path)
                return fault
        return None

    # --- gateway

    async def drop_gateway(self, *, code: int = 4000, resumable: bool = True) -> None:
        """Close every gateway connection with ``code``.

        Unless ``resumable``, the session is forgotten too: the client's resume gets op 9.
        """
        self._core.note("fault", what="gateway drop", code=code, resumable=resumable)
        for session in list(self._core.gateway.sessions.values()):
            socket = session.socket
            if not resumable:
                self._core.gateway.end(session)
            if socket:
                await socket.close(code)

    def cut_gateway(self) -> None:
        """Drop the TCP connections of the gateway with no goodbye, as a lost network does."""
        self._core.note("fault", what="gateway cut")
        for socket in list(self._core.gateway.sockets):
            socket.cut()

    def ask_reconnect(self) -> None:
        """Op 7: the client should reconnect and resume."""
        self._tell({"op": 7, "s": None, "t": None, "d": None})

    def invalidate_session(self, *, resumable: bool = False) -> None:
        """Op 9: the session is invalid; the client must identify anew unless ``resumable``."""
        self._tell({"op": 9, "s": None, "t": None, "d": resumable})
        if not resumable:
            for session in list(self._core.gateway.sessions.values()):
                self._core.gateway.end(session)

    def lose_heartbeats(self) -> None:
        """The connections of now stay open, but heartbeats are not acknowledged any more."""
        for socket in self._core.gateway.sockets:
            socket.lose_heartbeats()

    def refuse_identify(self, *, code: int = 4004, times: int = 1) -> None:
        """Close the next identify with 4004 (bad token), 4014 (disallowed intents), ..."""
        self._identify_refusals += [code] * times

    def next_identify_refusal(self) -> int | None:
        """The close code for the identify at hand, if one is armed (for the gateway)."""
        if not self._identify_refusals:
            return None
        code = self._identify_refusals.pop(0)
        self._core.note("fault", what="identify refused", code=code)
        return code

    def outage(self, guild: Guild) -> None:
        """The guild becomes unavailable (GUILD_DELETE with ``unavailable``)."""
        set_outage(self._core, guild, True)

    def recover(self, guild: Guild) -> None:
        """The outage is over (GUILD_CREATE)."""
        set_outage(self._core, guild, False)

    def _tell(self, frame: dict[str, object]) -> None:
        self._core.note("fault", what=f"gateway op {frame['op']}")
        for session in self._core.gateway.sessions.values():
            if session.socket:
                session.socket.put(frame)
