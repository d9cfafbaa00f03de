"""The voice websocket and UDP by hand: every close code, resume, discovery, both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import aiohttp
import davey
import pytest

from sandbox.server import Sandbox, open_sandbox
from sandbox.voice.host import RESUME_WINDOW_S, open_voice
from sandbox.voice.opcodes import Op
from tests.sandbox.client import Home
from tests.sandbox.voice.raw import STRANGER, RawVoice, ticket
from tests.sandbox.voice.tone import encode, loudest_hz, sine

Dial = Callable[..., Awaitable[RawVoice]]


@pytest.fixture
async def dial(sandbox: Sandbox, home: Home) -> AsyncIterator[Dial]:
    """``raw = await dial()``: a websocket with a good ticket, nothing said yet."""
    opened: list[RawVoice] = []
    async with aiohttp.ClientSession() as http:

        async def connect(given: object = None, user_id: int = STRANGER) -> RawVoice:
            given = given or ticket(sandbox, home.lounge.id, user_id)
            raw = await RawVoice.open(http, sandbox, given)
            opened.append(raw)
            return raw

        yield connect
        for raw in opened:
            await raw.close()


async def test_ready_offers_what_the_client_needs(dial: Dial) -> None:
    raw = await dial()
    await raw.identify()
    ready = await raw.json(Op.READY)
    assert ready["ip"] == "127.0.0.1"
    assert ready["ssrc"] > 0
    assert set(ready["modes"]) == {
        "aead_aes256_gcm_rtpsize",
        "aead_xchacha20_poly1305_rtpsize",
    }


@pytest.mark.parametrize("mode", ["aead_aes256_gcm_rtpsize", "aead_xchacha20_poly1305_rtpsize"])
async def test_the_session_description_carries_key_and_dave_version(dial: Dial, mode: str) -> None:
    raw = await dial()
    description = await raw.connect(mode)
    assert description["mode"] == mode
    assert description["dave_protocol_version"] == 1
    assert len(raw.key) == 32


async def test_a_heartbeat_is_answered_with_its_own_nonce(dial: Dial) -> None:
    raw = await dial()
    await raw.send(Op.HEARTBEAT, {"t": 1_501_184_119_561, "seq_ack": -1})
    assert await raw.json(Op.HEARTBEAT_ACK) == {"t": 1_501_184_119_561}


async def test_udp_tells_the_client_its_address_and_echoes_keep_alives(dial: Dial) -> None:
    raw = await dial()
    await raw.connect()
    assert raw.udp
    assert await raw.discover() == raw.udp.getsockname()
    await raw.datagram(b"\x05\0\0\0\0\0\0\0")
    assert await raw.answer() == b"\x05\0\0\0\0\0\0\0"


# Close codes


async def code_of(raw: RawVoice, op: int, data: object) -> int | None:
    await raw.send(op, data)
    return await raw.closed()


async def test_4001_for_an_unknown_opcode(dial: Dial) -> None:
    raw = await dial()
    await raw.connect()
    assert await code_of(raw, 99, {}) == 4001


@pytest.mark.parametrize("text", ["{", "[]", '{"d": {}}', '{"op": 0, "d": 7}', "null"])
async def test_4002_for_what_is_no_payload(dial: Dial, text: str) -> None:
    raw = await dial()
    await raw.socket.send_str(text)
    assert await raw.closed() == 4002


async def test_4003_before_identify(dial: Dial) -> None:
    for op in (Op.SELECT_PROTOCOL, Op.SPEAKING):
        assert await code_of(await dial(), op, {}) == 4003
    raw = await dial()
    await raw.socket.send_bytes(b"\x1a")
    assert await raw.closed() == 4003


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "stolen"}, 4004),
        ({"session_id": "old"}, 4006),
        ({"user_id": "1"}, 4006),
        ({"server_id": "1"}, 4011),
        ({"server_id": "no snowflake"}, 4002),
        ({"max_dave_protocol_version": 0}, 4017),
        ({"max_dave_protocol_version": None}, 4017),
    ],
)
async def test_identify_must_be_right_in_every_field(
    dial: Dial, changes: dict[str, object], code: int
) -> None:
    raw = await dial()
    await raw.identify(**changes)
    assert await raw.closed() == code


async def test_4005_for_a_second_identify(dial: Dial) -> None:
    raw = await dial()
    await raw.connect()
    await raw.identify()
    assert await raw.closed() == 4005


async def test_4012_and_4016_for_a_protocol_and_a_mode_that_nobody_speaks(dial: Dial) -> None:
    raw = await dial()
    await raw.identify()
    assert await code_of(raw, Op.SELECT_PROTOCOL, {"protocol": "webrtc"}) == 4012
    raw = await dial()
    await raw.identify()
    data = {"protocol": "udp", "data": {"mode": "xsalsa20_poly1305"}}
    assert await code_of(raw, Op.SELECT_PROTOCOL, data) == 4016


async def test_4020_for_a_field_that_is_missing_or_no_key_package(dial: Dial) -> None:
    raw = await dial()
    await raw.connect()
    assert await code_of(raw, Op.SPEAKING, {"speaking": 1}) == 4020
    raw = await dial()
    await raw.connect()
    await raw.socket.send_bytes(bytes([Op.MLS_KEY_PACKAGE]) + b"not MLS")
    assert await raw.closed() == 4020


async def test_4009_when_the_heart_stops() -> None:
    quick = partial(open_voice, heartbeat_interval_s=0.05)
    async with open_sandbox(open_voice=quick) as sandbox, aiohttp.ClientSession() as http:
        guild = sandbox.add_guild("Home", voice=["Lounge"])
        given = ticket(sandbox, sandbox.channel(guild, "Lounge").id)
        raw = await RawVoice.open(http, sandbox, given)
        await raw.identify()
        assert await raw.closed() == 4009
        again = await RawVoice.open(http, sandbox, given)
        await again.resume()
        assert await again.closed() == 4006


async def test_a_newer_ticket_closes_the_old_websocket_with_4014(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    old = await dial()
    await old.connect()
    newer = ticket(sandbox, home.lounge.id, number=2)
    assert await old.closed() == 4014
    new = await dial(newer)
    await new.connect()


# Resume


async def test_a_cut_connection_resumes_and_gets_what_it_missed(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    raw = await dial()
    await raw.connect()
    sandbox.faults.voice.drop(home.guild.id, STRANGER)
    await raw.closed()
    await sandbox.until(lambda: [e for e in sandbox.events if e.kind == "voice.close"])
    await home.ann.join_voice(home.lounge)
    again = await dial(raw.ticket)
    again.last_sequence = raw.last_sequence
    await again.resume()
    missed = await again.json(Op.CLIENTS_CONNECT)
    assert missed == {"user_ids": [str(home.ann.id)]}
    assert await again.json(Op.RESUMED) is None


async def test_what_a_heartbeat_acknowledged_is_not_sent_again(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    raw = await dial()
    await raw.connect()
    await home.ann.join_voice(home.lounge)
    await raw.json(Op.CLIENTS_CONNECT)
    await raw.send(Op.HEARTBEAT, {"t": 1, "seq_ack": raw.last_sequence})
    await raw.json(Op.HEARTBEAT_ACK)
    sandbox.faults.voice.close(home.guild.id, STRANGER, 4015)
    assert await raw.closed() == 4015
    again = await dial(raw.ticket)
    await again.resume(seq_ack=-1)
    await again.json(Op.RESUMED)
    assert [m["op"] for m in again.messages] == [Op.HELLO, Op.RESUMED]


@pytest.mark.parametrize("code", [4006, 4014])
async def test_a_voided_session_cannot_resume(
    dial: Dial, sandbox: Sandbox, home: Home, code: int
) -> None:
    raw = await dial()
    await raw.connect()
    sandbox.faults.voice.close(home.guild.id, STRANGER, code)
    assert await raw.closed() == code
    again = await dial(raw.ticket)
    await again.resume()
    assert await again.closed() == 4006


async def test_resume_can_be_refused_and_needs_its_token(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    raw = await dial()
    await raw.connect()
    thief = await dial(raw.ticket)
    await thief.resume(token="stolen")
    assert await thief.closed() == 4004
    sandbox.faults.voice.refuse_resume = True
    again = await dial(raw.ticket)
    await again.resume()
    assert await again.closed() == 4006


async def test_who_does_not_come_back_leaves_the_channel(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    raw = await dial()
    await raw.connect()
    sandbox.faults.voice.drop(home.guild.id, STRANGER)
    await sandbox.until(lambda: [e for e in sandbox.events if e.kind == "voice.close"])
    sandbox.clock.advance(RESUME_WINDOW_S + 1)
    gone = await sandbox.until(lambda: [e for e in sandbox.events if e.kind == "voice.closed"])
    assert (gone[0].details["user_id"], gone[0].details["code"]) == (STRANGER, 1006)


# Sound


async def speak_a_tone(raw: RawVoice, frames: int = 50, **options: object) -> None:
    await raw.send(Op.SPEAKING, {"speaking": 1, "delay": 0, "ssrc": raw.ssrc})
    for packet in encode(sine(600, frames))[:frames]:
        await raw.speak(packet, **options)  # type: ignore[arg-type]  # forwarded as they are


async def test_aes_extensions_and_padding_are_understood(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    await home.ann.join_voice(home.lounge)
    raw = await dial()
    await raw.connect("aead_aes256_gcm_rtpsize")
    await raw.join_dave()
    await speak_a_tone(raw, extension=b"\x10\xff\0\0", padding=4)
    heard = home.ann.heard(home.guild)
    await sandbox.until(lambda: len(heard.frames) == 50)
    assert not heard.unheard
    assert loudest_hz(heard.pcm()) == pytest.approx(600, abs=2)
    assert not sandbox.violations


async def test_two_clients_and_a_listener_share_one_group(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    """Keys change hands between members on the network too, not only with the sandbox's own."""
    first, second = await dial(user_id=STRANGER), await dial(user_id=STRANGER + 1)
    await asyncio.gather(first.connect(), second.connect())
    await asyncio.gather(first.join_dave(), second.join_dave())
    assert first.dave and second.dave
    assert first.dave.voice_privacy_code == second.dave.voice_privacy_code
    sealed = first.dave.encrypt_opus(b"\xfcfor you alone")
    opened = second.dave.decrypt(STRANGER, davey.MediaType.audio, sealed)
    assert opened == b"\xfcfor you alone"
    await home.ann.join_voice(home.lounge)
    while first.dave.epoch != 2 or second.dave.epoch != 2:
        for raw in (first, second):
            message = await raw.receive()
            if isinstance(message, bytes):
                await raw.follow(message[2], message[3:])
    await sandbox.until(
        lambda: [
            e for e in sandbox.events if e.kind == "voice.transition" and e.details["epoch"] == 2
        ]
    )
    await speak_a_tone(first)
    heard = home.ann.heard(home.guild)
    await sandbox.until(lambda: len(heard.frames) == 50)
    assert {frame.speaker_id for frame in heard.frames} == {STRANGER}


