"""What can be set about what is said. ``settings.py`` composes it; nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, SecretStr

Seconds = Annotated[float, Field(gt=0)]
Tokens = Annotated[int, Field(ge=1)]
Price = Annotated[float, Field(ge=0)]

SYSTEM_PROMPT = (
    "You are Parley, a friendly companion in a Discord server. Answer in the language you are "
    "spoken to, in a few short sentences that sound well when read aloud."
)

DEMO_PROMPT = (
    "You are Parley, a friendly and helpful AI assistant. Answer in one or two short sentences."
)
"""What the demo model is told where nobody chose otherwise: it follows one short line at most."""


@dataclass(frozen=True)
class ModelSettings:
    """Which language model answers.

    With neither a key nor an address, a small demo model is served on this machine.

    Attributes:
        name: the model, as its endpoint calls it.
        base_url: of any OpenAI-compatible endpoint; empty: OpenAI's own (or the demo model).
        api_key: its key; never printed.
        temperature: of sampling; ``None``: as the endpoint has it.
        answer_tokens: longest answer.
        connect_s: how long a connection may take to open.
        first_s: how long the first piece of an answer may take.
        stall_s: how long the stream may then pause.
        retries: how often a request that failed before its first piece is tried again.
        images: whether images are sent; a model that cannot see answers with an error.
        price_in: what a million tokens sent cost, in any currency; for ``/usage``.
        price_out: what a million tokens of answers cost.
        threads: of the demo model.
    """

    name: str = "gpt-4o-mini"
    base_url: str = ""
    api_key: SecretStr = field(default=SecretStr(""))
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    answer_tokens: Tokens = 800
    connect_s: Seconds = 10.0
    first_s: Seconds = 60.0
    stall_s: Seconds = 30.0
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    images: bool = True
    price_in: Price = 0.0
    price_out: Price = 0.0
    threads: Annotated[int, Field(ge=1)] = 1

    @property
    def demo(self) -> bool:
        """Whether the packaged model answers."""
        return not self.base_url and not self.api_key.get_secret_value()


@dataclass(frozen=True)
class MemorySettings:
    """What is remembered, and for how long.

    Attributes:
        system_prompt: how Parley talks where no persona says otherwise.
        budget_tokens: system prompt, history and message together, as sent to the model.
        summary: whether what leaves the window is summarised (a server may choose for itself).
        summary_tokens: longest summary; it counts against the budget.
        retention_days: turns older than this are forgotten; 0 keeps them until somebody clears.
        audit_days: audit entries are kept this long.
        usage_days: daily usage is kept this long.
        waiting: messages one person may have waiting while one is being answered.
    """

    system_prompt: Annotated[str, Field(max_length=4000)] = SYSTEM_PROMPT
    budget_tokens: Annotated[int, Field(ge=256)] = 2000
    summary: bool = False
    summary_tokens: Tokens = 200
    retention_days: Annotated[int, Field(ge=0)] = 0
    audit_days: Annotated[int, Field(ge=1)] = 365
    usage_days: Annotated[int, Field(ge=1)] = 90
    waiting: Annotated[int, Field(ge=0, le=50)] = 5


@dataclass(frozen=True)
class QuotaSettings:
    """What one person may use a day, in all servers together; 0 means no limit.

    Attributes:
        tokens_per_day: sent and answered together.
        spoken_s_per_day: seconds of speech made for them.
    """

    tokens_per_day: Annotated[int, Field(ge=0)] = 0
    spoken_s_per_day: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True)
class ContentSettings:
    """Whether what is asked and answered is checked before it goes on.

    Attributes:
        check: ``off``; ``words``: against ``words``; ``endpoint``: by the endpoint's moderation
            call, and against ``words``.
        words: refused in questions, in answers and in speech.
        model: of the moderation call; empty: as the endpoint has it.
        timeout_s: of the moderation call; where it fails, nothing goes on.
    """

    check: Literal["off", "words", "endpoint"] = "off"
    words: tuple[str, ...] = ()
    model: str = ""
    timeout_s: Seconds = 10.0


@dataclass(frozen=True)
class InputSettings:
    """What attachments may be.

    Attributes:
        file_bytes: largest attachment that is read.
        text_characters: of one document that become part of a message.
        pdf_pages: read of one PDF.
        images: sent with one message.
        hearing: ``auto`` transcribes audio where a Whisper model is installed.
        hearing_model: folder of a faster-whisper model; empty: the packaged one, if installed.
        audio_s: longest audio that is transcribed.
    """

    file_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024 * 1024
    text_characters: Annotated[int, Field(ge=100)] = 20_000
    pdf_pages: Annotated[int, Field(ge=1)] = 50
    images: Annotated[int, Field(ge=0, le=10)] = 4
    hearing: Literal["auto", "off"] = "auto"
    hearing_model: str = ""
    audio_s: Seconds = 300.0


@dataclass(frozen=True)
class DialogueSettings:
    """All of the above."""

    model: ModelSettings = field(default_factory=ModelSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
    content: ContentSettings = field(default_factory=ContentSettings)
    input: InputSettings = field(default_factory=InputSettings)
