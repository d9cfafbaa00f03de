"""Units, currencies, abbreviations and acronyms, as they are said. Data only."""

from __future__ import annotations

import re
from typing import Final

# unit -> (English one, English many, Chinese, Japanese). Japanese and Chinese units follow the
# number; 攝氏 and 摂氏 go before it, see speech/numerals.py.
UNITS: Final[dict[str, tuple[str, str, str, str]]] = {
    "km/h": ("kilometer per hour", "kilometers per hour", "公里每小時", "キロメートル毎時"),
    "kph": ("kilometer per hour", "kilometers per hour", "公里每小時", "キロメートル毎時"),
    "mph": ("mile per hour", "miles per hour", "英里每小時", "マイル毎時"),
    "m/s": ("meter per second", "meters per second", "公尺每秒", "メートル毎秒"),
    "km": ("kilometer", "kilometers", "公里", "キロメートル"),
    "cm": ("centimeter", "centimeters", "公分", "センチメートル"),
    "mm": ("millimeter", "millimeters", "公釐", "ミリメートル"),
    "nm": ("nanometer", "nanometers", "奈米", "ナノメートル"),
    "m": ("meter", "meters", "公尺", "メートル"),
    "m²": ("square meter", "square meters", "平方公尺", "平方メートル"),
    "km²": ("square kilometer", "square kilometers", "平方公里", "平方キロメートル"),
    "m³": ("cubic meter", "cubic meters", "立方公尺", "立方メートル"),
    "mi": ("mile", "miles", "英里", "マイル"),
    "ft": ("foot", "feet", "英尺", "フィート"),
    "kg": ("kilogram", "kilograms", "公斤", "キログラム"),
    "mg": ("milligram", "milligrams", "毫克", "ミリグラム"),
    "g": ("gram", "grams", "公克", "グラム"),
    "lb": ("pound", "pounds", "磅", "ポンド"),
    "lbs": ("pound", "pounds", "磅", "ポンド"),
    "oz": ("ounce", "ounces", "盎司", "オンス"),
    "L": ("liter", "liters", "公升", "リットル"),
    "ml": ("milliliter", "milliliters", "毫升", "ミリリットル"),
    "mL": ("milliliter", "milliliters", "毫升", "ミリリットル"),
    "°C": ("degree Celsius", "degrees Celsius", "度", "度"),
    "℃": ("degree Celsius", "degrees Celsius", "度", "度"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit", "度", "度"),
    "℉": ("degree Fahrenheit", "degrees Fahrenheit", "度", "度"),
    "°": ("degree", "degrees", "度", "度"),
    "%": ("percent", "percent", "", "パーセント"),
    "¢": ("cent", "cents", "分", "セント"),
    "‰": ("per mille", "per mille", "", "パーミル"),
    "KB": ("kilobyte", "kilobytes", "KB", "キロバイト"),
    "MB": ("megabyte", "megabytes", "MB", "メガバイト"),
    "GB": ("gigabyte", "gigabytes", "GB", "ギガバイト"),
    "TB": ("terabyte", "terabytes", "TB", "テラバイト"),
    "MiB": ("mebibyte", "mebibytes", "MB", "メビバイト"),
    "GiB": ("gibibyte", "gibibytes", "GB", "ギビバイト"),
    "Mbps": ("megabit per second", "megabits per second", "Mbps", "メガビット毎秒"),
    "Gbps": ("gigabit per second", "gigabits per second", "Gbps", "ギガビット毎秒"),
    "Hz": ("hertz", "hertz", "赫茲", "ヘルツ"),
    "kHz": ("kilohertz", "kilohertz", "千赫", "キロヘルツ"),
    "MHz": ("megahertz", "megahertz", "百萬赫", "メガヘルツ"),
    "GHz": ("gigahertz", "gigahertz", "GHz", "ギガヘルツ"),
    "ms": ("millisecond", "milliseconds", "毫秒", "ミリ秒"),
    "s": ("second", "seconds", "秒", "秒"),
    "sec": ("second", "seconds", "秒", "秒"),
    "min": ("minute", "minutes", "分鐘", "分"),
    "mins": ("minute", "minutes", "分鐘", "分"),
    "h": ("hour", "hours", "小時", "時間"),
    "hr": ("hour", "hours", "小時", "時間"),
    "hrs": ("hour", "hours", "小時", "時間"),
    "W": ("watt", "watts", "瓦", "ワット"),
    "kW": ("kilowatt", "kilowatts", "千瓦", "キロワット"),
    "kWh": ("kilowatt hour", "kilowatt hours", "度電", "キロワット時"),
    "V": ("volt", "volts", "伏特", "ボルト"),
    "mAh": ("milliampere hour", "milliampere hours", "毫安時", "ミリアンペア時"),
    "dB": ("decibel", "decibels", "分貝", "デシベル"),
    "px": ("pixel", "pixels", "像素", "ピクセル"),
    "fps": ("frame per second", "frames per second", "格每秒", "フレーム毎秒"),
    "FPS": ("frame per second", "frames per second", "格每秒", "フレーム毎秒"),
}

# sign -> (English one, many, cent, cents; Chinese before, after; Japanese after)
CURRENCIES: Final[dict[str, tuple[str, str, str, str, str, str, str]]] = {
    "$": ("dollar", "dollars", "cent", "cents", "", "元", "ドル"),
    "US$": ("US dollar", "US dollars", "cent", "cents", "", "美元", "米ドル"),
    "NT$": ("Taiwan dollar", "Taiwan dollars", "cent", "cents", "新台幣", "元", "台湾ドル"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents", "港幣", "元", "香港ドル"),
    "€": ("euro", "euros", "cent", "cents", "", "歐元", "ユーロ"),
    "£": ("pound", "pounds", "penny", "pence", "", "英鎊", "ポンド"),
    "¥": ("yen", "yen", "sen", "sen", "", "日圓", "円"),
    "￥": ("yen", "yen", "sen", "sen", "", "日圓", "円"),
    "CN¥": ("yuan", "yuan", "fen", "fen", "人民幣", "元", "人民元"),
    "₩": ("won", "won", "jeon", "jeon", "", "韓元", "ウォン"),
}

# scale after a number -> English, Chinese, Japanese; "" leaves it as it is written
SCALES: Final[dict[str, tuple[str, str, str]]] = {
    "k": ("thousand", "千", "千"),
    "K": ("thousand", "千", "千"),
    "M": ("million", "百萬", "百万"),
    "B": ("billion", "十億", "十億"),
    "thousand": ("thousand", "千", "千"),
    "million": ("million", "百萬", "百万"),
    "billion": ("billion", "十億", "十億"),
    "trillion": ("trillion", "兆", "兆"),
    **dict.fromkeys(("萬", "万"), ("ten thousand", "萬", "万")),
    **dict.fromkeys(("億", "亿"), ("hundred million", "億", "億")),
    "兆": ("trillion", "兆", "兆"),
}

# Chinese: before these, 2 is 兩 (but 二月, 二號, 二樓, 第二).
MEASURES: Final = frozenset(
    "個个本隻只張张位次天年點点種种件條条塊块歲岁杯碗台部家間间雙双套場场"
    "句篇頁页把支瓶包盒袋週周倍人千萬億"
)
MEASURE_WORDS: Final = (
    *("小時", "小时", "分鐘", "分钟", "公", "英"),
    *("秒", "度", "元", "頓", "輛", "名", "星期", "禮拜", "礼拜"),
)

# Abbreviations that are written with a stop or a slash, and the shorthand of chats.
ABBREVIATIONS: Final[dict[str, str]] = {
    "mr.": "Mister",
    "mrs.": "Missus",
    "ms.": "Miz",
    "dr.": "Doctor",
    "prof.": "Professor",
    "e.g.": "for example,",
    "e.g.,": "for example,",
    "i.e.": "that is,",
    "i.e.,": "that is,",
    "etc.": "et cetera.",
    "etc": "et cetera",
    "vs.": "versus",
    "vs": "versus",
    "approx.": "approximately",
    "a.m.": "A M",
    "p.m.": "P M",
    "w/": "with",
    "w/o": "without",
    "b/c": "because",
    "btw": "by the way",
    "idk": "I don't know",
    "imo": "in my opinion",
    "imho": "in my humble opinion",
    "tbh": "to be honest",
    "afaik": "as far as I know",
    "brb": "be right back",
    "omw": "on my way",
    "omg": "oh my god",
    "thx": "thanks",
    "pls": "please",
    "plz": "please",
    "fyi": "for your information",
    "asap": "as soon as possible",
    "aka": "also known as",
    "ppl": "people",
    "smh": "shaking my head",
    "ngl": "not gonna lie",
    "ikr": "I know, right",
    "irl": "in real life",
    "afk": "away from the keyboard",
    "ftw": "for the win",
    "idc": "I don't care",
    "nvm": "never mind",
    "lmk": "let me know",
    "iirc": "if I recall correctly",
    "tysm": "thank you so much",
    "ofc": "of course",
    "ph.d.": "P H D",
    "a.k.a.": "also known as",
    "dm": "D M",
    "gg": "good game",
    "np": "no problem",
    "tl;dr": "in short",
    "tldr": "in short",
}

# Capitals that are read as a word. All others are spelled, up to five letters.
WORDS_IN_CAPITALS: Final = re.compile(
    "NASA|NATO|OPEC|FIFA|IKEA|ASCII|GIF|RAM|ROM|LAN|WAN|PIN|SIM|AIDS|COVID|LASER|RADAR|SCUBA|SWAT|"
    "FOMO|YOLO|LOL|ROFL|LINE|MEME|OK|OKAY|TODO|BIOS|DOS|EPUB|GNU|JSON|YAML|TOML|REST|SOAP|SPAM|WIFI|ZIP|"
    "ACID|LIDAR|"
    "A|I|NO|YES|GO|UP|ON|IN|AT|TO|BY|MY|ME|WE|HE|IT|IS|AM|BE|DO|SO|OR|AN|AS|IF|OF|US|THE|AND|BUT|"
    "NOT|YOU|ALL|ANY|ARE|CAN|HAS|HAD|HER|HIM|HIS|HOW|ITS|LET|MAY|NEW|NOW|OLD|ONE|OUT|OUR|SEE|SHE|"
    "TOO|TWO|USE|WAS|WAY|WHO|WHY|GET|GOT|DID|FOR|BAD|BIG|DAY|END|FUN|GOOD|STOP|WAIT|HELP|NEVER|"
    "EVER|ONLY|VERY|THIS|THAT|WITH|WHAT|WHEN|YOUR|HAVE|FROM|THEY|WILL|BEST|JUST|LIKE|MORE|MUST|"
    "NEED|DONE|LOVE|HATE|READ|NOTE|EVERY|AGAIN|THERE|WHERE|THINK|ABOUT|SOME|MANY|MUCH|SUCH|EACH"
)
