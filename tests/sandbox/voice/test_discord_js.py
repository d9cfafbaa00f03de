"""@discordjs/voice joins and plays: an independent client, its own DAVE, and AES for once.

It needs Node 20 or later and its packages: ``cd tests/sandbox/js && npm ci``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest

from sandbox.server import Sandbox
from tests.sandbox.client import Home
from tests.sandbox.test_discord_js import FOLDER, NODE, Script, node
from tests.sandbox.voice.tone import RATE_HZ, loudest_hz, sine, snr_db

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules" / "@discordjs" / "voice").is_dir(),
    reason="needs Node 20+ and @discordjs/voice: cd tests/sandbox/js && npm ci",
)
SECONDS = 2


def write_tone(path: Path) -> None:
    """An Ogg/Opus file of a 440 Hz tone, in frames of 20 ms."""
    with av.open(str(path), "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=RATE_HZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(
            sine(440, SECONDS * 50).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)


class Player(Script):
    """The script, which also listens."""

    def tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())


@pytest.fixture
async def bot(sandbox: Sandbox, home: Home, tmp_path: Path) -> AsyncIterator[Player]:
    write_tone(tmp_path / "tone.ogg")
    async with node(sandbox, "voice.js", SOUND=str(tmp_path / "tone.ogg")) as process:
        yield Player(process)


async def test_what_discord_js_plays_is_heard_while_members_come_and_go(
    sandbox: Sandbox, home: Home, bot: Player
) -> None:
    ann, ben = home.ann.heard(home.guild), home.ben.heard(home.guild)
    await home.ann.join_voice(home.lounge)
    await bot.told("joined")
    await bot.told("transitioned")
    ready = next(event for event in sandbox.events if event.kind == "voice.ready")
    assert ready.details["mode"] == "aead_aes256_gcm_rtpsize"

    bot.tell("play")
    await sandbox.until(lambda: len(ann.frames) > 10, 10)
    await home.ben.join_voice(home.lounge)
    await bot.told("transitioned")
    await sandbox.until(lambda: len(ben.frames) > 10, 10)
    await home.ben.leave_voice()
    await bot.told("transitioned")
    await bot.told("played")

    numbers = ann.statistics()
    assert SECONDS * 50 <= numbers.frames <= SECONDS * 50 + 2
    assert (numbers.lost, numbers.unheard) == (0, 0)
    samples = ann.pcm()
    assert loudest_hz(samples[: RATE_HZ * SECONDS]) == pytest.approx(440, abs=2)
    assert snr_db(samples[RATE_HZ // 10 : RATE_HZ], 440) > 25
    assert not sandbox.violations


@pytest.mark.parametrize("fault", ["garbled commit", "crash", "drop"])
async def test_discord_js_recovers_and_is_heard_again(
    sandbox: Sandbox, home: Home, bot: Player, fault: str
) -> None:
    """Op 31 and a new key package; a resume (op 7); and a fresh connection."""
    await home.ann.join_voice(home.lounge)
    await home.ben.join_voice(home.lounge)
    await bot.told("transitioned")
    faults = sandbox.faults.voice
    match fault:
        case "garbled commit":
            faults.garble_commit(home.guild.id, sandbox.bot.id)
            await bot.told("transitioned")
        case "crash":
            faults.close(home.guild.id, sandbox.bot.id, 4015)
            await sandbox.until(lambda: "voice.resume" in [e.kind for e in sandbox.events], 10)
        case _:
            faults.drop(home.guild.id, sandbox.bot.id)
            await sandbox.until(lambda: "voice.resume" in [e.kind for e in sandbox.events], 10)
    bot.tell("play")
    hearing = home.ben.heard(home.guild)
    await sandbox.until(lambda: len(hearing.frames) >= 20, 10)
    assert not hearing.unheard
    assert not sandbox.violations


async def test_when_discord_js_leaves_the_channel_is_empty(
    sandbox: Sandbox, home: Home, bot: Player
) -> None:
    await home.ann.join_voice(home.lounge)
    await bot.told("transitioned")
    bot.tell("leave")
    await sandbox.until(lambda: sandbox.bot.id not in home.guild.voice_states)
    await sandbox.until(lambda: "voice.close" in [event.kind for event in sandbox.events])
