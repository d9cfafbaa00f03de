"""Chinese as the symbols that Chinese VITS voices were trained on: bopomofo, romaji, IPA, pinyin.

The tables are the conventions of those voices (their cleaners are named in :mod:`.cleaners`);
readings come from :mod:`.mandarin`, so traditional characters are read as in Taiwan.
"""

from __future__ import annotations

import functools
import re
import warnings
from pathlib import Path
from typing import Any

from vits.errors import MissingDependency
from vits.text.mandarin import readings, simplified

HOW = "Chinese voices need packages: pip install jieba cn2an"

_TONES = {"1": "ˉ", "2": "ˊ", "3": "ˇ", "4": "ˋ", "5": "˙"}


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """``a=b`` pairs, longest keys first, so that ㄧㄢ is found before ㄢ."""
    pairs = [tuple(pair.split("=")) for pair in text.split()]
    return tuple(sorted(((a, b) for a, b in pairs), key=lambda pair: -len(pair[0])))


# How a letter is called, for words in Latin letters.
_LETTERS = dict(
    _pairs(
        "a=ㄟˉ b=ㄅㄧˋ c=ㄙㄧˉ d=ㄉㄧˋ e=ㄧˋ f=ㄝˊㄈㄨˋ "
        "g=ㄐㄧˋ h=ㄝˇㄑㄩˋ i=ㄞˋ j=ㄐㄟˋ k=ㄎㄟˋ l=ㄝˊㄛˋ "
        "m=ㄝˊㄇㄨˋ n=ㄣˉ o=ㄡˉ p=ㄆㄧˉ q=ㄎㄧㄡˉ r=ㄚˋ "
        "s=ㄝˊㄙˋ t=ㄊㄧˋ u=ㄧㄡˉ v=ㄨㄧˉ w=ㄉㄚˋㄅㄨˋㄌㄧㄡˋ "
        "x=ㄝˉㄎㄨˋㄙˋ y=ㄨㄞˋ z=ㄗㄟˋ"
    )
)
_SHARED = (
    "ㄅㄛ=p⁼wo ㄆㄛ=pʰwo ㄇㄛ=mwo ㄈㄛ=fwo ㄅ=p⁼ ㄆ=pʰ ㄇ=m ㄈ=f ㄉ=t⁼ ㄊ=tʰ ㄋ=n ㄌ=l ㄍ=k⁼ ㄎ=kʰ "
    "ㄕ=s` ㄖ=ɹ` ㄙ=s ㄒ=ʃ ㄚ=a ㄛ=o ㄜ=ə ㄦ=əɻ ㄧ=i ㄨ=u ㄩ=ɥ "
    "ˉ=→ ˊ=↑ ˇ=↓↑ ˋ=↓ ˙= ，=, 。=. ！=! ？=? —=- "
)
_ROMAJI = _pairs(
    _SHARED
    + "ㄏ=h ㄐ=ʧ⁼ ㄑ=ʧʰ ㄓ=ʦ`⁼ ㄔ=ʦ`ʰ ㄗ=ʦ⁼ ㄘ=ʦʰ ㄝ=e ㄞ=ai ㄟ=ei ㄠ=au ㄡ=ou ㄧㄢ=yeNN ㄢ=aNN "
    "ㄧㄣ=iNN ㄣ=əNN ㄤ=aNg ㄧㄥ=iNg ㄨㄥ=uNg ㄩㄥ=yuNg ㄥ=əNg"
)
_IPA = _pairs(
    _SHARED
    + "ㄏ=x ㄐ=tʃ⁼ ㄑ=tʃʰ ㄓ=ts`⁼ ㄔ=ts`ʰ ㄗ=ts⁼ ㄘ=tsʰ ㄝ=ɛ ㄞ=aɪ ㄟ=eɪ ㄠ=ɑʊ ㄡ=oʊ ㄧㄢ=jɛn "
    "ㄩㄢ=ɥæn ㄢ=an ㄧㄣ=in ㄩㄣ=ɥn ㄣ=ən ㄤ=ɑŋ ㄧㄥ=iŋ ㄨㄥ=ʊŋ ㄩㄥ=jʊŋ ㄥ=əŋ"
)


