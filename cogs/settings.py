"""What can be set about the Discord surface. ``settings.py`` composes it; no file is read here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, SecretStr

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class DiscordSettings:
    """How Parley meets Discord.

    Attributes:
        token: the bot's token, from the developer portal. Better set as DISCORD_TOKEN.
        command_guilds: servers that get the commands at once; empty: everywhere, which Discord
            may take an hour to show.
        reply_ping: whether an answer to a message (not to a command) pings who wrote it.
        edit_gap_s: least time between two edits of an answer that is being written.
        edit_least: least new characters that are worth an edit.
        message_content: whether the application has the privileged Message Content Intent; with
            it, a reply to Parley is understood even when it does not ping, and a server can choose
            a channel in which everything is answered.
        voice_attempts: fresh connections tried after a voice connection was lost for good.
        voice_connect_s: how long one attempt to connect to voice may take.
        shards: processes that share the servers among them; each needs the same database.
        shard: which of them this one is, from 0.
    """

    token: SecretStr = field(default=SecretStr(""))
    command_guilds: tuple[int, ...] = ()
    reply_ping: bool = False
    message_content: bool = False
    edit_gap_s: Seconds = 1.1
    edit_least: Count = 20
    voice_attempts: Count = 5
    voice_connect_s: Seconds = 15.0
    shards: Count = 1
    shard: Annotated[int, Field(ge=0)] = 0

    def __post_init__(self) -> None:
        if self.shard >= self.shards:
            raise ValueError("shard must be less than shards: they are counted from 0")

    @property
    def process(self) -> str:
        """What this process is called among those that share the database."""
        return "parley" if self.shards == 1 else f"parley-{self.shard}"
