"""Tells people what the lobby decided: in the channel where they asked, else directly."""

from __future__ import annotations

import logging

import discord

from cogs.lobby_buttons import lobby_buttons
from cogs.lobby_words import notice_sentence
from cogs.places import QUIET, UNDELIVERED
from lobby.records import Notice, NoticeKind
from words import Words

log = logging.getLogger(__name__)


class Notices:
    """The lobby's ``NoticePort``. A notice that cannot be delivered is dropped, and logged."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def tell(self, notice: Notice) -> None:
        """Tell somebody without making their device ring."""
        await self._deliver(notice, QUIET)

    async def ping(self, notice: Notice) -> None:
        """Tell somebody so that they notice; nobody else is pinged."""
        person = discord.Object(notice.person_id)
        await self._deliver(
            notice, discord.AllowedMentions(everyone=False, roles=False, users=[person])
        )

    async def _deliver(self, notice: Notice, mentions: discord.AllowedMentions) -> None:
        words = Words.of(notice.locale)
        text = f"<@{notice.person_id}> {notice_sentence(words, notice)}"
        view = _buttons(words, notice) or discord.utils.MISSING
        channel = self._client.get_channel(notice.text_channel_id)
        if isinstance(channel, discord.abc.Messageable):
            try:
                await channel.send(text, view=view, allowed_mentions=mentions)
            except UNDELIVERED as error:
                log.info("channel %s takes no notice: %s", notice.text_channel_id, error)
            else:
                return
        try:
            person = await self._client.fetch_user(notice.person_id)
            await person.send(text, view=view, allowed_mentions=mentions)
        except UNDELIVERED as error:
            log.info("person %s takes no notice: %s", notice.person_id, type(error).__name__)


def _buttons(words: Words, notice: Notice) -> discord.ui.View | None:
    match notice.kind:
        case NoticeKind.ENDED | NoticeKind.LINE_LOST | NoticeKind.CLAIM_MISSED:
            return lobby_buttons(words, notice.person_id, "again")
        case NoticeKind.MOVE_OFFER:
            return lobby_buttons(words, notice.person_id, "move")
        case NoticeKind.CALLED | NoticeKind.OTHER_CHANNEL:
            return lobby_buttons(words, notice.person_id, "leave")
    return None
