"""``/voice status``: the truth about one server's voice, line by line."""

from __future__ import annotations

from cogs.house import House
from cogs.lobby_words import standing_sentence
from cogs.scene import Scene
from cogs.watchdog import LinkStatus, missing_permissions
from words import N_, Words

CONNECTED = N_("Connected to <#{channel_id}>.")
NOT_CONNECTED = N_("Not connected to a voice channel here.")
MENDING = N_("The connection to <#{channel_id}> was lost; I am mending it.")
ENCRYPTED = N_("End-to-end encryption (DAVE): on")
NOT_ENCRYPTED = N_("End-to-end encryption (DAVE): off")
LAST_CLOSE = N_("Last close code: {code}; connections mended: {mended}")
NO_CLOSE = N_("Last close code: none")
LACKING = N_("Missing permissions in <#{channel_id}>: {permissions}")
COMPLETE = N_("Missing permissions: none")
QUEUE = N_("Replies waiting to be spoken: {waiting}")
WORKERS = N_("Voice workers: {answering} of {workers} answer, {lost} were replaced")


async def voice_status(house: House, scene: Scene) -> str:
    """What the person reads."""
    words, link = scene.words, house.rooms.status(scene.guild_id)
    lines = [*_connection(words, link), *_permissions(words, scene, link.channel_id)]
    player = house.rooms.player(scene.guild_id)
    if player is not None:
        lines.append(words(QUEUE, waiting=len(player.view().waiting)))
    health = await house.studio.health()
    answering = sum(worker.answers for worker in health.workers)
    lines.append(words(WORKERS, answering=answering, workers=len(health.workers), lost=health.lost))
    you = house.director.standing(scene.user.id)
    lines.append(standing_sentence(words, you, house.lobby.claim_s))
    return "\n".join(lines)


def _connection(words: Words, link: LinkStatus) -> list[str]:
    if not link.channel_id:
        state = words(NOT_CONNECTED)
    else:
        state = words(CONNECTED if link.connected else MENDING, channel_id=link.channel_id)
    lines = [state]
    if link.connected:
        lines.append(words(ENCRYPTED if link.encrypted else NOT_ENCRYPTED))
    if link.last_close is None:
        lines.append(words(NO_CLOSE))
    else:
        lines.append(words(LAST_CLOSE, code=link.last_close, mended=link.mended))
    return lines


def _permissions(words: Words, scene: Scene, channel_id: int) -> list[str]:
    """Of the channel Parley is in, or else of the one the person is in."""
    channel_id = channel_id or scene.voice_channel_id
    channel = scene.guild.get_channel(channel_id) if scene.guild and channel_id else None
    if channel is None:
        return []
    missing = missing_permissions(channel)
    if not missing:
        return [words(COMPLETE)]
    named = ", ".join(words.name(each, "permission") for each in missing)
    return [words(LACKING, channel_id=channel_id, permissions=named)]
