"""From whatever a model's client raises to the one error of ours that says what happened.

``code`` tells apart what shares a class: a rate limit and a spent quota are both HTTP 429.
Endpoints other than OpenAI's put the same facts into ``type`` or words of their own.
"""

from __future__ import annotations

import openai
from langchain_core.exceptions import ContextOverflowError

from dialogue.errors import (
    AnswerCut,
    AnswerStalled,
    ContentFiltered,
    ContextTooLong,
    KeyRefused,
    ModelError,
    ModelMissing,
    ModelNotAllowed,
    ModelServerError,
    ModelTimeout,
    ModelUnreachable,
    ProviderQuotaSpent,
    RateLimited,
    RequestRefused,
)

FAILURES = (openai.OpenAIError, ContextOverflowError, TimeoutError, OSError)
"""What a request may raise because the world is as it is; anything else is a fault of ours."""

_FILTERED = {"content_filter", "content_policy_violation", "moderation_blocked"}
_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_TOO_LONG = {
    "context_length_exceeded",
    "exceed_context_size_error",  # llama.cpp
    "string_above_max_length",
    "request_too_large",
}


def failure(error: BaseException, *, begun: bool) -> ModelError:
    """Our error for ``error``; ``begun``: whether a piece of the answer had come before."""
    match error:
        case ModelError():
            return error
        case ContextOverflowError():
            return ContextTooLong()
        case openai.APITimeoutError() | TimeoutError():
            return AnswerStalled() if begun else ModelTimeout()
        case openai.APIConnectionError() | OSError():
            return AnswerCut() if begun else ModelUnreachable()
        case openai.APIError():
            return _refused(error, begun=begun)
    return ModelError()


def _refused(error: openai.APIError, *, begun: bool) -> ModelError:
    said = {str(error.code or ""), str(error.type or "")}
    if said & _FILTERED:
        return ContentFiltered()
    if said & _QUOTA:
        return ProviderQuotaSpent()
    if said & _TOO_LONG:
        return ContextTooLong()
    match getattr(error, "status_code", None):
        case 401:
            return KeyRefused()
        case 402:
            return ProviderQuotaSpent()
        case 403:
            return ModelNotAllowed()
        case 404:
            return ModelMissing()
        case 408 | 504:
            return ModelTimeout()
        case 413:
            return ContextTooLong()
        case 429:
            return RateLimited()
        case int(status) if status >= 500:
            return ModelServerError()
        case int():
            return RequestRefused()
    # An error event inside a stream has no status.
    if "rate_limit" in str(error.code or error.type or ""):
        return RateLimited()
    return AnswerCut() if begun else ModelServerError()
