"""``python -m vits studio``: the page on localhost."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser
from pathlib import Path
from typing import Any

from vits.errors import MissingDependency
from vits.io.packaged import VOICES

PORT = 7860


def add(commands: Any) -> None:
    """Add the command to an argparse sub-parser collection."""
    parser = commands.add_parser(
        "studio", help="a page on this machine: speak, convert, look at data and trainings"
    )
    parser.add_argument("--voices", type=Path, default=VOICES)
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[Path()], help="data sets, or where they lie"
    )
    parser.add_argument("--trainings", type=Path, default=Path("data/training"))
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument("--no-browser", action="store_true", help="only print its address")
    parser.add_argument("--threads", type=int, default=1)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C. Raises MissingDependency."""
    try:
        import aiohttp  # noqa: F401 - the bot's dependency, not the library's
    except ImportError as error:
        raise MissingDependency("the studio needs: pip install aiohttp") from error
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.stderr.write(f"vits: port {options.port} cannot be used ({error.strerror})\n")
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    from vits.studio.page import open_page
    from vits.studio.shelves import Shelves

    shelves = Shelves(options.voices, tuple(options.data), options.trainings)
    async with open_page(shelves, port=options.port, threads=options.threads) as url:
        sys.stdout.write(f"The studio is at {url} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        if not options.no_browser:
            await asyncio.to_thread(webbrowser.open, url)
        await asyncio.Event().wait()
