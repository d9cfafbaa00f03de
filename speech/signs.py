"""Signs and letters that are written otherwise than they are said. Pure; linear in the text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Letters and digits in disguise: full and half width, in circles, bold or cursive (as mathematics
# has them), fractions in one sign. Punctuation stays as it is.
_DISGUISES: Final = (
    "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uff9f％＄＋－／＠＃\u2460-\u249b\u24b6-\u24e9"
    "\u00bc-\u00be\u2150-\u215e\U0001d400-\U0001d7ff]"
)
_DISGUISED = re.compile(f"{_DISGUISES}{_DISGUISES}{{0,99}}")
_CIRCLED = re.compile("[\u2460-\u249b]")
_PI = re.compile("(?<![\u0370-\u03ff])π(?![\u0370-\u03ff])")  # alone it is no Greek
_PI_NAMES: Final = (" pi ", "圓周率", "パイ")
_FRACTION = re.compile("[\u00bc-\u00be\u2150-\u215e]")
# Strokes through letters, and heaps of accents, which only decorate.
_DECORATION = re.compile(
    "[\u0300-\u036f\u0489](?:(?<=[\u0334-\u0338\u0489])|[\u0300-\u036f]{2,199})"
)

_TAG = re.compile(
    r"</?(?:b|i|u|s|em|strong|br|p|div|span|ul|ol|li|h[1-6]|sub|sup|kbd|hr|details|summary)"
    r"(?: [^<>\n]{0,100})?/?>",
    re.IGNORECASE,
)
_ENTITIES: Final = {
    **{"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"'},
    **{"&nbsp;": " ", "&#39;": "'", "&apos;": "'"},
}
_ENTITY = re.compile("|".join(_ENTITIES))

_CODES: Final = {
    **dict.fromkeys(("NTD", "TWD", "NT"), "NT$"),
    **dict.fromkeys(("RMB", "CNY"), "CN¥"),
    **{"USD": "US$", "HKD": "HK$", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩"},
}
_CODE = "|".join(_CODES)
_AMOUNT = r"\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,4})?|\d{1,15}(?:\.\d{1,4})?"
_CODE_BEFORE = re.compile(rf"(?<![A-Za-z])({_CODE})\$? ?(?=\d)")
_CODE_AFTER = re.compile(rf"(?<![\d.,$])[$€£¥]?({_AMOUNT}) ?({_CODE})(?![A-Za-z0-9])")

# sign -> English, Chinese, Japanese
SIGNS: Final = {
    "≥": (" greater than or equal to ", "大於等於", "大なりイコール"),
    "≤": (" less than or equal to ", "小於等於", "小なりイコール"),
    "≠": (" not equal to ", "不等於", "ノットイコール"),
    "≈": (" about ", "約等於", "およそ"),
    "±": (" plus or minus ", "正負", "プラスマイナス"),
    "√": (" square root of ", "根號", "ルート"),
    "∞": (" infinity ", "無限大", "無限大"),
    "²": (" squared ", "平方", "の二乗"),
    "³": (" cubed ", "立方", "の三乗"),
    "^": (" to the power of ", "的", "の"),
}
# A unit keeps its square; ^ is only between two things, elsewhere it is a face or nothing.
_SIGN = re.compile(r"[≥≤≠≈±√∞]|(?<![m\d])[²³]|(?<=[A-Za-z0-9)])\^(?=[A-Za-z0-9(])")
_DIGRAPHS: Final = {"!=": "≠", ">=": "≥", "<=": "≤", "==": "=", "->": "→", "=>": "→"}
_DIGRAPH = re.compile(r"(?:!=|>=|<=|==|->|=>)(?<=[\w\s)]..)(?=[\w\s(])")
_COLUMN: Final = {"en": 0, "zh": 1, "ja": 2}
_AND: Final = (" and ", "又", "と")


def undisguised(text: str, language: str) -> str:
    """``text`` in ordinary letters and digits, money with its sign in front, without HTML."""
    if not text.isascii():
        text = _FRACTION.sub(lambda match: _fraction(match, language), text)
        if "π" in text:
            text = _PI.sub(_PI_NAMES[_COLUMN.get(language, 0)], text)
        text = text.replace("№", " No. ")
        text = _CIRCLED.sub(r" \g<0> ", text)
        text = _DISGUISED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
        text = _DECORATION.sub("", text)
    if "<" in text or "&" in text:
        text = _ENTITY.sub(lambda match: _ENTITIES[match[0]], _TAG.sub(" ", text))
    if any(code in text for code in _CODES):
        text = _CODE_AFTER.sub(lambda match: _CODES[match[2]] + match[1], text)
        text = _CODE_BEFORE.sub(lambda match: _CODES[match[1]], text)
    if "=" in text or "->" in text:
        text = _DIGRAPH.sub(lambda match: _DIGRAPHS[match[0]], text)
    return text


def named(text: str, language: str) -> str:
    """``text`` with the signs of mathematics said in words of ``language``."""
    if not any(sign in text for sign in SIGNS):
        return text
    column = _COLUMN.get(language, 0)
    return _SIGN.sub(lambda match: SIGNS[match[0]][column], text)


def _fraction(match: re.Match[str], language: str) -> str:
    """``1½`` as ``1 and 1/2``."""
    written = unicodedata.normalize("NFKC", match[0]).replace("\u2044", "/")
    before = match.string[max(0, match.start() - 1) : match.start()]
    return _AND[_COLUMN.get(language, 0)] + written if before.isdecimal() else written
