"""What a listener's numbers mean: late, lost, stalled, silent; and what it sounded like."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.voice import sound
from sandbox.voice.hearing import HeardFrame, Hearing, Speaking, Unheard, lateness_s
from sandbox.voice.playout import BUFFER_S, schedule
from tests.sandbox.voice.tone import encode, loudest_hz, sine, snr_db

SSRC = 5
SOUND = b"\xfcsound"
FRAME_S = 0.020


class Speaker:
    """Sends frames into a hearing on a clock of its own."""

    def __init__(self, ssrc: int = SSRC, sequence: int = 0, rtp_time: int = 0) -> None:
        self.hearing = Hearing()
        self.ssrc = ssrc
        self.sequence = sequence
        self.rtp_time = rtp_time
        self.now_s = 10.0

    def send(self, opus: bytes = SOUND, *, late_s: float = 0.0, lose: bool = False) -> None:
        if not lose:
            self.hearing.hear(
                guild_id=1,
                channel_id=2,
                speaker_id=3,
                ssrc=self.ssrc,
                sequence=self.sequence & 0xFFFF,
                rtp_time=self.rtp_time & 0xFFFFFFFF,
                arrived_s=self.now_s + late_s,
                opus=opus,
            )
        self.sequence += 1
        self.rtp_time += 960
        self.now_s += FRAME_S

    def stop(self) -> None:
        """Five silences at once, as Discord's clients send them."""
        for _ in range(5):
            self.send(sound.SILENCE)
            self.now_s -= FRAME_S


counters = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF))


@given(st.integers(1, 60), counters)
def test_frames_on_time_are_never_late_wherever_the_counters_wrap(
    count: int, start: tuple[int, int]
) -> None:
    speaker = Speaker(SSRC, *start)
    for _ in range(count):
        speaker.send()
    numbers = speaker.hearing.statistics()
    assert (numbers.frames, numbers.lost, numbers.late, numbers.underruns) == (count, 0, 0, 0)
    assert numbers.spurts == 1


@given(counters, st.lists(st.booleans(), min_size=1, max_size=60))
def test_every_hole_between_two_frames_is_a_lost_frame(
    start: tuple[int, int], holes: list[bool]
) -> None:
    speaker = Speaker(SSRC, *start)
    speaker.send()
    for lose in holes:
        speaker.send(lose=lose)
    speaker.send()
    assert speaker.hearing.statistics().lost == sum(holes)


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=40))
def test_lateness_is_what_each_frame_was_delayed_by(delays: list[float]) -> None:
    speaker = Speaker()
    speaker.send()
    for delay in delays:
        speaker.send(late_s=delay)
    measured = lateness_s(speaker.hearing.frames)
    assert measured == pytest.approx([0.0, *delays], abs=1e-9)
    late = sum(delay > 0.0400001 for delay in delays)
    sure = sum(delay > 0.0399999 for delay in delays)
    assert late <= speaker.hearing.statistics().late <= sure


def test_discord_pys_long_first_gap_is_neither_late_nor_a_stall() -> None:
    """Its player waits 40 ms after the first frame, always."""
    speaker = Speaker()
    speaker.send()
    for _ in range(20):
        speaker.send(late_s=0.020)
    numbers = speaker.hearing.statistics()
    assert (numbers.late, numbers.underruns) == (0, 0)
    assert numbers.largest_gap_s == pytest.approx(0.040)


def test_one_stall_is_one_underrun_however_many_frames_come_after() -> None:
    speaker = Speaker()
    for _ in range(10):
        speaker.send()
    speaker.now_s += 0.300
    for _ in range(50):
        speaker.send()
    numbers = speaker.hearing.statistics()
    assert numbers.underruns == 1
    assert numbers.underrun_s == pytest.approx(0.300 - BUFFER_S)
    assert numbers.late == 50  # against the schedule that the first frame began
    assert numbers.late_share == pytest.approx(50 / 60)


def test_five_silences_end_a_spurt_and_the_next_has_its_own_schedule() -> None:
    """discord.py's RTP time does not show the pause between two sounds."""
    speaker = Speaker()
    for _ in range(2):
        for _ in range(10):
            speaker.send()
        speaker.stop()
        speaker.now_s += 3.0
    numbers = speaker.hearing.statistics()
    assert (numbers.spurts, numbers.frames, numbers.silences) == (2, 20, 10)
    assert (numbers.late, numbers.underruns) == (0, 0)


