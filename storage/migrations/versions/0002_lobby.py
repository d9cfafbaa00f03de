"""The lobby: places, servers, processes, rules, audit trail, and effects on their way.

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False if key else "auto")


def _seconds(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def _tag(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=64), nullable=False)


def upgrade() -> None:
    """Make the tables, and open the book at its first page."""
    book = op.create_table(
        "lobby_book",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _number("next_ticket"),
        _number("version"),
        _seconds("seen_s"),
        _seconds("skew_s"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lobby_book")),
    )
    op.bulk_insert(book, [{"id": 1, "next_ticket": 1, "version": 1, "seen_s": 0.0, "skew_s": 0.0}])
    op.create_table(
        "lobby_places",
        _number("person_id", key=True),
        _number("guild_id"),
        _number("channel_id"),
        _number("present_id"),
        _number("text_channel_id"),
        _tag("locale"),
        _number("ticket"),
        sa.Column("priority", sa.Boolean(), nullable=False),
        _tag("stage"),
        _seconds("asked_s"),
        _seconds("since_s"),
        _seconds("active_s"),
        _seconds("warned_s"),
        _seconds("deadline_s"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_lobby_places")),
    )
    op.create_table(
        "lobby_rooms",
        _number("guild_id", key=True),
        _tag("process"),
        sa.Column("muted", sa.Boolean(), nullable=False),
        _number("barred_id"),
        _seconds("barred_until_s"),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_lobby_rooms")),
    )
    op.create_table(
        "lobby_processes",
        _tag("name"),
        _tag("incarnation"),
        _seconds("down_s"),
        _seconds("gone_s"),
        sa.Column("starting", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lobby_processes")),
    )
    op.create_table(
        "lobby_rules",
        _number("guild_id", key=True),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        _seconds("idle_s"),
        sa.Column("priority_roles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_lobby_rules")),
    )
    op.create_table(
        "lobby_trail",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        _number("person_id"),
        _number("guild_id"),
        _number("channel_id"),
        _tag("deed"),
        _tag("why"),
        _number("by_id"),
        _number("ticket"),
        _seconds("at_s"),
        _seconds("held_s"),
        _tag("process"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lobby_trail")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lobby_trail_guild_id_id", "lobby_trail", ["guild_id", "id"])
    op.create_index("ix_lobby_trail_person_id_id", "lobby_trail", ["person_id", "id"])
    op.create_table(
        "lobby_posts",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        _tag("process"),
        _number("person_id"),
        _seconds("at_s"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lobby_posts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lobby_posts_process_id", "lobby_posts", ["process", "id"])


def downgrade() -> None:
    """Close the lobby for good."""
    for table in (
        "lobby_posts",
        "lobby_trail",
        "lobby_rules",
        "lobby_processes",
        "lobby_rooms",
        "lobby_places",
        "lobby_book",
    ):
        op.drop_table(table)
