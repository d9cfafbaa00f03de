"""The pure parts of the surface: retries, sentences, addresses, errors."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import discord
import pytest
from discord import app_commands
from hypothesis import given
from hypothesis import strategies as st

from cogs.elsewhere import Elsewhere
from cogs.lobby_words import notice_sentence, standing_sentence, view_text
from cogs.open_channels import OpenChannels
from cogs.replies import sentence_for
from cogs.watchdog import LONGEST_WAIT_S, STAY_AWAY, wait_before_s
from dialogue.errors import RateLimited
from errors import SettingsError
from lobby.records import (
    HoldUp,
    Notice,
    NoticeKind,
    Speaking,
    Stage,
    Standing,
    View,
    Why,
)
from storage.database import open_database
from storage.errors import StorageBusy, StorageCorrupt, StorageFull
from storage.records import GuildSettings
from words import Words

ENGLISH = Words.of("en-US")


@given(st.integers(0, 40), st.none() | st.integers(1000, 4999), st.integers(1, 10))
def test_a_lost_connection_is_tried_a_bounded_number_of_times(
    attempt: int, code: int | None, most: int
) -> None:
    wait_s = wait_before_s(attempt, code, most)
    assert (wait_s is None) == (attempt >= most or code in STAY_AWAY)
    assert wait_s is None or 0 < wait_s <= LONGEST_WAIT_S


def test_waiting_grows() -> None:
    waits = [wait_before_s(attempt, 4006, 5) for attempt in range(6)]
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, None]


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("127.0.0.1:443", "127.0.0.1", 443), ("[::1]:8443", "::1", 8443), ("here:1", "here", 1)],
)
def test_an_address_is_read(address: str, host: str, port: int) -> None:
    assert Elsewhere.parse(address, None) == Elsewhere(host, port)


@pytest.mark.parametrize("address", ["", "here", "here:", ":443", "here:0", "here:65536", "a:b"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError):
        Elsewhere.parse(address, None)


def test_a_certificate_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Elsewhere.parse("here:1", tmp_path / "no.pem")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RateLimited(), "Too many people"),
        (StorageBusy(), "My memory is busy"),
        (StorageFull(), "My memory is full"),
        (StorageCorrupt(), "can't reach my memory"),
        (app_commands.MissingPermissions(["ban_members"]), "not allowed"),
    ],
)
def test_every_kind_of_error_has_its_sentence(error: Exception, said: str) -> None:
    assert said in sentence_for(error, ENGLISH)


def test_a_fault_has_a_reference_that_the_log_has_too_and_neither_quotes_anybody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    written = " ".join(("what", "somebody", "wrote"))
    with caplog.at_level(logging.ERROR):
        try:
            {}[written]
        except KeyError as error:
            said = sentence_for(error, ENGLISH)
    reference = said.rsplit(" ", 1)[-1]
    assert reference in caplog.text
    assert written not in caplog.text + said
    assert "test_small_parts.py" in caplog.text, "the traceback says where"


def test_wrapped_errors_are_unwrapped() -> None:
    command = app_commands.Command(name="x", description="x", callback=_callback)
    wrapped = app_commands.CommandInvokeError(command, RateLimited())
    assert "Too many people" in sentence_for(wrapped, ENGLISH)


async def _callback(interaction: discord.Interaction) -> None:
    del interaction


_NOTICE = Notice(NoticeKind.STARTED, 1, 2, 3, 4, "en-US", 15.4, None, 5)


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("why", [None, *Why])
def test_every_notice_has_words_without_holes(kind: NoticeKind, why: Why | None) -> None:
    said = notice_sentence(ENGLISH, replace(_NOTICE, kind=kind, why=why))
    assert said
    assert "{" not in said


@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("hold_up", [None, *HoldUp])
@pytest.mark.parametrize("wait_s", [None, 10.0, 200.0])
def test_every_standing_has_words_without_holes(
    stage: Stage | None, hold_up: HoldUp | None, wait_s: float | None
) -> None:
    standing = Standing(1, stage, 2, 3, position=4, hold_up=hold_up, wait_s=wait_s)
    said = standing_sentence(ENGLISH, standing, claim_s=60)
    assert said
    assert "{" not in said


def test_people_of_other_servers_are_not_named() -> None:
    speaking = (Speaking(11, 1, 101, Stage.HELD, 70.0), Speaking(22, 2, 202, Stage.HELD, 5.0))
    line = (Standing(33, Stage.WAITING, 1, 101, 1), Standing(44, Stage.WAITING, 2, 202, 2))
    view = View(10, speaking, line, Standing(33, Stage.WAITING, 1, 101, 1), version=1)
    shown = view_text(ENGLISH, view, guild_id=1, claim_s=60)
    assert "<@11> in <#101>, for about 1 minute" in shown
    assert "<@33>" in shown
    assert "22" not in shown
    assert "44" not in shown
    assert "somebody in another server" in shown


async def test_settings_saved_while_older_ones_are_read_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_database(f"sqlite:///{tmp_path}/parley.db") as database:
        channels, read = OpenChannels(database), database.guilds.settings

        async def reading(guild_id: int) -> GuildSettings:
            found = await read(guild_id)
            channels.saved(GuildSettings(guild_id, chat_channel_id=7))
            return found

        monkeypatch.setattr(database.guilds, "settings", reading)
        assert await channels.is_open(1, 7)
        assert await channels.is_open(1, 7)


def test_a_large_house_and_a_long_line_are_shown_in_part() -> None:
    ids = range(10**18, 10**18 + 100)
    speaking = tuple(Speaking(n, 2 - n % 2, n, Stage.HELD, 7000.0) for n in ids)
    line = tuple(Standing(n, Stage.WAITING, 1, n, n - ids[0] + 1) for n in ids)
    shown = view_text(ENGLISH, View(100, speaking, line, line[99], version=1), 1, claim_s=60)
    assert "100 of 100 in use" in shown
    assert "In the line: 100" in shown
    assert "at place 100" in shown
    assert "another server" not in shown, "this server's own come first"
    assert len(shown) < 2000
