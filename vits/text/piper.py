"""Fronts of Piper voices: phonemes framed by bos and eos with a pad between them.

Ids equal those of piper-tts 1.8 (tests/vits/text/piper_ids.json), with one difference on purpose:
what piper-tts would hand over as one very long sentence is cut where it pauses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from vits.config import TextFront
from vits.text.arabic import vowelled
from vits.text.chinese import numbers
from vits.text.espeak import espeak
from vits.text.mandarin import Reading, readings
from vits.text.sentences import cut_symbols, split_sentences

_BOS, _EOS, _PAD = "^", "$", "_"
_RAW_PHONEMES = re.compile(r"(\[\[.*?\]\])")
_LANGUAGE_FLAG = re.compile(r"\([^)]+\)")
_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_PAUSES = (".!?", ";:,", " ")


class EspeakFront:
    """Phonemes of espeak-ng. Text within ``[[ ]]`` is taken as phonemes already."""

    def __init__(self, settings: TextFront) -> None:
        self._settings = settings
        self._longest = max((len(cluster) for cluster in settings.clusters), default=1)

    def sentences(self, text: str) -> list[list[int]]:
        """See :class:`vits.text.front.Front`."""
        sentences = (
            part
            for phonemes in self.phonemes(text)
            for part in cut_symbols(self._clustered(phonemes), _PAUSES)
        )
        return [framed(part, self._settings) for part in sentences]

    def phonemes(self, text: str) -> list[list[str]]:
        """Phonemes of each sentence that has any; marks are among them."""
        found: list[list[str]] = []
        parts = _RAW_PHONEMES.split(text)
        joined = False  # the next words go on with the sentence of the raw phonemes before them
        for i, part in enumerate(parts):
            if part.startswith("[[") and part.endswith("]]") and i % 2:
                found = found or [[]]
                spaced = [" "] if parts[i - 1].endswith(" ") else []
                after = [" "] if parts[i + 1].startswith(" ") else []
                found[-1] += [*spaced, *part[2:-2].strip(), *after]
                joined = True
                continue
            spoken = self._spoken(part)
            if joined and spoken:
                found[-1] += spoken.pop(0)
            found += spoken
            joined = False
        return [phonemes for phonemes in found if phonemes]

    def _spoken(self, text: str) -> list[list[str]]:
        sentences: list[list[str]] = []
        current: list[str] = []
        text = vowelled(text) if self._settings.espeak_voice == "ar" else text
        for clause in espeak().clauses(text, self._settings.espeak_voice):
            phonemes = _LANGUAGE_FLAG.sub("", clause.phonemes) + clause.mark
            phonemes += " " if clause.mark in (",", ":", ";") and clause.mark else ""
            # Accents become symbols of their own.
            current += unicodedata.normalize("NFD", phonemes)
            if clause.ends_sentence:
                sentences.append(current)
                current = []
        return [*sentences, current] if current else sentences

    def _clustered(self, phonemes: list[str]) -> list[str]:
        if self._longest == 1:
            return phonemes
        clusters, out, i = set(self._settings.clusters), [], 0
        while i < len(phonemes):
            sizes = range(min(self._longest, len(phonemes) - i), 1, -1)
            size = next((n for n in sizes if tuple(phonemes[i : i + n]) in clusters), 1)
            out.append("".join(phonemes[i : i + size]))
            i += size
        return out


class CharactersFront:
    """The letters themselves, accents apart (Piper's phoneme type "text")."""

    def __init__(self, settings: TextFront) -> None:
        self._settings = settings

    def sentences(self, text: str) -> list[list[int]]:
        """See :class:`vits.text.front.Front`."""
        letters = (
            part
            for sentence in split_sentences(text)
            for part in cut_symbols(list(unicodedata.normalize("NFD", sentence)), _PAUSES)
        )
        known = self._settings.symbols
        return [framed(part, self._settings) for part in letters if any(c in known for c in part)]


def framed(symbols: Iterable[str], settings: TextFront) -> list[int]:
    """bos, pad, then each known symbol and a pad, eos. Unknown symbols are left out."""
    table = settings.symbols
    pad: Sequence[int] = table.get(_PAD, (0,))
    ids = [*table.get(_BOS, (1,)), *pad]
    for symbol in symbols:
        if symbol in table:
            ids += [*table[symbol], *pad]
    return [*ids, *table.get(_EOS, (2,))]


class PinyinFront:
    """Syllables as initial, final and tone (Piper's phoneme type "pinyin"), pad after each.

    piper-tts asks a neural network for readings; here they are those of :mod:`.mandarin`.
    """

    def __init__(self, settings: TextFront) -> None:
        self._settings = settings

    def sentences(self, text: str) -> list[list[int]]:
        """See :class:`vits.text.front.Front`."""
        found = []
        for sentence in split_sentences(re.sub('[“”"]', "", text)):
            groups = [self._group(one) for one in readings(numbers(sentence))]
            if any(len(group) > 1 for group in groups):
                found.append(self._ids(groups))
        return found

    def _group(self, reading: Reading) -> list[str]:
        if not reading.pinyin:
            known = reading.character in self._settings.symbols
            return [reading.character] if known and not reading.character.isalnum() else []
        syllable, tone = reading.pinyin[:-1], reading.pinyin[-1]
        initial = next((i for i in _INITIALS if syllable.startswith(i)), "")
        return [initial or "Ø", syllable[len(initial) :] or syllable, tone]

    def _ids(self, groups: list[list[str]]) -> list[int]:
        table = self._settings.symbols
        ids = [*table.get(_BOS, (1,))]
        for group in groups:
            known = [row for symbol in group for row in table.get(symbol, ())]
            ids += [*known, *table.get(_PAD, (0,))] if known else []
        return [*ids, *table.get(_EOS, (2,))]
