"""Embeds within Discord's limits (Message Resource > Embed Limits)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.errors import bad_form, too_long
from sandbox.records import Json

_LENGTHS = {
    ("title",): 256,
    ("description",): 4096,
    ("footer", "text"): 2048,
    ("author", "name"): 256,
}
_ADDRESSES = (("url",), ("image", "url"), ("thumbnail", "url"), ("author", "url"))
TOTAL = 6000
COUNT = 10
FIELDS = 25


def check_embeds(embeds: list[Json], path: str = "embeds") -> None:
    """Raise 50035 with Discord's own path and code for the first embed that breaks a limit."""
    if len(embeds) > COUNT:
        raise bad_form(
            "embeds", path, "BASE_TYPE_MAX_LENGTH", f"Must be {COUNT} or fewer in length."
        )
    total = sum(_check(embed, f"{path}.{i}") for i, embed in enumerate(embeds))
    if total > TOTAL:
        raise bad_form(
            "embeds",
            path,
            "MAX_EMBED_SIZE_EXCEEDED",
            f"Embed size exceeds maximum size of {TOTAL}",
        )


def _check(embed: Json, path: str) -> int:
    """Check one embed and return its number of characters."""
    total = 0
    for keys, limit in _LENGTHS.items():
        text = _at(embed, keys)
        if text is not None and len(str(text)) > limit:
            raise too_long("embeds", f"{path}.{'.'.join(keys)}", limit)
        total += len(str(text)) if text else 0
    fields = embed.get("fields") or []
    if len(fields) > FIELDS:
        raise too_long("embeds", f"{path}.fields", FIELDS)
    for i, each in enumerate(fields):
        for key, limit in (("name", 256), ("value", 1024)):
            text = str(each.get(key) or "")
            if not text.strip():
                raise bad_form(
                    "embeds",
                    f"{path}.fields.{i}.{key}",
                    "BASE_TYPE_REQUIRED",
                    "This field is required",
                )
            if len(text) > limit:
                raise too_long("embeds", f"{path}.fields.{i}.{key}", limit)
            total += len(text)
    _check_values(embed, path)
    media = any(_at(embed, (k, "url")) for k in ("image", "thumbnail", "video"))
    if not total and not media and not embed.get("url"):
        raise bad_form("embeds", path, "BASE_TYPE_REQUIRED", "This field is required")
    return total


def _check_values(embed: Json, path: str) -> None:
    for keys in _ADDRESSES:
        address = _at(embed, keys)
        if address and urlsplit(str(address)).scheme not in ("http", "https", "attachment"):
            raise bad_form(
                "embeds",
                f"{path}.{'.'.join(keys)}",
                "URL_TYPE_INVALID_SCHEME",
                "Scheme must be one of ('http', 'https').",
            )
    colour = embed.get("color")
    if colour is not None and not 0 <= int(colour) <= 0xFFFFFF:
        raise bad_form(
            "embeds",
            f"{path}.color",
            "NUMBER_TYPE_MAX",
            "int value should be less than or equal to 16777215.",
        )
    if stamp := embed.get("timestamp"):
        try:
            datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
        except ValueError:
            raise bad_form(
                "embeds",
                f"{path}.timestamp",
                "DATE_TIME_TYPE_PARSE",
                f"Could not parse {stamp}. Should be ISO8601.",
            ) from None


def _at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
