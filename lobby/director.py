"""The lobby's front: what people do and what the world does become events, effects are performed.

The rules are in ``lobby/rules.py``; transactions and timers in ``lobby/keeper.py``. Every method
that a person waits for raises ``storage.errors.StorageError`` when the store failed; then nothing
has changed. News of the world wait until the store is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType

from lobby import errors, estimate
from lobby.clock import Clock, SteadyClock
from lobby.hall import SESSION, Hall
from lobby.keeper import RETRY_S, Fenced, Keeper
from lobby.performer import Performer
from lobby.ports import NoticePort, VoicePort
from lobby.records import (
    BotMoved,
    BotMuted,
    ChannelDeleted,
    ConnectionEnded,
    Deeds,
    End,
    Event,
    GuildRemoved,
    Join,
    MemberGone,
    MoveHere,
    NoticeKind,
    Refusal,
    Refuse,
    Seen,
    ServerRules,
    SetRules,
    Spoke,
    Stage,
    Standing,
    Tell,
    View,
    Why,
)
from lobby.settings import LobbySettings
from lobby.store import LobbyStore
from storage.errors import StorageError

_log = logging.getLogger(__name__)

_ENDED_MOST = 1000

PATIENCE_S = 2.0
"""Discord passes commands on a moment before it is known who is where: they wait so long."""


class Director:
    """Who may speak, in every server. An async context manager; made once, in ``bot.py``.

    ``process`` names this bot among those that share a database; it must stay the same over a
    restart, and each running one needs its own (``shard-0``, ``shard-1``, ...).
    """

    def __init__(
        self,
        store: LobbyStore,
        voice: VoicePort,
        notices: NoticePort,
        settings: LobbySettings,
        *,
        process: str = "parley",
        clock: Clock | None = None,
    ) -> None:
        self._voice = voice
        self._clock = clock or SteadyClock()
        self._performer = Performer(
            voice, notices, settings.connect_s, self._connection_failed, self._compare
        )
        self._keeper = Keeper(store, settings, process, self._clock, self._take)
        self._ended: dict[int, None] = {}
        self._doubted: set[int] = set()
        self._world = asyncio.Lock()
        self._met = asyncio.Event()
        """Set once Discord was there."""

    async def __aenter__(self) -> Director:
        await self._keeper.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop. Sessions can be resumed for ``resume_s``; the client's own close leaves voice."""
        await self._keeper.close()
        await self._performer.close()

    # --- what people do --------------------------------------------------------------------------

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
        they come), ``WAITING``; no notice says the same again. Raises ``AlreadySpeaking``,
        ``LineFull``, ``LobbyAway``.
        """
        await self._awake()
        await self._ask(
            Join(
                self._keeper.process,
                person_id,
                guild_id,
                channel_id,
                text_channel_id=text_channel_id,
                locale=locale,
                role_ids=role_ids,
            )
        )
        self._ended.pop(person_id, None)
        return self.standing(person_id)

    async def move(
        self, person_id: int, guild_id: int, channel_id: int, *, text_channel_id: int = 0
    ) -> Standing:
        """Move one's session to ``channel_id``, where one is.

        Raises ``NoSession``, ``ChannelBusy``, ``ServerFull``, ``LobbyAway``.
        """
        await self._awake()
        process = self._keeper.process
        await self._ask(MoveHere(process, person_id, guild_id, channel_id, text_channel_id))
        return self.standing(person_id)

    async def leave(self, person_id: int) -> Standing:
        """Give up one's session or place; where they stood before. Raises ``NoSession``."""
        before = self.standing(person_id)
        await self._ask(End(person_id))
        return before

    async def end(self, person_id: int, *, by_id: int, why: Why = Why.MODERATOR) -> Standing:
        """A moderator ends somebody's session or waiting (``MODERATOR``, ``BLOCKED``).

        They are told. Returns where they stood; raises ``NoSession``.
        """
        before = self.standing(person_id)
        await self._ask(End(person_id, why, by_id))
        return before

    async def touch(self, person_id: int, guild_id: int) -> None:
        """They spoke to Parley in this server. Costs nothing for people without a session.

        Never fails: an answer must not be lost because of it.
        """
        try:
            await self._keeper.run(
                Spoke(person_id, guild_id),
                lambda hall: person_id in {each.person_id for each in hall.of(guild_id, *SESSION)},
            )
        except (StorageError, Fenced) as error:
            _log.warning("an activity was not noted: %s", type(error).__name__)

    async def set_rules(self, rules: ServerRules) -> None:
        """Change what one server allows. People who have a session keep it."""
        await self._ask(SetRules(rules))

    def rules(self, guild_id: int) -> ServerRules:
        """What this server allows."""
        return self._keeper.hall.rules.get(guild_id, ServerRules(guild_id))

    # --- what may be asked at any time, without waiting ------------------------------------------

    def may_speak(self, person_id: int, guild_id: int) -> bool:
        """Whether Parley speaks for this person in this server now. Ask before every item."""
        return self.why_silent(person_id, guild_id) is None

    def why_silent(self, person_id: int, guild_id: int) -> errors.LobbyError | None:
        """Why Parley does not speak for this person here, as an error to show; None if it does."""
        hall = self._keeper.hall
        place = hall.places.get(person_id)
        if not self._keeper.working:
            return errors.LobbyAway()
        if place is None:
            return errors.TurnEnded() if person_id in self._ended else errors.NoSession()
        if place.stage is Stage.WAITING:
            return errors.StillWaiting(position=hall.position(person_id))
        if place.stage is Stage.CALLED:
            return errors.TurnHasCome()
        if place.guild_id != guild_id:
            return errors.OtherServer(channel_id=place.channel_id)
        if place.stage is Stage.GRACE:
            return errors.NotInChannel(channel_id=place.channel_id)
        room = hall.rooms[guild_id]
        if room.process != self._keeper.process:
            return errors.LobbyAway()  # only the process that serves a server knows in time
        return errors.MutedHere() if room.muted else None

    def standing(self, person_id: int) -> Standing:
        """Where somebody stands."""
        place = self._keeper.hall.places.get(person_id)
        if place is None or place.stage is not Stage.WAITING:
            return estimate.standing(place, person_id, self._keeper.now_s)
        return self.view(person_id).you

    def view(self, person_id: int = 0) -> View:
        """The lobby as ``/queue`` shows it, with ``you`` for ``person_id``."""
        keeper = self._keeper
        return estimate.view(keeper.hall, keeper.lengths_s, keeper.now_s, person_id, keeper.version)

    async def changed(self, version: int) -> int:
        """Wait until the lobby is no longer at ``version`` (of a ``View``); the new version."""
        return await self._keeper.changed(version)

    # --- what the world does ---------------------------------------------------------------------

    async def voice_state(self, person_id: int, guild_id: int, channel_id: int) -> None:
        """A person (not Parley) is now in this voice channel, or in none (0). Call for everyone."""
        await self._hear(
            Seen(person_id, guild_id, channel_id),
            lambda hall: any(
                place.person_id == person_id and place.present_id != channel_id
                for place in hall.of(guild_id)
            ),
        )

    async def bot_voice_state(self, guild_id: int, channel_id: int, muted: bool) -> None:
        """Parley's own voice state: moved, thrown out (0), muted or unmuted by the server."""
        if self._performer.busy(guild_id):
            # Most likely our own doing. Compared when it is done.
            self._doubted.add(guild_id)
        else:
            await self._bot_is_in(guild_id, channel_id)
        if channel_id:
            await self._hear(
                BotMuted(guild_id, muted),
                lambda hall: guild_id in hall.rooms and hall.rooms[guild_id].muted != muted,
            )

    async def connection_lost(self, guild_id: int, channel_id: int, why: Why) -> None:
        """The voice connection is lost for good (the watchdog gave up), or a permission is gone."""
        await self._hear(ConnectionEnded(guild_id, channel_id, why), _concerns(guild_id))

    async def channel_deleted(self, guild_id: int, channel_id: int) -> None:
        """A channel is gone. Call for every voice channel."""
        await self._hear(ChannelDeleted(guild_id, channel_id), _concerns(guild_id))

    async def guild_removed(self, guild_id: int) -> None:
        """Parley is no longer in this server (not: the server is unavailable for now)."""
        await self._hear(GuildRemoved(guild_id), _concerns(guild_id))

    async def member_gone(self, person_id: int, guild_id: int) -> None:
        """A member was banned or kicked, or left the server. Call for everyone."""
        await self._hear(MemberGone(person_id, guild_id), lambda hall: person_id in hall.places)

    async def gateway_down(self) -> None:
        """Discord's gateway is lost; it may come back at once."""
        await self._surely(self._keeper.unready)

    async def ready(self, present: Mapping[int, Mapping[int, int]]) -> None:
        """Discord is there (``on_ready``, ``on_resumed``): ``{guild_id: {person_id: channel_id}}``.

        Include every available server, also those with nobody in voice. Call it with one server
        when that becomes available later.
        """
        await self._surely(lambda: self._keeper.ready(present))
        self._met.set()

    async def settled(self) -> None:
        """Wait until everything decided so far has been performed."""
        await self._performer.settled()

    # --- inside ----------------------------------------------------------------------------------

    async def _awake(self) -> None:
        """Wait for a start that is nearly done. Raises ``LobbyAway``."""
        if not self._met.is_set():
            await self._clock.wait(self._met, PATIENCE_S)
        if not self._keeper.working:
            raise errors.LobbyAway

    async def _ask(self, event: Event) -> None:
        """An event that may be refused: then it is raised."""
        try:
            refused = await self._keeper.run(event)
        except Fenced:
            raise errors.LobbyAway from None
        if refused is not None:
            raise _as_error(refused)

    async def _hear(self, event: Event, matters: Callable[[Hall], bool]) -> None:
        """News of the world, most of which is about people who are not in the lobby."""
        await self._surely(lambda: self._keeper.run(event, matters))

    async def _surely(self, work: Callable[[], Awaitable[object]]) -> None:
        """The world does not repeat itself: its news wait for a store that fails, in order."""
        async with self._world:
            while True:
                try:
                    await work()
                except Fenced:
                    return  # another process took our place, and hears the same
                except StorageError as error:
                    _log.warning("the lobby's store failed (%s); waiting", type(error).__name__)
                    await self._clock.wait(asyncio.Event(), RETRY_S)
                else:
                    return

    def _take(self, effects: list[Deeds]) -> None:
        for effect in effects:
            if isinstance(effect, Tell) and effect.notice.kind is NoticeKind.ENDED:
                self._ended[effect.notice.person_id] = None
        while len(self._ended) > _ENDED_MOST:
            del self._ended[next(iter(self._ended))]
        self._performer.perform(effects)

    async def _connection_failed(self, guild_id: int, channel_id: int, why: Why) -> None:
        await self._hear(ConnectionEnded(guild_id, channel_id, why), _concerns(guild_id))

    async def _compare(self, guild_id: int) -> None:
        """Everything was performed; did somebody move Parley meanwhile?"""
        if guild_id in self._doubted:
            self._doubted.discard(guild_id)
            await self._bot_is_in(guild_id, self._voice.where(guild_id))

    async def _bot_is_in(self, guild_id: int, channel_id: int) -> None:
        wanted_id = self._keeper.hall.connections().get(guild_id, 0)
        if not wanted_id or channel_id == wanted_id:
            return
        if channel_id:
            await self._hear(BotMoved(guild_id, channel_id), _concerns(guild_id))
        else:
            await self._connection_failed(guild_id, wanted_id, Why.KICKED)


def _concerns(guild_id: int) -> Callable[[Hall], bool]:
    return lambda hall: guild_id in hall.rooms


def _as_error(refused: Refuse) -> errors.LobbyError:
    match refused.refusal:
        case Refusal.ALREADY_SPEAKING:
            return errors.AlreadySpeaking(refused.guild_id, refused.channel_id)
        case Refusal.LINE_FULL:
            return errors.LineFull()
        case Refusal.NO_SESSION:
            return errors.NoSession()
        case Refusal.CHANNEL_BUSY:
            return errors.ChannelBusy(channel_id=refused.channel_id)
        case Refusal.SERVER_FULL:
            return errors.ServerFull()
        case Refusal.AWAY:
            return errors.LobbyAway()
