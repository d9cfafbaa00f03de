"""The same model with tools: LangChain's agent, with a limit of calls.

Imported only where a server has turned tools on, since LangGraph costs 15 MB.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ToolCallLimitMiddleware
from langchain.agents.middleware.tool_call_limit import ToolCallLimitExceededError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.tools import BaseTool

from dialogue.errors import TooManyCalls


async def agent_stream(
    chat: BaseChatModel, messages: Sequence[BaseMessage], tools: Sequence[BaseTool], tool_calls: int
) -> AsyncGenerator[AIMessageChunk, None]:
    """What the model writes, before and after it used tools. Raises ``TooManyCalls``.

    No checkpointer: the memory is ours. What tools returned goes to the model alone.
    """
    limit: Any = ToolCallLimitMiddleware(run_limit=tool_calls, exit_behavior="error")
    agent: Any = create_agent(chat, list(tools), middleware=[limit])
    events = agent.astream({"messages": list(messages)}, stream_mode="messages")
    try:
        async for chunk, _where in events:
            if isinstance(chunk, AIMessageChunk):
                yield chunk
    except ToolCallLimitExceededError as error:
        raise TooManyCalls from error
