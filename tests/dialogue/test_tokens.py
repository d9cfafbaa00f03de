"""Tokens are counted offline, by the vocabulary of the model or a good guess at it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.tokens import FALLBACK, TokenCounter, lay, open_counter

# tiktoken_ext/openai_public.py expects these.
SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenCounter:
    return open_counter("gpt-4o-mini", tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("SmolLM2-135M-Instruct", "cl100k_base"),
        ("davinci", FALLBACK),
    ],
)
def test_the_vocabulary_is_the_models_own_or_the_fallback(
    model: str, encoding: str, tmp_path: Path
) -> None:
    assert open_counter(model, tmp_path).name == encoding


@pytest.mark.parametrize("name", SHA256)
def test_the_files_are_the_ones_tiktoken_would_load(name: str, tmp_path: Path) -> None:
    assert hashlib.sha256(lay(name, tmp_path).read_bytes()).hexdigest() == SHA256[name]
    assert [path.suffix for path in tmp_path.iterdir()] == [""]


def test_it_works_with_no_network_at_all(tmp_path: Path) -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pathlib import Path\n"
        "from dialogue.tokens import open_counter\n"
        "print(open_counter('gpt-4o', Path(sys.argv[1])).count('hello world'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "2"


def test_marks_count_as_the_text_they_are(counter: TokenCounter) -> None:
    assert counter.count("<|endoftext|>") > 1


def test_chinese_and_japanese_are_counted_not_guessed(counter: TokenCounter) -> None:
    assert 4 <= counter.count("今天天氣很好") <= 8
    assert 2 <= counter.count("こんにちは世界") <= 8


@given(st.text(max_size=80), st.integers(0, 40))
def test_a_head_is_a_beginning_and_within_its_tokens(
    counter: TokenCounter, text: str, tokens: int
) -> None:
    text = text.encode("utf-8", "ignore").decode()
    head = counter.head(text, tokens)
    assert text.startswith(head)
    assert counter.count(head) <= tokens
    if counter.count(text) <= tokens:
        assert head == text
