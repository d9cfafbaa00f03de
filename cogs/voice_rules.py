"""``/mod voice``: which roles may use a voice, in a server or (the bot's owner) everywhere.

It stands in the group ``/mod``; ``cogs/mod.py`` is its cog.
"""

from __future__ import annotations

import discord
from discord import app_commands

from cogs.audit import announce
from cogs.moderation import Moderation
from cogs.replies import acknowledge, tell
from cogs.scene import Scene, guild_permissions
from cogs.sound import SHOWN
from errors import BadInput, NotAllowed
from storage.records import Action, Target, VoiceRoles
from words import N_, Words

FREE = N_("Everybody may use {voice} here.")
RULE = N_("`{voice}`: only {roles}")
RULE_EVERYWHERE = N_("`{voice}`: only {roles}, in every server and not in direct messages")
NO_RULES = N_("Everybody may use every voice here.")


class NotYourVoices(NotAllowed):
    """Rules are for those who answer for the server, or for Parley."""

    sentence = N_(
        "Who may use which voice is decided by people who may manage the server, "
        "and for everywhere by whoever runs me."
    )


class UsualVoice(BadInput):
    """Somebody must be able to speak to those without any role."""

    sentence = N_("{voice} is the usual voice: it speaks to whoever may use no other.")


class VoiceRules(Moderation):
    """One command that shows, adds and takes away."""

    mod = Moderation.mod

    @mod.command(name="voice", description=N_("See or set which roles may use a voice"))
    @app_commands.describe(
        voice=N_("Which voice; with all of its speakers"),
        role=N_("Only such people; again: take that away; @everyone: everybody may use it"),
        everywhere=N_("In every server, not only here: for whoever runs me"),
    )
    async def voice_roles(
        self,
        interaction: discord.Interaction,
        voice: app_commands.Range[str, 1, 100] | None = None,
        role: discord.Role | None = None,
        everywhere: bool = False,
    ) -> None:
        """``/mod voice``: without a role it shows who may use what."""
        await acknowledge(interaction, private=True)
        scene, house = Scene.of_interaction(interaction), self._house
        name = (await house.voices.find(voice)).partition("/")[0] if voice else None
        if name is not None and role is not None:
            await self._check_decides(interaction, everywhere)
            if name == house.voices.default.partition("/")[0]:
                raise UsualVoice(voice=name)
            await self._toggle(scene, name, role, 0 if everywhere else scene.guild_id)
        rules = await house.database.voice_rules.list(scene.guild_id)
        shown = [_rule(scene.words, rule) for rule in rules if name in (None, rule.voice)]
        free = scene.words(FREE, voice=name) if name else scene.words(NO_RULES)
        await tell(interaction, "\n".join(shown)[:2000] or free)

    @voice_roles.autocomplete("voice")
    async def every_voice(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Every voice that is installed, without its speakers."""
        del interaction
        wanted = current.strip().casefold()
        names = [each.name for each in await self._house.voices.installed()]
        found = [name for name in names if wanted in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:SHOWN]]

    async def _check_decides(self, interaction: discord.Interaction, everywhere: bool) -> None:
        """Raises :class:`NotYourVoices`."""
        if everywhere:
            allowed = await self._house.client.is_owner(interaction.user)
        else:
            allowed = guild_permissions(interaction).manage_guild
        if not allowed:
            raise NotYourVoices

    async def _toggle(self, scene: Scene, voice: str, role: discord.Role, guild_id: int) -> None:
        """Give the role the right, or take it; audited and told."""
        house, rules = self._house, self._house.database.voice_rules
        async with house.database.writing():
            # @everyone ends the rule: also one whose roles were all deleted.
            if role.is_default():
                await rules.remove(guild_id, voice)
            elif not await rules.remove(guild_id, voice, role.id):
                await rules.add(guild_id, voice, role.id)
            acted = await house.dialogue.moderators.record(
                scene.guild_id, scene.user.id, Action.VOICE_ROLES, Target.ROLE, role.id
            )
        await announce(house, scene, acted)


def _rule(words: Words, rule: VoiceRoles) -> str:
    roles = ", ".join(f"<@&{role}>" for role in sorted(rule.role_ids))
    return words(RULE if rule.guild_id else RULE_EVERYWHERE, voice=rule.voice, roles=roles)
