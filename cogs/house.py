"""The services that every cog gets. ``bot.py`` builds it once; cogs hold nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogs.manners import Manners
from cogs.open_channels import OpenChannels
from cogs.settings import DiscordSettings
from cogs.voice_port import Rooms
from dialogue.service import Dialogue
from lobby.director import Director
from lobby.settings import LobbySettings
from speech.narrator import Narrator
from speech.studio import Studio
from speech.training import Workshop
from speech.voices import Voices
from storage.database import Database

if TYPE_CHECKING:
    from cogs.client import Parley


@dataclass(frozen=True)
class House:
    """Everything behind the Discord surface."""

    client: Parley
    settings: DiscordSettings
    database: Database
    dialogue: Dialogue
    lobby: LobbySettings
    studio: Studio
    narrator: Narrator
    voices: Voices
    workshop: Workshop
    manners: Manners
    director: Director
    rooms: Rooms
    open_channels: OpenChannels
