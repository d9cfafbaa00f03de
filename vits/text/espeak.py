"""espeak-ng by ctypes: text to phonemes, clause by clause, and its own robotic voice.

The library and its data (GPL-3.0-or-later) come inside packages: see :func:`libraries`.

One rule: espeak-ng keeps its voice and its reading position in globals of the process, so there is
one :class:`Espeak` per process, :func:`espeak` hands it out, and every call holds its lock.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vits.arrays import F32
from vits.errors import BadText, MissingDependency

_RETRIEVAL, _DO_NOT_EXIT = 1, 0x8000  # sound goes to a callback; errors return instead of exit()
_UTF8, _IPA = 1, 2
_ENDS_SOUND, _GOES_ON = 1, 0
_RATE, _NORMAL_WORDS_PER_MINUTE = 1, 175

# Pause in 10 ms, intonation, kind of ending: the CLAUSE_ constants of espeak-ng's translate.h.
_SENTENCE = 0x80000
_TERMINATORS = {
    40 | _SENTENCE: ".",
    40 | 0x2000 | _SENTENCE: "?",
    45 | 0x3000 | _SENTENCE: "!",
    20 | 0x1000 | 0x40000: ",",
    30 | 0x40000: ":",
    30 | 0x1000 | 0x40000: ";",
}

# A clause ends at these marks (Unicode properties in espeak-ng 1.52). Voices know the ASCII ones;
# the mark "" ends a clause without a symbol of its own.
_SENTENCE_MARKS = {
    ".": ".۔܁܄።᙮᠃᠉⒈⒉⒊⒋⒌⒍⒎⒏⒐⒑⒒⒓⒔⒕⒖⒗⒘⒙⒚⒛⳹⳾⸳⸼꓿꘎꛳︒﹒｡𖫵𛲟𝪈🄀",
    "?": "?;؟܉፧᥅⁇❓❔⳺⳻꘏꛷︖﹖𑅃𞥟",
    "!": "!܃߹᥄‼❕❗❢❣︕﹗𞥞",
    "": "։܀।॥෴།༎჻፨\u2029。！．？",
}
_CLAUSE_MARKS = {
    ",": ",՝،܂߸༔፣᠂᠈⸲⸴⹁꓾꘍꛵︐︑﹐﹑､𑑍𝪇🄁🄂🄃🄄🄅🄆🄇🄈🄉🄊",
    ":": ":܆܇፥፦᠄⦂꛴︓﹕𒑱𒑲𝪊",
    ";": ";·؛܈፤–—⁏⸵⸺⸻꛶︔︱︲﹔𝪉",
    "": "¡¿ຯ᠁…⋮⋯⋰⋱、︙，：；",
}
_MARKS = {
    char: (mark, ends)
    for table, ends in ((_SENTENCE_MARKS, True), (_CLAUSE_MARKS, False))
    for mark, chars in table.items()
    for char in chars
}
# Found by feeding every language random text; 1.52.0.1 reads past a table in these two.
_CRASHED_BY_EMOJI = frozenset(("ms", "ne"))
_EMOJI = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")

# Where a dot after a Roman numeral makes it an ordinal rather than ending the sentence.
_ORDINAL_DOT = frozenset(
    ("da", "de", "et", "fi", "fo", "hu", "kl", "lt", "ltg", "lv", "nb", "nl", "sl", "smj")
)


class Clause(NamedTuple):
    """What espeak-ng reads in one breath."""

    phonemes: str  # IPA, with language flags such as "(en)"
    mark: str  # "." "?" "!" "," ":" ";" or ""
    ends_sentence: bool


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """One of espeak-ng's languages."""

    name: str  # "English (America)"
    language: str  # "en-us"


