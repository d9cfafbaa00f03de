"""One class for each way a conversation can fail, each with its sentence.

What a model's endpoint said about its failure never reaches a person or a log: it may quote them.
"""

from __future__ import annotations

from errors import BadInput, NotAllowed, ParleyError, Unavailable
from words import N_


class AskedBeforeForget(NotAllowed):
    """A message that waited its turn while its writer had themselves forgotten."""

    sentence = N_("You had me forget you before I came to this message, so I left it unread.")


class ModelError(ParleyError):
    """Base of everything that goes wrong between us and the model. What was said is kept."""

    sentence = N_("The language model could not answer. Please try again.")


class RateLimited(ModelError, Unavailable):
    sentence = N_("Too many people are asking the language model. Please try again in a minute.")


class ProviderQuotaSpent(ModelError, Unavailable):
    sentence = N_(
        "The account that pays for the language model has no credit left. "
        "Please tell the owner of this bot."
    )


class ContentFiltered(ModelError):
    sentence = N_("The language model's content filter stopped this answer.")


class ContextTooLong(ModelError, BadInput):
    sentence = N_(
        "That is longer than the language model can read. "
        "Please shorten it, or clear the memory with /memory clear."
    )


class KeyRefused(ModelError, Unavailable):
    sentence = N_(
        "The language model does not accept this bot's key. Please tell the owner of this bot."
    )


class ModelNotAllowed(ModelError, Unavailable):
    sentence = N_("This bot may not use its language model. Please tell the owner of this bot.")


class ModelMissing(ModelError, Unavailable):
    sentence = N_(
        "The language model this bot is set to does not exist. Please tell the owner of this bot."
    )


class RequestRefused(ModelError):
    sentence = N_(
        "The language model could not use this message. "
        "If it has an image, the model may be unable to see."
    )


class ModelTimeout(ModelError, Unavailable):
    sentence = N_("The language model did not answer in time. Please try again.")


class ModelUnreachable(ModelError, Unavailable):
    sentence = N_("The language model cannot be reached right now. Please try again in a moment.")


class AnswerCut(ModelError):
    sentence = N_("The connection to the language model broke in the middle of the answer.")


class AnswerStalled(ModelError):
    sentence = N_("The language model stopped in the middle of the answer.")


class ModelServerError(ModelError, Unavailable):
    sentence = N_("The language model has a fault of its own. Please try again in a moment.")


class EmptyAnswer(ModelError):
    sentence = N_("The language model had nothing to say. Please ask in another way.")


class NoSight(ModelError, BadInput):
    sentence = N_("The language model I use here can't see pictures. Please describe it in words.")


class TooManyCalls(ModelError):
    sentence = N_("The language model used its tools too often without coming to an answer.")


class LineFull(Unavailable):
    """One person has too many messages waiting."""

    sentence = N_("I am still answering your earlier messages. Please wait for one of them.")


class Blocked(NotAllowed):
    sentence = N_("The moderators of this server have blocked you from talking with me.")


class QuotaSpent(Unavailable):
    """``renews`` is a Discord time stamp."""

    sentence = N_("You have used up what you may use in a day. It renews {renews}.")


class SpeechQuotaSpent(QuotaSpent):
    sentence = N_("You have used up the speech you may use in a day. It renews {renews}.")


class ContentRefused(BadInput):
    sentence = N_("I can't talk about that here.")


class AnswerRefused(ParleyError):
    sentence = N_("My answer was not fit for this server, so I took it back.")


class CheckUnavailable(Unavailable):
    """The content check did not work, so nothing goes on."""

    sentence = N_("I can't check messages right now, so I can't answer. Please try again soon.")


class NothingAsked(BadInput):
    sentence = N_("There is nothing to answer: the message is empty.")


class TurnGone(BadInput):
    sentence = N_("That answer is no longer in your memory.")


class NothingToUndo(BadInput):
    sentence = N_("Your memory here is empty: there is nothing to take back.")


class PinsFull(BadInput):
    sentence = N_("Pinned turns may fill half of the memory. Please unpin one first.")


class PersonaMissing(BadInput):
    sentence = N_("There is no persona of that name here.")


class PersonaLocked(NotAllowed):
    sentence = N_("The moderators of this server have locked the persona.")


class PersonaTooLong(BadInput):
    sentence = N_("That persona is too long: {tokens} tokens, and {limit} are allowed.")


class TooManyPersonas(BadInput):
    sentence = N_("There can be at most {limit} personas. Please delete one first.")


class BadName(BadInput):
    sentence = N_("A name has 1 to {limit} letters, digits, spaces or hyphens.")


class BadValue(BadInput):
    """A number out of range. ``low`` and ``high`` say what is allowed."""

    sentence = N_("That has to be between {low} and {high}.")


class BadEntry(BadInput):
    sentence = N_("A dictionary entry needs a word and how it is spoken.")


class BadDictionaryFile(BadInput):
    sentence = N_("Line {line} of the file can't be used: two columns are needed, word and spoken.")


class DictionaryFull(BadInput):
    sentence = N_("A dictionary holds at most {limit} entries.")


class UnreadableFile(BadInput):
    sentence = N_("I can't read that file. I read text, PDF, images and audio.")


class FileTooLarge(BadInput):
    sentence = N_("That file is too large: at most {limit} MB can be read.")


class NoHearing(Unavailable):
    sentence = N_("I can't listen to recordings here: no speech recognition is installed.")


class AudioTooLong(BadInput):
    sentence = N_("That recording is too long: at most {limit} seconds can be heard.")


class NothingHeard(BadInput):
    sentence = N_("I heard no words in that recording.")


class NotThisServer(NotAllowed):
    sentence = N_("Moderators can act in their own server only.")
