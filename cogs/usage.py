"""``/usage``: what you used today, what is left, and when it renews."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from cogs.house import House
from cogs.replies import acknowledge, tell
from cogs.scene import Scene
from dialogue.quotas import Allowance, Costs, stamp
from storage.records import Usage as Used
from words import N_, Words

TODAY = N_("Today here: {answers} answers, {tokens} tokens, {seconds} s of speech.")
EVERYWHERE = N_("Today everywhere: {answers} answers, {tokens} tokens, {seconds} s of speech.")
COUNTED = N_("{tokens} of these tokens are my own count: the model's provider reported none.")
TOKENS_LEFT = N_("Tokens left: {left} of {limit}.")
TOKENS_FREE = N_("Tokens: no limit.")
SPEECH_LEFT = N_("Speech left: {left} s of {limit} s.")
SPEECH_FREE = N_("Speech: no limit.")
RENEWS = N_("Renews {when}.")
COST = N_("All of you together, today: {today}; in the last 30 days: {month}.")


class Usage(commands.Cog):
    """One command; the bot's owner sees what everybody costs as well."""

    def __init__(self, house: House) -> None:
        self._house = house

    @app_commands.command(description=N_("What you used today, and what is left"))
    async def usage(self, interaction: discord.Interaction) -> None:
        """``/usage``."""
        await acknowledge(interaction, private=True)
        scene, quotas = Scene.of_interaction(interaction), self._house.dialogue.quotas
        allowance = await quotas.allowance(scene.user.id, scene.guild_id, scene.role_ids)
        lines = describe(scene.words, allowance)
        if await self._house.client.is_owner(interaction.user):
            lines.append(_cost(scene.words, await quotas.costs()))
        await tell(interaction, "\n".join(lines))


def describe(words: Words, allowance: Allowance) -> list[str]:
    """A line for each thing that is counted."""
    here, everywhere = allowance.used, allowance.used_everywhere
    lines = [_used(words, TODAY, here)]
    if everywhere != here:
        lines.append(_used(words, EVERYWHERE, everywhere))
    if here.tokens_counted:
        lines.append(words(COUNTED, tokens=here.tokens_counted))
    if allowance.tokens_limit is None:
        lines.append(words(TOKENS_FREE))
    else:
        lines.append(words(TOKENS_LEFT, left=allowance.tokens_left, limit=allowance.tokens_limit))
    if allowance.spoken_limit_s is None:
        lines.append(words(SPEECH_FREE))
    else:
        left, limit = round(allowance.spoken_left_s or 0), round(allowance.spoken_limit_s)
        lines.append(words(SPEECH_LEFT, left=left, limit=limit))
    return [*lines, words(RENEWS, when=stamp(allowance.renews_s))]


def _used(words: Words, sentence: str, used: Used) -> str:
    return words(sentence, answers=used.answers, tokens=used.tokens, seconds=round(used.spoken_s))


def _cost(words: Words, costs: Costs) -> str:
    def one(used: Used) -> str:
        return f"{used.cost:.2f} ({used.tokens})"

    return words(COST, today=one(costs.today), month=one(costs.month))
