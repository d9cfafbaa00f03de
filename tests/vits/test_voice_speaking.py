"""Text in, sound out: nothing is lost, in any language; the command line; the shelf."""

from __future__ import annotations

import shutil
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vits.tiny import FORMS, PLAIN, tiny_config, tiny_tensors
from vits.arrays import F32
from vits.command import main
from vits.config import TextFront
from vits.engine.base import Style
from vits.engine.espeak import EspeakSynthesizer, pinyin_text
from vits.errors import UnknownSpeaker, UnknownVoice
from vits.io.folder import write_voice
from vits.io.packaged import DEFAULT_VOICE, prepare
from vits.io.voices import VoiceShelf, split_speaker
from vits.resample import resample
from vits.speaking import Synthesizer, VoiceSynthesizer, blocks, open_fallback, open_synthesizer
from vits.text.mandarin import readings
from vits.text.scripts import routed, scripts_of

SEEDED = Style(seed=5)


@pytest.fixture(scope="module")
def joe() -> VoiceSynthesizer:
    return open_synthesizer(prepare(DEFAULT_VOICE))


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    for form in ("one speaker", "three speakers"):
        a = FORMS[form]
        name = form.replace(" ", "-")
        write_voice(tmp_path / name, tiny_config(a, name), tiny_tensors(a))
    return tmp_path


def seconds(synthesizer: Synthesizer, text: str) -> float:
    pieces = list(synthesizer.speak(text, SEEDED))
    sound = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max(initial=0) <= 1
    return len(sound) / synthesizer.rate_hz


def test_a_long_text_is_all_spoken(joe: VoiceSynthesizer) -> None:
    one = seconds(joe, "The first ship came in before noon.")
    assert seconds(joe, "The first ship came in before noon. " * 8) > 6 * one
    endless = "and then the first ship came in " * 40
    assert seconds(joe, endless) > 25 * seconds(joe, "and then the first ship came in")


@pytest.mark.parametrize("text", ["", "   \n", "...", "?!", "\u200b", "\x00\x01"])
def test_nothing_to_say_is_no_sound(joe: VoiceSynthesizer, text: str) -> None:
    assert seconds(joe, text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "🙂🎉",
        "你好",
        "こんにちは世界",
        "안녕하세요",
        "Привет",
        "مرحبا",
        "\ud800 lone",
        "<speak>x</speak>",
    ],
)
def test_every_script_is_heard(joe: VoiceSynthesizer, text: str) -> None:
    assert seconds(joe, text) > 0.2


def test_a_foreign_stretch_is_spoken_among_the_others(joe: VoiceSynthesizer) -> None:
    parts = ["I said ", "你好嗎", " to my friend."]
    together = seconds(joe, "".join(parts))
    assert together > seconds(joe, "I said to my friend.") + 0.4


def test_seed_and_speed(joe: VoiceSynthesizer) -> None:
    def say(style: Style) -> F32:
        return np.concatenate(list(joe.speak("Two sentences. Here they are.", style)))

    assert (say(SEEDED) == say(SEEDED)).all()
    slow = Style(length_scale=1.6, seed=5)
    assert len(say(slow)) > 1.35 * len(say(SEEDED))


@given(st.text(max_size=200), st.sets(st.sampled_from(["latn", "hani", "kana", "cyrl"])))
@settings(max_examples=200)
def test_routing_loses_nothing(text: str, scripts: set[str]) -> None:
    assert "".join(stretch for stretch, _ in routed(text, scripts)) == text


def test_routing_by_script() -> None:
    latin = {"latn"}
    mixed = [("Say ", None), ("你好, ", "zh"), ("ok?", None)]
    assert list(routed("Say 你好, ok?", latin)) == mixed
    assert list(routed("日本語です。", latin)) == [("日本語です。", "ja")]
    assert list(routed("我說 hello", {"latn", "hani"})) == [("我說 hello", None)]


def test_a_voice_reads_the_scripts_it_was_trained_on() -> None:
    def scripts(symbols: str, languages: tuple[str, ...], **front: object) -> frozenset[str]:
        table = dict.fromkeys(symbols, (0,))
        settings_ = TextFront(**{"kind": "vocabulary", "symbols": table, **front})
        return scripts_of(replace(tiny_config(PLAIN), languages=languages, front=settings_))

    assert scripts("_กข", ("th",)) == {"thai"}
    assert scripts("_abc", ("ko",), romanize=True) >= {"hang", "latn"}
    assert scripts("_əˈa", ("en-US",), kind="espeak") == {"latn"}
    assert scripts("_əˈa", ("ru",), kind="espeak") == {"latn", "cyrl"}
    assert scripts("_əˈa", (), kind="espeak") >= {"hani", "cyrl"}
    assert scripts("_abʃ↑", ("zh", "ja"), kind="cleaners") == {"latn", "hani", "bopo", "kana"}


def test_blocks_join_to_the_text() -> None:
    text = "A sentence of some length, with words. " * 200
    found = list(blocks(text))
    assert "".join(found) == text
    assert len(found) > 3
    assert list(blocks("short")) == ["short"]


