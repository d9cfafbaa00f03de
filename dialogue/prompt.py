"""A window as the messages that are sent. Roles come from here alone, never from text.

What a person wrote is one user message, whatever it claims to be; what is left of older turns is
something the assistant said, so that it has no more authority than the talk it came from.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from dialogue.ask import Document, Image
from dialogue.plain import plain
from dialogue.window import Window


def question(text: str, documents: Sequence[Document]) -> str:
    """A message and what its attachments say, as one text."""
    parts = [plain(text).strip()]
    for document in documents:
        if document.heard:  # a voice message is the message, not a file beside it
            parts.append(plain(document.text).strip())
            continue
        title = plain(document.name).replace("\n", " ")[:100]
        more = " (beginning)" if document.cut else ""
        parts.append(f"[Attachment: {title}{more}]\n{plain(document.text).strip()}")
    return "\n\n".join(part for part in parts if part)


def messages(window: Window, images: Sequence[Image] = ()) -> list[BaseMessage]:
    """System prompt, summary, turns, and the message with its pictures."""
    sent: list[BaseMessage] = [SystemMessage(window.system)]
    if window.summary is not None:
        sent.append(AIMessage(window.summary.text))
    for turn in window.turns:
        sent += (HumanMessage(turn.asked), AIMessage(turn.answered))
    content: str | list[str | dict[Any, Any]] = window.message
    if images:
        content = [{"type": "text", "text": window.message or "What is in this picture?"}]
        content += [_picture(image) for image in images]
    named = {"name": window.name} if window.name else {}
    sent.append(HumanMessage(content=content, **named))
    return sent


def _picture(image: Image) -> dict[str, Any]:
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.content_type};base64,{data}"}}
