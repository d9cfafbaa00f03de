"""What moderators do about people: ``/mod clear-memory``, ``block``, ``quota``, ``log`` and so on.

Every action leaves its audit entry in the transaction that does it, and a post in the log channel.
The server is the one the command was used in; nothing here takes another. It stands in the group
``/mod``; ``cogs/mod.py`` is its cog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.audit import EVERYONE, announce, line
from cogs.confirm import ask_first
from cogs.pages import within
from cogs.persona import autocompleted
from cogs.replies import acknowledge, tell
from cogs.scene import Scene
from cogs.server_settings import change_server
from errors import NotAllowed
from lobby.errors import NoSession
from lobby.records import Why
from storage.records import Action, DefaultFor, Limit, Target
from words import N_, Words

if TYPE_CHECKING:
    from cogs.house import House
    from dialogue.moderators import Acted

CLEAR_MEMBER = N_("Clear what I remember of <@{id}> in this server? I will not show it to you.")
CLEAR_CHANNEL = N_("Clear what I remember of everything said in <#{id}>, for everybody?")
CLEAR_SERVER = N_("Clear what I remember of everybody in this server?")
CLEARED = N_("Cleared: {n} turn. There is an entry in /mod log.")
CLEARED_MANY = N_("Cleared: {n} turns. There is an entry in /mod log.")
BLOCKED = N_("<@{id}> can no longer use me in this server.")
ALREADY = N_("<@{id}> is blocked already.")
UNBLOCKED = N_("<@{id}> can use me again.")
NOT_BLOCKED = N_("<@{id}> was not blocked.")
NO_BLOCKS = N_("Nobody is blocked in this server.")
BLOCK = N_("<@{id}>, by <@{by}>, {when}")
FORGOTTEN_BLOCK = N_("somebody who was forgotten since, {when}")
NO_QUOTAS = N_("No role of this server has a daily quota.")
QUOTA = N_("{role}: {tokens} tokens and {seconds} s of speech a day")
NO_LIMIT = N_("unlimited")
NO_LOG = N_("Moderators have done nothing here yet.")
LOCKED = N_("Personas are locked: everybody talks with the server's default.")
UNLOCKED = N_("Personas are free: everybody may choose.")
DEFAULT = N_("{whom} now talks with {persona}, unless somebody chose another.")
NO_DEFAULT = N_("{whom} has no default persona now.")
SERVER = N_("This server")

LOG_MOST = 15
UNLIMITED = -1


class CannotBlock(NotAllowed):
    """Blocking whoever moderates would lock a server's own people out."""

    sentence = N_("I can't block moderators, or the owner of the server.")


