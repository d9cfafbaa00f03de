"""Talking with Parley: ``/chat``, a mention, a reply, a direct message, the menu "Ask Parley"."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from cogs.aside import Aside
from cogs.attachments import take_in
from cogs.buttons import AGAIN, STOP, AnswerButton, answer_buttons
from cogs.conversation import Conversation
from cogs.house import House
from cogs.places import QUIET, UNDELIVERED, Gone, Place, UnderCommand, UnderMessage, may_write
from cogs.replies import acknowledge, sentence_for, tell
from cogs.rights import check_blocked
from cogs.scene import Scene
from cogs.sounding import NOTHING_TO_SAY, Aloud, AsFile, begin_sound
from dialogue.ask import Ask
from dialogue.errors import TurnGone
from dialogue.lines import Place as PlaceInLine
from lobby.errors import TurnEnded
from storage.errors import StorageError
from words import N_

log = logging.getLogger(__name__)

SAYING = N_("I am saying it.")
FINISHED = N_("That answer is already finished.")
STOPPING = N_("Stopped.")
ASK_MENU = N_("Ask Parley")

_KINDS = (discord.MessageType.default, discord.MessageType.reply)


class Chat(commands.Cog):
    """Every way to ask something."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.conversation = Conversation(house)
        self._aside = Aside()
        self._menu = app_commands.ContextMenu(name=ASK_MENU, callback=self.ask_menu)
        self._menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
        self._menu.allowed_contexts = app_commands.AppCommandContext(
            guild=True, dm_channel=True, private_channel=True
        )

    async def cog_load(self) -> None:
        """A context menu cannot be declared in a cog: it is added here."""
        client = self._house.client
        client.tree.add_command(self._menu)
        client.add_dynamic_items(AnswerButton)

    async def cog_unload(self) -> None:
        """Stop every answer; what was shown of them is saved."""
        self._house.client.tree.remove_command(self._menu.name, type=self._menu.type)
        await self.conversation.close()

    @app_commands.command(description=N_("Talk with Parley"))
    @app_commands.describe(
        text=N_("What you want to say"), file=N_("A picture or a file to look at")
    )
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def chat(
        self,
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, 6000],
        file: discord.Attachment | None = None,
    ) -> None:
        """``/chat``."""
        line = self._house.dialogue.responder.line_up(interaction.user.id)
        await self._acknowledge(interaction, line)
        await self._answer(interaction, text, [file] if file else [], line)

    async def ask_menu(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """The message menu: what somebody wrote is asked by whoever opened the menu."""
        line = self._house.dialogue.responder.line_up(interaction.user.id)
        await self._acknowledge(interaction, line)
        await self._answer(interaction, message.clean_content, message.attachments, line)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """A mention, a reply to Parley, or a direct message."""
        if message.author.bot or message.type not in _KINDS:
            return
        if not self._is_for_us(message) and not await self._is_open(message):
            return
        if not may_write(message.channel):
            log.info("channel %s: no permission to answer there", message.channel.id)
            return
        scene = Scene.of_message(message)
        place = UnderMessage(message, ping=self._house.settings.reply_ping)
        try:
            line = self._house.dialogue.responder.line_up(message.author.id)
            self._aside.begin(_type_in(message.channel))
            text = self._without_mention(message)
            scene = await self._house.manners.localised(scene)
            await self._converse(scene, place, text, message.attachments, line)
        except Exception as error:
            await self._refuse(place, await self._house.manners.localised(scene), error)

    async def press(self, interaction: discord.Interaction, deed: str, key: str) -> None:
        """A button under an answer; whether they may was checked."""
        if deed == STOP:
            running = self.conversation.running(key)
            if running:
                running.stop()
            words = Scene.of_interaction(interaction).words
            await tell(interaction, words(STOPPING if running else FINISHED))
        elif deed == AGAIN:
            await self._regenerate(interaction, int(key, 16))
        else:
            await self._speak(interaction, int(key, 16))

    async def _regenerate(self, interaction: discord.Interaction, turn_id: int) -> None:
        """Answer a turn again; the new answer takes its place in the memory."""
        line = self._house.dialogue.responder.line_up(interaction.user.id)
        await self._acknowledge(interaction, line)
        message = interaction.message
        if message is not None:
            self._aside.begin(_with_buttons(message, None))
        failed = await self._answer(interaction, "", [], line, replaces=turn_id)
        if failed and not isinstance(failed, TurnGone) and message is not None:
            scene = Scene.of_interaction(interaction)
            self._aside.begin(_with_buttons(message, answer_buttons(scene, turn_id)))

    async def _speak(self, interaction: discord.Interaction, turn_id: int) -> None:
        """Say a turn's answer: in the voice channel if they have a session, else as a file."""
        scene, place = Scene.of_interaction(interaction), UnderCommand(interaction)
        why = self._house.director.why_silent(scene.user.id, scene.guild_id)
        await acknowledge(interaction, private=why is None)
        try:
            turn = await self._house.dialogue.memory.turn(scene.user.id, scene.guild_id, turn_id)
            sounding = await begin_sound(self._house, scene, wanted=True)
            sounding.feed(turn.answered)
            sounding.end()
            if isinstance(sounding, Aloud):
                await place.send(scene.words(SAYING))
            note = await sounding.finish(place, interaction.message)
            if isinstance(sounding, AsFile) and not sounding.delivered:
                note = note or scene.words(NOTHING_TO_SAY)
            if scene.guild_id and isinstance(why, TurnEnded):
                note = note or why.say(scene.words)
            if note:
                await place.refuse(note)
            await place.done()
        except Exception as error:
            await self._refuse(place, scene, error)

    async def _acknowledge(self, interaction: discord.Interaction, line: PlaceInLine) -> None:
        """At once: Discord waits three seconds, whatever else there is to do."""
        try:
            await acknowledge(interaction)
        except BaseException:
            line.leave()
            raise

    async def _answer(
        self,
        interaction: discord.Interaction,
        text: str,
        attachments: Sequence[discord.Attachment],
        line: PlaceInLine,
        *,
        replaces: int | None = None,
    ) -> Exception | None:
        """What went wrong before the first word, once it was told."""
        scene, place = Scene.of_interaction(interaction), UnderCommand(interaction)
        try:
            await self._converse(scene, place, text, attachments, line, replaces=replaces)
        except Exception as error:
            await self._refuse(place, scene, error)
            return error
        return None

    async def _converse(
        self,
        scene: Scene,
        place: Place,
        text: str,
        attachments: Sequence[discord.Attachment],
        line: PlaceInLine,
        *,
        replaces: int | None = None,
    ) -> None:
        try:
            if attachments:  # read before it is their turn: not for whom it will never be
                await check_blocked(self._house.database, scene.guild_id, scene.user.id)
            images, documents = await take_in(attachments, self._house.dialogue.attachments)
        except BaseException:
            line.leave()
            raise
        ask = Ask(
            person_id=scene.user.id,
            guild_id=scene.guild_id,
            channel_id=scene.channel_id,
            name=scene.user.display_name,
            text=text,
            images=images,
            documents=documents,
            locale=scene.locale,
            role_ids=scene.role_ids,
            replaces=replaces,
        )
        await self.conversation.give(ask, scene, place, line)

    async def _refuse(self, place: Place, scene: Scene, error: Exception) -> None:
        """Say what went wrong where nothing was answered yet."""
        try:
            await place.refuse(sentence_for(error, scene.words))
        except (*UNDELIVERED, Gone) as failure:
            log.warning("channel %s: an error could not be told: %s", scene.channel_id, failure)

    async def _is_open(self, message: discord.Message) -> bool:
        """Whether it stands where Parley answers everything that has anything in it."""
        if message.guild is None or not (message.content or message.attachments):
            return False
        if message.mentions or message.reference:
            return False  # they talk with somebody else
        try:
            return await self._house.open_channels.is_open(message.guild.id, message.channel.id)
        except StorageError as error:
            log.warning("channel %s: %s", message.channel.id, type(error).__name__)
            return False

    def _is_for_us(self, message: discord.Message) -> bool:
        me = self._house.client.user
        if message.guild is None or me is None:
            return me is not None
        if me in message.mentions:
            return True
        replied = message.reference.resolved if message.reference else None
        return (
            isinstance(replied, discord.Message)
            and replied.author.id == me.id
            and bool(message.content or message.attachments)
        )

    def _without_mention(self, message: discord.Message) -> str:
        """What was written, with names for ids, and without the mention that called us."""
        me = self._house.client.user
        names = {me.display_name, me.name} if me else set()
        if me and message.guild and message.guild.me:
            names.add(message.guild.me.display_name)
        call = "|".join(re.escape(f"@{name}") for name in names)
        return re.sub(rf"^\s*(?:{call})\b[,:]?\s*|\s*(?:{call})\s*$", "", message.clean_content)


async def _type_in(channel: discord.abc.MessageableChannel) -> None:
    """Show at once that the message was seen; no harm if that fails."""
    try:
        await channel.typing()
    except UNDELIVERED as error:
        log.debug("channel %s: no typing: %s", channel.id, type(error).__name__)


async def _with_buttons(message: discord.Message, view: discord.ui.View | None) -> None:
    try:
        await message.edit(view=view, allowed_mentions=QUIET)
    except UNDELIVERED as error:
        log.info("message %s keeps its buttons: %s", message.id, type(error).__name__)
