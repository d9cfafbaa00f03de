"""Parley's front door: the command line, and the one place where every resource is opened.

python bot.py run                  talk on Discord
python bot.py check                verify configuration, database, voices, opus, model
python bot.py try                  talk with the bot in a Discord on localhost
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import inspect
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
from pydantic import SecretStr

from cogs.client import Parley
from cogs.elsewhere import Elsewhere
from cogs.house import House
from cogs.manners import Manners
from cogs.notices import Notices
from cogs.open_channels import OpenChannels
from cogs.voice_port import Rooms
from dialogue.errors import ModelUnreachable
from dialogue.service import open_dialogue
from errors import ParleyError, SettingsError
from lobby.director import Director
from lobby.pace import Pace, PacedStore
from lobby.records import Why
from settings import CONFIG, Settings, load
from speech.access import VoiceAccess
from speech.narrator import Narrator
from speech.studio import open_studio
from speech.training import Workshop
from speech.voices import Voices, open_casting
from storage.database import open_database
from storage.errors import StorageError
from words import Words

log = logging.getLogger("parley")

CACHE = Path("models/cache")
"""Vocabulary files, unpacked once."""

SWITCH_S = 0.0005
"""How long a thread may hold the interpreter while another waits: frames leave every 20 ms."""

FAILED, BAD_SETTINGS, INTERRUPTED = 1, 2, 130
"""Exit codes."""


@asynccontextmanager
async def open_bot(
    settings: Settings, elsewhere: Elsewhere | None = None, pace: Pace | None = None
) -> AsyncIterator[Parley]:
    """Everything the bot needs, opened in order and closed in reverse. The client is not started.

    ``elsewhere`` is another server than Discord's own; only there may a ``pace`` hurry the lobby.
    Raises ``ParleyError``, ``StorageError``.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.storage.url))
        dialogue = await stack.enter_async_context(
            open_dialogue(settings.dialogue, database, cache=CACHE)
        )
        with suppress(ModelUnreachable):  # a demo model that is just being restarted
            # Now rather than inside the first answer: it holds the event loop for 0.2 s.
            await dialogue.model.chat()
        casting, access = await open_casting(settings.speech), VoiceAccess(database)
        studio = await stack.enter_async_context(open_studio(settings.speech))
        warming = asyncio.create_task(studio.warm(settings.speech.voice.partition("/")[0]))
        stack.callback(warming.cancel)
        client = Parley(settings.discord, elsewhere.connector() if elsewhere else None)
        await stack.enter_async_context(client)

        async def thrown_out(guild_id: int) -> None:
            await director.bot_voice_state(guild_id, 0, muted=False)

        async def lost(guild_id: int, channel_id: int, why: Why) -> None:
            await director.connection_lost(guild_id, channel_id, why)

        rooms = Rooms(client, settings.discord, settings.speech, thrown_out=thrown_out, lost=lost)
        await stack.enter_async_context(rooms)
        process = settings.discord.process
        books = PacedStore(database.lobby, pace) if pace else database.lobby
        director = Director(
            books, rooms, Notices(client), settings.lobby, process=process, clock=pace
        )
        await stack.enter_async_context(director)
        house = House(
            client=client,
            settings=settings.discord,
            database=database,
            dialogue=dialogue,
            lobby=settings.lobby,
            studio=studio,
            narrator=Narrator(studio, casting, settings.speech),
            voices=Voices(settings.speech, casting, access),
            workshop=Workshop(settings.training, settings.speech),
            manners=Manners(database, dialogue, settings.speech, access),
            director=director,
            rooms=rooms,
            open_channels=OpenChannels(database),
        )
        await client.furnish(house)
        stack.push_async_callback(client.move_out)
        yield client


def give_back() -> None:
    """Hand memory that starting up used once (vocabulary, catalogues) back to the system."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # glibc has it, others need it less
        libc.malloc_trim(0)


async def run(settings: Settings, elsewhere: Elsewhere | None, paced: bool) -> int:
    """The bot, until it is asked to stop. ``paced``: standard input hurries the lobby."""
    token = settings.discord.token.get_secret_value()
    if not token:
        raise SettingsError(file="environment", key="DISCORD_TOKEN", problem="is not set")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pace = Pace() if paced else None
    async with open_bot(settings, elsewhere, pace) as client:
        give_back()
        following = asyncio.create_task(pace.follow(sys.stdin.buffer)) if pace else None
        if following:
            # Whoever hurried us has ended, however suddenly: a tryout leaves nothing behind.
            following.add_done_callback(lambda _: stop.set())
        running, stopping = client.begin(token), asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            stopping.cancel()
            running.result()
        if following:
            following.cancel()
        log.info("stopping: answers that are being given are saved first")
    return 0


@asynccontextmanager
async def start_bot(
    settings: Settings,
    address: tuple[str, int],
    ca_file: Path,
    token: str,
    pace: Pace | None = None,
) -> AsyncIterator[Parley]:
    """The bot, connected to a server that speaks Discord's protocol, until the block ends."""
    discord_settings = replace(settings.discord, token=SecretStr(token))
    settings = replace(settings, discord=discord_settings)
    async with open_bot(settings, Elsewhere(*address, ca_file), pace) as client:
        running = client.begin(token)
        yield client
        if running.done():
            running.result()


