"""The lobby's ports, made of discord.py, keep the lobby's contracts over real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cogs.notices import Notices
from lobby.records import Why
from sandbox.permissions import Permission
from sandbox.server import open_sandbox
from tests.lobby.contracts import NoticeBench, NoticePortContract, VoiceBench, VoicePortContract
from tests.stories.town import Town
from tests.support.endpoint import open_endpoint


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_endpoint() as endpoint, open_sandbox() as sandbox:
        town = Town(sandbox, endpoint, tmp_path)
        private = sandbox.add_voice_channel(town.guild, "private")
        town.owner.moderate.overwrite(private, sandbox.bot, deny=Permission.CONNECT)
        full = sandbox.add_voice_channel(town.guild, "full", user_limit=1)
        town.owner.moderate.overwrite(full, sandbox.bot, deny=Permission.MOVE_MEMBERS)
        await town.ben.join_voice(full)
        await town.start()
        yield town
        await town.stop()
        assert not sandbox.violations, sandbox.transcript()


class TestDiscordVoice(VoicePortContract):
    """``cogs.voice_port.Rooms``."""

    @pytest.fixture
    async def voice(self, town: Town) -> VoiceBench:
        return VoiceBench(
            port=town.house.rooms,
            guild_id=town.guild.id,
            channel_id=town.lounge.id,
            other_id=town.den.id,
            unusable=(
                (town.sandbox.channel(town.guild, "private").id, Why.FORBIDDEN),
                (town.sandbox.channel(town.guild, "full").id, Why.CHANNEL_FULL),
                (4242, Why.CHANNEL_DELETED),
            ),
        )


class TestDiscordNotices(NoticePortContract):
    """``cogs.notices.Notices``."""

    @pytest.fixture
    async def notices(self, town: Town) -> NoticeBench:
        assert town.bot is not None

        async def told() -> int:
            return len([m for m in town.said() if town.amy.mention in m.content])

        async def rung() -> list[int]:
            everybody = (town.amy, town.ben, town.owner)
            return [who.id for who in everybody for _ in who.pings()]

        return NoticeBench(
            port=Notices(town.bot),
            person_id=town.amy.id,
            guild_id=town.guild.id,
            channel_id=town.lounge.id,
            text_channel_id=town.general.id,
            told=told,
            rung=rung,
        )
