"""Every setting, typed and frozen: defaults < ``config.toml`` < environment.

Each room defines its own settings; this file only composes them and says clearly what is wrong.
``bot.py`` reads them once and hands each room its own part.

Environment: ``DISCORD_TOKEN``, ``OPENAI_API_KEY`` and ``OPENAI_BASE_URL`` under their usual names,
any other key as ``PARLEY_SECTION__KEY`` (``PARLEY_SPEECH__VOICE=en_US-joe-medium``; lists separated
by commas, or as JSON).
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cogs.settings import DiscordSettings
from dialogue.settings import (
    ContentSettings,
    DialogueSettings,
    InputSettings,
    MemorySettings,
    ModelSettings,
    QuotaSettings,
)
from errors import SettingsError
from lobby.settings import LobbySettings
from speech.settings import SpeechSettings
from speech.training import TrainingSettings
from storage.settings import StorageSettings

USUAL_NAMES = {
    "DISCORD_TOKEN": ("discord", "token"),
    "OPENAI_API_KEY": ("model", "api_key"),
    "OPENAI_BASE_URL": ("model", "base_url"),
}
PREFIX = "PARLEY_"
CONFIG = Path("config.toml")
ENVIRONMENT = "environment"


@dataclass(frozen=True)
class LogSettings:
    """What the log says; never what people wrote.

    Attributes:
        level: least serious line that is written.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True)
class Settings:
    """All settings, one part for each room."""

    discord: DiscordSettings = field(default_factory=DiscordSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
    content: ContentSettings = field(default_factory=ContentSettings)
    input: InputSettings = field(default_factory=InputSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    lobby: LobbySettings = field(default_factory=LobbySettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    log: LogSettings = field(default_factory=LogSettings)

    @property
    def dialogue(self) -> DialogueSettings:
        """What ``dialogue/`` is given."""
        return DialogueSettings(self.model, self.memory, self.quota, self.content, self.input)


def load(config: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings. ``config`` None: ``config.toml`` if there is one.

    Raises :class:`SettingsError` with the file, the key and what is allowed.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in _sections()}
    path = config or (CONFIG if CONFIG.is_file() else None)
    if path is not None:
        for section, table in _read(path).items():
            _known(section, _sections(), str(path), section, "section")
            if not isinstance(table, dict):
                raise _error(str(path), section, f"is a section: write [{section}]")
            for key, value in table.items():
                values[section][key] = _checked(str(path), section, key, value)
    for name, text in environ.items():
        # An empty variable means "not set", as shells and compose files use it.
        if text and (place := _place(name)):
            values[place[0]][place[1]] = _checked(ENVIRONMENT, *place, text, name=name)
    return Settings(**{section: _built(section, keys, path) for section, keys in values.items()})


def _sections() -> dict[str, type]:
    return get_type_hints(Settings)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _error(str(path), "", f"cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _error(str(path), "", f"is not valid TOML: {error}") from error


def _place(name: str) -> tuple[str, str] | None:
    """Which section and key an environment variable sets, if any."""
    if name in USUAL_NAMES:
        return USUAL_NAMES[name]
    if not name.startswith(PREFIX):
        return None
    section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
    if not separator:
        raise _error(ENVIRONMENT, name, f"is not a setting: use {PREFIX}SECTION__KEY")
    _known(section, _sections(), ENVIRONMENT, name, "section")
    return section, key


def _checked(file: str, section: str, key: str, value: object, *, name: str = "") -> Any:
    """The value in its own type; ``name`` is the environment variable it came from, as text."""
    kinds = get_type_hints(_sections()[section], include_extras=True)
    kinds = {each.name: kinds[each.name] for each in fields(_sections()[section])}
    shown = name or f"{section}.{key}"
    _known(key, kinds, file, shown, "key")
    adapter: TypeAdapter[Any] = TypeAdapter(kinds[key])
    try:
        if not name:
            # Strict, through JSON: `workers = true` or `workers = "2"` is a mistake to point at.
            return adapter.validate_json(json.dumps(value, default=str), strict=True)
        if isinstance(value, str) and value[:1] in ("[", "{"):
            return adapter.validate_json(value)
        if '"array"' in json.dumps(adapter.json_schema()):
            items = [item.strip() for item in str(value).split(",") if item.strip()]
            return adapter.validate_python(items)
        return adapter.validate_strings(value)
    except ValidationError as error:
        # Only the rule that was broken: the value itself may be a secret.
        problem = "; ".join(dict.fromkeys(each["msg"] for each in error.errors()))
        raise _error(file, shown, problem[:1].lower() + problem[1:]) from None


def _built(section: str, keys: dict[str, Any], path: Path | None) -> Any:
    try:
        return _sections()[section](**keys)
    except ValueError as error:
        raise _error(str(path or ENVIRONMENT), section, str(error)) from None


def _known(name: str, allowed: Mapping[str, object], file: str, shown: str, what: str) -> None:
    if name in allowed:
        return
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(allowed)}"
    raise _error(file, shown, f"is not a {what} ({hint})")


def _error(file: str, key: str, problem: str) -> SettingsError:
    return SettingsError(file=file, key=key or "file", problem=problem)
