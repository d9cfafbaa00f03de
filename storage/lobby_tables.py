"""The tables of the lobby; the columns are those of ``storage/lobby_records.py``, by name."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from storage.tables import Base, Moment, PersonId, Serial, Snowflake, Tag, Words


class LobbyBookRow(Base):
    """One row: what the lobby counts."""

    __tablename__ = "lobby_book"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    next_ticket: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    seen_s: Mapped[Moment]
    skew_s: Mapped[float] = mapped_column(Double)


class LobbyPlaceRow(Base):
    __tablename__ = "lobby_places"
    person_id: Mapped[PersonId] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[Snowflake]
    channel_id: Mapped[Snowflake]
    present_id: Mapped[Snowflake]
    text_channel_id: Mapped[Snowflake]
    locale: Mapped[Tag]
    ticket: Mapped[int] = mapped_column(BigInteger)
    priority: Mapped[bool]
    stage: Mapped[Tag]
    asked_s: Mapped[Moment]
    since_s: Mapped[Moment]
    active_s: Mapped[Moment]
    warned_s: Mapped[Moment]
    deadline_s: Mapped[Moment]


class LobbyRoomRow(Base):
    __tablename__ = "lobby_rooms"
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    process: Mapped[Tag]
    muted: Mapped[bool]
    barred_id: Mapped[Snowflake]
    barred_until_s: Mapped[Moment]


class LobbyProcessRow(Base):
    __tablename__ = "lobby_processes"
    name: Mapped[Tag] = mapped_column(primary_key=True)
    incarnation: Mapped[Tag]
    down_s: Mapped[Moment]
    gone_s: Mapped[Moment]
    starting: Mapped[bool]


class LobbyRulesRow(Base):
    __tablename__ = "lobby_rules"
    guild_id: Mapped[Snowflake] = mapped_column(primary_key=True, autoincrement=False)
    seats: Mapped[int]
    reserved: Mapped[int]
    idle_s: Mapped[float] = mapped_column(Double)
    priority_roles: Mapped[Words]
    """JSON list of ids."""


class LobbyTrailRow(Base):
    __tablename__ = "lobby_trail"
    __table_args__ = (
        Index("ix_lobby_trail_guild_id_id", "guild_id", "id"),
        Index("ix_lobby_trail_person_id_id", "person_id", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[Serial]
    person_id: Mapped[PersonId]
    guild_id: Mapped[Snowflake]
    channel_id: Mapped[Snowflake]
    deed: Mapped[Tag]
    why: Mapped[Tag]
    by_id: Mapped[PersonId]
    ticket: Mapped[int] = mapped_column(BigInteger)
    at_s: Mapped[Moment]
    held_s: Mapped[float] = mapped_column(Double)
    process: Mapped[Tag]


class LobbyPostRow(Base):
    __tablename__ = "lobby_posts"
    __table_args__ = (
        Index("ix_lobby_posts_process_id", "process", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[Serial]
    process: Mapped[Tag]
    person_id: Mapped[PersonId]
    at_s: Mapped[Moment]
    body: Mapped[Words]
