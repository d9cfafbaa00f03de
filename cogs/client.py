"""The Discord client: which events it wants, which cogs it has, how commands are registered."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from cogs.aside import Aside
from cogs.places import QUIET
from cogs.replies import Tree, log_fault
from cogs.rights import check_blocked
from cogs.settings import DiscordSettings
from storage.errors import StorageBusy, StorageError
from words import NameKind, Words

if TYPE_CHECKING:
    from cogs.house import House

log = logging.getLogger(__name__)

ADMIT_S = 1.5
"""Of the three seconds in which Discord wants an interaction acknowledged."""


class Parley(commands.Bot):
    """Make it inside the running loop; ``furnish`` it before it starts."""

    def __init__(
        self, settings: DiscordSettings, connector: aiohttp.BaseConnector | None = None
    ) -> None:
        super().__init__(
            command_prefix=(),
            intents=_intents(settings),
            tree_cls=Tree,
            help_command=None,
            allowed_mentions=QUIET,
            max_messages=None,  # what people wrote is not kept around
            chunk_guilds_at_startup=False,
            connector=connector,
            # After the last server that Discord sent; one that comes later is heard of by itself.
            guild_ready_timeout=0.5,
            shard_id=settings.shard if settings.shards > 1 else None,
            shard_count=settings.shards if settings.shards > 1 else None,
        )
        self._settings = settings
        self._running: asyncio.Task[None] | None = None
        self._house: House | None = None
        self._aside = Aside()

    async def furnish(self, house: House) -> None:
        """Move in: one cog for each command group."""
        self._house = house
        for cog in _cogs(house):
            await self.add_cog(cog)

    def begin(self, token: str) -> asyncio.Task[None]:
        """Connect, and stay connected until :meth:`close`; the task raises what Discord refused.

        The connection outlives the cogs and the rooms, which say goodbye through it.
        """
        self._running = asyncio.create_task(self.start(token), name="discord client")
        return self._running

    async def close(self) -> None:
        """Disconnect."""
        await super().close()
        if self._running is not None:
            self._running.cancel()
            # What it raised is for whoever called begin.
            await asyncio.wait([self._running])

    @property
    def house(self) -> House:
        """What is behind it, once furnished."""
        if self._house is None:
            raise RuntimeError("the client was not furnished")
        return self._house

    async def move_out(self) -> None:
        """Take the cogs out again, each ending what it does, while Discord can still be told."""
        self._aside.cancel()
        for name in list(self.cogs):
            await self.remove_cog(name)

    async def admit(self, interaction: discord.Interaction) -> None:
        """Turn away whoever this server's moderators have blocked. Raises ``Blocked``.

        Nobody has acknowledged yet: a store that takes long is given up in time to say so.
        """
        try:
            async with asyncio.timeout(ADMIT_S):
                database = self.house.database
                await check_blocked(database, interaction.guild_id or 0, interaction.user.id)
        except TimeoutError:
            raise StorageBusy("whether somebody is blocked could not be read in time") from None

    def notice(self, interaction: discord.Interaction) -> None:
        """Remember their language, which a direct message does not say; no command waits for it."""
        self._aside.begin(self._note_locale(interaction.user.id, str(interaction.locale)))

    async def _note_locale(self, person_id: int, locale: str) -> None:
        try:
            await self.house.dialogue.preferences.note_locale(person_id, locale)
        except StorageError as error:
            log.info("a language was not noted: %s", type(error).__name__)

    async def setup_hook(self) -> None:
        """Called by discord.py between login and the gateway: register the commands."""
        await self.tree.set_translator(CommandTranslator())
        if self._settings.shard:
            return  # the commands are everybody's: the first process registers them
        if not self._settings.command_guilds:
            await self.tree.sync()
        for guild_id in self._settings.command_guilds:
            self.tree.copy_global_to(guild=discord.Object(guild_id))
            try:
                await self.tree.sync(guild=discord.Object(guild_id))
            except (discord.Forbidden, discord.NotFound) as error:
                # Thrown out of one server, or never let in: the others have us all the same.
                log.warning("server %s takes no commands from me: %s", guild_id, error)

    async def on_message(self, message: discord.Message, /) -> None:
        """Not discord.py's text commands: the chat cog listens for messages."""

    async def on_error(self, event_method: str, /, *args: object, **kwargs: object) -> None:
        """An event handler failed. What it was called with may hold what people wrote."""
        error = sys.exc_info()[1]
        if error is not None:
            log.error("the handler of %s failed: %s", event_method, log_fault(error))


class CommandTranslator(app_commands.Translator):
    """Names and descriptions of commands in the languages there are catalogues for."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The translation, or None where there is none."""
        words, english = Words.of(locale.value), string.message
        kind = _kind_of_name(context)
        translated = words.name(english, kind) if kind else words(english)
        return translated if translated != english else None


def _kind_of_name(context: app_commands.TranslationContextTypes) -> NameKind | None:
    """What the string is the name of; None for all that may be a sentence."""
    match context.location:
        case app_commands.TranslationContextLocation.command_name:
            # The name of a context menu is free text, marked where it is written.
            return None if isinstance(context.data, app_commands.ContextMenu) else "command"
        case app_commands.TranslationContextLocation.group_name:
            return "command"
        case app_commands.TranslationContextLocation.parameter_name:
            return "option"
    return None


def _intents(settings: DiscordSettings) -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = True
    intents.voice_states = True
    intents.moderation = True
    intents.guild_messages = True
    intents.dm_messages = True
    intents.message_content = settings.message_content
    return intents


def _cogs(house: House) -> Sequence[commands.Cog]:
    from cogs.chat import Chat
    from cogs.dictionary import Dictionary
    from cogs.memory import Memory
    from cogs.mod import Mod
    from cogs.persona import Personas
    from cogs.privacy import Privacy
    from cogs.setup import Setup
    from cogs.usage import Usage
    from cogs.voice import Voice
    from cogs.voice_events import VoiceEvents

    kinds = [Chat, Voice, VoiceEvents, Mod, Memory, Personas, Usage, Privacy, Dictionary, Setup]
    return [kind(house) for kind in kinds]