def test_espeak_reads_chinese_by_pinyin() -> None:
    assert pinyin_text("銀行，很好。") == "yin2 hang2 , hen3 hao3 ."
    fallback: Synthesizer = open_fallback("zh-TW")
    assert seconds(fallback, "今天天氣很好") > 0.8
    assert seconds(EspeakSynthesizer("tlh-Unknown"), "hello") > 0
    pieces = fallback.speak("今天天氣很好", Style(length_scale=2.0))
    assert sum(map(len, pieces)) / fallback.rate_hz > 1.3 * seconds(fallback, "今天天氣很好")


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("垃圾和企業", "le4 se4 han4 qi4 ye4"),
        ("垃圾和企业", "la1 ji1 he2 qi3 ye4"),
        ("星期三研究音樂", "xing1 qi2 san1 yan2 jiu4 yin1 yue4"),
        ("行長說還錢", "hang2 zhang3 shuo1 huan2 qian2"),
        ("他看著我睡著了", "ta1 kan4 zhe5 wo3 shui4 zhao2 le5"),
        ("朋友喜歡這個東西", "peng2 you3 xi3 huan1 zhe4 ge5 dong1 xi1"),
        ("頭髮乾了", "tou2 fa3 gan1 le5"),
        ("一隻狗只捨不得戰鬥", "yi1 zhi1 gou3 zhi3 she3 bu4 de2 zhan4 dou4"),
    ],
)
def test_traditional_chinese_is_read_as_in_taiwan(text: str, pinyin: str) -> None:
    assert " ".join(reading.pinyin for reading in readings(text)) == pinyin


@given(st.text(alphabet="你好銀行重慶著ab1，。𠮷", max_size=30))
def test_every_character_keeps_its_place(text: str) -> None:
    assert [reading.character for reading in readings(text)] == list(text)


def test_resampling_keeps_the_tone() -> None:
    for from_hz, to_hz in ((22_050, 16_000), (16_000, 48_000), (22_050, 44_100)):
        time = np.arange(from_hz) / from_hz
        tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
        found = resample(tone, from_hz, to_hz)
        assert abs(len(found) - to_hz) <= 1
        wanted = np.sin(2 * np.pi * 1000 * np.arange(len(found)) / to_hz)
        inner = slice(to_hz // 10, -to_hz // 10)
        assert np.abs(found[inner] - wanted[inner]).max() < 1e-3


def test_the_shelf_finds_voices_by_name_only(voices: Path) -> None:
    shelf = VoiceShelf([voices])
    assert {config.name for config in shelf.list()} == {
        "one-speaker",
        "three-speakers",
        DEFAULT_VOICE,
    }
    assert shelf.path("one-speaker") == voices / "one-speaker"
    for name in ("", "..", "../one-speaker", "a/b", "/etc", ".hidden", "a" * 65, "a\n"):
        with pytest.raises(UnknownVoice):
            shelf.path(name)
    (voices / "one-speaker" / "model.safetensors").write_bytes(b"cut")
    (voices / "three-speakers" / "voice.json").write_text("{")
    assert set(shelf.problems()) == {"one-speaker", "three-speakers"}
    shutil.rmtree(voices / "one-speaker")
    with pytest.raises(UnknownVoice, match="three-speakers"):
        shelf.path("one-speaker")
    assert split_speaker("voice/some one") == ("voice", "some one")


def test_speakers_by_name_and_number(voices: Path) -> None:
    voice = open_synthesizer(voices / "three-speakers")
    sounds = [
        np.concatenate(list(voice.speak("abc", SEEDED, speaker)))
        for speaker in (None, "speaker 0", 0, "2")
    ]
    assert (sounds[0] == sounds[1]).all()
    assert (sounds[0] == sounds[2]).all()
    assert sounds[3].shape != sounds[0].shape or (sounds[3] != sounds[0]).any()
    for unknown in ("speaker 9", 3, -1, "x"):
        with pytest.raises(UnknownSpeaker, match="speaker 0"):
            voice.speak("abc", SEEDED, unknown)


def test_the_command_line(voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = voices / "out.wav"
    say = ["say", "bad cab", "-o", str(out), "--voices", str(voices), "--seed", "1"]
    assert main([*say, "--voice", "three-speakers/speaker 1", "--length-scale", "2"]) == 0
    with wave.open(str(out)) as file:
        assert (file.getframerate(), file.getnchannels()) == (22_050, 1)
        assert file.getnframes() > 100
    assert main([*say, "--voice", "three-speakers/nobody"]) == 1
    assert "speaker 0" in capsys.readouterr().err
    assert main([*say, "--voice", "nothing"]) == 1
    assert main([*say, "--voice", "one-speaker", "--length-scale", "99"]) == 1
    assert main(["list", "--voices", str(voices)]) == 0
    assert "three-speakers/speaker 2" in capsys.readouterr().out


def test_speaking_loads_no_torch() -> None:
    program = (
        "import sys; from vits.command import main;"
        f"main(['say', 'Hi.', '-o', '/dev/null', '--voice', '{DEFAULT_VOICE}']);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
