"""Every rule of the lobby. Pure: an event and the time go in, effects come out.

At most ``slots`` people hold a slot at once, across all servers; each of them once; the rest wait
in one line. The stages of a person, and whether they hold a slot:

    absent     no    no Place. Text answers only.
    waiting    no    in the line, ordered by ticket.
    called     yes   a slot is kept for ``claim_s``; they are not in voice yet.
    held       yes   a session. The only stage in which Parley speaks for them.
    grace      yes   they left the channel of the session; it is kept for ``grace_s``.

    event            absent     waiting         called            held              grace
    ---------------  ---------  --------------  ----------------  ----------------  ----------------
    Join, same room  waiting    -               held, if in voice -                 held
    Join, elsewhere  waiting    keeps ticket    keeps ticket      refused: "move"   refused: "move"
    MoveHere         refused    refused         refused           held there        held there
    Seen in room     -          -               held              -                 held
    Seen elsewhere   -          wants that one  waiting (told)    grace (offer)     offer again
    Seen nowhere     -          -               -                 grace             -
    Spoke            -          -               -                 idle starts anew  idle starts anew
    End, MemberGone  refused    absent          absent            absent            absent
    time             -          -               absent (claim)    warned, absent    absent (grace)
    their turn       -          called or held  -                 -                 -
    BotMoved         -          -               called there      held or grace     held or grace
    ConnectionEnded  -          channel barred  -                 absent            absent
    ChannelDeleted   -          wants any       wants any         absent            absent
    GuildRemoved     -          absent          absent            absent            absent
    process gone     -          keeps ticket    waiting           absent            absent

Three rules stand behind the table:

1. One server has one voice connection, in the channel of its sessions. People in that channel
   share it. Whoever is in another channel of that server is passed over, and keeps their place;
   nobody is held up by them. Where nobody has a session yet, it is bound to the channel of the
   first who was called.
2. A turn goes to the first in the line *who can use it*: they are called if in no voice channel,
   and seated at once if in one. Priority roles change the order only among people of one server.
3. Nothing but an asking puts anybody in the line, and nothing but a turn gives them a session.
   Being in the voice channel is never enough.

While a process cannot see Discord, the times of its people stand still and nobody there is called;
their slots are kept until its ``gone_s``. Then they are free, and the line there keeps its order
for ``line_keep_s``.
"""

from __future__ import annotations

from dataclasses import replace

from lobby.hall import SESSION, Hall
from lobby.records import (
    BotMoved,
    BotMuted,
    ChannelDeleted,
    Connect,
    ConnectionEnded,
    Deed,
    Disconnect,
    Effect,
    End,
    Event,
    GuildRemoved,
    Heartbeat,
    Join,
    MemberGone,
    Move,
    MoveHere,
    NoticeKind,
    Place,
    Process,
    Ready,
    Refusal,
    Seen,
    ServerRules,
    SetRules,
    Silence,
    Spoke,
    Stage,
    Started,
    Tick,
    Unready,
    Why,
)

_BEFORE_WORDS = (Silence, Disconnect, Move, Connect)
"""Performed in this order, and before anything is told."""


