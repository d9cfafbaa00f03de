"""Work on files from outside, in a process of its own that ends with it.

A file that makes a parser hang, or eat memory, costs that process and nothing else. The child is
niced and killed when it takes too long; each script limits its own processor time and memory.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path
from typing import Any


class ChildFailed(Exception):
    """The work was not done: the file is not what it claims, or it took too long."""


async def run_child(
    script: Path, given: dict[str, Any], data: bytes, *, timeout_s: float
) -> dict[str, Any]:
    """Run ``script`` on a line of JSON and then ``data``; the JSON it answers with.

    Raises ``ChildFailed``. The child ends when the caller is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(script), stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    try:
        async with asyncio.timeout(timeout_s):
            answer, _ = await process.communicate(json.dumps(given).encode() + b"\n" + data)
    except TimeoutError as error:
        raise ChildFailed("took too long") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise ChildFailed(f"ended with {process.returncode}")
    try:
        found = json.loads(answer)
    except ValueError as error:
        raise ChildFailed("gave no answer") from error
    if not isinstance(found, dict):
        raise ChildFailed("gave no answer")
    return found
