"""How fast the last reply was, as its asker saw and heard it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.records import Interaction, InteractionKind, Json, Message
from sandbox.timeline import Event
from sandbox.voice.hearing import HeardFrame


@dataclass
class _Asked:
    """A question on its way. Times are real seconds since the sandbox opened."""

    at_s: float
    after_spurt: int
    interaction: Interaction | None = None
    message: Message | None = None
    acknowledged_s: float | None = None
    text_s: float | None = None
    sound_s: float | None = None


class Bench:
    """Follows one member's last question: acknowledgement, first text, first sound.

    Commands that are answered to the asker alone (``/voice join``) are no questions. The first
    sound is that of speech which began after the question; in a crowd that may be for another.
    """

    def __init__(self) -> None:
        self._asked: _Asked | None = None
        self._before: _Asked | None = None
        self._spurt = 0

    def follow(self, event: Event, user_id: int, bot_id: int) -> bool:
        """Take an event of the timeline; whether the figures changed."""
        interaction, message = event.details.get("interaction"), event.details.get("message")
        if event.kind == "interaction.create" and isinstance(interaction, Interaction):
            if interaction.user_id == user_id and interaction.kind is InteractionKind.COMMAND:
                self._ask(_Asked(event.real_s, self._spurt, interaction=interaction))
            return False
        if event.kind == "message.create" and isinstance(message, Message):
            asks = message.guild_id is None or bot_id in message.mention_ids
            if message.author_id == user_id and asks:
                self._ask(_Asked(event.real_s, self._spurt, message=message))
                return False
        return self._answered(event, interaction, message, bot_id)

    def hears(self, frame: HeardFrame) -> bool:
        """A frame with sound reached the asker; whether it was the first of an answer."""
        self._spurt, asked = frame.spurt, self._asked
        if asked is None or asked.sound_s is not None or frame.spurt == asked.after_spurt:
            return False
        asked.sound_s = frame.arrived_s
        return True

    def view(self) -> Json:
        """Seconds from the question, None for what has not come (yet)."""
        asked = self._asked
        if asked is None:
            return {}
        return {
            name: None if at_s is None else round(at_s - asked.at_s, 3)
            for name, at_s in (
                ("acknowledged", asked.acknowledged_s),
                ("text", asked.text_s),
                ("sound", asked.sound_s),
            )
        }

    def _ask(self, asked: _Asked) -> None:
        if self._asked is None or self._asked.text_s is not None:
            self._before = self._asked
        self._asked = asked

    def _answered(self, event: Event, interaction: object, message: object, bot_id: int) -> bool:
        asked = self._asked
        if asked is None:
            return False
        if asked.interaction and isinstance(message, Message) and message.ephemeral:
            if message.interaction is asked.interaction:
                self._asked = self._before
                return True
            return False
        if asked.interaction and interaction is asked.interaction and asked.interaction.modal:
            self._asked = self._before  # a form was asked for, no answer
            return True
        before = (asked.acknowledged_s, asked.text_s)
        if event.kind == "interaction.answer" and interaction is asked.interaction:
            asked.acknowledged_s = asked.acknowledged_s or event.real_s
        elif event.kind == "typing" and asked.message:
            where, who = event.details.get("channel_id"), event.details.get("user_id")
            if who == bot_id and where == asked.message.channel_id:
                asked.acknowledged_s = asked.acknowledged_s or event.real_s
        elif isinstance(message, Message) and self._belongs(asked, message, bot_id):
            asked.acknowledged_s = asked.acknowledged_s or event.real_s
            if message.content:
                asked.text_s = asked.text_s or event.real_s
        return before != (asked.acknowledged_s, asked.text_s)

    @staticmethod
    def _belongs(asked: _Asked, message: Message, bot_id: int) -> bool:
        if message.author_id != bot_id:
            return False
        if asked.interaction:
            return message.interaction is asked.interaction
        question = asked.message
        return question is not None and (
            message.reply_to == question.id
            or (message.guild_id is None and message.channel_id == question.channel_id)
        )
