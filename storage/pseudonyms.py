"""What stands for a person who asked to be forgotten, where something has to stand.

Forgetting must be neither a way around a block nor a fresh quota. A block, and what was used today,
therefore stay under a number that only this installation's secret key makes of the person's id: it
cannot be read back, and it meets the person again only if they come back themselves.
"""

from __future__ import annotations

import hashlib
import hmac

NAME = "pseudonyms"  # in the table of secrets; drawn at random by the first migration


class Pseudonyms:
    """Made from the installation's key."""

    def __init__(self, key: str) -> None:
        self._key = bytes.fromhex(key)

    def of(self, person_id: int) -> int:
        """Negative, so that it is nobody's snowflake."""
        digest = hmac.digest(self._key, str(person_id).encode(), hashlib.sha256)
        return -(int.from_bytes(digest[:8], "big") >> 2) - 1

    def known_as(self, person_id: int) -> tuple[int, int]:
        """The numbers under which this person's usage and blocks may be."""
        return person_id, self.of(person_id)
