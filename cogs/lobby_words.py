"""The lobby in sentences: where one stands, what one is told, what ``/queue`` shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lobby.records import HoldUp, Notice, NoticeKind, Speaking, Stage, Standing, View, Why
from words import N_, Words

JOINING = N_("I am joining you in <#{channel_id}>. Talk with /chat, and I answer aloud.")
COME = N_(
    "A voice session is yours: come into a voice channel within {seconds} s and I will join you."
)
SPEAKING = N_("You have a voice session in <#{channel_id}>.")
GRACE = N_("Your voice session in <#{channel_id}> waits for you for {seconds} s more.")
WAITING = N_("You are in the line for voice, at place {position}.")
NOWHERE = N_("You have no voice session and are not in the line.")
WAIT_KNOWN = N_("Estimated wait: {wait}.")
WAIT_UNKNOWN = N_("How long it will take cannot be said yet.")
MINUTES_ONE = N_("about {n} minute")
MINUTES_MANY = N_("about {n} minutes")
SOON = N_("less than a minute")
SLOTS = N_("Voice sessions: {used} of {slots} in use")
LINE = N_("In the line: {waiting}")
LINE_EMPTY = N_("Nobody is waiting.")
IN_CHANNEL = N_("<@{person_id}> in <#{channel_id}>, for {wait}")
COMING = N_("<@{person_id}> was called and is expected")
ELSEWHERE = N_("somebody in another server, for {wait}")
ELSEWHERE_LINE = N_("somebody in another server")
IN_LINE = N_("<@{person_id}>")

_HOLD_UPS = {
    HoldUp.CHANNEL: N_("I am speaking in another channel of that server until then."),
    HoldUp.SERVER_FULL: N_("All voice sessions of that server are in use."),
    HoldUp.BARRED: N_("I could not enter that channel a moment ago, and will try again."),
    HoldUp.AWAY: N_("I am reconnecting to that server."),
}

_NOTICES = {
    NoticeKind.STARTED: N_("It is your turn: I have joined you in <#{channel_id}>."),
    NoticeKind.CALLED: N_(
        "It is your turn! Come into a voice channel within {seconds} s and I will join you."
    ),
    NoticeKind.CLAIM_MISSED: N_("You were called and did not come in time, so the next one went."),
    NoticeKind.OTHER_CHANNEL: N_(
        "I am speaking in <#{channel_id}>. Come there, or keep your place in the line until I can "
        "come to you."
    ),
    NoticeKind.IDLE_WARNING: N_(
        "Your voice session ends in {seconds} s unless you talk with me: just write to me."
    ),
    NoticeKind.MOVE_OFFER: N_(
        "You went to <#{other_id}>, but your voice session is in <#{channel_id}>. Come back within "
        "{seconds} s, or move it."
    ),
    NoticeKind.BOT_MOVED: N_(
        "I was moved to <#{channel_id}>. Follow me within {seconds} s to keep your voice session."
    ),
    NoticeKind.MUTED: N_("I was muted here, so I answer in text for now."),
    NoticeKind.UNMUTED: N_("I can be heard again."),
    NoticeKind.RESUMED: N_("I am back, and your voice session in <#{channel_id}> goes on."),
}

ENDED = N_("Your voice session has ended. {reason}")
LINE_LOST = N_("You are no longer in the line for voice. {reason}")

_REASONS = {
    Why.LEFT: N_("You gave it up."),
    Why.GONE: N_("You left the voice channel."),
    Why.IDLE: N_("You did not talk with me for a while, and others may be waiting."),
    Why.MODERATOR: N_("A moderator ended it."),
    Why.BLOCKED: N_("A moderator ended it."),
    Why.KICKED: N_("I was disconnected from the voice channel."),
    Why.CHANNEL_FULL: N_("The voice channel is full."),
    Why.FORBIDDEN: N_("I may not speak in that voice channel."),
    Why.CONNECTION_FAILED: N_("I could not connect to the voice channel."),
    Why.CHANNEL_DELETED: N_("The voice channel was deleted."),
    Why.GUILD_REMOVED: N_("I was removed from the server."),
    Why.MEMBER_GONE: N_("You left the server."),
    Why.AWAY: N_("I was away for too long."),
    Why.CLAIM_MISSED: N_("You were called and did not come in time."),
    Why.FORGOTTEN: N_("You asked me to forget you."),
}


def minutes(words: Words, seconds: float) -> str:
    """A rough duration."""
    n = round(seconds / 60)
    return words(SOON) if n < 1 else words.plural(MINUTES_ONE, MINUTES_MANY, n)


def standing_sentence(words: Words, standing: Standing, claim_s: float) -> str:
    """Where somebody stands, for themselves."""
    match standing.stage:
        case None:
            return words(NOWHERE)
        case Stage.WAITING:
            return _waiting(words, standing)
        case Stage.CALLED:
            return words(COME, seconds=round(standing.seconds_left or claim_s))
        case Stage.GRACE:
            left = round(standing.seconds_left)
            return words(GRACE, channel_id=standing.channel_id, seconds=left)
    return words(SPEAKING, channel_id=standing.channel_id)


def _waiting(words: Words, standing: Standing) -> str:
    parts = [words(WAITING, position=standing.position)]
    if standing.hold_up in _HOLD_UPS:
        parts.append(words(_HOLD_UPS[standing.hold_up]))
    elif standing.wait_s is None:
        parts.append(words(WAIT_UNKNOWN))
    else:
        parts.append(words(WAIT_KNOWN, wait=minutes(words, standing.wait_s)))
    return " ".join(parts)


def notice_sentence(words: Words, notice: Notice) -> str:
    """What one person is told."""
    details = {
        "channel_id": notice.channel_id,
        "other_id": notice.other_id,
        "seconds": round(notice.seconds),
    }
    if notice.kind in (NoticeKind.ENDED, NoticeKind.LINE_LOST):
        reason = words(_REASONS[notice.why]) if notice.why in _REASONS else ""
        sentence = ENDED if notice.kind is NoticeKind.ENDED else LINE_LOST
        return words(sentence, reason=reason).strip()
    return words(_NOTICES[notice.kind], **details)


def view_text(words: Words, view: View, guild_id: int, claim_s: float) -> str:
    """The lobby for one person in one server: people of other servers are not named."""
    lines = [f"**{words(SLOTS, used=len(view.speaking), slots=view.slots)}**"]
    speaking = sorted(view.speaking, key=lambda each: each.guild_id != guild_id)
    lines += [f"- {_speaking(words, each, guild_id)}" for each in speaking[:SHOWN]]
    if view.line:
        lines.append(f"**{words(LINE, waiting=len(view.line))}**")
        lines += _line(words, view.line, guild_id)
    else:
        lines.append(words(LINE_EMPTY))
    lines += ["", standing_sentence(words, view.you, claim_s)]
    return "\n".join(lines)


def _speaking(words: Words, speaking: Speaking, guild_id: int) -> str:
    wait = minutes(words, speaking.for_s)
    if speaking.guild_id != guild_id:
        return words(ELSEWHERE, wait=wait)
    if speaking.stage is Stage.CALLED:
        return words(COMING, person_id=speaking.person_id)
    ids = {"person_id": speaking.person_id, "channel_id": speaking.channel_id}
    return words(IN_CHANNEL, wait=wait, **ids)


SHOWN = 15
"""Slots, and places of the line, that are listed: a message holds 2,000 characters."""


def _line(words: Words, line: Iterable[Standing], guild_id: int) -> list[str]:
    shown = []
    for standing in list(line)[:SHOWN]:
        here = standing.guild_id == guild_id
        who = words(IN_LINE if here else ELSEWHERE_LINE, person_id=standing.person_id)
        shown.append(f"{standing.position}. {who}")
    return shown
