"""Two kinds of no: what Discord's API answers a client, and what a scripted member meets.

``ApiError`` becomes an HTTP answer with Discord's own error code. ``SandboxError`` is
raised to the test or the person at the terminal.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """An HTTP error as Discord answers it; ``rule`` names the broken rule if it is one.

    ``rule`` None means an ordinary outcome (someone deleted the message meanwhile), which
    is not written to ``sandbox.violations``.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        rule: str | None = None,
        errors: Json | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.rule = rule
        self.errors = errors

    def body(self) -> Json:
        """The answer's JSON."""
        body: Json = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


def unknown(code: int, what: str) -> ApiError:
    """404: it does not exist, or no longer."""
    return ApiError(404, code, f"Unknown {what}")


def missing_permissions(what: str = "") -> ApiError:
    """403 50013; ``what`` names the bits, for the record of violations only."""
    return ApiError(403, 50013, "Missing Permissions", rule=f"missing-permissions {what}".strip())


def missing_access() -> ApiError:
    """403 50001: the channel cannot be seen."""
    return ApiError(403, 50001, "Missing Access", rule="missing-access")


def bad_form(rule: str, path: str, code: str, message: str) -> ApiError:
    """400 50035 with Discord's nested ``errors``; ``path`` is dotted, like ``embeds.0.title``."""
    leaf: Json = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(path.split(".") if path else []):
        leaf = {key: leaf}
    return ApiError(400, 50035, "Invalid Form Body", rule=rule, errors=leaf)


def too_long(rule: str, path: str, limit: int) -> ApiError:
    """50035 for a string over its limit."""
    message = f"Must be {limit} or fewer in length."
    return bad_form(rule, path, "BASE_TYPE_MAX_LENGTH", message)


class SandboxError(Exception):
    """Base of what the sandbox raises to whoever drives it."""


class NotOffered(SandboxError):
    """Discord would not show this command to this member here; the text says why."""


class NotPossible(SandboxError):
    """The member cannot do that: no permission, a disabled button, a closed channel."""


class BadOption(SandboxError):
    """The command's options do not allow this value; Discord's client would not send it."""


class NotAnswered(SandboxError):
    """ "The application did not respond": nothing came within 3 s."""


class TimedOut(SandboxError):
    """``sandbox.until`` waited in vain; the text ends with the transcript."""