def _replaced(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    table = dict(pairs)
    pattern = "|".join(re.escape(key) for key, _ in pairs)
    return re.sub(pattern, lambda match: table[match[0]], text)


_DIGITS = str.maketrans("0123456789.", "零一二三四五六七八九點")


def numbers(text: str) -> str:
    """Arabic numbers as Chinese ones; what is too large for a number is read digit by digit."""

    def spoken(match: re.Match[str]) -> str:
        try:
            return str(_cn2an().an2cn(match[0]))
        except ValueError:
            return "".join(
                "零一二三四五六七八九"[int(d)] if d.isdigit() else "點" for d in match[0]
            )

    return re.sub(r"[0-9]+(?:\.[0-9]+)?", spoken, text)


def bopomofo(text: str) -> str:
    """Bopomofo with a tone mark after each syllable and a space between words.

    Raises:
        MissingDependency: a package is not installed; says how.
    """
    text = re.sub("[、；：]", "，", numbers(text))
    read = readings(text)
    out, place = "", 0
    for word in _words(text):
        part = read[place : place + len(word)]
        place += len(word)
        if not any(reading.pinyin for reading in part):
            out += word
            continue
        spelled = (_bopomofo(one.pinyin) if one.pinyin else one.character for one in part)
        out += (" " if out else "") + "".join(spelled)
    return re.sub("[A-Za-z]", lambda match: _LETTERS[match[0].lower()], out)


def romaji(text: str) -> str:
    """The romanisation of ``zh_ja_mixture_cleaners``."""
    text = _replaced(bopomofo(text), _ROMAJI)
    text = re.sub("i([aoe])", r"y\1", text)
    text = re.sub("u([aoəe])", r"w\1", text)
    # Syllables without a vowel of their own (zhi, chi, shi, ri; zi, ci, si) get a buzzing one.
    text = re.sub("([ʦsɹ]`[⁼ʰ]?)([→↓↑ ]+|$)", r"\1ɹ`\2", text).replace("ɻ", "ɹ`")
    return re.sub("([ʦs][⁼ʰ]?)([→↓↑ ]+|$)", r"\1ɹ\2", text)


def ipa(text: str) -> str:
    """The IPA of ``cjke_cleaners2``."""
    text = _replaced(bopomofo(text), _IPA)
    text = re.sub("i([aoe])", r"j\1", text)
    text = re.sub("u([aoəe])", r"w\1", text)
    text = re.sub("([sɹ]`[⁼ʰ]?)([→↓↑ ]+|$)", r"\1ɹ`\2", text).replace("ɻ", "ɹ`")
    return re.sub("(s[⁼ʰ]?)([→↓↑ ]+|$)", r"\1ɹ\2", text)


def pinyin(text: str) -> str:
    """Pinyin with tone numbers, light syllables without one, a space between all."""
    out: list[str] = []
    other = ""
    for reading in readings(numbers(text)):
        if reading.pinyin:
            out += [other] if other else []
            out.append(reading.pinyin.removesuffix("5"))
            other = ""
        else:
            other += reading.character
    return " ".join([*out, other] if other else out)


@functools.lru_cache(maxsize=2048)
def _bopomofo(syllable: str) -> str:
    """``zhong1`` -> ``ㄓㄨㄥˉ``."""
    from pypinyin import Style
    from pypinyin.contrib.tone_convert import tone3_to_tone
    from pypinyin.style import convert

    base, tone = syllable[:-1].replace("v", "ü"), syllable[-1]
    spelled = str(convert(tone3_to_tone(base + "1"), Style.BOPOMOFO, strict=True))
    return re.sub("[ˉˊˇˋ˙]", "", spelled) + _TONES[tone]


def _words(text: str) -> list[str]:
    """Words by jieba, whose dictionary is simplified; joined they are the text."""
    words, place = [], 0
    for word in _jieba().cut(simplified(text)):
        words.append(text[place : place + len(word)])
        place += len(word)
    return words


@functools.cache
def _jieba() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it imports a part of setuptools
            import jieba
    except ImportError as error:
        raise MissingDependency(HOW) from error
    jieba.setLogLevel("WARNING")
    tokenizer = jieba.Tokenizer()
    # Its cache is unmarshalled, which may run code: not from a folder that anybody can write to.
    tokenizer.tmp_dir = str(Path(jieba.__file__).parent)
    return tokenizer


def _cn2an() -> Any:
    try:
        import cn2an
    except ImportError as error:
        raise MissingDependency(HOW) from error
    return cn2an
