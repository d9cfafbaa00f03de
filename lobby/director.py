"""Performs what the rules decide: connections, notices and timers."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from lobby.errors import LobbyError
from lobby.ports import NoticePort, VoicePort
from lobby.records import ServerRules, Standing, View, Why
from lobby.settings import LobbySettings
from lobby.store import LobbyStore


class Director:
    """Who may speak, in every server. An async context manager; create it once, in ``bot.py``."""

    def __init__(
        self,
        store: LobbyStore,
        voice: VoicePort,
        notices: NoticePort,
        settings: LobbySettings,
        *,
        process: str = "parley",
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Director: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop. Sessions can be resumed for ``resume_s``; voice is left by the client's own close."""

    # What people do.

    async def join(
        self,
        person_id: int,
        guild_id: int,
        channel_id: int = 0,
        *,
        text_channel_id: int = 0,
        role_ids: frozenset[int] = frozenset(),
        locale: str = "en-US",
    ) -> Standing:
        """Ask for a session. ``channel_id``: the voice channel they are in, 0 for none.

        Returns where they stand: ``HELD`` (Parley is joining), ``CALLED`` (a slot is theirs if
        they come), ``WAITING``. Raises ``AlreadySpeaking``, ``LineFull``.
        """
        raise NotImplementedError

    async def move(
        self, person_id: int, guild_id: int, channel_id: int, *, text_channel_id: int = 0
    ) -> Standing:
        """ "Move here": take one's session to ``channel_id``, where one is.

        Raises ``NoSession``, ``ChannelBusy``, ``ServerFull``, ``ChannelBarred``, ``LobbyAway``.
        """
        raise NotImplementedError

    async def leave(self, person_id: int) -> Standing:
        """Give up one's session or place; where they stood before. Raises ``NoSession``."""
        raise NotImplementedError

    async def touch(self, person_id: int, guild_id: int) -> None:
        """They spoke to Parley in this server. Cheap for people without a session."""

    async def end(self, person_id: int, *, by_id: int, why: Why = Why.MODERATOR) -> Standing:
        """A moderator ends somebody's session or waiting; where they stood. Raises ``NoSession``."""
        raise NotImplementedError

    async def set_rules(self, rules: ServerRules) -> None:
        """Change what one server allows. People who have a session keep it."""

    def rules(self, guild_id: int) -> ServerRules:
        """What this server allows."""
        raise NotImplementedError

    # What may be asked at any time, without waiting.

    def may_speak(self, person_id: int, guild_id: int) -> bool:
        """Whether Parley speaks for this person in this server now. Ask before every item."""
        raise NotImplementedError

    def why_silent(self, person_id: int, guild_id: int) -> LobbyError | None:
        """Why Parley does not speak for this person here, as an error to show; None if it does."""
        raise NotImplementedError

    def standing(self, person_id: int) -> Standing:
        raise NotImplementedError

    def view(self, person_id: int = 0) -> View:
        """The lobby as ``/queue`` shows it, with ``you`` for ``person_id``."""
        raise NotImplementedError

    async def changed(self, version: int) -> int:
        """Wait until the lobby is no longer at ``version`` (of a ``View``); the new version."""
        raise NotImplementedError

    # What the world does.

    async def voice_state(self, person_id: int, guild_id: int, channel_id: int) -> None:
        """A person (not Parley) is now in this voice channel, or in none (0). Call for everyone."""

    async def bot_voice_state(self, guild_id: int, channel_id: int, muted: bool) -> None:
        """Parley's own voice state: moved, thrown out (0), muted or unmuted by the server."""

    async def connection_lost(self, guild_id: int, channel_id: int, why: Why) -> None:
        """The voice connection is lost for good (the watchdog gave up), or a permission is gone."""

    async def channel_deleted(self, guild_id: int, channel_id: int) -> None: ...

    async def guild_removed(self, guild_id: int) -> None:
        """Parley is no longer in this server (not: the server is unavailable for now)."""

    async def member_gone(self, person_id: int, guild_id: int) -> None:
        """A member was banned or kicked, or left the server."""

    async def gateway_down(self) -> None:
        """Discord's gateway is lost; it may come back at once."""

    async def ready(self, present: Mapping[int, Mapping[int, int]]) -> None:
        """Discord is there (``on_ready``, ``on_resumed``): ``{guild_id: {person_id: channel_id}}``.

        Include every available server, also those with nobody in voice.
        """

    async def settled(self) -> None:
        """Wait until every effect decided so far has been performed. For tests and shutdown."""
