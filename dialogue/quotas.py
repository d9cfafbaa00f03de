"""What a person may use in a day, what is left of it, and what it cost.

A day is a day in UTC. Two limits may hold at once: the owner's, over all servers together, and a
server's for its roles; what is left is the smaller. Among several roles of a person the most
generous counts, and any role counts before what holds for everyone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dialogue.ask import Spent
from dialogue.errors import QuotaSpent, SpeechQuotaSpent
from dialogue.settings import ModelSettings, QuotaSettings
from storage.database import Database
from storage.errors import StorageError
from storage.records import Limit, Usage

DAY_S = 86_400
LATE_MOST = 1000
"""Answers that are remembered uncounted while the store is away."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person used today, and what is left in one server. ``None``: no limit."""

    used: Usage
    """In this server."""
    used_everywhere: Usage
    tokens_limit: int | None
    tokens_left: int | None
    spoken_limit_s: float | None
    spoken_left_s: float | None
    renews_s: float


@dataclass(frozen=True, slots=True)
class Costs:
    """For the owner."""

    today: Usage
    month: Usage
    """The last thirty days."""


def day_of(now_s: float) -> str:
    """The ISO date of a moment, in UTC."""
    return dt.datetime.fromtimestamp(now_s, dt.UTC).date().isoformat()


