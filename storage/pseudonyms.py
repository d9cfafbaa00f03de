"""What stands for a person who asked to be forgotten, where something has to stand.

Forgetting must be neither a way around a block nor a fresh quota. A block, and what was used today,
therefore stay under a number that only this installation's secret key makes of the person's id: it
cannot be read back, and it meets the person again only if they come back themselves.
"""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import SecretRow

_NAME = "pseudonyms"  # drawn at random by the first migration


async def pseudonym(connection: AsyncConnection, person_id: int) -> int:
    """Negative, so that it is nobody's snowflake."""
    key = await connection.scalar(select(SecretRow.value).where(SecretRow.name == _NAME))
    if key is None:
        raise RuntimeError("the database has no key for pseudonyms")
    digest = hmac.digest(bytes.fromhex(key), str(person_id).encode(), hashlib.sha256)
    return -(int.from_bytes(digest[:8], "big") >> 2) - 1


async def known_as(connection: AsyncConnection, person_id: int) -> tuple[int, int]:
    """The numbers under which this person's usage and blocks may be."""
    return person_id, await pseudonym(connection, person_id)
