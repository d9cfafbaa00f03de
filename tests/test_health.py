"""``bot.py check``: each row is true, a failing row says what to look at, nothing is secret."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from health import Finding, examine, show
from settings import Settings
from tests.support.endpoint import REFUSALS, open_endpoint

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.abcdef.ghijklmnop"
SECRETS = ("ghijklmnop", "sk-key", "hunter2")


def made(
    address: str, url: str, *, voice: str = "en_US-joe-medium", token: str = TOKEN
) -> Settings:
    """Settings with a secret wherever there can be one."""
    plain = Settings()
    return replace(
        plain,
        discord=replace(plain.discord, token=SecretStr(token)),
        model=replace(plain.model, base_url=address, api_key=SecretStr("sk-key"), retries=0),
        storage=replace(plain.storage, url=url),
        speech=replace(plain.speech, voice=voice),
    )


def printed(findings: list[Finding]) -> str:
    """The table as it is read; nothing in it is secret."""
    page = io.StringIO()
    show(findings, Console(file=page, width=120))
    assert not [secret for secret in SECRETS if secret in page.getvalue()]
    return page.getvalue()


async def test_where_everything_works_every_row_says_so(tmp_path: Path) -> None:
    async with open_endpoint() as endpoint:
        address = endpoint.base_url.replace("127", "ann:hunter2@127")
        findings = await examine(made(address, f"sqlite:///{tmp_path}/a.db"), Path("mine.toml"))
    assert [(each.what, each.state) for each in findings] == [
        (what, "ok") for what in ("settings", "token", "database", "voices", "opus", "model")
    ]
    table = printed(findings)
    for part in ("mine.toml", "123456789012345678", "sqlite", "en_US-joe-medium", "127.0.0.1"):
        assert part in table


async def test_what_does_not_work_says_what_to_look_at(tmp_path: Path) -> None:
    async with open_endpoint() as endpoint:
        endpoint.then(REFUSALS["authentication"])
        url = "postgresql://ann:hunter2@127.0.0.1:9/parley"
        findings = await examine(made(endpoint.base_url, url, voice="nobody", token="ghijklmnop"))
    rows = {each.what: each for each in findings}
    failed = {what for what, each in rows.items() if each.state == "failed"}
    assert failed == {"token", "database", "voices", "model"}
    assert "no config.toml" in rows["settings"].detail
    assert "does not look like" in rows["token"].detail
    assert "does not answer" in rows["database"].detail
    assert rows["voices"].detail == "I have no voice called nobody."
    assert "does not accept this bot's key" in rows["model"].detail
    printed(findings)


async def test_a_voice_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "voice.json").write_text("{}")
    async with open_endpoint() as endpoint:
        settings = made(endpoint.base_url, f"sqlite:///{tmp_path}/a.db")
        folders = (*settings.speech.voices, tmp_path)
        settings = replace(settings, speech=replace(settings.speech, voices=folders))
        (voices,) = [each for each in await examine(settings) if each.what == "voices"]
    assert voices.state == "warning"
    assert voices.detail.startswith("en_US-joe-medium speaks, but broken: ")
