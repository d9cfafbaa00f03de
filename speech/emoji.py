"""Emoji and faces made of letters: not read aloud, unless a reply is nothing else. Pure."""

from __future__ import annotations

import re
from typing import Final

from speech.languages import base

SPOKEN_MOST: Final = 3

_SIGNS: Final = (
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\u25a0-\u25ff\u3030\u303d"
    "\u3297\u3299\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f\u2122\u00a9\u00ae\u203c\u2049]"
)
_EMOJI = re.compile(f"{_SIGNS}{_SIGNS}*")  # not one with "+": that would be tried at every letter
_ARROW: Final = "\u2192\u21d2\u27a1"
_ARROWS = re.compile("(?<=\\w) ?[\u2192\u21d2\u27a1]\ufe0f? ?(?=\\w)")
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
_CUSTOM = re.compile(r"<a?:(\w{1,32}):\d{1,20}>")

# How a face begins, and how it goes on.
_FACES: Final = (
    ("[:;=]", r"[-o'^]?[)(\]\[DPp3/|\\Oo*]{1,4}"),
    *(("[xX]", "D{1,9}"), ("T", "[_.]{1,3}T"), ("Q", "[_.]?Q"), (";", "[_.]{1,3};")),
    *(("o", "rz"), ("O", "TZ"), ("ʕ", r"[^ʔ\n]{1,9}ʔ"), ("ಠ", "[_益]{0,3}ಠ"), ("Q", "AQ")),
    *(("T", "AT"), ("Q", "[wW]Q"), ("=", "[wW_.ω]{1,3}="), (r"\^", r"[_.oωー]{0,3}\^")),
    *((">", "[_.]{1,3}<"), ("-", "_{1,3}-"), ("[oO]", "[_.]{1,3}[oO]")),
    *(("u", "[wW]u"), ("U", "[wW]U"), ("[oO]", "[wW][oO]"), ("<", "/?3")),
)
_FACE = re.compile(
    r"[:;=xXTQoOuUʕಠ^>\-<](?<![A-Za-z0-9:/].)"
    rf"(?:{'|'.join(f'(?<={begin}){rest}' for begin, rest in _FACES)})(?![A-Za-z0-9])"
)
# A shrug may begin with so much that it is only looked for where its face is.
_SHRUG: Final = r"[¯ ]?[\\_]{0,4}\(ツ\)[/_]{0,3}¯?"
_FACE_OR_SHRUG = re.compile(
    rf"(?<![A-Za-z0-9:/])(?:{'|'.join(map(''.join, _FACES))}|{_SHRUG})(?![A-Za-z0-9])"
)
_BRACKETS = re.compile(
    r"(?:[٩ヽヾ╰ᕙ୧ლ][(（]|[(（])([^()（）\n]{1,20})[)）][۶୨ᕗ]?"
    r"([╯ノﾉシ︵彡☆づ♡♪♥～~ﾟ゜・*+/\\ ]{0,8}(?:┻━┻|┬─┬)?)"
)
_TABLES = re.compile(r"[┻┳━─┬][┻┳━─┬]{1,8}")
_FACE_PARTS = frozenset(
    "^_><;´`｀・･ωдДﾟ゜°□■╯╰ಠ≧≦∇▽△◇○●◕‿益皿￣ーﾉノヽ\\/*'\"~～@=3TQ｡ง-♡☆★๑•̀́¯ツ艸"
)
_LAUGHTER = frozenset({"笑", "泣", "汗", "怒", "爆", "草", "w", "ｗ"})

# The package's Chinese names are those of the mainland; these are said differently in Taiwan.
_IN_TAIWAN: Final = {
    "😂": "笑到流淚",
    "🤣": "笑翻",
    "😀": "笑臉",
    "😊": "微笑",
    "😍": "愛心眼",
    "😭": "大哭",
    "😢": "流淚",
    "😅": "尷尬地笑",
    "👍": "讚",
    "👎": "倒讚",
    "👋": "揮手",
    "👏": "拍手",
    "🙏": "雙手合十",
    "💪": "加油",
    "❤️": "愛心",
    "🎉": "拉炮",
    "🔥": "火",
    "✨": "閃亮",
    "🤔": "思考",
    "😱": "驚恐",
    "👀": "眼睛",
    "💯": "一百分",
}


def without_emoji(text: str) -> str:
    """``text`` without emoji, kaomoji and emoticons; an arrow between words becomes a comma."""
    if "(" in text or "（" in text:
        text = _BRACKETS.sub(_judge_face, text)
    text = (_FACE_OR_SHRUG if "ツ" in text else _FACE).sub(" ", text)
    if text.isascii():
        return text
    if any(arrow in text for arrow in _ARROW):
        text = _ARROWS.sub(", ", text)
    if "\u20e3" in text:
        text = _KEYCAP.sub(lambda match: match[0][0], text)
    return _EMOJI.sub(" ", _TABLES.sub(" ", text))


def emoji_names(text: str, language: str) -> str:
    """The names of the first few emoji in ``text``, for a reply that holds nothing else."""
    # Here, not above: its tables take 6 MB, and replies that are only emoji are rare.
    import emoji as names

    tongue = base(language) if base(language) in {"en", "zh", "ja"} else "en"
    found = list(dict.fromkeys([match["emoji"] for match in names.emoji_list(text[:400])]))
    said = [_name(symbol, tongue) for symbol in found[:SPOKEN_MOST]]
    custom = list(dict.fromkeys(_CUSTOM.findall(text[:400])))[: SPOKEN_MOST - len(said)]
    said += [re.sub(r"(?<=[a-z])(?=[A-Z])|_+", " ", name) for name in custom]
    return (", " if tongue == "en" else "、").join(said)


def _name(symbol: str, language: str) -> str:
    if language == "zh" and symbol in _IN_TAIWAN:
        return _IN_TAIWAN[symbol]
    import emoji as names

    name: str = names.demojize(symbol, delimiters=("", ""), language=language)
    return name.replace("_", " " if language == "en" else "")


def _judge_face(match: re.Match[str]) -> str:
    """Drop a pair of brackets if what they hold is a face rather than words."""
    inside = match[1].strip()
    if inside in _LAUGHTER:
        return " "
    parts = sum(character in _FACE_PARTS for character in inside)
    letters = sum(character.isalnum() and character not in _FACE_PARTS for character in inside)
    return " " if parts >= 2 and letters <= 2 else match[0]
