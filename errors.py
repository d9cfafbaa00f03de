"""Everything we raise on purpose; each error knows the sentence its user sees.

``storage`` and ``vits`` know nobody, so they have small error trees of their own;
the renderer in ``cogs/replies.py`` gives those a sentence too. Anything else is a
fault of ours: the user sees a reference id, and the log holds the same id.

Sentences never carry what a person wrote, a secret or a path.
"""

from __future__ import annotations

from typing import ClassVar

from words import N_, Words


class ParleyError(Exception):
    """Base of the tree. A subclass sets ``sentence``; ``details`` fill its ``{holes}``."""

    sentence: ClassVar[str] = N_("Something went wrong. Nothing you wrote is lost.")

    def __init__(self, **details: object) -> None:
        super().__init__(type(self).__name__)
        self.details = details

    def say(self, words: Words) -> str:
        """The sentence for the person, in their language."""
        return words(self.sentence, **self.details)


class BadInput(ParleyError):
    """What the person gave cannot be used; they can mend it."""

    sentence = N_("I can't use that: it is empty.")


class NotAllowed(ParleyError):
    """The person, or Parley itself, lacks a permission."""

    sentence = N_("You are not allowed to do that here.")


class Unavailable(ParleyError):
    """A resource is missing or busy for now; trying later may work."""

    sentence = N_("That is not available right now. Please try again in a moment.")


class SettingsError(ParleyError):
    """A setting is unknown or has a bad value. ``bot.py`` prints it and exits with 2."""

    sentence = N_("{file}: {key}: {problem}")
