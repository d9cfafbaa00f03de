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

from cogs.places import QUIET, UNDELIVERED
from cogs.rights import SPARED, admit
from errors import NotAllowed, ParleyError
from storage.errors import StorageBusy, StorageError, StorageFull
from words import N_, Words

log = logging.getLogger(__name__)

FAULT = N_("Something went wrong on my side. Reference: {reference}")
BUSY = N_("My memory is busy right now. Please try again in a moment.")
FULL = N_("My memory is full; whoever runs me has been told. Nothing was saved.")
FORGETFUL = N_("I can't reach my memory right now. Please try again later.")
VOICELESS = N_("My voice does not work right now.")
TOO_OLD = N_("Discord waited too long for me. Please try again.")
NO_PERMISSION = N_("I may not do that here. I lack: {permissions}.")
NOT_HERE = N_("That works in a server only.")

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
        case app_commands.BotMissingPermissions():
            return words(NO_PERMISSION, permissions=", ".join(cause.missing_permissions))
        case app_commands.NoPrivateMessage():
            return words(NOT_HERE)
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
        data = cast("Mapping[str, object]", interaction.data or {})
        if data.get("name") in SPARED:
            return True
        try:
            await admit(interaction)
        except Exception as error:
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                await tell_error(interaction, error)
            return False
        return True

    async def on_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        await tell_error(interaction, error)


class PatientView(discord.ui.View):
    """A view with the same doorkeeper as commands, whose errors are rendered like theirs."""

    spares_blocked = False
    """Whether somebody whom the moderators blocked meanwhile may go on."""

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Raises ``Blocked``, which is told."""
        if not self.spares_blocked:
            await admit(interaction)
        return True

    async def on_error(
        self,
        interaction: discord.Interaction,
        error: Exception,
        item: discord.ui.Item[discord.ui.View],
        /,
    ) -> None:
        await tell_error(interaction, error)
