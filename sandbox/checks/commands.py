"""Application commands within Discord's limits (Application Commands > Naming, Options)."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any

from sandbox.errors import ApiError, bad_form, too_long
from sandbox.records import Json

NAME = re.compile(r"^[-_'\w]{1,32}$", re.UNICODE)
# fmt: off
LOCALES = frozenset({
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu",
    "nl", "no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el",
    "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
})
# fmt: on


class CommandKind(IntEnum):
    """Discord's command types."""

    SLASH = 1
    USER_MENU = 2
    MESSAGE_MENU = 3


class OptionKind(IntEnum):
    """Discord's option types."""

    SUBCOMMAND = 1
    GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


_MOST = {CommandKind.SLASH: 100, CommandKind.USER_MENU: 15, CommandKind.MESSAGE_MENU: 15}
_NESTS: dict[int | None, frozenset[OptionKind]] = {
    None: frozenset({OptionKind.SUBCOMMAND, OptionKind.GROUP}),
    OptionKind.GROUP: frozenset({OptionKind.SUBCOMMAND}),
    OptionKind.SUBCOMMAND: frozenset(),
}
_NUMERIC = (OptionKind.INTEGER, OptionKind.NUMBER)
_CHOOSY = (OptionKind.STRING, *_NUMERIC)


def check_commands(commands: list[Json]) -> None:
    """Check a whole bulk overwrite. Raises 50035, or 30032 for too many."""
    seen: set[tuple[int, str]] = set()
    for i, command in enumerate(commands):
        check_command(command, str(i))
        key = (command.get("type", 1), command["name"])
        if key in seen:
            raise _wrong(
                f"{i}.name",
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )
        seen.add(key)
    for kind, most in _MOST.items():
        if sum(1 for k, _ in seen if k == kind) > most:
            raise ApiError(
                400,
                30032,
                f"Maximum number of application commands reached ({most})",
                rule="commands",
            )


def check_command(command: Json, path: str = "") -> None:
    """Check one command; ``path`` is its index in a bulk overwrite, or empty."""
    kind = command.get("type", 1)
    name = command.get("name") or ""
    if kind == CommandKind.SLASH:
        _check_name(name, _join(path, "name"))
        _check_description(command, path)
        _check_options(command.get("options") or [], _join(path, "options"), _NESTS[None])
        if (size := _size(command)) > 8000:
            raise _wrong(
                path,
                "APPLICATION_COMMAND_TOO_LARGE",
                f"Command exceeds maximum size (8000): {size}",
            )
    elif not 1 <= len(name) <= 32:
        raise _wrong(
            _join(path, "name"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length."
        )
    elif command.get("description"):
        raise _wrong(
            _join(path, "description"),
            "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED",
            "Context menu commands cannot have description",
        )
    elif command.get("options"):
        raise _wrong(
            _join(path, "options"), "APPLICATION_COMMAND_OPTIONS_NOT_ALLOWED", "No options"
        )
    _check_localised(command, path, slash=kind == CommandKind.SLASH)


def _check_options(options: list[Json], path: str, nests: frozenset[OptionKind]) -> None:
    if len(options) > 25:
        raise _wrong(path, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    names = [o.get("name") for o in options]
    if len(set(names)) < len(names):
        raise _wrong(
            path, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique"
        )
    nested = [o.get("type") in (OptionKind.SUBCOMMAND, OptionKind.GROUP) for o in options]
    if any(nested) and not all(nested):
        raise _wrong(
            path,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-commands and groups are mutually exclusive to all other types",
        )
    optional_seen = False
    for i, option in enumerate(options):
        at = f"{path}.{i}"
        _check_name(option.get("name") or "", f"{at}.name")
        _check_description(option, at)
        _check_localised(option, at, slash=True)
        kind = option.get("type")
        if kind in (OptionKind.SUBCOMMAND, OptionKind.GROUP):
            if kind not in nests:
                raise _wrong(at, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Nested too deep")
            _check_options(option.get("options") or [], f"{at}.options", _NESTS[kind])
            continue
        if kind not in list(OptionKind):
            raise _wrong(f"{at}.type", "BASE_TYPE_CHOICES", "Value must be one of (1, ..., 11).")
        if option.get("required") and optional_seen:
            raise _wrong(
                at,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen |= not option.get("required")
        _check_choices(option, at)


def _check_choices(option: Json, path: str) -> None:
    choices = option.get("choices") or []
    kind = option["type"]
    if (choices or option.get("autocomplete")) and kind not in _CHOOSY:
        raise _wrong(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "This type has no choices")
    if choices and option.get("autocomplete"):
        raise _wrong(path, "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", "Choices or autocomplete")
    if len(choices) > 25:
        raise _wrong(f"{path}.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    check_choice_values(choices, kind, f"{path}.choices")
    if kind not in _NUMERIC and ("min_value" in option or "max_value" in option):
        raise _wrong(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "min_value is for numbers")


def check_choice_values(choices: list[Json], kind: int, path: str) -> None:
    """Names of 1-100 characters and values of the option's type; also for autocompletion."""
    for i, choice in enumerate(choices):
        if not 1 <= len(str(choice.get("name") or "")) <= 100:
            raise _wrong(
                f"{path}.{i}.name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."
            )
        if not _fits(choice.get("value"), kind):
            raise _wrong(f"{path}.{i}.value", "OPTION_VALUE_INVALID", "Value is of the wrong type.")


def _fits(value: Any, kind: int) -> bool:
    if kind == OptionKind.STRING:
        return isinstance(value, str) and len(value) <= 100
    if kind == OptionKind.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_name(name: str, path: str) -> None:
    if not NAME.match(name) or name != name.lower():
        raise _wrong(
            path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid (1-32, lower case)"
        )


def _check_description(part: Json, path: str) -> None:
    if not 1 <= len(part.get("description") or "") <= 100:
        raise _wrong(
            _join(path, "description"),
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 1 and 100 in length.",
        )


def _check_localised(part: Json, path: str, *, slash: bool) -> None:
    for key, check in (("name_localizations", slash), ("description_localizations", False)):
        for locale, text in (part.get(key) or {}).items():
            at = _join(path, f"{key}.{locale}")
            if locale not in LOCALES:
                raise _wrong(at, "BASE_TYPE_CHOICES", "Unknown locale.")
            if check:
                _check_name(text, at)
            elif not 1 <= len(text) <= (32 if key.startswith("name") else 100):
                raise too_long("commands", at, 32 if key.startswith("name") else 100)


def _size(part: Json) -> int:
    """Characters that count towards 8,000: the longest localisation of each text, and values."""
    total = 0
    for key in ("name", "description"):
        texts = [part.get(key) or "", *(part.get(f"{key}_localizations") or {}).values()]
        total += max(map(len, texts))
    total += sum(
        len(str(c.get("name"))) + len(str(c.get("value"))) for c in part.get("choices") or []
    )
    return total + sum(_size(option) for option in part.get("options") or [])


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _wrong(path: str, code: str, message: str) -> ApiError:
    return bad_form("commands", path, code, message)
