"""What a message may hold, and who may send it where."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.checks.components import check_message_components
from sandbox.checks.embeds import check_embeds
from sandbox.errors import ApiError, bad_form, missing_access, missing_permissions, too_long
from sandbox.mentions import check_allowed
from sandbox.message_json import UPLOAD_LIMIT
from sandbox.permissions import Permission, names
from sandbox.records import Channel, ChannelKind, Json, MessageFlag
from sandbox.uploads import Upload, content_type
from sandbox.world import World

CONTENT = 2000
NONCE = 25
FILES = 10
SETTABLE = (
    MessageFlag.SUPPRESS_EMBEDS
    | MessageFlag.SUPPRESS_NOTIFICATIONS
    | MessageFlag.VOICE_MESSAGE
    | MessageFlag.COMPONENTS_V2
)
"""Flags for a channel message; answers to interactions take EPHEMERAL, not VOICE_MESSAGE."""
SETTABLE_BY_ANSWER = (SETTABLE & ~MessageFlag.VOICE_MESSAGE) | MessageFlag.EPHEMERAL


@dataclass
class Draft:
    """A message that someone wants to send."""

    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    flags: int = 0
    tts: bool = False
    nonce: str | int | None = None
    enforce_nonce: bool = False
    allowed_mentions: Json | None = None
    reply_to: int | None = None
    reply_or_fail: bool = True
    """Where the message replied to is gone: refuse, or send it as no reply."""

    @property
    def v2(self) -> bool:
        """Whether it is made of layout components."""
        return bool(self.flags & MessageFlag.COMPONENTS_V2)

    @property
    def voice_message(self) -> bool:
        """Whether it is a native voice message."""
        return bool(self.flags & MessageFlag.VOICE_MESSAGE)


def check_draft(draft: Draft, *, answer: bool = False) -> None:
    """Raise Discord's error for a new message that it would refuse."""
    if len(draft.content) > CONTENT:
        raise too_long("message-too-long", "content", CONTENT)
    if draft.nonce is not None and len(str(draft.nonce)) > NONCE:
        raise too_long("nonce", "nonce", NONCE)
    settable = SETTABLE_BY_ANSWER if answer else SETTABLE
    if draft.flags & ~int(settable):
        raise bad_form(
            "flags",
            "flags",
            "BITFIELD_INVALID",
            f"Flags {draft.flags & ~int(settable)} not settable",
        )
    check_allowed(draft.allowed_mentions)
    check_files(draft.uploads)
    if draft.voice_message:
        _check_voice_message(draft)
        return
    check_parts(draft.content, draft.embeds, draft.components, v2=draft.v2)
    if not (draft.content or draft.embeds or draft.components or draft.uploads):
        raise empty_message()


def check_parts(content: str, embeds: list[Json], components: list[Json], *, v2: bool) -> None:
    """Check what new and edited messages have in common."""
    if v2 and (content or embeds):
        raise bad_form(
            "components",
            "flags",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The 'content' and 'embeds' fields cannot be used with MessageFlags.IS_COMPONENTS_V2.",
        )
    check_embeds(embeds)
    check_message_components(components, v2=v2)


def check_files(uploads: list[Upload]) -> None:
    """At most ten files of at most 10 MiB."""
    if len(uploads) > FILES:
        raise ApiError(400, 30015, "Maximum number of attachments reached (10)", rule="files")
    if any(len(u.data) > UPLOAD_LIMIT for u in uploads):
        raise ApiError(413, 40005, "Request entity too large", rule="files")


def empty_message() -> ApiError:
    """400 50006."""
    return ApiError(400, 50006, "Cannot send an empty message", rule="empty-message")


def check_may_send(world: World, user_id: int, channel: Channel, draft: Draft) -> None:
    """Raise 50001, 50007, 50008, 50013 or 50173 where the sender lacks a permission."""
    if channel.kind is ChannelKind.CATEGORY:
        raise ApiError(400, 50008, "Cannot send messages in a non-text channel", rule="channel")
    bits = world.permissions(user_id, channel)
    if not bits & Permission.VIEW_CHANNEL:
        raise missing_access()
    if channel.kind is ChannelKind.DM:
        _check_direct(world, user_id, channel)
    need = Permission.SEND_MESSAGES
    if draft.embeds:
        need |= Permission.EMBED_LINKS
    if draft.uploads:
        need |= Permission.ATTACH_FILES
    if draft.voice_message and not bits & Permission.SEND_VOICE_MESSAGES:
        raise ApiError(
            403,
            50173,
            "You do not have permission to send voice messages in this channel",
            rule="missing-permissions SEND_VOICE_MESSAGES",
        )
    if missing := need & ~bits:
        raise missing_permissions(", ".join(names(missing)))
    if draft.reply_to and not bits & Permission.READ_MESSAGE_HISTORY:
        raise ApiError(
            400,
            160002,
            "Cannot reply without permission to read message history",
            rule="missing-permissions READ_MESSAGE_HISTORY",
        )


def _check_direct(world: World, user_id: int, channel: Channel) -> None:
    other_id = next(i for i in channel.recipient_ids if i != user_id)
    known = world.share_guild(user_id, other_id) or bool(world.messages.get(channel.id))
    if not world.users[other_id].dms_open or not known:
        # People close their direct messages; a bot cannot know it beforehand.
        raise ApiError(403, 50007, "Cannot send messages to this user")


def _check_voice_message(draft: Draft) -> None:
    """Voice messages: one audio file with duration and waveform, and nothing else."""
    if draft.content or draft.embeds or draft.components:
        raise ApiError(
            400, 50159, "Voice messages do not support additional content", rule="voice-message"
        )
    if len(draft.uploads) != 1 or not content_type(draft.uploads[0]).startswith("audio/"):
        raise ApiError(
            400, 50160, "Voice messages must have a single audio attachment", rule="voice-message"
        )
    upload = draft.uploads[0]
    if upload.duration_s is None or not upload.waveform:
        raise ApiError(
            400, 50161, "Voice messages must have supporting metadata", rule="voice-message"
        )