def test_silence_while_waiting_for_words_is_counted_apart() -> None:
    speaker = Speaker()
    for opus in (SOUND, sound.SILENCE, sound.SILENCE, SOUND):
        speaker.send(opus)
    numbers = speaker.hearing.statistics()
    assert (numbers.spurts, numbers.frames, numbers.silences) == (1, 2, 2)


def test_a_speaker_whose_silences_were_lost_begins_a_spurt_by_saying_so() -> None:
    speaker = Speaker()
    speaker.send()
    speaker.now_s += 5.0
    speaker.hearing.light(Speaking(3, SSRC, speaker.now_s, True))
    speaker.send()
    assert [frame.spurt for frame in speaker.hearing.frames] == [1, 2]


def test_a_light_that_lost_the_race_against_the_first_frame_begins_nothing() -> None:
    speaker = Speaker()
    speaker.send()
    speaker.hearing.light(Speaking(3, SSRC, speaker.now_s, True))
    speaker.send()
    assert {frame.spurt for frame in speaker.hearing.frames} == {1}


def test_what_could_not_be_decrypted_is_not_lost() -> None:
    speaker = Speaker()
    speaker.send()
    speaker.hearing.miss(Unheard(3, SSRC, 1, speaker.now_s, "no key yet"))
    speaker.send(lose=True)
    speaker.send()
    numbers = speaker.hearing.statistics()
    assert (numbers.frames, numbers.unheard, numbers.lost) == (2, 1, 0)


def test_nothing_heard_has_numbers_too() -> None:
    numbers = Hearing().statistics()
    assert (numbers.frames, numbers.late_share, numbers.first_s) == (0, 0.0, None)
    assert Hearing().pcm().shape == (0, 2)


@given(st.permutations(range(12)))
def test_frames_that_overtake_each_other_are_played_in_order(order: list[int]) -> None:
    frames = [
        HeardFrame(1, 2, 3, SSRC, number, number * 960, 10.0 + place / 1000, None, 1, SOUND)
        for place, number in enumerate(order)
    ]
    slots = schedule(frames).slots
    played = [frame.sequence for _, frame in slots if frame]
    assert played == sorted(played)
    times = [at_s for at_s, _ in slots]
    assert times == sorted(times)


def heard_tone(seconds: float, **options: bool) -> Speaker:
    speaker = Speaker()
    for packet in encode(sine(440, round(seconds / FRAME_S))):
        speaker.send(packet, **options)
    return speaker


def test_a_tone_sounds_as_it_was_played() -> None:
    samples = heard_tone(1.0).hearing.pcm()
    assert samples.dtype == np.int16
    assert loudest_hz(samples[:48_000]) == pytest.approx(440, abs=2)
    assert snr_db(samples[4_800:43_200], 440) > 30


def test_a_lost_frame_is_a_hole_of_twenty_milliseconds() -> None:
    speaker = Speaker()
    for number, packet in enumerate(encode(sine(440, 50))):
        speaker.send(packet, lose=number == 25)
    samples = speaker.hearing.pcm()
    assert not samples[25 * 960 : 26 * 960].any()
    assert len(samples) == len(heard_tone(1.0).hearing.pcm())


def test_each_frame_has_its_own_samples() -> None:
    speaker = Speaker()
    for number, packet in enumerate(encode(sine(440, 20))):
        speaker.send(packet, lose=number in (3, 4))
    sounding = list(speaker.hearing.sounding())
    assert [frame for frame, _ in sounding] == list(speaker.hearing.frames)
    whole = speaker.hearing.pcm()
    for frame, samples in sounding:
        assert (samples == whole[frame.sequence * 960 :][:960]).all()


def test_pauses_are_kept_or_left_out() -> None:
    speaker = heard_tone(0.5)
    speaker.stop()
    speaker.now_s += 2.0
    for packet in encode(sine(440, 25)):
        speaker.send(packet)
    whole = len(speaker.hearing.pcm()) / 48_000
    dense = len(speaker.hearing.pcm(pauses=False)) / 48_000
    assert whole - dense == pytest.approx(1.9, abs=0.1)


def test_garbage_in_an_opus_frame_is_silence_not_an_error() -> None:
    speaker = Speaker()
    speaker.send(b"\xff" * 40)
    assert not speaker.hearing.pcm().any()


def test_the_wav_file_holds_what_was_heard(tmp_path: Path) -> None:
    speaker = heard_tone(0.2)
    speaker.hearing.save_wav(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 48_000, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    assert (samples == speaker.hearing.pcm()).all()