async def try_out(arguments: argparse.Namespace) -> int:
    """The bot in a Discord on localhost: on a page, in the terminal, or once."""
    from tryout.once import say_once
    from tryout.page import LEASES, show_page
    from tryout.process import BotProcess
    from tryout.scene import TryFailed
    from tryout.terminal import converse

    # However it is asked to end, the bot is stopped first.
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="parley-try-") as folder:
        environ = {"PARLEY_STORAGE__URL": f"sqlite:///{folder}/parley.db"}
        if arguments.say is None:
            # The log belongs to the page or the conversation, not in between.
            environ["PARLEY_LOG__LEVEL"] = "warning"
        if arguments.say is None and not arguments.terminal:
            environ |= {f"PARLEY_LOBBY__{key.upper()}": str(LEASES[key]) for key in LEASES}
        start = BotProcess(arguments.config, environ)
        try:
            if arguments.say is None and arguments.terminal:
                await converse(start)
                return 0
            if arguments.say is None:
                browser = not arguments.no_browser
                await show_page(start, port=arguments.port, browser=browser)
                return 0
            outcome = await say_once(start, arguments.say, arguments.out)
        except TryFailed as failure:
            return complain(str(failure))
    say(f"heard {outcome.heard_s:.1f} s, {outcome.late_share:.1%} of it late; see {outcome.folder}")
    return 0


async def check(settings: Settings, config: Path | None) -> int:
    """A table of what works; 0 when nothing failed."""
    from rich.console import Console

    from health import examine, show

    return 0 if show(await examine(settings, config), Console()) else FAILED


def say(line: str) -> None:
    """A line for whoever started this."""
    sys.stdout.write(f"{line}\n")


def complain(line: str) -> int:
    """One clear line of what went wrong; the exit code that goes with it."""
    sys.stderr.write(f"parley: {line}\n")
    return FAILED


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and do what it says; the exit code."""
    given = _parser().parse_args(arguments)
    sys.setswitchinterval(SWITCH_S)
    english = Words.of("en-US")
    try:
        settings = load(given.config, os.environ)
        elsewhere = Elsewhere.parse(given.discord, given.ca) if given.discord else None
    except SettingsError as error:
        complain(error.say(english))
        return BAD_SETTINGS
    _log_to_stderr(settings)
    works: dict[str, Callable[[], Coroutine[Any, Any, int]]] = {
        "run": lambda: run(settings, elsewhere, given.paced and elsewhere is not None),
        "check": lambda: check(settings, given.config or (CONFIG if CONFIG.is_file() else None)),
        "try": lambda: try_out(given),
    }
    try:
        return asyncio.run(works[given.command]())
    except SettingsError as error:
        complain(error.say(english))
        return BAD_SETTINGS
    except ParleyError as error:
        return complain(error.say(english))
    except discord.LoginFailure:
        return complain("Discord does not accept the token (DISCORD_TOKEN)")
    except discord.PrivilegedIntentsRequired:
        return complain("turn the Message Content Intent on, or discord.message_content off")
    except StorageError as error:
        return complain(f"the database: {inspect.getdoc(type(error))}")
    except (discord.DiscordException, OSError) as error:
        if isinstance(error, OSError) and error.filename:
            return complain(f"{error.strerror}: {error.filename}")
        return complain(f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bot.py", description="Parley, a Discord bot that talks.")
    parser.add_argument("--config", type=Path, help="settings (default: config.toml, if any)")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="talk on Discord")
    running.add_argument("--discord", metavar="HOST:PORT", help="another server than Discord's")
    running.add_argument("--paced", action="store_true", help="there: standard input hurries waits")
    running.add_argument("--ca", type=Path, metavar="FILE", help="certificate authority of that")
    commands.add_parser("check", help="verify configuration, database, voices, opus, model")
    trying = commands.add_parser("try", help="talk with the bot in a Discord on localhost")
    trying.add_argument(
        "--terminal", action="store_true", help="in this terminal, not in a browser"
    )
    trying.add_argument("--no-browser", action="store_true", help="only print the page's address")
    trying.add_argument("--port", type=int, default=0, help="of the page (default: a free one)")
    trying.add_argument("--say", metavar="TEXT", help="say this once and keep what happened")
    trying.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where")
    parser.set_defaults(discord=None, ca=None)
    return parser


def _log_to_stderr(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log.level.upper()]
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    # At DEBUG discord.py writes whole payloads: what people wrote.
    logging.getLogger("discord").setLevel(max(level, logging.INFO))
    for chatty in ("alembic", "httpx", "httpx2", "openai"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
