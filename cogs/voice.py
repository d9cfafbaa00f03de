"""Voice sessions and what is said in them: ``/voice``, ``/queue``, ``/skip``, ``/stop``, ``/say``.

What the world does to them is in ``cogs/voice_events.py``; ``cogs/sound.py`` has the other half of
``/voice``: how Parley sounds to each person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import discord
from discord import app_commands

from cogs import lobby_buttons as deeds
from cogs.aside import Aside
from cogs.house import House
from cogs.lobby_buttons import LobbyButton, lobby_buttons
from cogs.lobby_words import JOINING, standing_sentence
from cogs.places import QUIET
from cogs.queue_view import QueueViews
from cogs.replies import acknowledge, tell
from cogs.rights import moderates
from cogs.scene import Scene
from cogs.sounding import NOTHING_TO_SAY, Aloud, speak_in
from cogs.training import Training
from cogs.training_button import CancelButton
from cogs.training_desk import TrainingDesk
from cogs.voice_status import voice_status
from cogs.watchdog import missing_permissions
from errors import BadInput, NotAllowed
from lobby.errors import AlreadySpeaking, LobbyAway
from lobby.records import Stage, Standing
from speech.base import NothingToSkip, NotYours
from words import N_

LEFT = N_("Your voice session has ended. See you soon!")
LEFT_LINE = N_("You are out of the line.")
MOVED = N_("I am moving to <#{channel_id}>.")
SAYING = N_("I am saying it.")
SKIPPED = N_("Skipped.")
SILENT = N_("I am silent.")

FIRST_SOUND_S = 1.0
AWAKE_PAUSES_S = (0.1, 0.3, 0.6, 1.0, 2.0)


class NotHere(NotAllowed):
    """A command of servers, used where Parley is no member."""

    sentence = N_("That works in a server only.")


class ChannelBarred(NotAllowed):
    """Parley may not speak in the channel the person is in."""

    sentence = N_("I may not speak in <#{channel_id}>. I lack: {permissions}.")


class NothingSayable(BadInput):
    """Brackets, say, or what nobody sees."""

    sentence = NOTHING_TO_SAY


class NotInVoice(NotAllowed):
    """They are in no voice channel here."""

    sentence = N_("Come into a voice channel of this server first.")


class Voice(Training):
    """What people do."""

    voice = Training.voice

    def __init__(self, house: House) -> None:
        self._house = house
        self._queues = QueueViews(house)
        self._aside = Aside()
        self._desk = TrainingDesk(house)

    async def cog_load(self) -> None:
        """Buttons of messages from before this start work too."""
        self._house.client.add_dynamic_items(LobbyButton, CancelButton)

    async def cog_unload(self) -> None:
        """Nothing updates itself any more."""
        await self._queues.close()
        await self._desk.close()
        self._aside.cancel()

    @voice.command(name="join", description=N_("Get a voice session, or a place in the line"))
    async def join(self, interaction: discord.Interaction) -> None:
        """``/voice join``."""
        await acknowledge(interaction, private=True)
        await self._join(interaction)

    @voice.command(name="leave", description=N_("Give up your voice session or your place"))
    async def leave(self, interaction: discord.Interaction) -> None:
        """``/voice leave``."""
        await acknowledge(interaction, private=True)
        await self._leave(interaction)

    @voice.command(name="status", description=N_("How my voice connection is"))
    async def status(self, interaction: discord.Interaction) -> None:
        """``/voice status``."""
        await acknowledge(interaction, private=True)
        scene = _server(interaction)
        await tell(interaction, await voice_status(self._house, scene))

    @app_commands.command(description=N_("Who is speaking, and who waits"))
    @app_commands.guild_install()
    @app_commands.guild_only()
    async def queue(self, interaction: discord.Interaction) -> None:
        """``/queue``: updates itself while open."""
        await acknowledge(interaction, private=True)
        await self._queues.open(interaction)

    @app_commands.command(description=N_("Skip what I am saying"))
    @app_commands.guild_install()
    @app_commands.guild_only()
    async def skip(self, interaction: discord.Interaction) -> None:
        """``/skip``: silence first, words after."""
        player = self._house.rooms.player(interaction.guild_id or 0)
        if player is None:
            raise NothingToSkip
        try:
            player.skip(interaction.user.id)
        except NotYours:
            await acknowledge(interaction, private=True)
            moderator = await moderates(self._house.database, interaction)
            player.skip(interaction.user.id, moderator=moderator)
        await tell(interaction, Scene.of_interaction(interaction).words(SKIPPED))

    @app_commands.command(description=N_("Stop what I am saying and writing for you"))
    @app_commands.describe(everyone=N_("For moderators: silence what I say to anybody here"))
    @app_commands.guild_install()
    @app_commands.guild_only()
    async def stop(self, interaction: discord.Interaction, everyone: bool = False) -> None:
        """``/stop``: silence first, words after."""
        if everyone:
            await acknowledge(interaction, private=True)
            if not await moderates(self._house.database, interaction):
                raise NotAllowed
        person_id, guild_id = interaction.user.id, interaction.guild_id or 0
        player = self._house.rooms.player(guild_id)
        silenced = player.stop(person_id, everyone=everyone) if player else 0
        stopped = self._house.dialogue.responder.cancel_person(person_id, guild_id)
        if not silenced and not stopped:
            raise NothingToSkip
        await tell(interaction, Scene.of_interaction(interaction).words(SILENT))

    @app_commands.command(description=N_("Have me say something in your voice session"))
    @app_commands.describe(text=N_("What I shall say"))
    @app_commands.guild_install()
    @app_commands.guild_only()
    async def say(
        self, interaction: discord.Interaction, text: app_commands.Range[str, 1, 2000]
    ) -> None:
        """``/say``."""
        await acknowledge(interaction, private=True)
        await self._say(_server(interaction), text)
        await tell(interaction, Scene.of_interaction(interaction).words(SAYING))

    async def press(self, interaction: discord.Interaction, deed: str) -> None:
        """A button of the lobby; whether they may was checked."""
        if deed == deeds.REFRESH:
            await interaction.response.defer()
            await self._queues.refresh(interaction)
            return
        await acknowledge(interaction, private=True)
        match deed:
            case deeds.JOIN | deeds.AGAIN:
                await self._join(interaction)
            case deeds.LEAVE:
                await self._leave(interaction)
            case deeds.MOVE:
                await self._move(interaction)

    async def _join(self, interaction: discord.Interaction) -> None:
        # Until then a server is known by its id alone, without who is in voice.
        await self._house.client.wait_until_ready()
        scene = _server(interaction)
        channel_id = scene.voice_channel_id
        _check_may_speak(scene, channel_id)
        try:
            standing = await _once_awake(
                lambda: self._house.director.join(
                    scene.user.id,
                    scene.guild_id,
                    channel_id,
                    text_channel_id=scene.channel_id,
                    role_ids=frozenset(scene.role_ids),
                    locale=scene.locale,
                )
            )
        except AlreadySpeaking as error:
            buttons = lobby_buttons(scene.words, scene.user.id, deeds.MOVE)
            await interaction.followup.send(
                error.say(scene.words), view=buttons, ephemeral=True, allowed_mentions=QUIET
            )
            return
        if standing.stage is Stage.HELD:
            await tell(interaction, scene.words(JOINING, channel_id=standing.channel_id))
            return
        claim_s = self._house.lobby.claim_s
        await tell(interaction, standing_sentence(scene.words, standing, claim_s))

    async def _leave(self, interaction: discord.Interaction) -> None:
        scene = Scene.of_interaction(interaction)
        before = await self._house.director.leave(scene.user.id)
        was_waiting = before.stage in (Stage.WAITING, Stage.CALLED)
        await tell(interaction, scene.words(LEFT_LINE if was_waiting else LEFT))

    async def _move(self, interaction: discord.Interaction) -> None:
        scene = _server(interaction)
        channel_id = scene.voice_channel_id
        if not channel_id:
            raise NotInVoice
        _check_may_speak(scene, channel_id)
        await _once_awake(
            lambda: self._house.director.move(
                scene.user.id, scene.guild_id, channel_id, text_channel_id=scene.channel_id
            )
        )
        await tell(interaction, scene.words(MOVED, channel_id=channel_id))

    async def _say(self, scene: Scene, text: str) -> None:
        house, person_id = self._house, scene.user.id
        if why := house.director.why_silent(person_id, scene.guild_id):
            raise why
        await house.director.touch(person_id, scene.guild_id)
        settings = await house.database.guilds.settings(scene.guild_id)
        await house.dialogue.content.spoken(text, settings)
        await house.dialogue.quotas.may_speak(person_id, scene.guild_id, scene.role_ids)
        spoken = speak_in(house, scene, await house.manners.of(scene))
        spoken.feed(text)
        spoken.end()
        # Counted when it was said; nobody waits for that.
        self._aside.begin(Aloud(house, scene, spoken).finish(None, None))
        with suppress(TimeoutError):  # it comes a little later, then
            async with asyncio.timeout(FIRST_SOUND_S):
                await spoken.ready.wait()
        if spoken.frames.over and not spoken.frames.taken:
            raise (await spoken.done()).failure or NothingSayable


async def _once_awake(deed: Callable[[], Awaitable[Standing]]) -> Standing:
    """Do it when the lobby sees Discord, as it does a moment after a start or a reconnect."""
    for pause_s in AWAKE_PAUSES_S:
        try:
            return await deed()
        except LobbyAway:
            await asyncio.sleep(pause_s)
    return await deed()


def _server(interaction: discord.Interaction) -> Scene:
    """The scene, in a server that Parley is a member of. Raises :class:`NotHere`."""
    scene = Scene.of_interaction(interaction)
    if scene.guild is None:
        raise NotHere
    return scene


def _check_may_speak(scene: Scene, channel_id: int) -> None:
    channel = scene.guild.get_channel(channel_id) if scene.guild and channel_id else None
    if channel is not None and (missing := missing_permissions(channel)):
        named = ", ".join(scene.words.name(each, "permission") for each in missing)
        raise ChannelBarred(channel_id=channel_id, permissions=named)
