"""The tables. ``Base`` and the column kinds are for everyone in ``storage``; rows stay inside.

``PersonId`` marks a column that says whom a row is about. Privacy export and forget go through
every table that has such a column, so a new table is covered by using it.
"""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import (
    BigInteger,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PERSON = "person"
"""Key of ``Column.info`` that marks a person's id."""

# SQLite numbers rows by itself only in a column of type INTEGER; it is 64 bits wide all the same.
_Serial = BigInteger().with_variant(Integer, "sqlite")

Snowflake = Annotated[int, mapped_column(BigInteger)]
PersonId = Annotated[int, mapped_column(BigInteger, info={PERSON: True})]
Serial = Annotated[int, mapped_column(_Serial, primary_key=True, autoincrement=True)]
Moment = Annotated[float, mapped_column(Double)]
"""Seconds since the epoch, UTC."""
Words = Annotated[str, mapped_column(Text)]
Tag = Annotated[str, mapped_column(String(64))]


class Base(DeclarativeBase):
    """All tables of Parley; names of constraints are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        }
    )


class MemoryRow(Base):
    """One person's memory in one server: its epoch, and the summary of what left the window."""

    __tablename__ = "memories"
    person_id: Mapped[PersonId] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(BigInteger)
    summary: Mapped[Words]
    summary_tokens: Mapped[int]
    summary_encoding: Mapped[Tag]
    summary_upto: Mapped[int] = mapped_column(BigInteger)
    pins: Mapped[bool] = mapped_column(server_default=false())
    """Whether a turn was pinned here; it may be gone since. Spares the others a search for pins."""


class TurnRow(Base):
    __tablename__ = "turns"
    __table_args__ = (
        # The window reads backwards along this one: its cost does not grow with the history.
        Index("ix_turns_person_id_guild_id_id", "person_id", "guild_id", "id"),
        Index("ix_turns_guild_id_channel_id", "guild_id", "channel_id"),
        Index("ix_turns_at_s", "at_s"),
        # Numbers are never given twice: an undone turn must not be mistaken for its successor.
        {"sqlite_autoincrement": True},
    )
    id: Mapped[Serial]
    person_id: Mapped[PersonId]
    guild_id: Mapped[Snowflake]
    channel_id: Mapped[Snowflake]
    asked: Mapped[Words]
    answered: Mapped[Words]
    asked_tokens: Mapped[int]
    answered_tokens: Mapped[int]
    encoding: Mapped[Tag]
    complete: Mapped[bool]
    pinned: Mapped[bool]
    at_s: Mapped[Moment]
    since_id: Mapped[int] = mapped_column(BigInteger)


Index(
    "ix_turns_pinned",
    TurnRow.person_id,
    TurnRow.guild_id,
    TurnRow.id,
    sqlite_where=text("pinned = 1"),
    postgresql_where=text("pinned"),
)


class PreferencesRow(Base):
    __tablename__ = "preferences"
    person_id: Mapped[PersonId] = mapped_column(primary_key=True, autoincrement=False)
    voice: Mapped[Tag | None]
    speaker: Mapped[Tag | None]
    speed: Mapped[float | None] = mapped_column(Double)
    replies: Mapped[Tag | None]
    locale: Mapped[Tag | None]


class PersonaRow(Base):
    __tablename__ = "personas"
    __table_args__ = (
        UniqueConstraint("guild_id", "owner_id", "name"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[Serial]
    guild_id: Mapped[Snowflake]
    owner_id: Mapped[PersonId]
    name: Mapped[Tag]
    prompt: Mapped[Words]
    voice: Mapped[Tag | None]
    speed: Mapped[float | None] = mapped_column(Double)


class PersonaChoiceRow(Base):
    __tablename__ = "persona_choices"
    person_id: Mapped[PersonId] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    persona_id: Mapped[int] = mapped_column(BigInteger, index=True)


class PersonaDefaultRow(Base):
    __tablename__ = "persona_defaults"
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Tag] = mapped_column(primary_key=True)
    subject_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    persona_id: Mapped[int] = mapped_column(BigInteger, index=True)


class PronunciationRow(Base):
    __tablename__ = "pronunciations"
    scope: Mapped[Tag] = mapped_column(primary_key=True)
    scope_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    term: Mapped[str] = mapped_column(String(128), primary_key=True)
    spoken: Mapped[str] = mapped_column(String(256))


class UsageRow(Base):
    __tablename__ = "usage"
    person_id: Mapped[PersonId] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(String(10), primary_key=True, index=True)
    tokens_in: Mapped[int] = mapped_column(BigInteger)
    tokens_out: Mapped[int] = mapped_column(BigInteger)
    tokens_counted: Mapped[int] = mapped_column(BigInteger)
    spoken_s: Mapped[float] = mapped_column(Double)
    answers: Mapped[int]
    cost: Mapped[float] = mapped_column(Double)


class LimitRow(Base):
    __tablename__ = "limits"
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    role_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    tokens_per_day: Mapped[int | None] = mapped_column(BigInteger)
    spoken_s_per_day: Mapped[float | None] = mapped_column(Double)


class BlockRow(Base):
    __tablename__ = "blocks"
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[PersonId] = mapped_column(primary_key=True, autoincrement=False)
    by_id: Mapped[PersonId]
    at_s: Mapped[Moment]


class AuditRow(Base):
    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_guild_id_id", "guild_id", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[Serial]
    guild_id: Mapped[Snowflake]
    actor_id: Mapped[PersonId]
    action: Mapped[Tag]
    target: Mapped[Tag]
    target_id: Mapped[PersonId]
    at_s: Mapped[Moment] = mapped_column(index=True)


class GuildRow(Base):
    __tablename__ = "guilds"
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    settings: Mapped[Words]
    """JSON of the fields of ``GuildSettings`` that differ from its defaults."""


class VoiceRoleRow(Base):
    """A voice that has rows here is for these roles only; ``guild_id`` 0: wherever it is used."""

    __tablename__ = "voice_roles"
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    voice: Mapped[Tag] = mapped_column(primary_key=True)
    role_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)


class TrainingRow(Base):
    __tablename__ = "trainings"
    id: Mapped[Tag] = mapped_column(primary_key=True)
    person_id: Mapped[PersonId]
    guild_id: Mapped[Snowflake]
    channel_id: Mapped[Snowflake]
    message_id: Mapped[Snowflake]
    voice: Mapped[Tag]
    locale: Mapped[Tag]


class SecretRow(Base):
    """Random keys of this installation: what makes a forgotten person's id unreadable."""

    __tablename__ = "secrets"
    name: Mapped[Tag] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(String(128))