async def test_sound_that_no_op_5_announces_breaks_a_rule(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    raw = await dial()
    await raw.connect()
    await raw.speak(b"\xf8\xff\xfe")
    await sandbox.until(lambda: sandbox.violations)
    assert [v.rule for v in sandbox.violations] == ["voice.speaking"]


async def test_a_packet_under_another_key_is_rejected(
    dial: Dial, sandbox: Sandbox, home: Home
) -> None:
    await home.ann.join_voice(home.lounge)
    raw = await dial()
    await raw.connect()
    raw.key = bytes(32)
    await speak_a_tone(raw, frames=1)
    await sandbox.until(lambda: [e for e in sandbox.events if e.kind == "voice.rejected"])
    heard = home.ann.heard(home.guild)
    assert not heard.frames and not heard.unheard


async def test_a_muted_speaker_is_not_heard(dial: Dial, sandbox: Sandbox, home: Home) -> None:
    await home.ann.join_voice(home.lounge)
    raw = await dial()
    await raw.connect()
    await raw.join_dave()
    heard = home.ann.heard(home.guild)
    sandbox.core.voice.mute(home.guild.id, STRANGER, True)
    await speak_a_tone(raw, frames=10)
    await raw.discover()  # UDP is in order here: all ten have been taken
    assert not heard.frames
    sandbox.core.voice.mute(home.guild.id, STRANGER, False)
    await speak_a_tone(raw, frames=10)
    await sandbox.until(lambda: len(heard.frames) == 10)
