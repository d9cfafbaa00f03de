"""Whether a memory may have pins, so that most messages need not look for them.

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark, and set it where there are pins."""
    op.add_column(
        "memories", sa.Column("pins", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    memories = sa.table(
        "memories",
        sa.column("person_id", sa.BigInteger),
        sa.column("guild_id", sa.BigInteger),
        sa.column("pins", sa.Boolean),
    )
    turns = sa.table(
        "turns",
        sa.column("person_id", sa.BigInteger),
        sa.column("guild_id", sa.BigInteger),
        sa.column("pinned", sa.Boolean),
    )
    pinned = sa.select(turns.c.person_id).where(
        turns.c.person_id == memories.c.person_id,
        turns.c.guild_id == memories.c.guild_id,
        turns.c.pinned,
    )
    op.execute(memories.update().where(pinned.exists()).values(pins=True))
