"""Forms: a modal with lines to fill in, and what is done with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import discord

from cogs.replies import tell_error
from cogs.rights import admit
from errors import BadInput
from words import N_, Words

LABEL_MOST, TITLE_MOST = 45, 45
OPEN_S = 30 * 60.0


class NotANumber(BadInput):
    """Something else stands where a number is needed."""

    sentence = N_("Please write a number from {low} to {high} there, or leave it empty.")


@dataclass(frozen=True)
class Line:
    """One thing to fill in. ``label`` is marked with ``N_``; ``most`` is in characters."""

    key: str
    label: str
    most: int
    value: str = ""
    required: bool = False
    long: bool = False


Filled = Callable[[discord.Interaction, Mapping[str, str]], Awaitable[None]]
"""Called with what was filled in, by key, and the submission, which it has to acknowledge."""


class Form(discord.ui.Modal):
    """See the module."""

    def __init__(self, words: Words, title: str, lines: Sequence[Line], filled: Filled) -> None:
        super().__init__(title=words(title)[:TITLE_MOST], timeout=OPEN_S)
        self._filled = filled
        self._inputs: dict[str, discord.ui.TextInput[Form]] = {}
        for line in lines:
            text: discord.ui.TextInput[Form] = discord.ui.TextInput(
                label=words(line.label)[:LABEL_MOST],
                custom_id=line.key,
                default=line.value[: line.most] or None,
                required=line.required,
                max_length=line.most,
                style=discord.TextStyle.paragraph if line.long else discord.TextStyle.short,
            )
            self._inputs[line.key] = text
            self.add_item(text)

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Hand it on."""
        await admit(interaction)
        await self._filled(
            interaction, {key: item.value.strip() for key, item in self._inputs.items()}
        )

    # discord.py leaves out the item for modals, too.
    async def on_error(  # type: ignore[override]
        self, interaction: discord.Interaction, error: Exception, /
    ) -> None:
        """Say it."""
        await tell_error(interaction, error)


def whole_number(text: str, low: int, high: int) -> int | None:
    """What was filled in, None where nothing was. Raises :class:`NotANumber`."""
    if not text:
        return None
    # isdecimal alone takes digits of every script, and so does int().
    if not text.isdecimal() or len(text) > 12 or not low <= int(text) <= high:
        raise NotANumber(low=low, high=high)
    return int(text)
