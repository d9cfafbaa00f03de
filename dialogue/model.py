"""The one way to a language model: LangChain's ChatOpenAI, whoever serves it.

OpenAI, any compatible address, or the demo model on this machine differ in settings alone. With
tools, the same client runs inside LangChain's agent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import openai
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.tools import BaseTool
from langchain_openai import ChatOpenAI

from dialogue import model_server
from dialogue.errors import ContentFiltered
from dialogue.model_server import ModelServer
from dialogue.settings import ModelSettings

TOOLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of a stream brought."""

    text: str = field(default="", repr=False)
    finish: str = ""
    """``stop`` and the like, once; empty before."""
    tokens_in: int = 0
    tokens_out: int = 0


class Model:
    """Streams answers. ``server`` is the demo model, where that is the one that answers."""

    def __init__(self, settings: ModelSettings, server: ModelServer | None = None) -> None:
        self._settings = settings
        self._server = server
        self._chats: dict[str, ChatOpenAI] = {}
        self._clients: list[openai.DefaultAsyncHttpxClient] = []

    @property
    def demo(self) -> bool:
        """Whether answers come from the small model on this machine."""
        return self._server is not None

    @property
    def name(self) -> str:
        return model_server.NAME if self._server is not None else self._settings.name

    @property
    def takes_names(self) -> bool:
        """Whether a message may say who wrote it: OpenAI's own field, which others refuse."""
        return self._server is None and not self._settings.base_url

    async def stream(
        self,
        messages: Sequence[BaseMessage],
        *,
        answer_tokens: int,
        tools: Sequence[BaseTool] = (),
        tool_calls: int = 0,
    ) -> AsyncGenerator[Piece, None]:
        """Answer ``messages``, at most ``answer_tokens`` long, with at most ``tool_calls``.

        Raises what the client raises (``dialogue.failures`` translates it), ``ContentFiltered``
        for a filter that stopped the answer, ``TooManyCalls``.
        """
        chat = (await self.chat()).model_copy(update=self._limit(answer_tokens))
        source: Any
        if tools:
            from dialogue.agent import agent_stream

            source = agent_stream(chat, messages, tools, tool_calls)
        else:
            source = chat.astream(list(messages))
        wrote, paragraph, half = False, "", ""
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                piece = _piece(chunk) if isinstance(chunk, AIMessageChunk) else None
                if piece is None:
                    continue
                text, half = _whole(half + piece.text)
                piece = replace(piece, text=text)
                if piece.finish == TOOLS:
                    # What was written before a tool was used is a paragraph of its own.
                    paragraph = "\n\n" if wrote else ""
                    piece = replace(piece, finish="")
                if piece.text:
                    piece = replace(piece, text=paragraph + piece.text)
                    wrote, paragraph = True, ""
                yield piece

    async def chat(self) -> ChatOpenAI:
        """The client. The demo model may have moved to another port since the last time."""
        settings = self._settings
        if self._server is not None:
            base_url: str | None = await self._server.base_url(settings.connect_s)
            key = self._server.api_key
        else:
            base_url = settings.base_url or None
            key = settings.api_key
        known = self._chats.get(base_url or "")
        if known is None:
            # A client of our own: LangChain shares its default ones, so they could not be closed.
            client = openai.DefaultAsyncHttpxClient()
            known = ChatOpenAI(
                model=self.name,
                base_url=base_url,
                # A local endpoint without a key still wants the header.
                api_key=key if key.get_secret_value() else "none",  # type: ignore[arg-type]  # pydantic wraps it
                temperature=settings.temperature,
                timeout=(settings.connect_s, settings.first_s, settings.first_s, settings.first_s),
                max_retries=settings.retries,
                http_async_client=client,
                stream_usage=True,
                stream_chunk_timeout=None,  # the answer has a deadline of its own for each piece
            )
            self._chats = {base_url or "": known}
            self._clients.append(client)
        return known

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        self._chats.clear()
        while self._clients:
            await self._clients.pop().aclose()

    def _limit(self, answer_tokens: int) -> dict[str, Any]:
        # OpenAI renamed the field; most others know the old name only, and some refuse the new one.
        if self.takes_names:
            return {"max_tokens": answer_tokens}
        return {"extra_body": {"max_tokens": answer_tokens}}


def _whole(text: str) -> tuple[str, str]:
    """Text of whole characters, and the half of one that it may end with.

    Some endpoints cut a stream by UTF-16 units, and so through an emoji; JSON lets them.
    """
    half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    whole = text[: len(text) - len(half)]
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), half


def _piece(chunk: AIMessageChunk) -> Piece | None:
    # A refusal is an answer too: it comes in a field of its own.
    text = str(chunk.text) + (chunk.additional_kwargs.get("refusal") or "")
    finish = chunk.response_metadata.get("finish_reason") or ""
    usage = chunk.usage_metadata
    if finish == "content_filter":
        raise ContentFiltered
    if not text and not finish and usage is None:
        return None
    return Piece(
        text=text,
        finish=finish,
        tokens_in=usage["input_tokens"] if usage else 0,
        tokens_out=usage["output_tokens"] if usage else 0,
    )