class Lobby(Hall):
    """The rules over the books of one transaction."""

    def apply(self, event: Event, now_s: float) -> list[Effect]:
        """Change the books as the rules say. Effects come in the order they are performed in."""
        self._now_s, self._effects = now_s, []
        # Whoever asks gets an answer to the asking; a notice would say the same twice.
        self._asker = event.person_id if isinstance(event, Join) else 0
        connected = self.connections()
        self._expire()
        self._handle(event, connected)
        self._promote()
        self.be_where_needed(connected)
        self.tidy()
        return sorted(self._effects, key=_turn_of)

    # --- turns and time --------------------------------------------------------------------------

    def _promote(self) -> None:
        """Give free slots to the first in the line who can use them."""
        free = self.settings.slots - self.slots_used()
        for place in self.line():
            if free <= 0:
                break
            if self.hold_up(place) is None:
                free -= 1
                if place.present_id:
                    self.seat(place, Why.TURN)
                else:
                    self.call(place)

    def _expire(self) -> None:
        for process in list(self.processes.values()):
            if self._now_s >= process.gone_s:
                self._process_gone(process)
        for place in list(self.places.values()):
            if not self.up(place.guild_id):
                continue
            if place.stage is Stage.CALLED and self._now_s >= place.deadline_s:
                self.out(place, Why.CLAIM_MISSED)
            elif place.stage is Stage.GRACE and self._now_s >= place.deadline_s:
                self.out(place, Why.GONE)
            elif place.stage is Stage.HELD:
                self._idle(place)

    def _idle(self, place: Place) -> None:
        warn_at_s, release_at_s = self.idle_alarms(place)
        if not place.warned_s and self._now_s >= warn_at_s:
            warned = self.put(place, warned_s=self._now_s)
            left_s = self.idle_alarms(warned)[1] - self._now_s
            self.tell(warned, NoticeKind.IDLE_WARNING, seconds=left_s)
        elif place.warned_s and self._now_s >= release_at_s:
            self.out(place, Why.IDLE)

    def _process_gone(self, process: Process) -> None:
        forgotten = self._now_s >= process.gone_s + self.settings.line_keep_s
        for place in list(self.places.values()):
            if self.rooms[place.guild_id].process != process.name:
                continue
            if place.stage is Stage.CALLED:
                place = self.back(place, Why.AWAY)
            if place.stage in SESSION or forgotten:
                self.out(place, Why.AWAY)
        if forgotten:
            del self.processes[process.name]

    # --- events ----------------------------------------------------------------------------------

    def _handle(self, event: Event, connected: dict[int, int]) -> None:
        match event:
            case Join():
                self._join(event)
            case MoveHere():
                self._move(event)
            case End(person_id, why, by_id):
                if person_id in self.places:
                    self.out(self.places[person_id], why, by_id)
                else:
                    self.refuse(Refusal.NO_SESSION, person_id)
            case Spoke(person_id, guild_id):
                for place in self.here(person_id, guild_id):
                    if place.stage in SESSION:
                        self.put(place, active_s=self._now_s, warned_s=0.0)
            case Seen(person_id, guild_id, channel_id):
                for place in self.here(person_id, guild_id):
                    self._see(place, channel_id)
            case MemberGone(person_id, guild_id):
                for place in self.here(person_id, guild_id):
                    self.out(place, Why.MEMBER_GONE)
            case BotMoved(guild_id, channel_id):
                if self.connections().get(guild_id, channel_id) != channel_id:
                    connected[guild_id] = channel_id
                    self._bot_moved(guild_id, channel_id)
            case BotMuted(guild_id, muted):
                self._bot_muted(guild_id, muted)
            case ConnectionEnded(guild_id, channel_id, why):
                self._connection_ended(guild_id, channel_id, why)
            case ChannelDeleted(guild_id, channel_id):
                self._channel_deleted(guild_id, channel_id)
            case GuildRemoved(guild_id):
                for place in self.of(guild_id):
                    self.out(place, Why.GUILD_REMOVED)
            case SetRules(rules):
                self.rules[rules.guild_id] = rules
            case Ready():
                self._ready(event, connected)
            case Started() | Unready() | Heartbeat():
                self._life(event)
            case Tick():
                pass

    def _join(self, event: Join) -> None:
        place = self.places.get(event.person_id)
        here = place is not None and place.guild_id == event.guild_id
        if place is not None and place.stage in SESSION:
            if not here or event.channel_id not in (0, place.channel_id):
                there = (place.guild_id, place.channel_id)
                self.refuse(Refusal.ALREADY_SPEAKING, event.person_id, *there)
            elif event.channel_id:
                self._see(place, event.channel_id)
            return
        if not self.process_up(event.process):
            self.refuse(Refusal.AWAY, event.person_id)
            return
        if place is None and len(self.staged(Stage.WAITING)) >= self.settings.line_most:
            self.refuse(Refusal.LINE_FULL, event.person_id)
            return
        self._open(event.guild_id, event.channel_id, event.process)
        rules = self.rules.get(event.guild_id, ServerRules(event.guild_id))
        if place is None:
            place = Place(
                event.person_id, event.guild_id, 0, 0, 0, "", self.next_ticket, False,
                Stage.WAITING, self._now_s, self._now_s, 0.0, 0.0, 0.0,
            )  # fmt: skip
            self.next_ticket += 1
            self.record(place, Deed.QUEUED, Why.ASKED)
        elif place.stage is Stage.CALLED and not here:
            place = self.back(place, Why.OTHER_CHANNEL)
        place = self.put(
            place,
            guild_id=event.guild_id,
            channel_id=place.channel_id if here else 0,
            text_channel_id=event.text_channel_id,
            locale=event.locale,
            priority=not event.role_ids.isdisjoint(rules.priority_roles),
        )
        self._see(place, event.channel_id)

    def _move(self, event: MoveHere) -> None:
        place = self.places.get(event.person_id)
        if place is None or place.stage not in SESSION:
            self.refuse(Refusal.NO_SESSION, event.person_id)
            return
        here = place.guild_id == event.guild_id
        anchor_id = self.anchor(event.guild_id, without=event.person_id)
        if not self.process_up(event.process):
            self.refuse(Refusal.AWAY, event.person_id)
        elif anchor_id not in (0, event.channel_id):
            self.refuse(Refusal.CHANNEL_BUSY, event.person_id, event.guild_id, anchor_id)
        elif not here and not self.seat_free(event.guild_id, priority=False):
            self.refuse(Refusal.SERVER_FULL, event.person_id)
        else:
            self._open(event.guild_id, event.channel_id, event.process)
            if not here:
                self._effects.append(Silence(place.guild_id, place.person_id))
            moved = self.put(
                place,
                stage=Stage.HELD,
                guild_id=event.guild_id,
                channel_id=event.channel_id,
                present_id=event.channel_id,
                text_channel_id=event.text_channel_id or place.text_channel_id,
                priority=place.priority and here,
                deadline_s=0.0,
            )
            self.record(moved, Deed.MOVED, Why.ASKED)

    def _see(self, place: Place, channel_id: int) -> None:
        """They are in this voice channel of their server now, or in none."""
        news = channel_id != place.present_id
        place = self.put(place, present_id=channel_id)
        if place.stage is Stage.WAITING:
            self.put(place, channel_id=channel_id or place.channel_id)
        elif place.stage is Stage.CALLED and channel_id:
            anchor_id = self.anchor(place.guild_id, without=place.person_id)
            if anchor_id in (0, channel_id):
                self.seat(place, Why.CAME)
            else:
                self.tell(place, NoticeKind.OTHER_CHANNEL, channel_id=anchor_id)
                self.put(self.back(place, Why.OTHER_CHANNEL), channel_id=channel_id)
        elif place.stage in SESSION and channel_id == place.channel_id:
            self.put(place, stage=Stage.HELD, deadline_s=0.0)
        elif place.stage in SESSION:
            if place.stage is Stage.HELD:
                deadline_s = self._now_s + self.settings.grace_s
                place = self.put(place, stage=Stage.GRACE, deadline_s=deadline_s)
            if channel_id and news:
                left_s = place.deadline_s - self._now_s
                self.tell(place, NoticeKind.MOVE_OFFER, seconds=left_s, other_id=channel_id)

    def _bot_moved(self, guild_id: int, channel_id: int) -> None:
        for place in self.of(guild_id, Stage.CALLED, *SESSION):
            moved = self.put(place, channel_id=channel_id)
            if place.stage is Stage.CALLED:
                continue
            self._see(moved, moved.present_id)
            if self.places[place.person_id].stage is Stage.GRACE and place.stage is Stage.HELD:
                self.tell(moved, NoticeKind.BOT_MOVED, seconds=self.settings.grace_s)

    def _bot_muted(self, guild_id: int, muted: bool) -> None:
        room = self.rooms.get(guild_id)
        if room is not None and room.muted != muted:
            self.rooms[guild_id] = replace(room, muted=muted)
            for place in self.of(guild_id, *SESSION):
                self.tell(place, NoticeKind.MUTED if muted else NoticeKind.UNMUTED)

    def _connection_ended(self, guild_id: int, channel_id: int, why: Why) -> None:
        if self.connections().get(guild_id) != channel_id:
            return  # news of a connection that was already given up
        until_s = self._now_s + self.settings.retry_s
        room = self.rooms[guild_id]
        self.rooms[guild_id] = replace(room, barred_id=channel_id, barred_until_s=until_s)
        for place in self.of(guild_id, *SESSION):
            self.out(place, why)

    def _channel_deleted(self, guild_id: int, channel_id: int) -> None:
        for place in self.of(guild_id):
            if place.stage in SESSION and place.channel_id == channel_id:
                self.out(place, Why.CHANNEL_DELETED)
            elif channel_id in (place.channel_id, place.present_id):
                present_id = 0 if place.present_id == channel_id else place.present_id
                kept_id = 0 if place.channel_id == channel_id else place.channel_id
                self.put(place, channel_id=kept_id or present_id, present_id=present_id)

    # --- processes -------------------------------------------------------------------------------

    def _life(self, event: Started | Unready | Heartbeat) -> None:
        name, now_s = event.process, self._now_s
        known = self.processes.get(name)
        match event:
            case Started(_, incarnation):
                gone_s = known.gone_s if known else 0.0
                if known is None or not known.starting:
                    # Time to find Discord; given once, so that a process that crashes at every
                    # start does not keep the slots of its people for ever.
                    gone_s = max(gone_s, now_s + self.settings.resume_s)
                down_s = self.blind_since_s(known) if known else now_s
                self.processes[name] = Process(name, incarnation, down_s, gone_s, True)
            case Heartbeat(_, incarnation):
                if known is None or not known.down_s:
                    gone_s = now_s + self.settings.lease_s
                    self.processes[name] = Process(name, incarnation, 0.0, gone_s, False)
            case Unready():
                if known is not None and not known.down_s:
                    gone_s = now_s + self.settings.resume_s
                    self.processes[name] = replace(known, down_s=now_s, gone_s=gone_s)

    def _ready(self, event: Ready, connected: dict[int, int]) -> None:
        name = event.process
        before = dict(self.processes)
        gone_s = self._now_s + self.settings.lease_s
        self.processes[name] = Process(name, event.incarnation, 0.0, gone_s, False)
        for guild_id in [each for each in event.present if each in self.rooms]:
            served_by = before.get(self.rooms[guild_id].process)
            away_s = 0.0
            if served_by is not None and (served_by.name != name or served_by.down_s):
                away_s = max(0.0, self._now_s - self.blind_since_s(served_by))
            restarted = served_by is not None and served_by.starting
            self.room(guild_id, process=name)
            connected.pop(guild_id, None)  # so that it is connected again
            for place in self.of(guild_id):
                self._see(
                    self.later(place, away_s), event.present[guild_id].get(place.person_id, 0)
                )
                if restarted:
                    self._told_again(self.places[place.person_id])

    def _told_again(self, place: Place) -> None:
        """After a restart: what was last said to them may not have been heard."""
        if place.stage is Stage.HELD:
            self.tell(place, NoticeKind.RESUMED)
        elif place.stage is Stage.CALLED:
            left_s = place.deadline_s - self._now_s
            self.tell(place, NoticeKind.CALLED, ping=True, seconds=left_s)

    # --- details ---------------------------------------------------------------------------------

    def _open(self, guild_id: int, channel_id: int, process: str) -> None:
        """A server is served by the process that was asked in it.

        Whoever asks from a channel that failed a moment ago may have mended it: try again.
        """
        room = self.room(guild_id, process=process)
        if channel_id and channel_id == room.barred_id:
            self.rooms[guild_id] = replace(room, barred_id=0, barred_until_s=0.0)


def _turn_of(effect: Effect) -> int:
    for turn, kind in enumerate(_BEFORE_WORDS):
        if isinstance(effect, kind):
            return turn
    return len(_BEFORE_WORDS)