class Moderation(commands.Cog):
    """The subcommands; their ``self`` is the cog that takes them over."""

    _house: House

    mod = app_commands.Group(
        name="mod",
        description=N_("For moderators"),
        guild_only=True,
        allowed_installs=app_commands.AppInstallationType(guild=True),
        allowed_contexts=app_commands.AppCommandContext(guild=True),
        default_permissions=discord.Permissions(moderate_members=True),
    )

    @mod.command(name="clear-memory", description=N_("Clear what I remember of a member, unseen"))
    @app_commands.describe(member=N_("Whose memory"))
    async def clear_memory(self, interaction: discord.Interaction, member: discord.User) -> None:
        """``/mod clear-memory``."""
        scene = Scene.of_interaction(interaction)

        async def clear() -> str:
            acted = await self._house.dialogue.moderators.clear_memory(
                scene.guild_id, scene.user.id, member.id
            )
            return await self._cleared(scene, acted)

        await ask_first(interaction, scene.words(CLEAR_MEMBER, id=member.id), clear)

    @mod.command(name="clear-channel", description=N_("Clear what I remember of a channel"))
    @app_commands.describe(channel=N_("Which channel"))
    async def clear_channel(
        self,
        interaction: discord.Interaction,
        channel: discord.TextChannel | discord.VoiceChannel | discord.Thread,
    ) -> None:
        """``/mod clear-channel``."""
        scene = Scene.of_interaction(interaction)

        async def clear() -> str:
            acted = await self._house.dialogue.moderators.clear_channel(
                scene.guild_id, scene.user.id, channel.id
            )
            return await self._cleared(scene, acted)

        await ask_first(interaction, scene.words(CLEAR_CHANNEL, id=channel.id), clear)

    @mod.command(name="clear-server", description=N_("Clear what I remember of everybody here"))
    async def clear_server(self, interaction: discord.Interaction) -> None:
        """``/mod clear-server``."""
        scene = Scene.of_interaction(interaction)

        async def clear() -> str:
            acted = await self._house.dialogue.moderators.clear_guild(scene.guild_id, scene.user.id)
            return await self._cleared(scene, acted)

        await ask_first(interaction, scene.words(CLEAR_SERVER), clear)

    @mod.command(name="block", description=N_("Keep a member from using me here"))
    @app_commands.describe(member=N_("Whom"))
    async def block(
        self, interaction: discord.Interaction, member: discord.Member | discord.User
    ) -> None:
        """``/mod block``: what they have here ends, too."""
        await acknowledge(interaction, private=True)
        scene, house = Scene.of_interaction(interaction), self._house
        if isinstance(member, discord.Member):
            rights = member.guild_permissions
            if rights.moderate_members or rights.manage_guild:
                raise CannotBlock
        acted = await house.dialogue.moderators.block(scene.guild_id, scene.user.id, member.id)
        await self._end(scene, member.id)
        await announce(house, scene, acted)
        await tell(interaction, scene.words(BLOCKED if acted.changed else ALREADY, id=member.id))

    @mod.command(name="unblock", description=N_("Let a member use me again"))
    @app_commands.describe(member=N_("Whom"))
    async def unblock(self, interaction: discord.Interaction, member: discord.User) -> None:
        """``/mod unblock``."""
        await acknowledge(interaction, private=True)
        scene, house = Scene.of_interaction(interaction), self._house
        acted = await house.dialogue.moderators.unblock(scene.guild_id, scene.user.id, member.id)
        await announce(house, scene, acted)
        sentence = UNBLOCKED if acted.changed else NOT_BLOCKED
        await tell(interaction, scene.words(sentence, id=member.id))

    @mod.command(name="blocks", description=N_("Who is blocked here"))
    async def blocks(self, interaction: discord.Interaction) -> None:
        """``/mod blocks``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        found = await self._house.dialogue.moderators.blocks(scene.guild_id)
        lines = []
        for block in found:
            when = f"<t:{round(block.at_s)}:R>"
            if block.person_id > 0:
                lines.append(scene.words(BLOCK, id=block.person_id, by=block.by_id, when=when))
            else:
                lines.append(scene.words(FORGOTTEN_BLOCK, when=when))
        await tell(interaction, within(lines) or scene.words(NO_BLOCKS))

    @mod.command(name="quota", description=N_("See or set what a role may use in a day"))
    @app_commands.describe(
        role=N_("Which role; @everyone is for those who have no other"),
        tokens=N_("Tokens a day; -1: unlimited"),
        seconds=N_("Seconds of speech a day; -1: unlimited"),
    )
    async def quota(
        self,
        interaction: discord.Interaction,
        role: discord.Role | None = None,
        tokens: app_commands.Range[int, -1, 10_000_000] | None = None,
        seconds: app_commands.Range[int, -1, 86_400] | None = None,
    ) -> None:
        """``/mod quota``: what is left out stays."""
        await acknowledge(interaction, private=True)
        scene, moderators = Scene.of_interaction(interaction), self._house.dialogue.moderators
        limits = await moderators.limits(scene.guild_id)
        if role is not None and (tokens is not None or seconds is not None):
            old = next((each for each in limits if each.role_id == role.id), None)
            acted = await moderators.set_limit(
                scene.guild_id,
                scene.user.id,
                role.id,
                tokens_per_day=_limited(tokens, old.tokens_per_day if old else None),
                spoken_s_per_day=_limited(seconds, old.spoken_s_per_day if old else None),
            )
            await announce(self._house, scene, acted)
            limits = await moderators.limits(scene.guild_id)
        lines = [_quota(scene.words, each) for each in limits]
        await tell(interaction, within(lines) or scene.words(NO_QUOTAS))

    @mod.command(name="log", description=N_("What moderators did here"))
    @app_commands.describe(page=N_("1 is the newest"))
    async def log(
        self, interaction: discord.Interaction, page: app_commands.Range[int, 1, 50] = 1
    ) -> None:
        """``/mod log``: who, what, whom and when; never what was said."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        entries = await self._house.dialogue.moderators.log(scene.guild_id, limit=page * LOG_MOST)
        shown = entries[(page - 1) * LOG_MOST :]
        lines = [line(scene.words, entry) for entry in shown]
        await tell(interaction, within(lines) or scene.words(NO_LOG))

    @mod.command(name="persona-lock", description=N_("Whether people may choose personas here"))
    @app_commands.describe(locked=N_("Everybody talks with the server's default"))
    async def persona_lock(self, interaction: discord.Interaction, locked: bool) -> None:
        """``/mod persona-lock``."""
        await acknowledge(interaction, private=True)
        scene, house = Scene.of_interaction(interaction), self._house
        await change_server(house, scene, persona_locked=locked)
        await tell(interaction, scene.words(LOCKED if locked else UNLOCKED))

    @mod.command(name="persona-default", description=N_("Who talks where nobody chose a persona"))
    @app_commands.describe(
        persona=N_("One of the server's; leave it out for none"),
        channel=N_("In this channel only"),
        role=N_("With people who have this role only"),
    )
    async def persona_default(
        self,
        interaction: discord.Interaction,
        persona: str | None = None,
        channel: discord.TextChannel | discord.VoiceChannel | discord.Thread | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """``/mod persona-default``: for a channel, a role, or the whole server."""
        await acknowledge(interaction, private=True)
        scene, house = Scene.of_interaction(interaction), self._house
        kind, target, subject_id = DefaultFor.GUILD, Target.GUILD, scene.guild_id
        if channel is not None:
            kind, target, subject_id = DefaultFor.CHANNEL, Target.CHANNEL, channel.id
        elif role is not None:
            kind, target, subject_id = DefaultFor.ROLE, Target.ROLE, role.id
        chosen = await house.dialogue.personas.set_default(
            scene.guild_id, kind, subject_id, persona
        )
        acted = await house.dialogue.moderators.record(
            scene.guild_id, scene.user.id, Action.PERSONA_DEFAULT, target, subject_id
        )
        await announce(house, scene, acted)
        whom = channel.mention if channel else role.mention if role else scene.words(SERVER)
        if chosen is None:
            await tell(interaction, scene.words(NO_DEFAULT, whom=whom))
        else:
            await tell(interaction, scene.words(DEFAULT, whom=whom, persona=chosen.name))

    @persona_default.autocomplete("persona")
    async def server_personas(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """The server's own."""
        guild_id = interaction.guild_id or 0
        return await autocompleted(self._house, 0, guild_id, current)

    async def _cleared(self, scene: Scene, acted: Acted) -> str:
        await announce(self._house, scene, acted)
        return scene.words.plural(CLEARED, CLEARED_MANY, acted.changed)

    async def _end(self, scene: Scene, person_id: int) -> None:
        """Stop what is written, said and reserved for somebody in this server."""
        house = self._house
        house.dialogue.responder.cancel_person(person_id, scene.guild_id)
        if player := house.rooms.player(scene.guild_id):
            player.stop(person_id)
        if house.director.standing(person_id).guild_id == scene.guild_id:
            try:
                await house.director.end(person_id, by_id=scene.user.id, why=Why.BLOCKED)
            except NoSession:
                return  # it ended by itself meanwhile


def _limited(new: int | None, old: float | None) -> int | None:
    if new is None:
        return None if old is None else round(old)
    return None if new == UNLIMITED else new


def _quota(words: Words, limit: Limit) -> str:
    role = words(EVERYONE) if limit.role_id == limit.guild_id else f"<@&{limit.role_id}>"
    tokens, seconds = limit.tokens_per_day, limit.spoken_s_per_day
    return words(
        QUOTA,
        role=role,
        tokens=words(NO_LIMIT) if tokens is None else tokens,
        seconds=words(NO_LIMIT) if seconds is None else round(seconds),
    )
