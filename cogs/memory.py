"""``/memory``: what Parley remembers of its talk with you here, and what you can do about it."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from cogs.confirm import ask_first
from cogs.house import House
from cogs.replies import acknowledge, tell
from cogs.scene import Scene
from dialogue.memory import MemoryView
from storage.errors import StorageError
from storage.records import Turn
from words import N_, Words

GAUGE = N_("{bar} {used} of {budget} tokens")
EMPTY = N_("I remember nothing of our talk here.")
KEPT = N_("I keep {n} turn in mind ({tokens} tokens).")
KEPT_MANY = N_("I keep {n} turns in mind ({tokens} tokens).")
TRIMMED = N_("{n} older turn no longer fits: I do not see it when I answer ({tokens} tokens).")
TRIMMED_MANY = N_(
    "{n} older turns no longer fit: I do not see them when I answer ({tokens} tokens)."
)
NONE_TRIMMED = N_("Nothing was trimmed.")
SUMMED_UP = N_("What left is summed up ({tokens} tokens).")
UNDONE = N_("I took back our last turn: \u201c{asked}\u201d")
CLEAR = N_("Forget all of our talk here? Your persona and your settings stay.")
CLEARED = N_("Forgotten: {n} turn.")
CLEARED_MANY = N_("Forgotten: {n} turns.")
PINNED = N_("Pinned: I keep that turn in mind while others leave.")
UNPINNED = N_("Unpinned.")

CELLS = 12
SHOWN = 8
EXCERPT, SUMMARY = 80, 400
"""Characters shown of a question, and of the summary."""


class Memory(commands.Cog):
    """Works in servers and in direct messages, each with a memory of its own."""

    group = app_commands.Group(name="memory", description=N_("What I remember of our talk here"))

    def __init__(self, house: House) -> None:
        self._house = house

    @group.command(name="show", description=N_("How full my memory of you is, and what is in it"))
    async def show(self, interaction: discord.Interaction) -> None:
        """``/memory show``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        await tell(interaction, describe(scene.words, await self._view(scene)))

    @group.command(name="undo", description=N_("Take back our last turn"))
    async def undo(self, interaction: discord.Interaction) -> None:
        """``/memory undo``."""
        await acknowledge(interaction, private=True)
        scene = Scene.of_interaction(interaction)
        gone = await self._house.dialogue.memory.undo(scene.user.id, scene.guild_id)
        await tell(interaction, scene.words(UNDONE, asked=_excerpt(gone.asked)))

    @group.command(name="pin", description=N_("Keep a turn in mind, or let go of a pinned one"))
    @app_commands.describe(turn=N_("Which turn"))
    async def pin(self, interaction: discord.Interaction, turn: str) -> None:
        """``/memory pin``; the turn's own number comes from the completion."""
        await acknowledge(interaction, private=True)
        scene, memory = Scene.of_interaction(interaction), self._house.dialogue.memory
        person_id, guild_id = scene.user.id, scene.guild_id
        chosen = await memory.turn(person_id, guild_id, int(turn) if turn.isdecimal() else 0)
        changed = await memory.pin(person_id, guild_id, chosen.id, not chosen.pinned)
        await tell(interaction, scene.words(PINNED if changed.pinned else UNPINNED))

    @pin.autocomplete("turn")
    async def turns(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """The turns that are in mind, newest first; only the one who types sees them."""
        try:
            view = await self._view(Scene.of_interaction(interaction))
        except StorageError:
            return []  # a completion cannot say why
        saved = [turn for turn in reversed(view.kept) if turn.id]
        wanted = current.casefold()
        return [
            app_commands.Choice(name=_line(turn)[:100], value=str(turn.id))
            for turn in saved
            if wanted in turn.asked.casefold()
        ][:25]

    @group.command(name="clear", description=N_("Forget all of our talk here"))
    async def clear(self, interaction: discord.Interaction) -> None:
        """``/memory clear``, with confirmation."""
        scene = Scene.of_interaction(interaction)

        async def forget() -> str:
            memory = self._house.dialogue.memory
            count = await memory.clear(scene.user.id, scene.guild_id)
            return scene.words.plural(CLEARED, CLEARED_MANY, count)

        await ask_first(interaction, scene.words(CLEAR), forget)

    async def _view(self, scene: Scene) -> MemoryView:
        return await self._house.dialogue.responder.memory_view(
            scene.user.id, scene.guild_id, scene.channel_id, scene.role_ids
        )


def describe(words: Words, view: MemoryView) -> str:
    """The gauge, what is kept, what was trimmed."""
    filled = round(view.gauge * CELLS)
    bar = "\u2588" * filled + "\u2591" * (CELLS - filled)
    lines = [words(GAUGE, bar=bar, used=view.used_tokens, budget=view.budget_tokens)]
    if not view.kept and not view.trimmed_turns:
        return "\n".join([*lines, words(EMPTY)])
    lines.append(words.plural(KEPT, KEPT_MANY, len(view.kept), tokens=view.kept_tokens))
    if view.trimmed_turns:
        tokens = view.trimmed_tokens
        lines.append(words.plural(TRIMMED, TRIMMED_MANY, view.trimmed_turns, tokens=tokens))
    else:
        lines.append(words(NONE_TRIMMED))
    if view.summary:
        lines.append(words(SUMMED_UP, tokens=view.summary.tokens))
        lines.append(f"> {_excerpt(view.summary.text, SUMMARY)}")
    lines += [f"> {_line(turn)}" for turn in view.kept[-SHOWN:]]
    return "\n".join(lines)[:2000]


def _line(turn: Turn) -> str:
    pin = "\U0001f4cc " if turn.pinned else ""
    return f"{pin}{_excerpt(turn.asked)}"


def _excerpt(text: str, most: int = EXCERPT) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "\u2026"
