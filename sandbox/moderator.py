"""What a member with the permissions for it does to others, the bot and the server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sandbox.deeds import guilds, messages, voice
from sandbox.errors import NotPossible
from sandbox.permissions import Permission, in_guild, names, top_position
from sandbox.records import Channel, Command, Guild, Member, Message, Overwrite, Role

if TYPE_CHECKING:
    from sandbox.core import Core

P = Permission


class Someone(Protocol):
    """A user record, or an actor."""

    @property
    def id(self) -> int: ...


class Moderator:
    """One member's moderation. Raises NotPossible where their permissions do not reach."""

    def __init__(self, core: Core, user_id: int) -> None:
        self._core = core
        self._user_id = user_id

    def kick(self, guild: Guild, target: Someone) -> None:
        """Throw someone out of the server; the bot too."""
        self._over(guild, target, P.KICK_MEMBERS)
        guilds.remove_member(self._core, guild, target.id)

    def ban(self, guild: Guild, target: Someone, reason: str = "") -> None:
        """Throw someone out for good."""
        self._over(guild, target, P.BAN_MEMBERS)
        guilds.remove_member(self._core, guild, target.id, ban=reason)

    def time_out(self, guild: Guild, target: Someone, for_s: float) -> None:
        """Silence someone for some sandbox seconds."""
        member = self._over(guild, target, P.MODERATE_MEMBERS)
        until = self._core.clock.utc() + timedelta(seconds=for_s)
        guilds.change_member(self._core, guild, member, timed_out_until=until)

    def give_role(self, guild: Guild, target: Someone, role: Role) -> None:
        """Add a role."""
        member = self._over(guild, target, P.MANAGE_ROLES)
        ids = [*(r for r in member.role_ids if r != role.id), role.id]
        guilds.change_member(self._core, guild, member, role_ids=ids)

    def take_role(self, guild: Guild, target: Someone, role: Role) -> None:
        """Remove a role."""
        member = self._over(guild, target, P.MANAGE_ROLES)
        ids = [r for r in member.role_ids if r != role.id]
        guilds.change_member(self._core, guild, member, role_ids=ids)

    def change_role(self, guild: Guild, role: Role, permissions: Permission) -> None:
        """Give a role exactly these permissions."""
        self._need(guild, P.MANAGE_ROLES)
        role.permissions = permissions
        guilds.change_role(self._core, guild, role)

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel."""
        self._need(self._guild_of(channel), P.MANAGE_CHANNELS)
        guilds.delete_channel(self._core, channel)

    def overwrite(
        self,
        channel: Channel,
        target: Role | Someone,
        *,
        allow: Permission = Permission(0),  # noqa: B008 - an immutable flag
        deny: Permission = Permission(0),  # noqa: B008
    ) -> None:
        """Set a channel's exception for a role or a member; none of both removes it."""
        self._need(self._guild_of(channel), P.MANAGE_ROLES)
        if allow or deny:
            channel.overwrites[target.id] = Overwrite(
                target.id, isinstance(target, Role), allow, deny
            )
        else:
            channel.overwrites.pop(target.id, None)
        guilds.change_channel(self._core, channel)

    def move(self, guild: Guild, target: Someone, channel: Channel) -> None:
        """Move someone who is in voice to another voice channel."""
        self._need(guild, P.MOVE_MEMBERS)
        self._in_voice(guild, target)
        voice.move_voice(self._core, guild, target.id, channel)

    def disconnect(self, guild: Guild, target: Someone) -> None:
        """Throw someone out of voice."""
        self._need(guild, P.MOVE_MEMBERS)
        self._in_voice(guild, target)
        voice.leave_voice(self._core, guild, target.id)

    def mute(self, guild: Guild, target: Someone, on: bool = True) -> None:
        """Server-mute someone in voice."""
        self._need(guild, P.MUTE_MEMBERS)
        self._in_voice(guild, target)
        guilds.change_member(self._core, guild, guild.members[target.id], mute=on)

    def deafen(self, guild: Guild, target: Someone, on: bool = True) -> None:
        """Server-deafen someone in voice."""
        self._need(guild, P.DEAFEN_MEMBERS)
        self._in_voice(guild, target)
        guilds.change_member(self._core, guild, guild.members[target.id], deaf=on)

    def delete_message(self, message: Message) -> None:
        """Delete anyone's message."""
        channel = self._core.world.channel(message.channel_id)
        bits = self._core.world.permissions(self._user_id, channel)
        if not bits & P.MANAGE_MESSAGES:
            raise NotPossible("needs MANAGE_MESSAGES")
        messages.delete(self._core, message)

    def restrict_command(
        self, guild: Guild, command: Command, target: Role | Channel | Someone, allowed: bool
    ) -> None:
        """Allow or forbid a command for a role, member or channel (the server's settings)."""
        self._need(guild, P.MANAGE_GUILD | P.MANAGE_ROLES)
        command.overrides.setdefault(guild.id, {})[target.id] = allowed
        self._core.gateway.dispatch(
            "APPLICATION_COMMAND_PERMISSIONS_UPDATE",
            {
                "id": str(command.id),
                "application_id": str(self._core.bot.id),
                "guild_id": str(guild.id),
                "permissions": [
                    {
                        "id": str(i),
                        "type": 1 if i in guild.roles else 3 if i in guild.channels else 2,
                        "permission": on,
                    }
                    for i, on in command.overrides[guild.id].items()
                ],
            },
            guild_id=guild.id,
        )
        self._core.note("command.restrict", guild=guild, command=command)

    def _need(self, guild: Guild, need: Permission) -> None:
        member = guild.members.get(self._user_id)
        bits = in_guild(guild, member) if member else Permission(0)
        if missing := need & ~bits:
            raise NotPossible(f"needs {', '.join(names(missing))}")

    def _over(self, guild: Guild, target: Someone, need: Permission) -> Member:
        self._need(guild, need)
        member = guild.members.get(target.id)
        if member is None:
            raise NotPossible("they are not in this server")
        own = guild.members[self._user_id]
        if top_position(guild, member) >= top_position(guild, own):
            raise NotPossible("their highest role is not below one's own")
        return member

    def _in_voice(self, guild: Guild, target: Someone) -> None:
        if target.id not in guild.voice_states:
            raise NotPossible("they are not in voice")

    def _guild_of(self, channel: Channel) -> Guild:
        guild = self._core.world.guild_of(channel)
        if guild is None:
            raise NotPossible("not in direct messages")
        return guild
