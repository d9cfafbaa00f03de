"""Settings: three layers, and mistakes that are pointed at."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter

from errors import SettingsError
from settings import Settings, load
from words import Words

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def _write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def _complaint(config: Path | None, environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(config, environ)
    return caught.value.say(Words.of("en-US"))


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    config = _write(tmp_path, "[discord]\nreply_ping = true\nedit_gap_s = 2\n")
    settings = load(config, {"PARLEY_DISCORD__EDIT_GAP_S": "3.5", "DISCORD_TOKEN": "abc"})
    assert settings.discord.reply_ping is True
    assert settings.discord.edit_gap_s == 3.5
    assert settings.discord.edit_least == Settings().discord.edit_least
    assert settings.discord.token.get_secret_value() == "abc"


def test_lists_are_read_from_one_variable() -> None:
    assert load(None, {"PARLEY_SPEECH__VOICES": "a, b"}).speech.voices == (Path("a"), Path("b"))
    guilds = load(None, {"PARLEY_DISCORD__COMMAND_GUILDS": "[1, 2]"}).discord.command_guilds
    assert guilds == (1, 2)


def test_an_empty_variable_is_not_set() -> None:
    assert load(None, {"PARLEY_DISCORD__EDIT_GAP_S": ""}) == load(None, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[discord]\nedit_gaps_s = 1\n", "discord.edit_gaps_s: is not a key (did you mean edit"),
        ("[disc]\n", "disc: is not a section (did you mean discord?)"),
        ("discord = 3\n", "discord: is a section: write [discord]"),
        ("[discord]\nedit_gap_s = -1\n", "discord.edit_gap_s: input should be greater than"),
        ('[discord]\nedit_least = "20"\n', "discord.edit_least: input should be a valid integer"),
        ("[log]\nlevel = 'loud'\n", "log.level: input should be 'debug', 'info', 'warning' or"),
        ("[discord]\nshards = 2\nshard = 2\n", "discord: shard must be less than shards"),
        ("[discord\n", "file: is not valid TOML"),
        ('[storage]\nurl = "parley.db"\n', "storage: url is not a database URL"),
        ('[storage]\nurl = "mysql://me@host/parley"\n', "storage: url: that kind of database is"),
        ('[storage]\nurl = "sqlite://"\n', "storage: url: a SQLite database needs a file"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_what_is_allowed(
    tmp_path: Path, text: str, said: str
) -> None:
    config = _write(tmp_path, text)
    assert _complaint(config, {}).startswith(f"{config}: {said}")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PARLEY_SPEECH__WORKERZ", "1", "PARLEY_SPEECH__WORKERZ: is not a key"),
        ("PARLEY_SPEECH__WORKERS", "many", "PARLEY_SPEECH__WORKERS: input should be a valid int"),
        ("PARLEY_SPEECH", "1", "PARLEY_SPEECH: is not a setting: use PARLEY_SECTION__KEY"),
    ],
)
def test_a_mistake_in_the_environment_is_named_too(name: str, value: str, said: str) -> None:
    assert _complaint(None, {name: value}).startswith(f"environment: {said}")


def test_a_missing_file_is_an_error_when_it_was_asked_for(tmp_path: Path) -> None:
    assert "cannot be read" in _complaint(tmp_path / "no.toml", {})


def test_secrets_are_never_printed() -> None:
    settings = load(None, {"DISCORD_TOKEN": "s3cret-token", "OPENAI_API_KEY": "sk-s3cret"})
    assert "s3cret" not in repr(settings) + str(settings) + str(dataclasses.asdict(settings))


def test_a_bad_secret_is_not_quoted(tmp_path: Path) -> None:
    config = _write(tmp_path, "[discord]\ntoken = 314159265\n")
    assert "314159265" not in _complaint(config, {})


@pytest.mark.parametrize(
    "url",
    ["hunter2", "mysql://me:hunter2@host/x", "://hunter2@", "postgresql://me@host:hunter2/x"],
)
def test_a_database_url_that_cannot_be_used_is_not_quoted(url: str) -> None:
    said = _complaint(None, {"PARLEY_STORAGE__URL": url})
    assert said.startswith("environment: storage: url")
    assert "hunter2" not in said


def _defaults() -> dict[str, dict[str, Any]]:
    def plain(value: Any) -> Any:
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        return json.loads(TypeAdapter(Any).dump_json(value))

    settings = Settings()
    return {
        section.name: {
            key.name: plain(getattr(getattr(settings, section.name), key.name))
            for key in dataclasses.fields(getattr(settings, section.name))
        }
        for section in dataclasses.fields(settings)
    }


def test_the_example_lists_exactly_all_keys_with_their_defaults() -> None:
    """A key whose default is "nothing" cannot be written in TOML: it stands there as a comment."""
    text = EXAMPLE.read_text("utf-8")
    shown = tomllib.loads(text)
    for section, keys in _defaults().items():
        part = text.partition(f"[{section}]\n")[2].partition("\n[")[0]
        for key, value in keys.items():
            if value is None:
                assert re.search(rf"^# {key} = ", part, re.M), f"{section}.{key} is not shown"
            else:
                assert shown[section].pop(key) == value, f"{section}.{key}"
    assert not any(shown.values()), "keys that do not exist"


def test_every_key_of_the_example_is_explained() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    keys = [n for n, line in enumerate(lines) if re.match(r"(# )?\w+ = ", line)]
    assert keys
    assert all(lines[n - 1].startswith("# ") for n in keys), "a comment goes above each key"


def test_the_example_can_be_used_as_it_is() -> None:
    assert load(EXAMPLE, {}) == Settings()
