"""Whether a text may go on: to the model, to a channel, to a voice.

Off unless the owner or a server turns it on. Word lists look for whole words, whatever their case,
width or invisible characters; scripts without spaces are searched for the characters themselves.
Where the endpoint's moderation call is asked and fails, nothing goes on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace

import openai

from dialogue.errors import AnswerRefused, CheckUnavailable, ContentRefused
from dialogue.model import Model, Piece
from dialogue.plain import plain
from dialogue.settings import ContentSettings
from storage.records import GuildSettings

SEGMENT_CHARACTERS = 400
"""How much of an answer is held back at most before the endpoint is asked about it."""

_END = re.compile(r"(?<=[.!?…。！？\n])\s*")
# Words of these scripts are not set apart by spaces.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class ContentChecks:
    """Raises ``CheckUnavailable`` wherever the endpoint is asked."""

    def __init__(self, settings: ContentSettings, model: Model) -> None:
        self._settings = settings
        self._model = model
        self._owner_words = _pattern(settings.words if settings.check != "off" else ())

    def active(self, guild: GuildSettings | None) -> bool:
        """Whether anything is checked in this server (``None``: in direct messages)."""
        words = self._settings.check != "off" and self._settings.words
        return self._asks_endpoint(guild) or bool(words or (guild and guild.words_refused))

    def _asks_endpoint(self, guild: GuildSettings | None) -> bool:
        return self._settings.check == "endpoint" or bool(guild and guild.check_content)

    async def asked(self, text: str, guild: GuildSettings | None) -> None:
        """Before a question is sent. Raises ``ContentRefused``."""
        if self.active(guild) and not await self._fit(text, guild):
            raise ContentRefused

    async def spoken(self, text: str, guild: GuildSettings | None) -> None:
        """Before something is said aloud that no model wrote. Raises ``ContentRefused``."""
        await self.asked(text, guild)

    def listed(self, text: str, guild: GuildSettings | None) -> bool:
        """Whether a list of words refuses it; asks no endpoint."""
        return self._refused(_bare(text), guild, whole=True)

    async def answered(
        self, pieces: AsyncGenerator[Piece, None], guild: GuildSettings | None
    ) -> AsyncGenerator[Piece, None]:
        """The pieces of an answer, held back until they were checked. Raises ``AnswerRefused``.

        Each check sees all that was written so far, so that nothing is missed across a border.
        """
        async with aclosing(pieces):
            if not self.active(guild):
                async for piece in pieces:
                    yield piece
                return
            written, held = "", ""
            async for piece in pieces:
                held += piece.text
                last = bool(piece.finish or piece.tokens_in or piece.tokens_out)
                ready = len(held) if last else self._ready(held, guild)
                # With nothing ready an empty piece still says that the model is at work.
                if ready:
                    await self._pass(written + held, guild, whole=last)
                yield replace(piece, text=held[:ready])
                written, held = written + held[:ready], held[ready:]
            if held:
                await self._pass(written + held, guild, whole=True)
                yield Piece(text=held)

    def _ready(self, held: str, guild: GuildSettings | None) -> int:
        """How many characters of ``held`` can be checked for good before more is written."""
        if self._asks_endpoint(guild):
            ends = [found.end() for found in _END.finditer(held) if found.end() < len(held)]
            if ends and (ends[-1] >= SEGMENT_CHARACTERS // 4 or held[ends[-1] - 1] == "\n"):
                return ends[-1]
            return len(held) if len(held) >= SEGMENT_CHARACTERS else 0
        # A refused word that begins before this is in view to its end, and what follows it too.
        words = (*self._settings.words, *(guild.words_refused if guild else ()))
        return max(len(held) - 2 * max(map(len, words), default=0) - 1, 0)

    async def _pass(self, text: str, guild: GuildSettings | None, *, whole: bool) -> None:
        if not await self._fit(text, guild, whole=whole):
            raise AnswerRefused

    async def _fit(self, text: str, guild: GuildSettings | None, *, whole: bool = True) -> bool:
        if self._refused(_bare(text), guild, whole=whole):
            return False
        if not self._asks_endpoint(guild) or not text.strip():
            return True
        return not await self._flagged(text)

    def _refused(self, bare: str, guild: GuildSettings | None, *, whole: bool) -> bool:
        for pattern in (self._owner_words, _pattern(guild.words_refused if guild else ())):
            for found in pattern.finditer(bare) if pattern else ():
                # At the very end of unfinished text it may still become a longer, harmless word.
                if whole or found.end() < len(bare):
                    return True
        return False

    async def _flagged(self, text: str) -> bool:
        if self._model.demo:
            raise CheckUnavailable  # the demo model has no moderation call
        client: openai.AsyncOpenAI = (await self._model.chat()).root_async_client
        named = {"model": self._settings.model} if self._settings.model else {}
        try:
            found = await client.moderations.create(
                input=text,
                timeout=self._settings.timeout_s,
                **named,  # type: ignore[arg-type]  # a plain string is one of its choices
            )
        except (openai.OpenAIError, TimeoutError, OSError) as error:
            raise CheckUnavailable from error
        return any(result.flagged for result in found.results)


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", plain(text)).casefold().replace("\u200d", "")


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    bare = [bare for word in words if (bare := _bare(word).strip())]
    if not bare:
        return None
    return re.compile(
        "|".join(
            re.escape(word) if _UNSPACED.search(word) else rf"(?<!\w){re.escape(word)}(?!\w)"
            for word in bare
        )
    )
