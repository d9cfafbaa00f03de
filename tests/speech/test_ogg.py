"""The container: what goes in comes out, for FFmpeg too, whatever the packets are."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.base import FRAME_SAMPLES, SILENCE
from speech.loudness import loudness
from speech.ogg import ogg
from speech.sound import FrameMaker

# The first byte says 20 ms of mono; what follows is never decoded here.
_PACKETS = st.lists(st.binary(max_size=700).map(lambda rest: b"\xf8" + rest), max_size=120)


@settings(max_examples=60)
@given(_PACKETS.filter(bool))
def test_every_packet_comes_out_as_it_went_in(packets: list[bytes]) -> None:
    with av.open(io.BytesIO(ogg(packets))) as container:
        found = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    assert found == packets


def test_the_last_page_says_how_long_it_is() -> None:
    with av.open(io.BytesIO(ogg([SILENCE] * 125))) as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None
        assert stream.duration * stream.time_base == pytest.approx(2.5, abs=FRAME_SAMPLES / 48_000)


def test_loudness_is_what_was_encoded() -> None:
    rate_hz = 24_000
    at = np.arange(rate_hz) / rate_hz
    maker = FrameMaker(48_000)
    tone = (0.5 * np.sin(2 * np.pi * 300 * at)).astype(np.float32)
    frames = [*maker.add(tone, rate_hz), *maker.add(np.zeros(rate_hz, np.float32), rate_hz)]
    levels = loudness([*frames, *maker.finish()])
    assert np.mean(levels[5:45]) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert max(levels[60:95]) < 0.005
