"""The first tables: memory, people, personas, dictionary, quotas, moderation, servers.

Revision: 0001
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and draw the key that ``storage.pseudonyms`` works with."""
    op.create_table(
        "audit",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_at_s"), "audit", ["at_s"])
    op.create_index("ix_audit_guild_id_id", "audit", ["guild_id", "id"])
    op.create_table(
        "blocks",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "person_id", name=op.f("pk_blocks")),
    )
    op.create_table(
        "guilds",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_guilds")),
    )
    op.create_table(
        "limits",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tokens_per_day", sa.BigInteger(), nullable=True),
        sa.Column("spoken_s_per_day", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("guild_id", "role_id", name=op.f("pk_limits")),
    )
    op.create_table(
        "memories",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("summary_tokens", sa.Integer(), nullable=False),
        sa.Column("summary_encoding", sa.String(length=64), nullable=False),
        sa.Column("summary_upto", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "guild_id", name=op.f("pk_memories")),
    )
    op.create_table(
        "persona_choices",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("persona_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "guild_id", name=op.f("pk_persona_choices")),
    )
    op.create_index(op.f("ix_persona_choices_persona_id"), "persona_choices", ["persona_id"])
    op.create_table(
        "persona_defaults",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("persona_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "kind", "subject_id", name=op.f("pk_persona_defaults")),
    )
    op.create_index(op.f("ix_persona_defaults_persona_id"), "persona_defaults", ["persona_id"])
    op.create_table(
        "personas",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("voice", sa.String(length=64), nullable=True),
        sa.Column("speed", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personas")),
        sa.UniqueConstraint(
            "guild_id", "owner_id", "name", name=op.f("uq_personas_guild_id_owner_id_name")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "preferences",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("voice", sa.String(length=64), nullable=True),
        sa.Column("speaker", sa.String(length=64), nullable=True),
        sa.Column("speed", sa.Double(), nullable=True),
        sa.Column("replies", sa.String(length=64), nullable=True),
        sa.Column("locale", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_preferences")),
    )
    op.create_table(
        "pronunciations",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("scope_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("term", sa.String(length=128), nullable=False),
        sa.Column("spoken", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "term", name=op.f("pk_pronunciations")),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.create_table(
        "turns",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("answered", sa.Text(), nullable=False),
        sa.Column("asked_tokens", sa.Integer(), nullable=False),
        sa.Column("answered_tokens", sa.Integer(), nullable=False),
        sa.Column("encoding", sa.String(length=64), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("since_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_turns_at_s", "turns", ["at_s"])
    op.create_index("ix_turns_guild_id_channel_id", "turns", ["guild_id", "channel_id"])
    op.create_index("ix_turns_person_id_guild_id_id", "turns", ["person_id", "guild_id", "id"])
    op.create_index(
        "ix_turns_pinned",
        "turns",
        ["person_id", "guild_id", "id"],
        sqlite_where=sa.text("pinned = 1"),
        postgresql_where=sa.text("pinned"),
    )
    op.create_table(
        "usage",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("tokens_counted", sa.BigInteger(), nullable=False),
        sa.Column("spoken_s", sa.Double(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "guild_id", "day", name=op.f("pk_usage")),
    )
    op.create_index(op.f("ix_usage_day"), "usage", ["day"])
    key = sa.table("secrets", sa.column("name", sa.String), sa.column("value", sa.String))
    op.execute(key.insert().values(name="pseudonyms", value=secrets.token_hex(32)))