class Espeak:
    """The library; :func:`espeak` has it. Calls from several threads wait for each other."""

    def __init__(self, library: Library) -> None:
        """Raises MissingDependency: the library or its data cannot be used."""
        self._lock = threading.Lock()
        try:
            # Any: ctypes gives functions no types.
            self._lib: Any = ctypes.CDLL(str(library.path))
        except OSError as error:
            raise MissingDependency(f"espeak-ng does not load: {error}") from error
        self.knows_marks = hasattr(self._lib, "espeak_TextToPhonemesWithTerminator")
        place = ctypes.POINTER(ctypes.c_void_p)
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._lib.espeak_TextToPhonemes.argtypes = [place, ctypes.c_int, ctypes.c_int]
        if self.knows_marks:
            read = self._lib.espeak_TextToPhonemesWithTerminator
            read.restype = ctypes.c_char_p
            read.argtypes = [place, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceRecord))
        data = str(library.data).encode()
        self.rate_hz = int(self._lib.espeak_Initialize(_RETRIEVAL, 0, data, _DO_NOT_EXIT))
        if self.rate_hz <= 0:
            raise MissingDependency("espeak-ng cannot read its data (is its path very long?)")
        self._voice = ""
        self._pieces: list[F32] = []
        # Kept as an attribute: ctypes does not keep it, and the library calls into it later.
        self._callback = _CALLBACK(self._hear)
        self._lib.espeak_SetSynthCallback(self._callback)

    def voices(self) -> tuple[EspeakVoice, ...]:
        """Every language the library has."""
        with self._lock:
            records = self._lib.espeak_ListVoices(None)
            found = []
            for record in iter(iter(records).__next__, None):
                if not record:
                    break
                one = record.contents
                # A priority byte, then the language tag.
                tag = one.languages[1:].decode("utf-8", "replace")
                found.append(EspeakVoice(one.name.decode("utf-8", "replace"), tag))
            return tuple(found)

    def clauses(self, text: str, voice: str) -> list[Clause]:
        """Read ``text`` in the language ``voice`` ("en-us").

        Raises:
            BadText: espeak-ng has no such voice.
        """
        with self._lock:
            self._choose(voice)
            read = list(self._read(_clean(text, voice)))
        if all(terminator is not None for _, _, terminator in read):
            return [Clause(phonemes, *_mark(number or 0)) for _, phonemes, number in read]
        ordinals = voice.split("-")[0] in _ORDINAL_DOT
        clauses, carried = [], ""
        for i, (chunk, phonemes, _) in enumerate(read):
            last = i == len(read) - 1
            body = carried + (chunk if last else chunk[:-1])
            carried = chunk[-1:]
            mark, ends = _ending(body, carried, last=last, ordinals=ordinals)
            clauses.append(Clause(phonemes, mark, ends))
        return clauses

    def speak(self, text: str, voice: str, *, speed: float = 1.0) -> F32:
        """Say ``text`` with espeak-ng's own voice: float32 (n,) at :attr:`rate_hz`.

        Raises:
            BadText: espeak-ng has no such voice.
        """
        encoded = _clean(text, voice).encode("utf-8", "replace") + b"\0"
        words_per_minute = round(min(450.0, max(80.0, _NORMAL_WORDS_PER_MINUTE * speed)))
        with self._lock:
            self._choose(voice)
            self._pieces.clear()
            self._lib.espeak_SetParameter(_RATE, words_per_minute, 0)
            self._lib.espeak_Synth(encoded, len(encoded), 0, 1, 0, _UTF8, None, None)
            self._lib.espeak_Synchronize()
            pieces = list(self._pieces)
            self._pieces.clear()
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def _hear(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            heard = np.ctypeslib.as_array(samples, (count,)).astype(np.float32)
            self._pieces.append(heard / np.float32(32768))
        return _GOES_ON

    def _choose(self, voice: str) -> None:
        if voice != self._voice:
            if self._lib.espeak_SetVoiceByName(voice.encode("utf-8", "replace")) != 0:
                raise BadText(f"espeak-ng has no voice {voice!r}")
            self._voice = voice

    def _read(self, text: str) -> Iterator[tuple[str, str, int | None]]:
        """(stretch of text read, its phonemes, how it ended if the library says).

        A stretch takes in one character too many, which espeak-ng keeps for the next; the space
        at the end is there to be that one, since a letter in its place would be lost, or turn up
        in the next text.
        """
        buffer = ctypes.create_string_buffer((text + " ").encode("utf-8", "replace"))
        base = ctypes.addressof(buffer)
        place = ctypes.c_void_p(base)
        ending = ctypes.c_int(0)
        start = 0
        while place.value is not None:
            if self.knows_marks:
                phonemes = self._lib.espeak_TextToPhonemesWithTerminator(
                    ctypes.byref(place), _UTF8, _IPA, ctypes.byref(ending)
                )
            else:
                phonemes = self._lib.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, _IPA)
            end = len(buffer) - 1 if place.value is None else place.value - base
            chunk = buffer.raw[start:end].decode("utf-8", "replace")
            yield chunk, (phonemes or b"").decode(), ending.value if self.knows_marks else None
            start = end


