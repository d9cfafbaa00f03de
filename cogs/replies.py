"""Turns any error into a private sentence. The last line of defence: nobody is left without words.

Errors of our own carry their sentence. The trees of ``storage`` and ``vits`` know nobody, so theirs
is given here. Anything else is a fault: the person sees a reference, and the log holds the same.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import cast

import discord
from discord import app_commands

from cogs.pages import PAGE_UNITS
from cogs.places import QUIET, UNDELIVERED
from cogs.rights import SPARED, admit, notice
from errors import NotAllowed, ParleyError
from storage.errors import StorageBusy, StorageError, StorageFull
from words import N_, Words

log = logging.getLogger(__name__)

FAULT = N_("Something went wrong on my side. Reference: {reference}")
BUSY = N_("My memory is busy right now. Please try again in a moment.")
FULL = N_("My memory is full; whoever runs me has been told. Nothing was saved.")
FORGETFUL = N_("I can't reach my memory right now. Please try again later.")

OVER = N_("-# I no longer wait for an answer here. Please use the command again.")

ACKNOWLEDGED = 40060
"""Discord's code for an interaction that was acknowledged before."""


def sentence_for(error: BaseException, words: Words) -> str:
    """What the person reads. An unknown error is logged with the reference the sentence holds."""
    cause = unwrapped(error)
    match cause:
        case ParleyError():
            return cause.say(words)
        case StorageBusy():
            return words(BUSY)
        case StorageFull():
            log.error("the store is full")
            return words(FULL)
        case StorageError():
            log.error("the store failed: %s", type(cause).__name__)
            return words(FORGETFUL)
        case app_commands.CheckFailure():
            return words(NotAllowed.sentence)
    return words(FAULT, reference=log_fault(cause))


def log_fault(error: BaseException) -> str:
    """Write a fault of ours into the log, without what people wrote; its reference."""
    reference = secrets.token_hex(4)
    log.error("fault %s: %s", reference, type(error).__name__, exc_info=_bare(error))
    return reference


def unwrapped(error: BaseException) -> BaseException:
    """The error that discord.py wrapped."""
    while isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    return error


def _bare(error: BaseException) -> BaseException:
    """The same traceback under the error's type alone: messages may quote what people wrote."""
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)


async def acknowledge(interaction: discord.Interaction, *, private: bool = False) -> None:
    """Show "thinking...": Discord wants to hear of us within three seconds.

    A request that was lost on its way is made once more; if only its answer was lost, Discord says
    that it knows already. Raises ``discord.HTTPException`` when it is too late, and the like.
    """
    try:
        await interaction.response.defer(ephemeral=private, thinking=True)
    except discord.HTTPException:
        raise
    except UNDELIVERED:
        try:
            await interaction.response.defer(ephemeral=private, thinking=True)
        except discord.HTTPException as error:
            if error.code != ACKNOWLEDGED:
                raise


async def tell(interaction: discord.Interaction, sentence: str) -> None:
    """Say something to this person alone, wherever the interaction stands."""
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(
                sentence, ephemeral=True, allowed_mentions=QUIET
            )
        except discord.HTTPException as error:
            if error.code != ACKNOWLEDGED:
                raise
        else:
            return
    await interaction.followup.send(sentence, ephemeral=True, allowed_mentions=QUIET)


async def ask(interaction: discord.Interaction, question: str, view: PatientView) -> None:
    """Show ``question`` and the controls of ``view`` to this person alone."""
    message: object
    if interaction.response.is_done():
        message = await interaction.followup.send(
            question, view=view, ephemeral=True, allowed_mentions=QUIET, wait=True
        )
    else:
        answered = await interaction.response.send_message(
            question, view=view, ephemeral=True, allowed_mentions=QUIET
        )
        message = answered.resource
    if isinstance(message, discord.Message):
        view.stands_under(message, Words.of(str(interaction.locale)))


async def tell_error(interaction: discord.Interaction, error: BaseException) -> None:
    """Render ``error`` privately. Never raises: what cannot be said is logged."""
    sentence = sentence_for(error, Words.of(str(interaction.locale)))
    try:
        await tell(interaction, sentence)
    except (*UNDELIVERED, RuntimeError) as failure:
        # The last is aiohttp's: Parley is being switched off.
        log.warning("interaction %s: the error could not be told: %s", interaction.id, failure)


class Tree(app_commands.CommandTree):
    """The command tree, with the doorkeeper before it and the renderer as its last line."""

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Whether whoever acts may; if not, they were told."""
        name = cast("Mapping[str, object]", interaction.data or {}).get("name")
        try:
            if name not in SPARED:
                await admit(interaction)
        except Exception as error:
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                await tell_error(interaction, error)
            return False
        # Whoever asks for their data, or to be forgotten, leaves nothing new.
        if interaction.type is discord.InteractionType.application_command and name != "privacy":
            notice(interaction)
        return True

    async def on_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        await tell_error(interaction, error)


class PatientView(discord.ui.View):
    """A view with the same doorkeeper as commands, whose errors are rendered like theirs."""

    spares_blocked = False
    """Whether somebody whom the moderators blocked meanwhile may go on."""
    _under: tuple[discord.Message, Words] | None = None

    def stands_under(self, message: discord.Message, words: Words) -> None:
        """It is shown under ``message``, whose one reader reads ``words``."""
        self._under = message, words

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Raises ``Blocked``, which is told."""
        if not self.spares_blocked:
            await admit(interaction)
        return True

    async def on_timeout(self) -> None:
        """Take the controls away and say so: pressed now, they would fail without a word."""
        if self._under is None:
            return
        message, words = self._under
        content = f"{message.content[:PAGE_UNITS]}\n{words(OVER)}"
        try:
            await message.edit(content=content, view=None, allowed_mentions=QUIET)
        except (*UNDELIVERED, RuntimeError) as error:
            # Dismissed by its reader, or Parley is being switched off.
            log.info("message %s keeps its controls: %s", message.id, type(error).__name__)

    async def on_error(
        self,
        interaction: discord.Interaction,
        error: Exception,
        item: discord.ui.Item[discord.ui.View],
        /,
    ) -> None:
        await tell_error(interaction, error)
