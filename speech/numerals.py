"""Numbers in their context: dates, times, money, units, ranges. Pure, linear.

One expression finds every written form at once, the longest kinds first, and each has its words
in English, Chinese and Japanese. Every repetition in it is bounded, so no text is slow.
Other languages keep their digits: espeak-ng reads those in each language by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from speech.numbers import cardinal, digit_by_digit, has_digit, minus, number, ordinal, year
from speech.units import CURRENCIES, MEASURE_WORDS, MEASURES, SCALES, UNITS

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_FOUR_DIGITS = re.compile(r"\d{4}")
_ONES: Final = ("1", "1.0", "1.00")


def _any_of(words: Mapping[str, object]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_N = r"(?:\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,20})?(?!\d)|\d{1,20}(?:\.\d{1,20})?)"
_EDGE = r"(?<![A-Za-z0-9_.,])"
_UNIT = rf"(?:{_any_of(UNITS)})(?![A-Za-z0-9])"
_SCALE = rf"(?:{_any_of(SCALES)})(?![A-Za-z0-9])"
# Most numbers are followed by what makes them nothing else: found first, they cost no trying.
_ALONE: Final = (
    r"[!?;)\]，。、！？；：）」』]|[,.](?!\d)| (?!thou|milli|billi|trilli)[a-z]{5}"
    r"| ?(?:\Z|(?![萬万億亿兆])[\u3041-\u9fff])"
)
_FORMS: Final = {
    "money": rf"(?P<sign>{_any_of(CURRENCIES)}) ?(?P<amount>{_N})(?: ?(?P<of>{_SCALE}))?",
    "alone": rf"(?P<n_alone>\d{{1,20}})(?={_ALONE})",
    "date": r"(?P<y>[12]\d{3})[-/.](?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d/.-]\d)",
    "idiom": r"(?P<said>24/7|50/50|7-11)(?![\d/-])",
    "years": r"(?P<y_low>1[89]\d\d|20\d\d)[-–—~～〜](?P<y_high>1[89]\d\d|20\d\d)(?![\d-])",
    "decade": r"(?P<ten>(?:1\d|20)\d0|"
    r"(?:(?<=')|(?<=the )|(?<=mid-)|(?<=early )|(?<=late ))[2-9]0)'?s\b",
    "short_date": r"(?P<s_a>\d{1,2})/(?P<s_b>\d{1,2})/(?P<s_y>\d{2})(?![\d/])",
    "us_date": r"(?P<us_mo>\d{1,2})/(?P<us_d>\d{1,2})/(?P<us_y>[12]\d{3})(?!\d)",
    "time": r"(?P<h>\d{1,2}):(?P<mi>[0-5]\d)(?::(?P<s>[0-5]\d))?(?!\d)"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\b\.?)?",
    "hour": r"(?P<at>1[0-2]|[1-9]) ?(?P<at_half>[AaPp])\.?[Mm]\b\.?",
    "lasting": r"(?P<l_h>\d{1,3})h ?(?P<l_m>[0-5]?\d)(?:min|m)?(?![A-Za-z0-9])",
    "feet": r"(?P<tall>\d{1,2})['′](?P<inches>\d{1,2})(?:\"|''|″)",
    "ratio": r"(?P<r_a>\d{1,4}):(?P<r_b>\d{1,4})(?![\d:])",
    "ordinal": r"(?P<nth>\d{1,15})(?:st|nd|rd|th)\b",
    "dotted": r"\d{1,6}(?:\.\d{1,6}){2,5}(?!\d)",
    "phone": r"(?:\+\d{1,3}[ -]|1-)?(?:\(\d{2,4}\) ?)?\d{2,4}(?:[- ]\d{3,4}){1,3}(?![-\d])",
    "by": rf"(?P<by_a>{_N}) ?[x×] ?(?P<by_b>{_N})(?![\d.])",
    "fold": rf"(?P<folds>{_N})[x×](?![A-Za-z0-9])",
    "range": rf"(?P<low>{_N})(?:[–~～〜]| - |-)(?P<high>{_N})(?! ?[-–~～]\d)"
    rf"(?: ?(?P<range_unit>{_UNIT}))?",
    "fraction": r"(?P<part>\d{1,3})/(?P<whole>\d{1,3})(?![\d/])",
    "unit": rf"(?P<sign_u>[-−])?(?P<many>{_N}) ?(?P<of_unit>{_UNIT})",
    "scaled": rf"(?P<sign_k>[-−])?(?P<count>{_N}) ?(?P<scale>{_SCALE})",
    "plain": rf"(?P<sign_p>[-−])?(?P<n>{_N})",
}
_STARTS: Final = (
    r"(?=[\d$€£¥￥₩NUHC+−-])"  # what any form begins with, so that letters cost nothing
)
NUMERAL = re.compile(
    rf"{_STARTS}{_EDGE}(?:{'|'.join(f'(?P<{kind}>{form})' for kind, form in _FORMS.items())})"
)
_GLUED_BEFORE = re.compile(r"US(?=\$)|NT(?=\$)|HK(?=\$)|CN(?=¥)")
_GLUED_AFTER = re.compile(
    rf"\d(?:h(?=\d)| ?(?:{_UNIT}|{_SCALE}|[AaPp]\.?[Mm](?![A-Za-z]))|(?:st|nd|rd|th)\b)"
)

# 週一～週五, 8日-10日: until, between days and hours that are no bare numbers.
_UNTIL = re.compile(
    "(?<=[日月號号年時时點点分])[-–](?=[\\d週周])|(?<=[日月號号年時时點点分元一二三四五六七八九十天])[~～〜]"
    "(?=[\\d週周星午上下一二三四五六七八九十月火水木金土日])|(?<=\\d)[~～〜](?=[週周星午上下])"
)
_UNTIL_WORDS: Final = {"zh": "到", "ja": "から"}
# What is a name rather than an amount is read digit by digit.
_LABELLED = re.compile(
    "((?:編號|號碼|統編|密碼|證碼|代碼|電話|手機|帳號|學號|單號|编号|号码|密码|代码|番号|コード|"
    r"code(?<!\wcode)|Code(?<!\wCode)|PIN(?<!\wPIN)|password(?<!\wpassword)|Password(?<!\wPassword)"
    r"|passcode(?<!\wpasscode)|Passcode(?<!\wPasscode))(?: is|[:：是為为は]){0,2} ?)"
    r"(\d{4,15})(?![\d.,:/%-])"
)
_MATH = re.compile(r"(\d) ?([+=×÷]|(?<= )[-−*/](?= )) ?(?=\d)")
_MATH_WORDS: Final = {
    "+": (" plus ", "加", "足す"),
    "=": (" equals ", "等於", "イコール"),
    "×": (" times ", "乘以", "掛ける"),
    "*": (" times ", "乘以", "掛ける"),
    "÷": (" divided by ", "除以", "割る"),
    "/": (" divided by ", "除以", "割る"),
    "-": (" minus ", "減", "引く"),
    "−": (" minus ", "減", "引く"),
}
_COLUMN: Final = {"en": 0, "zh": 1, "ja": 2}


def in_words(text: str, language: str) -> str:
    """``text`` with its numbers in words of ``language``: ``en``, ``zh``, ``ja``, else as it is."""
    if language in _UNTIL_WORDS and any(dash in text for dash in "-–~～〜"):
        text = _UNTIL.sub(_UNTIL_WORDS[language], text)
    if language not in _COLUMN or not has_digit(text):
        return text
    column = _COLUMN[language]
    if _FOUR_DIGITS.search(text):
        text = _LABELLED.sub(lambda match: match[1] + digit_by_digit(match[2], language), text)
    text = _MATH.sub(lambda match: match[1] + _MATH_WORDS[match[2]][column], text)
    return NUMERAL.sub(lambda match: _READERS[match.lastgroup or ""](match, language), text)


def without_glued(text: str) -> str:
    """``text``, as long, with zeros for letters that belong to a number in any language."""
    if has_digit(text):
        text = _GLUED_AFTER.sub(lambda match: match[0][0] + "0" * (len(match[0]) - 1), text)
    return _GLUED_BEFORE.sub("00", text) if "$" in text or "¥" in text else text


def _date(match: re.Match[str], language: str) -> str:
    prefix = "us_" if match["us_date"] else ""
    return date(
        int(match[prefix + "y"]), int(match[prefix + "mo"]), int(match[prefix + "d"]), language
    )


_IDIOMS: Final = {
    "24/7": ("twenty-four seven", "全年無休", "年中無休"),
    "50/50": ("fifty fifty", "一半一半", "五分五分"),
    "7-11": ("seven eleven", "seven eleven", "セブンイレブン"),
}


def _idiom(match: re.Match[str], language: str) -> str:
    return _IDIOMS[match["said"]][_COLUMN[language]]


def _years(match: re.Match[str], language: str) -> str:
    to = {"en": " to ", "zh": "到", "ja": "から"}[language]
    return year(int(match["y_low"]), language) + to + year(int(match["y_high"]), language)


def _decade(match: re.Match[str], language: str) -> str:
    """1990s: nineteen nineties; 2000s: two thousands."""
    ten = int(match["ten"])
    if language != "en":
        return year(ten, language) + "年代"
    said = year(ten, "en") if ten >= 100 else cardinal(ten, "en")
    return said.removesuffix("y") + "ies" if said.endswith("y") else said + "s"


def _short_date(match: re.Match[str], language: str) -> str:
    first, second, short = int(match["s_a"]), int(match["s_b"]), int(match["s_y"])
    return date(short + (2000 if short < 50 else 1900), first, second, language)


def _hour(match: re.Match[str], language: str) -> str:
    return clock(int(match["at"]), 0, match["at_half"].lower(), language)


def _lasting(match: re.Match[str], language: str) -> str:
    gap = " " if language == "en" else ""
    minutes = with_unit(str(int(match["l_m"])), "min", language)
    return with_unit(match["l_h"], "h", language) + gap + minutes


def _feet(match: re.Match[str], language: str) -> str:
    feet, inches = (cardinal(int(match[part]), language) for part in ("tall", "inches"))
    if language == "en":
        return f"{feet} foot {inches}"
    foot, inch = ("呎", "吋") if language == "zh" else ("フィート", "インチ")
    return feet + foot + inches + inch


def _ratio(match: re.Match[str], language: str) -> str:
    to = {"en": " to ", "zh": "比", "ja": "対"}[language]
    return number(match["r_a"], language) + to + number(match["r_b"], language)


def _fold(match: re.Match[str], language: str) -> str:
    said = number(match["folds"], language)
    return f"{said} times" if language == "en" else _two(said, language) + "倍"


def date(in_year: int, month: int, day: int, language: str) -> str:
    """A date in words; numbers that are none are read one by one."""
    if month > 12 >= day:  # 31/12/2024, as Europe writes it
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        gap = " " if language == "en" else "、"
        return gap.join(cardinal(part, language) for part in (in_year, month, day))
    if language == "en":
        return f"{MONTHS[month - 1]} {ordinal(day)}, {year(in_year, 'en')}"
    return f"{year(in_year, language)}年{cardinal(month, language)}月{cardinal(day, language)}日"


def _time(match: re.Match[str], language: str) -> str:
    hour, minute = int(match["h"]), int(match["mi"])
    if hour > 24:
        return f"{cardinal(hour, language)} {cardinal(minute, language)}"
    said = clock(hour, minute, (match["half"] or "").lower(), language)
    if match["s"]:
        seconds = cardinal(int(match["s"]), language)
        said += f" and {seconds} seconds" if language == "en" else f"{seconds}秒"
    return said


def clock(hour: int, minute: int, half: str, language: str) -> str:
    """A time of day; ``half`` is ``a``, ``p`` or nothing."""
    if language == "en":
        past = "" if minute == 0 else f" {'oh ' if minute < 10 else ''}{cardinal(minute, 'en')}"
        return (
            cardinal(hour, "en")
            + (past or "" if half else past or " o'clock")
            + (f" {half.upper()} M" if half else "")
        )
    halves = {"zh": {"a": "上午", "p": "下午"}, "ja": {"a": "午前", "p": "午後"}}[language]
    at = "點" if language == "zh" else "時"
    said = halves.get(half, "") + _counted(str(hour), at, language) + at
    if minute:
        zero = "零" if language == "zh" and minute < 10 else ""
        said += f"{zero}{cardinal(minute, language)}分"
    return said


def _money(match: re.Match[str], language: str) -> str:
    one, many, cent, cents, before, zh_after, ja_after = CURRENCIES[match["sign"]]
    amount, scale = match["amount"], match["of"]
    said = number(amount, language)
    if language == "en":
        whole, _, part = amount.partition(".")
        if scale:
            return f"{said} {SCALES[scale][0]} {many}"
        if len(part) == 2 and part != "00":
            coins = f"{cardinal(int(part), 'en')} {cent if int(part) == 1 else cents}"
            if whole == "0":
                return coins
            return f"{number(whole, 'en')} {one if whole == '1' else many} and {coins}"
        return (
            f"{number(whole if part == '00' else amount, 'en')} {one if amount in _ONES else many}"
        )
    said += SCALES[scale][_COLUMN[language]] if scale else ""
    return before + _two(said, language) + zh_after if language == "zh" else said + ja_after


def _dotted(match: re.Match[str], language: str) -> str:
    point = {"en": " point ", "zh": "點", "ja": "点"}[language]
    return point.join(number(part, language) for part in match["dotted"].split("."))


def _phone(match: re.Match[str], language: str) -> str:
    groups = re.findall(r"\d+", match["phone"])
    plus = {"en": "plus ", "zh": "加", "ja": "プラス"}[language] if match[0][0] == "+" else ""
    gap = ", " if language == "en" else "、"
    return plus + gap.join(digit_by_digit(group, language) for group in groups)


def _by(match: re.Match[str], language: str) -> str:
    by = {"en": " by ", "zh": "乘", "ja": "かける"}[language]
    return number(match["by_a"], language) + by + number(match["by_b"], language)


def _range(match: re.Match[str], language: str) -> str:
    low, high, unit = match["low"], match["high"], match["range_unit"]
    to = {"en": " to ", "zh": "到", "ja": "から"}[language]
    first = _year_or_number(low, language)
    if unit:
        return first + to + with_unit(high, unit, language)
    return first + to + _year_or_number(high, language)


def _fraction(match: re.Match[str], language: str) -> str:
    part, whole = int(match["part"]), int(match["whole"])
    if language != "en" and 1 <= part <= 12 and 10 < whole <= 31:
        return f"{cardinal(part, language)}月{cardinal(whole, language)}日"
    if language == "zh":
        return f"{cardinal(whole, 'zh')}分之{cardinal(part, 'zh')}"
    if language == "ja":
        return f"{cardinal(whole, 'ja')}分の{cardinal(part, 'ja')}"
    names = {2: "half", 4: "quarter"}
    if (part, whole) == (9, 11):
        return "nine eleven"
    if 2 <= whole <= 10 and 0 < part < whole:
        name = names.get(whole, ordinal(whole))
        plural = "halves" if name == "half" else name + "s"
        return f"{cardinal(part, 'en')} {name if part == 1 else plural}"
    return f"{cardinal(part, 'en')} over {cardinal(whole, 'en')}"


def _unit(match: re.Match[str], language: str) -> str:
    before = minus(language) if match["sign_u"] and language == "en" else ""
    negative = bool(match["sign_u"]) and language != "en"
    return before + with_unit(match["many"], match["of_unit"], language, negative=negative)


def with_unit(amount: str, unit: str, language: str, *, negative: bool = False) -> str:
    """An amount and its unit."""
    one, many, zh, ja = UNITS[unit]
    said = number(amount, language)
    if language == "en":
        return f"{said} {one if amount in _ONES else many}"
    sign = minus(language) if negative else ""
    scale = {"C": {"zh": "攝氏", "ja": "摂氏"}, "F": {"zh": "華氏", "ja": "華氏"}}
    letter = {"℃": "C", "℉": "F"}.get(unit, unit[-1] if unit[0] == "°" else "")
    before = scale.get(letter, {}).get(language, "")
    if language == "zh":
        if unit in "%‰":
            return f"{sign}{'百' if unit == '%' else '千'}分之{said}"
        # Letters of a unit go to an English voice, spelled.
        spelled = f" {' '.join(zh)} " if zh.isascii() else zh
        return before + ("零下" if negative and before else sign) + _two(said, "zh") + spelled
    return before + sign + said + ja


def _scaled(match: re.Match[str], language: str) -> str:
    sign = minus(language) if match["sign_k"] else ""
    scale = SCALES[match["scale"]][_COLUMN[language]]
    said = number(match["count"], language)
    if language == "en":
        return f"{sign}{said} {scale}"
    return sign + _two(said, language) + scale


def _plain(match: re.Match[str], language: str) -> str:
    sign = minus(language) if match["sign_p"] else ""
    text = match["n"] or match["n_alone"]
    follows = match.string[match.end() : match.end() + 2]
    before = match.string[max(0, match.start() - 1) : match.start()]
    if language == "zh" and len(text) == 4 and follows[:1] == "年":
        return digit_by_digit(text, "zh")
    if before in {"第", "#"}:
        return sign + number(text, language)
    if language == "en" and not sign and not follows[:1].isalpha():
        return _year_or_number(text, "en")
    glued = " " if follows[:1].isascii() and follows[:1].isalpha() else ""  # "3D"
    return sign + _counted(text, follows, language) + glued


def _counted(text: str, follows: str, language: str) -> str:
    said = number(text, language)
    counts = follows[:1] in MEASURES or follows.startswith(MEASURE_WORDS)
    return _two(said, language) if follows and counts else said


def _two(said: str, language: str) -> str:
    return "兩" if language == "zh" and said == "二" else said


def _year_or_number(text: str, language: str) -> str:
    if language == "en" and len(text) == 4 and text.isdigit() and 1900 <= int(text) <= 2099:
        return year(int(text), "en")
    return number(text, language)


def _ordinal(match: re.Match[str], language: str) -> str:
    return ordinal(int(match["nth"])) if language == "en" else number(match["nth"], language)


_READERS: Final[Mapping[str, Callable[[re.Match[str], str], str]]] = {
    "date": _date,
    "idiom": _idiom,
    "years": _years,
    "decade": _decade,
    "short_date": _short_date,
    "hour": _hour,
    "lasting": _lasting,
    "feet": _feet,
    "ratio": _ratio,
    "fold": _fold,
    "us_date": _date,
    "time": _time,
    "money": _money,
    "ordinal": _ordinal,
    "dotted": _dotted,
    "phone": _phone,
    "by": _by,
    "range": _range,
    "fraction": _fraction,
    "unit": _unit,
    "scaled": _scaled,
    "plain": _plain,
    "alone": _plain,
}
