"""Rate limits per route, with the headers that clients steer by (Topics > Rate Limits).

Discord publishes no numbers for routes; these are the ones its headers commonly show. Buckets run
on real time, because that is how a client waits.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field

from sandbox.clock import Clock


@dataclass(frozen=True)
class Limit:
    """``calls`` in each ``per_s`` seconds."""

    calls: int
    per_s: float


GLOBAL = Limit(50, 1.0)
"""Of all calls together, but for those of interactions and webhooks, which need no bot token. This
one Discord does publish."""

DEFAULT = Limit(50, 1.0)
LIMITS: dict[tuple[str, str], Limit] = {
    ("POST", "/channels/{channel_id}/messages"): Limit(5, 5.0),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): Limit(5, 5.0),
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): Limit(5, 1.0),
    ("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"): Limit(1, 0.25),
    ("POST", "/channels/{channel_id}/typing"): Limit(5, 5.0),
    ("POST", "/webhooks/{webhook_id}/{token}"): Limit(5, 2.0),
    ("PATCH", "/webhooks/{webhook_id}/{token}/messages/{message_id}"): Limit(5, 5.0),
    ("PATCH", "/guilds/{guild_id}/members/{user_id}"): Limit(10, 10.0),
    ("POST", "/users/@me/channels"): Limit(10, 10.0),
}
MAJOR = ("channel_id", "guild_id", "webhook_id", "token")


@dataclass
class Bucket:
    """The calls of one route and major parameter since ``opened_s``."""

    limit: Limit
    hash: str
    opened_s: float = -1e9
    used: int = 0


@dataclass(frozen=True)
class Verdict:
    """Whether a call may go on, and the headers for its answer."""

    allowed: bool
    retry_after_s: float
    headers: dict[str, str] = field(default_factory=dict)


class RateLimits:
    """All buckets of the sandbox; switched off they allow everything but still say so."""

    def __init__(self, clock: Clock, *, enforced: bool = True) -> None:
        self._clock = clock
        self._enforced = enforced
        self._buckets: dict[str, Bucket] = {}
        self._all = Bucket(GLOBAL, "")

    def over_all_s(self) -> float:
        """Count one call that has the bot's token: 0, or how long until one is allowed again."""
        now_s = self._clock.real_s()
        if now_s >= self._all.opened_s + GLOBAL.per_s:
            self._all.opened_s, self._all.used = now_s, 0
        if not self._enforced or self._all.used < GLOBAL.calls:
            self._all.used += 1
            return 0.0
        return self._all.opened_s + GLOBAL.per_s - now_s

    def take(self, method: str, template: str, params: dict[str, str]) -> Verdict:
        """Count one call of a route."""
        limit = LIMITS.get((method, template), DEFAULT)
        name = hashlib.sha256(f"{method} {template}".encode()).hexdigest()[:32]
        key = ":".join([name, *(params[m] for m in MAJOR if m in params)])
        bucket = self._buckets.setdefault(key, Bucket(limit, name))
        now_s = self._clock.real_s()
        if now_s >= bucket.opened_s + limit.per_s:
            bucket.opened_s, bucket.used = now_s, 0
        reset_s = bucket.opened_s + limit.per_s - now_s
        allowed = bucket.used < limit.calls or not self._enforced
        bucket.used += allowed
        remaining = limit.calls - bucket.used if self._enforced else limit.calls - 1
        headers = {
            "X-RateLimit-Limit": str(limit.calls),
            "X-RateLimit-Remaining": str(max(remaining, 0)),
            "X-RateLimit-Reset": f"{time.time() + reset_s:.3f}",
            "X-RateLimit-Reset-After": f"{reset_s:.3f}",
            "X-RateLimit-Bucket": name,
        }
        return Verdict(allowed, 0.0 if allowed else reset_s, headers)
