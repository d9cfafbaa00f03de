"""The process that takes the text out of one PDF, for ``dialogue.attachments``; imports none here.

Reads a line of JSON (``pages``, ``characters``) and then the file from its standard input; writes
``{"text": ..., "cut": ...}``.
"""

from __future__ import annotations

import json
import os
import sys

MEMORY_BYTES = 1 << 30
PROCESSOR_S = 20


def main() -> None:
    """Read, extract, answer."""
    if hasattr(os, "nice"):
        os.nice(10)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
    given = json.loads(sys.stdin.buffer.readline())
    import io
    import logging

    from pypdf import PdfReader

    logging.disable(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()))
    if reader.is_encrypted:
        reader.decrypt("")
    parts: list[str] = []
    length, cut = 0, len(reader.pages) > given["pages"]
    for page in reader.pages[: given["pages"]]:
        text = page.extract_text().strip()
        length += len(text)
        parts.append(text)
        if length > given["characters"]:
            cut = True
            break
    text = "\n\n".join(part for part in parts if part)[: given["characters"]]
    text = text.encode("utf-8", "ignore").decode()
    sys.stdout.write(json.dumps({"text": text, "cut": cut}))


if __name__ == "__main__":
    main()
