"""Chat text as it should be read aloud. Pure; linear in the text; never raises.

Discord's marks are taken away or named, numbers and shorthand are said in words, and what nobody
wants to hear (links, code, ids, emoji) becomes a short word or nothing. What a spoiler hides stays
hidden.

Why it is linear: every expression here either has bounded repetitions only, or ends in its one
unbounded repetition, so that no stretch of text is looked at again and again.

Why it is quick: every expression begins with the letters it can begin with, so that the others
are passed over without trying; what must stand before those is looked at behind them. Where that
cannot be, it is tried only on text that holds what it looks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from speech.base import Listener
from speech.dictionary import Dictionary, Hit
from speech.emoji import without_emoji
from speech.languages import base, spans
from speech.numbers import has_digit
from speech.numerals import in_words, without_glued
from speech.phrases import COLUMNS, moment, phrase
from speech.shorthand import spelled_out
from speech.signs import SIGNS, named, undisguised

NOTHING: Final = Dictionary()
NAME_LIMIT: Final = 40
CODE_LIMIT: Final = 40
HOST_LIMIT: Final = 40

_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffd\ud800-\udfff\ue000-\uf8ff]"
)
_INLINE_CODE = re.compile(r"(``?)([^`\n]{1,300})\1")
_NO_NAME = re.compile(r"[^\w.+#-]+|_")
_ENTITY = re.compile(
    r"<(?:@!?(?P<member>\d{1,20})|@&(?P<role>\d{1,20})|#(?P<channel>\d{1,20})|a?:\w{1,32}:\d{1,20}"
    r"|t:(?P<time>-?\d{1,14})(?::(?P<style>[tTdDfFR]))?|/(?P<command>[^:<>\n]{1,100}):\d{1,20}|id:\w{1,20})>"
    r"|@(?P<all>everyone|here)\b"
)
_MASKED_LINK = re.compile(
    r"!?\[([^\[\]\n]{1,300})\]\(<?[^\s()<>]{1,2000}>?(?: \"[^\"\n]{0,200}\")?\)"
)
_SCHEME = re.compile(r"<?(?:https?|ftp|discord|steam|mailto)\Z", re.IGNORECASE)
_SCHEME_LIMIT: Final = len("<discord")
_ADDRESS = re.compile(r"([^\s<>\"'「」『』（）【】，。、！？]+)>?")
_BARE_HOST = re.compile(
    r"\.(?:(?<=www\.)|(?:com|org|net|io|gg|dev|app|tw|jp|me|co|tv)/)", re.IGNORECASE
)
_BARE_LINK = re.compile(
    r"(?<![\w@.])(?:www\.|(?=(?:[a-z0-9-]{1,63}\.){1,3}(?:com|org|net|io|gg|dev|app|tw|jp|me|co|tv)/))"
    r"([^\s<>\"'，。、！？]+)",
    re.IGNORECASE,
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"
)
_HOST = re.compile(r"(?:[^/@\s]{0,100}@)?(?:www\.)?([A-Za-z0-9.-]{1,100})")
_LINE_MARK = re.compile(
    r"^[ \t]{0,20}(?:#{1,3} |-# |>>> |> |[-*+•‣◦] (?:\[[ xX]\] )?)[ \t]{0,20}", re.MULTILINE
)
_RULE = re.compile(r"^[ \t|:=_*-]{3,200}$", re.MULTILINE)
_ESCAPE = re.compile(r"\\([*_~`|<>#\[\]()\\-])")
_EMPHASIS = re.compile(r"\*|~~|_(?:(?<![A-Za-z0-9]_)_{0,2}|_{0,2}(?![A-Za-z0-9]))")
_TIMES = re.compile(r"(\d) ?\* ?(?=\d)")
_LONG_FRACTION = re.compile(r"\.(?<=\d\.)(\d{6})\d{6,}")
_DIGITS = re.compile(r"\d\d{15,}")
_TOKEN = re.compile(r"[A-Za-z0-9_+/=-](?<![A-Za-z0-9_+/=-].)[A-Za-z0-9_+/=-]{11,}")
_THRICE = re.compile(r"(.)\1\1")
_LETTERS = re.compile(r"([^\W\d_])\1\1\1*")
_SYLLABLES = re.compile(r"([A-Za-z][A-Za-z][A-Za-z]??)\1\1\1*")
_MARKS = re.compile(r"([!?！？~～,，、;；])[!?！？~～,，、;；]+")
_DOTS = re.compile(r"[.。…・][.。…・]+")
_DASHES = re.compile(r"[-=_*#][-=_*#]{2,}")
_GRINS = re.compile(r"(?<![A-Za-z])[wW]{2,8}(?![A-Za-z])|(?<=[\u3040-\u9fff])[wW](?![A-Za-z])")
_APPLAUSE = re.compile(r"(?<!\d)8{3,20}(?!\d)")
_BETWEEN_WORDS = re.compile(r"[/\\](?<=[^\W\d_].)(?=[^\W\d_])")
_SHORTCODE = re.compile(r":(?<![A-Za-z0-9:]:)[a-z][a-z0-9_+-]{1,31}:(?![A-Za-z0-9:])")
_LEFT_OVER = re.compile(r"[*_`~～^|<>{}\[\]\\=#@§¶†‡¦¬][*_`~～^|<>{}\[\]\\=#@§¶†‡¦¬]*")
_UNSAID = re.compile(rf"[\d\-–~〜&/{''.join(map(re.escape, SIGNS))}*_`～|<>{{}}\[\]\\=#@§¶†‡¦¬]")
_NEWLINE = re.compile(r"[ \t]{0,100}\n\s*")
_BEFORE_MARK = re.compile(r" (?=[,.!?;:，。！？、；：)）」』])")
_BETWEEN_WIDE = re.compile(r" (?<=[\u2e80-\u9fff\uff00-\uffef] )(?=[\u2e80-\u9fff\uff00-\uffef])")
_DOUBLED = re.compile(r"([,，、;；]) ?(?=[,，、;；.。!！?？])")


def speakable(text: str, listener: Listener, dictionary: Dictionary = NOTHING) -> str:
    """``text`` in words; "" when there is nothing to say.

    An entry of the ``dictionary`` stands for what is written, so it comes before numbers and
    shorthand are said in words, and what it says is left alone; words that these bring can be
    entries too.

    Give it whole messages or sentences of :mod:`speech.sentences`, which cuts no spoiler or code.
    """
    language = base(listener.language) if base(listener.language) in COLUMNS else "en"
    text = _UNSEEN.sub("", text)
    text = _without_blocks(text, "```", phrase("code block", language))
    if "`" in text:
        text = _INLINE_CODE.sub(lambda match: _code(match[2], language), text)
    text = _without_blocks(text, "||", phrase("spoiler", language), closed=True)
    if "<" in text or "@" in text:
        text = _ENTITY.sub(_entities(listener, language), text)
    text = _without_links(undisguised(text, language), language)
    text = _without_markdown(text)
    text = _without_ids(text, phrase("id", language))
    if ":" in text:
        text = _SHORTCODE.sub(" ", text)
    text = _without_repeats(without_emoji(text), language)
    said = []
    for piece in dictionary.pieces(text):
        if isinstance(piece, Hit):
            said.append(piece.said)
            continue
        parts = _by_language(piece, listener.language)
        said.append(dictionary.apply("".join(_in_words(part, spoken) for part, spoken in parts)))
    return _tidied("".join(said))


def _by_language(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Stretches and their language; the letters of "25°C" or "NT$" make nothing English."""
    at = 0
    for span in spans(without_glued(text), language):
        yield text[at : at + len(span.text)], span.language
        at += len(span.text)