def renews_s(now_s: float) -> float:
    """The next midnight, in UTC."""
    return (now_s // DAY_S + 1) * DAY_S


class Quotas:
    """Every method raises ``StorageError``."""

    def __init__(
        self,
        database: Database,
        settings: QuotaSettings,
        prices: ModelSettings,
        clock: Callable[[], float],
    ) -> None:
        self._store = database.quotas
        self._settings = settings
        self._prices = prices
        self._clock = clock
        self._late: list[tuple[int, int, Usage]] = []
        self._forgotten: dict[int, str] = {}  # person to the day of their forget

    async def allowance(
        self,
        person_id: int,
        guild_id: int,
        role_ids: Sequence[int] = (),
        *,
        limited: bool = True,
    ) -> Allowance:
        """What is left now. ``limited`` is off where it is known that no role has limits."""
        now_s = self._clock()
        day = day_of(now_s)
        by_guild = await self._store.used(person_id, day)
        here = by_guild.get(guild_id, Usage(day))
        everywhere = _sum(day, by_guild.values())
        limits = await self._store.limits(guild_id) if guild_id and limited else ()
        role = _limit_for(limits, guild_id, role_ids)
        tokens = _tighter(
            (self._settings.tokens_per_day or None, everywhere.tokens),
            (role.tokens_per_day, here.tokens),
        )
        spoken = _tighter(
            (self._settings.spoken_s_per_day or None, everywhere.spoken_s),
            (role.spoken_s_per_day, here.spoken_s),
        )
        return Allowance(
            used=here,
            used_everywhere=everywhere,
            tokens_limit=None if tokens is None else int(tokens[0]),
            tokens_left=None if tokens is None else int(tokens[1]),
            spoken_limit_s=None if spoken is None else spoken[0],
            spoken_left_s=None if spoken is None else spoken[1],
            renews_s=renews_s(now_s),
        )

    async def may_speak(self, person_id: int, guild_id: int, role_ids: Sequence[int] = ()) -> None:
        """Raises ``SpeechQuotaSpent`` when no second of speech is left."""
        allowance = await self.allowance(person_id, guild_id, role_ids)
        if allowance.spoken_left_s is not None and allowance.spoken_left_s <= 0:
            raise SpeechQuotaSpent(renews=stamp(allowance.renews_s))

    async def answered(self, person_id: int, guild_id: int, spent: Spent, answers: int = 1) -> None:
        """Count one answer."""
        await self._count(person_id, guild_id, self._usage(spent, answers))

    def answered_later(self, person_id: int, guild_id: int, spent: Spent) -> None:
        """Count one answer as soon as the store is back. Never raises."""
        self._late.append((person_id, guild_id, self._usage(spent, 1)))
        del self._late[:-LATE_MOST]

    def forget(self, person_id: int) -> None:
        """Count what is used until the day ends, and what is still uncounted, under no name.

        So an answer or a sound that was begun before a forget leaves nothing of them after it.
        """
        today = day_of(self._clock())
        self._forgotten = {who: day for who, day in self._forgotten.items() if day == today}
        self._forgotten[person_id] = today

    async def spoke(self, person_id: int, guild_id: int, spoken_s: float) -> None:
        """Count speech that was made for somebody."""
        used = Usage(day=day_of(self._clock()), spoken_s=spoken_s)
        await self._count(person_id, guild_id, used)

    async def _count(self, person_id: int, guild_id: int, used: Usage) -> None:
        await self._add(person_id, guild_id, used)
        while self._late:
            late = self._late.pop()
            try:
                await self._add(*late)
            except StorageError:
                self._late.append(late)
                raise

    async def _add(self, person_id: int, guild_id: int, used: Usage) -> None:
        unnamed = used.day <= self._forgotten.get(person_id, "")
        await self._store.add(person_id, guild_id, used, unnamed=unnamed)

    def _usage(self, spent: Spent, answers: int) -> Usage:
        return Usage(
            day=day_of(self._clock()),
            tokens_in=spent.tokens_in,
            tokens_out=spent.tokens_out,
            tokens_counted=spent.tokens_in + spent.tokens_out if spent.counted else 0,
            answers=answers,
            cost=spent.cost,
        )

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Of so many tokens, at the prices that are set."""
        prices = self._prices
        return (tokens_in * prices.price_in + tokens_out * prices.price_out) / 1e6

    async def costs(self, guild_id: int | None = None) -> Costs:
        """What everybody used, in one server or in all."""
        now_s = self._clock()
        return Costs(
            today=await self._store.totals(day_of(now_s), guild_id),
            month=await self._store.totals(day_of(now_s - 29 * DAY_S), guild_id),
        )


def stamp(at_s: float) -> str:
    """A moment that Discord shows in the reader's own time, as "in 3 hours"."""
    return f"<t:{int(at_s)}:R>"


def spent_error(allowance: Allowance) -> QuotaSpent:
    return QuotaSpent(renews=stamp(allowance.renews_s))


def _limit_for(limits: Sequence[Limit], guild_id: int, role_ids: Sequence[int]) -> Limit:
    mine = [limit for limit in limits if limit.role_id in role_ids and limit.role_id != guild_id]
    mine = mine or [limit for limit in limits if limit.role_id == guild_id]
    none = Limit(guild_id, guild_id, None, None)
    if not mine:
        return none
    tokens = [limit.tokens_per_day for limit in mine if limit.tokens_per_day is not None]
    spoken = [limit.spoken_s_per_day for limit in mine if limit.spoken_s_per_day is not None]
    return Limit(
        guild_id,
        guild_id,
        max(tokens) if len(tokens) == len(mine) else None,
        max(spoken) if len(spoken) == len(mine) else None,
    )


def _tighter(
    *pairs: tuple[float | None, float],
) -> tuple[float, float] | None:
    """Of (limit, used) pairs, the (limit, left) with the least left; ``None`` with no limit."""
    left = [(limit, max(limit - used, 0)) for limit, used in pairs if limit is not None]
    return min(left, key=lambda pair: pair[1], default=None)


def _sum(day: str, parts: Iterable[Usage]) -> Usage:
    total = Usage(day)
    for part in parts:
        total = Usage(
            day=day,
            tokens_in=total.tokens_in + part.tokens_in,
            tokens_out=total.tokens_out + part.tokens_out,
            tokens_counted=total.tokens_counted + part.tokens_counted,
            spoken_s=total.spoken_s + part.spoken_s,
            answers=total.answers + part.answers,
            cost=total.cost + part.cost,
        )
    return total
