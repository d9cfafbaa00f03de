"""What moderators may do about voice sessions: ``/mod sessions``, ``end-session``, ``limits``.

What they may do about people is in ``cogs/moderation.py``.
"""

from __future__ import annotations

from dataclasses import replace

import discord
from discord import app_commands

from cogs.audit import announce
from cogs.house import House
from cogs.lobby_words import minutes
from cogs.pages import within
from cogs.replies import acknowledge, tell
from cogs.scene import Scene
from cogs.voice_rules import VoiceRules
from lobby.errors import NoSession
from lobby.records import ServerRules, Speaking, Stage, Standing
from storage.records import Action, Target
from words import N_, Words

NOBODY = N_("Nobody in this server has a voice session or waits for one.")
SESSION = N_("<@{person_id}> in <#{channel_id}>, for {time} ({stage})")
WAITING = N_("<@{person_id}> waits, at place {position}")
ENDED = N_("I have ended what <@{person_id}> had in voice.")
LIMITS = N_(
    "Voice sessions at once: {seats}\nKept for priority roles: {reserved}\n"
    "A session ends after so long without a message: {idle}\nPriority roles: {roles}"
)
AS_OPERATOR = N_("as my owner has set it")
NONE = N_("none")
SECONDS = N_("{n} s")


STAGES = {
    Stage.CALLED: N_("called"),
    Stage.HELD: N_("there"),
    Stage.GRACE: N_("away for a moment"),
}


class Mod(VoiceRules):
    """Discord itself checks who may see these; servers can change that in their settings."""

    mod = VoiceRules.mod

    def __init__(self, house: House) -> None:
        self._house = house

    @mod.command(name="sessions", description=N_("Who has a voice session here, and who waits"))
    async def sessions(self, interaction: discord.Interaction) -> None:
        """``/mod sessions``."""
        scene, view = Scene.of_interaction(interaction), self._house.director.view()
        lines = [
            *(_speaking(scene.words, each) for each in view.speaking if _here(scene, each)),
            *(_standing(scene.words, each) for each in view.line if _here(scene, each)),
        ]
        await tell(interaction, within(lines) or scene.words(NOBODY))

    @mod.command(name="end-session", description=N_("End somebody's voice session or waiting"))
    @app_commands.describe(member=N_("Whose"))
    async def end_session(self, interaction: discord.Interaction, member: discord.Member) -> None:
        """``/mod end-session``."""
        await acknowledge(interaction, private=True)
        scene, by_id = Scene.of_interaction(interaction), interaction.user.id
        if self._house.director.standing(member.id).guild_id != scene.guild_id:
            raise NoSession  # what they have in another server is not this one's business
        await self._house.director.end(member.id, by_id=by_id)
        acted = await self._house.dialogue.moderators.record(
            scene.guild_id, by_id, Action.END_SESSION, Target.PERSON, member.id
        )
        await announce(self._house, scene, acted)
        await tell(interaction, scene.words(ENDED, person_id=member.id))

    @mod.command(name="limits", description=N_("See or set what voice sessions may use here"))
    @app_commands.describe(
        sessions=N_("Voice sessions at once in this server; 0: as my owner has set it"),
        reserved=N_("How many of those only people with the priority role get"),
        idle_s=N_("A session ends after so many seconds without a message; 0: as my owner has it"),
        priority_role=N_("People with this role go first here; choose it again to take it away"),
    )
    async def limits(
        self,
        interaction: discord.Interaction,
        sessions: app_commands.Range[int, 0, 100] | None = None,
        reserved: app_commands.Range[int, 0, 100] | None = None,
        idle_s: app_commands.Range[int, 0, 86_400] | None = None,
        priority_role: discord.Role | None = None,
    ) -> None:
        """``/mod limits``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        old = self._house.director.rules(scene.guild_id)
        new = replace(
            old,
            seats=old.seats if sessions is None else sessions,
            reserved=old.reserved if reserved is None else reserved,
            idle_s=old.idle_s if idle_s is None else float(idle_s),
            priority_roles=_toggled(old.priority_roles, priority_role),
        )
        if new != old:
            await self._house.director.set_rules(new)
            acted = await self._house.dialogue.moderators.record(
                scene.guild_id, scene.user.id, Action.SETTINGS, Target.GUILD, scene.guild_id
            )
            await announce(self._house, scene, acted)
        await tell(interaction, _rules(scene.words, new))


def _here(scene: Scene, who: Speaking | Standing) -> bool:
    return who.guild_id == scene.guild_id


def _speaking(words: Words, who: Speaking) -> str:
    ids = {"person_id": who.person_id, "channel_id": who.channel_id}
    return words(SESSION, time=minutes(words, who.for_s), stage=words(STAGES[who.stage]), **ids)


def _standing(words: Words, who: Standing) -> str:
    return words(WAITING, person_id=who.person_id, position=who.position)


def _toggled(roles: tuple[int, ...], role: discord.Role | None) -> tuple[int, ...]:
    if role is None:
        return roles
    if role.id in roles:
        return tuple(each for each in roles if each != role.id)
    return (*roles, role.id)


def _rules(words: Words, rules: ServerRules) -> str:
    owner = words(AS_OPERATOR)
    return words(
        LIMITS,
        seats=rules.seats or owner,
        reserved=rules.reserved,
        idle=words(SECONDS, n=round(rules.idle_s)) if rules.idle_s else owner,
        roles=" ".join(f"<@&{role}>" for role in rules.priority_roles) or words(NONE),
    )