def _clean(text: str, voice: str) -> str:
    """Without what harms the library: control characters, one of which begins its embedded
    commands, and emoji in the languages whose emoji names crash it."""
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", text)
    return _EMOJI.sub(" ", text) if voice in _CRASHED_BY_EMOJI else text


def _mark(terminator: int) -> tuple[str, bool]:
    """The library's word for how a clause ended: a pause, an intonation and a kind."""
    return _TERMINATORS.get(terminator & 0xFFFFF, ""), bool(terminator & _SENTENCE)


def _ending(body: str, following: str, *, last: bool, ordinals: bool) -> tuple[str, bool]:
    """Which mark ended a clause, and whether a sentence ended with it.

    espeak-ng up to 1.52.0 does not say, so its rules are followed here: the first mark of a run
    counts, three dots are an ellipsis, an empty line ends a paragraph without a mark.
    """
    words = body.rstrip()
    newlines = body[len(words) :].count("\n")
    if newlines >= 2:
        return "", True
    run = words[len(words.rstrip("".join(_MARKS))) :]
    if not run or not (newlines or any(char.isalnum() for char in words)):
        return "", last
    first = "…" if run.startswith("...") else run[0]
    before = words[: -len(run)]
    if first == "." and not newlines:
        if not last and following.islower():
            return "", False  # an abbreviation; the clause broke because it was too long
        if last and ordinals and re.search(r"(^|[\sIVXL])[IVXL]$", before):
            return "", True
    return _MARKS[first]


class _VoiceRecord(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True, slots=True)
class Library:
    """A copy of libespeak-ng and the data it was built with."""

    path: Path
    data: Path


def libraries() -> tuple[Library, ...]:
    """The copies that are installed, best first.

    piper-tts carries the newest, built into its extension module but exporting the C functions;
    only with that one are a Piper voice's ids exactly those that piper-tts would give. The module
    is found, not imported: importing piper would load onnxruntime.
    """
    found = []
    piper = importlib.util.find_spec("piper")
    for place in (piper.submodule_search_locations or []) if piper else []:
        extensions = sorted(Path(place).glob("espeakbridge*.so"))
        found += [Library(path, Path(place) / "espeak-ng-data") for path in extensions]
    if importlib.util.find_spec("espeakng_loader"):
        loader = importlib.import_module("espeakng_loader")
        found.append(Library(Path(loader.get_library_path()), Path(loader.get_data_path())))
    return tuple(found)


_opened: dict[Library, Espeak] = {}
_opening = threading.Lock()


def opened(library: Library) -> Espeak:
    """A copy, loaded once for the life of the process: its globals hold a pointer to ours.

    Raises:
        MissingDependency: it cannot be used.
    """
    with _opening:
        if library not in _opened:
            _opened[library] = Espeak(library)
        return _opened[library]


@functools.cache
def espeak() -> Espeak:
    """The one instance of this process, loaded when first asked for.

    Raises:
        MissingDependency: no copy of the library can be used; says how to install one.
    """
    reasons = []
    for library in libraries():
        try:
            return opened(library)
        except (MissingDependency, AttributeError) as error:  # a function the copy does not export
            reasons.append(str(error))
    how = "espeak-ng is missing: pip install espeakng-loader"
    raise MissingDependency("; ".join([how, *reasons]))
