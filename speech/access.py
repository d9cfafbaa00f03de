"""Who may hear which voice: rules of whoever runs Parley, and of servers, by roles.

A voice without a rule is for everybody. A rule of a server holds in that server; one of whoever
runs Parley (``guild_id`` 0) holds everywhere, direct messages too, where nobody has a role. Where
both are, both must be met.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import NotAllowed
from words import N_

if TYPE_CHECKING:  # the speaking workers come by here, and have no use for a database
    from storage.database import Database
    from storage.records import VoiceRoles


class VoiceBarred(NotAllowed):
    """The voice is for people with certain roles."""

    sentence = N_("The voice {voice} is only for certain roles here.")


@dataclass(frozen=True)
class Hearer:
    """Who wants to hear a voice, and where; ``guild_id`` 0 in direct messages."""

    guild_id: int = 0
    role_ids: frozenset[int] = frozenset()


def barred(rules: Iterable[VoiceRoles], hearer: Hearer) -> frozenset[str]:
    """The voices that ``hearer`` may not use, case folded: folders may be told apart or not."""
    return frozenset(
        rule.voice.casefold()
        for rule in rules
        if rule.guild_id in (0, hearer.guild_id) and not rule.role_ids & hearer.role_ids
    )


def may_use(voice: str | None, barred: frozenset[str]) -> bool:
    """Whether ``NAME`` or ``NAME/speaker`` is not among the ``barred``; no voice is nobody's."""
    return voice is None or voice.partition("/")[0].casefold() not in barred


class VoiceAccess:
    """The rules as they stand. Raises ``StorageError``."""

    def __init__(self, database: Database) -> None:
        self._rules = database.voice_rules

    async def barred(self, hearer: Hearer) -> frozenset[str]:
        """See :func:`barred`."""
        return barred(await self._rules.list(hearer.guild_id), hearer)
