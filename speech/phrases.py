"""What is said in place of what cannot be read aloud, in the listener's language. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from speech.numerals import MONTHS, clock

# English, Chinese, Japanese
_PHRASES: Final[dict[str, tuple[str, str, str]]] = {
    "code block": ("code block", "程式碼區塊", "コードブロック"),
    "code": ("code", "程式碼", "コード"),
    "spoiler": ("spoiler", "防雷內容", "ネタバレ"),
    "link": ("link", "連結", "リンク"),
    "link to": ("link to {}", "{} 的連結", "{} のリンク"),
    "email": ("email address", "電子郵件地址", "メールアドレス"),
    "id": ("an ID", "一串代號", "ID"),
    "someone": ("someone", "某人", "誰か"),
    "role": ("a role", "某個身分組", "ロール"),
    "channel": ("a channel", "某個頻道", "チャンネル"),
    "everyone": ("everyone", "所有人", "みなさん"),
    "here": ("everyone here", "在線的各位", "オンラインのみなさん"),
    "time": ("some time", "某個時間", "ある時刻"),
    "and": ("and", "和", "と"),
    "number": ("number", "第", "ナンバー"),
    "equals": ("equals", "等於", "イコール"),
    "plus": ("plus", "加", "プラス"),
    "now": ("now", "現在", "今"),
    "emoji": ("emoji", "表情符號", "絵文字"),
}
COLUMNS: Final = {"en": 0, "zh": 1, "ja": 2}

# seconds in it, English, Chinese, Japanese
_SPANS: Final = (
    (31_557_600, "year", "年", "年"),
    (2_629_800, "month", "個月", "か月"),
    (86_400, "day", "天", "日"),
    (3_600, "hour", "小時", "時間"),
    (60, "minute", "分鐘", "分"),
    (1, "second", "秒", "秒"),
)
_WEEKDAYS: Final = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": tuple(f"星期{day}" for day in "一二三四五六日"),
    "ja": tuple(f"{day}曜日" for day in "月火水木金土日"),
}


def phrase(name: str, language: str) -> str:
    """The words for ``name`` in ``language`` (``en``, ``zh`` or ``ja``)."""
    return _PHRASES[name][COLUMNS[language]]


def moment(unix_s: int, style: str, language: str, now_s: float, zone: tzinfo) -> str:
    """A Discord timestamp ``<t:unix_s:style>`` as Discord would show it, to be said aloud."""
    if style == "R":
        return _relative(unix_s - now_s, language)
    try:
        when = datetime.fromtimestamp(unix_s, zone)
    except (ValueError, OverflowError, OSError):
        return phrase("time", language)
    time = _clock(when, language)
    if style in {"t", "T"}:
        return time
    if language == "en":
        day = f"{MONTHS[when.month - 1]} {when.day}, {when.year}"
    else:
        day = f"{when.year}年{when.month}月{when.day}日"
    if style in {"d", "D"}:
        return day
    weekday = _WEEKDAYS[language][when.weekday()] if style == "F" else ""
    if language == "en":
        return f"{weekday}{', ' if weekday else ''}{day} at {time}"
    return f"{day}{weekday}{time}"


def _clock(when: datetime, language: str) -> str:
    if language == "en":
        return clock(when.hour % 12 or 12, when.minute, "p" if when.hour >= 12 else "a", "en")
    return clock(when.hour, when.minute, "", language)


def _relative(seconds: float, language: str) -> str:
    size, english, chinese, japanese = next(
        (span for span in _SPANS if abs(seconds) >= span[0]), (1, "", "", "")
    )
    if not english:
        return phrase("now", language)
    count = int(abs(seconds) // size)
    if language == "en":
        many = "" if count == 1 else "s"
        return f"in {count} {english}{many}" if seconds > 0 else f"{count} {english}{many} ago"
    name = chinese if language == "zh" else japanese
    return f"{count}{name}{'後' if seconds > 0 else '前'}"
