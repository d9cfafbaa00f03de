"""Every sentence a person reads, in their language.

Sentences are written in English where they are used, marked with :func:`N_`, and
looked up in ``locale/<language>/LC_MESSAGES/parley.po`` when they are shown.
``make catalogue`` brings the catalogues up to date; ``tests/test_words.py`` says when that is due.
Catalogues are read as text (Babel) and compiled in memory, so there is no build step.

Legend: *locale* is Discord's own name for a language, such as ``"en-US"``, ``"zh-TW"``, ``"ja"``.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).parent / "locale"
DOMAIN = "parley"

NameKind = Literal["command", "option", "permission"]
"""What a name is of; the context (``msgctxt``) that it stands in in the catalogues."""


def N_(msgid: str) -> str:  # noqa: N802 - gettext's own name for "mark, do not translate yet"
    """Mark ``msgid`` as translatable and return it unchanged."""
    return msgid


class Words:
    """The sentences of one locale. ``Words.of(locale)`` is cached and cheap."""

    def __init__(self, locale: str, catalogue: gettext.NullTranslations) -> None:
        self.locale = locale
        self._catalogue = catalogue

    @staticmethod
    def of(locale: str) -> Words:
        """The words for a Discord locale; an unknown one speaks English."""
        return _load(locale)

    def __call__(self, msgid: str, **details: object) -> str:
        """Translate ``msgid`` and fill its ``{named}`` holes from ``details``."""
        sentence = self._catalogue.gettext(msgid) if msgid else ""
        return sentence.format(**details) if details else sentence

    def name(self, english: str, kind: NameKind) -> str:
        """A name; in another context, the same word may be a sentence or another kind of name."""
        return self._catalogue.pgettext(kind, english)

    def plural(self, one: str, many: str, n: int, **details: object) -> str:
        """Translate by the language's plural rule; ``{n}`` is filled too."""
        return self._catalogue.ngettext(one, many, n).format(n=n, **details)


@cache
def _load(locale: str) -> Words:
    path = LOCALE_DIR / locale.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"
    if locale.startswith("en") or not path.is_file():
        return Words(locale, gettext.NullTranslations())
    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=locale.replace("-", "_")))
    compiled.seek(0)
    return Words(locale, gettext.GNUTranslations(compiled))