def _without_blocks(text: str, mark: str, said: str, *, closed: bool = False) -> str:
    """Replace what stands between pairs of ``mark``; an unclosed one too, unless ``closed``."""
    parts = text.split(mark)
    if closed and len(parts) % 2 == 0:
        last = parts.pop()
        parts[-1] += mark + last
    parts[1::2] = [f" {said} " if part.strip() else " " for part in parts[1::2]]
    return "".join(parts)


def _code(code: str, language: str) -> str:
    """Inline code: a short name is read, anything else is only named."""
    words = _NO_NAME.sub(" ", code[:300]).strip(" .-")
    if not words or len(code) > CODE_LIMIT or not any(letter.isalpha() for letter in words):
        return f" {code if code.strip().isdigit() else phrase('code', language)} "
    return f" {words} "


def _entities(listener: Listener, language: str) -> Callable[[re.Match[str]], str]:
    names = listener.names
    tables = {
        "member": (names.members, "someone"),
        "role": (names.roles, "role"),
        "channel": (names.channels, "channel"),
    }

    def say(match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        if kind in tables:
            table, unknown = tables[kind]
            name = table.get(int(match[kind]), "")
            said = name[:NAME_LIMIT].replace("`", "").replace("|", "")
            if any(character.isalnum() for character in said):
                return f" {said.replace('-', ' ') if kind == 'channel' else said} "
            return f" {phrase(unknown, language)} "
        if kind in {"time", "style"}:
            style = match["style"] or "f"
            return f" {moment(int(match['time']), style, language, listener.now_s, listener.zone)} "
        if kind == "command":
            return f" {match['command']} "
        if kind == "all":
            return f" {phrase('everyone' if match['all'] == 'everyone' else 'here', language)} "
        return " "  # a custom emoji, or a place in the server's guide

    return say


def _without_links(text: str, language: str) -> str:
    if "](" in text:
        text = _MASKED_LINK.sub(lambda match: _link_text(match[1], language), text)
    if "://" in text:
        text = _without_addresses(text, language).replace("://", " ")
    if ("/" in text or "www." in text) and _BARE_HOST.search(text):
        text = _BARE_LINK.sub(lambda match: _link(match[1], language), text)
    return _EMAIL.sub(f" {phrase('email', language)} ", text) if "@" in text else text


def _without_addresses(text: str, language: str) -> str:
    """Each ``scheme://address`` by its host."""
    said = []
    at = copied = 0
    while (mark := text.find("://", at)) >= 0:
        at = mark + len("://")
        scheme = _SCHEME.search(text, max(copied, mark - _SCHEME_LIMIT), mark)
        address = _ADDRESS.match(text, at) if scheme else None
        if scheme and address:
            said += [text[copied : scheme.start()], _link(address[1], language)]
            at = copied = address.end()
    return "".join([*said, text[copied:]])


def _link_text(label: str, language: str) -> str:
    shown = label.strip()
    return f" {phrase('link', language)} " if "://" in shown else shown


def _link(address: str, language: str) -> str:
    """A link by its host; the punctuation that ended it stays, for the sentence's sake."""
    kept = len(address.rstrip(".,!?;:)]}*_~"))
    tail = address[kept:]
    host = _HOST.match(address)
    name = host[1].strip(".-") if host else ""
    top = name.rpartition(".")[2]
    if not top.isalpha() or "." not in name or len(name) > HOST_LIMIT:
        return f" {phrase('link', language)} {tail.lstrip(')]}*_~')}"
    return f" {phrase('link to', language).format(name)} {tail.lstrip(')]}*_~')}"


def _without_markdown(text: str) -> str:
    text = _RULE.sub("", text)
    text = _LINE_MARK.sub("", text)
    if "*" in text:
        text = _TIMES.sub(r"\1 × ", text)
    if "\\" in text:
        text = _ESCAPE.sub(r"\1", text)
    if "*" in text or "_" in text or "~" in text:
        text = _EMPHASIS.sub("", text)
    return text.replace("|", ", ")


def _without_ids(text: str, said: str) -> str:
    """Identifiers are never read: long digits, UUIDs, hashes, tokens."""

    def judge(match: re.Match[str]) -> str:
        token = match[0]
        digits = sum(character.isdigit() for character in token)
        letters = sum(character.isalpha() for character in token)
        hexadecimal = all(character in "0123456789abcdefABCDEF-" for character in token)
        dull = digits >= 2 and letters >= 2 and (hexadecimal or (len(token) >= 24 and digits >= 4))
        mixed = digits and any(map(str.isupper, token)) and token.isalnum() and len(token) >= 16
        return f" {said} " if dull or mixed else token

    if not has_digit(text):  # there is no identifier without one
        return text
    text = _LONG_FRACTION.sub(r".\1", text)
    return _DIGITS.sub(f" {said} ", _TOKEN.sub(judge, text))


def _without_repeats(text: str, language: str) -> str:
    if _THRICE.search(text):  # a quarter of what the expression costs
        text = _LETTERS.sub(_shortened, text)
    if language == "ja":
        if "w" in text or "W" in text:
            text = _GRINS.sub("、わら", text)
        if "888" in text:
            text = _APPLAUSE.sub("パチパチ", text)
    text = text.replace("ㄏㄏ", "呵呵").replace("呵ㄏ", "呵")
    text = _SYLLABLES.sub(r"\1\1", text)
    text = _DASHES.sub(" ", text)
    text = _MARKS.sub(r"\1", text)
    return _DOTS.sub("…", text)


def _shortened(match: re.Match[str]) -> str:
    """哈哈哈 at most; sooo becomes soo."""
    return match[1] * (3 if match[1] >= "\u2e80" else 2)


def _in_words(text: str, language: str) -> str:
    """Numbers, shorthand and signs of one language in words."""
    tongue = base(language)
    if tongue == "en":
        text = spelled_out(text)
    if not _UNSAID.search(text):
        return text
    text = named(in_words(text, tongue), tongue)
    column = tongue if tongue in COLUMNS else "en"
    if "&" in text:
        text = text.replace("&", f" {phrase('and', column)} ")
    if "=" in text:
        text = text.replace("=", f" {phrase('equals', column)} ")
    if "/" in text or "\\" in text:
        text = _BETWEEN_WORDS.sub(" ", text)
    return _LEFT_OVER.sub(" ", text)


def _tidied(text: str) -> str:
    """One line, evenly spaced, with a stop where a line ended without one."""
    if not any(character.isalnum() for character in text):
        return ""
    text = text.strip()
    if "\n" in text:
        text = _NEWLINE.sub(_line_end, text)
    text = " ".join(text.split())
    if not text.isascii():
        text = _BETWEEN_WIDE.sub("", text)
    return _DOUBLED.sub("", _BEFORE_MARK.sub("", text)).strip(" ,，、;；")


def _line_end(match: re.Match[str]) -> str:
    before = match.string[match.start() - 1 : match.start()]
    if before in ".!?,;:…。！？，、；：":
        return " "
    return "。" if before >= "\u2e80" else ". "
