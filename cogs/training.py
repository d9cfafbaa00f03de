"""``/voice train``: a new voice from attached recordings, for whoever runs Parley.

It stands in the group ``/voice``; ``cogs/voice.py`` is its cog. ``cogs/training_desk.py`` sees it
through.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from cogs.attachments import AttachmentGone
from cogs.replies import acknowledge, tell, tell_error
from cogs.rights import admit
from cogs.scene import Scene
from cogs.sound import SHOWN, Sound
from cogs.training_desk import BEGUN, NoTraining, TrainingDesk
from cogs.training_words import CANCELLED, standing
from errors import BadInput, NotAllowed
from speech.training import Wanted, own_names
from words import N_, Words

FORM = N_("A new voice")
FILES = N_("Recordings")
FILES_HELP = N_("Sound, video, or zips of them; a minute of speech or more")
NAME = N_("Name of the voice")
LANGUAGE, FOUND_OUT = N_("Language spoken"), N_("Find out")
CONSENT = N_("Who agreed to be imitated, and how")
LICENCE = N_("Licence of the voice")

FILES_MOST = 10
PIECE_BYTES = 1 << 18
PATIENCE = aiohttp.ClientTimeout(sock_connect=30.0, sock_read=60.0)
"""With Discord, for the next piece of an attachment; the whole may take long."""

LANGUAGES = {
    "en": "English",
    "zh-TW": "\u7e41\u9ad4\u4e2d\u6587",
    "zh-CN": "\u7b80\u4f53\u4e2d\u6587",
    "ja": "\u65e5\u672c\u8a9e",
    "ko": "\ud55c\uad6d\uc5b4",
    "de": "Deutsch",
    "es": "Espa\u00f1ol",
    "fr": "Fran\u00e7ais",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Portugu\u00eas",
    "ru": "\u0420\u0443\u0441\u0441\u043a\u0438\u0439",
    "uk": "\u0423\u043a\u0440\u0430\u0457\u043d\u0441\u044c\u043a\u0430",
    "vi": "Ti\u1ebfng Vi\u1ec7t",
}
"""Each in its own name."""

UNKNOWN = "-"


class NotYourTraining(NotAllowed):
    """A training takes the machine's time, and makes somebody's voice."""

    sentence = N_("Only whoever runs me can train voices.")


class NoConsent(BadInput):
    """Nobody is imitated who did not agree."""

    sentence = N_("Say who agreed to be imitated, and under which licence the voice may be used.")


class Training(Sound):
    """The subcommands; their ``self`` is the cog that takes them over."""

    voice = Sound.voice
    _desk: TrainingDesk

    train = app_commands.Group(
        name="train", description=N_("New voices, for whoever runs me"), parent=Sound.voice
    )

    @train.command(name="start", description=N_("Make a new voice from recordings"))
    @app_commands.describe(
        base=N_("The voice to begin from; leave it out for one that speaks the language"),
        role=N_("Only people with this role may use the new voice"),
    )
    async def start_training(
        self,
        interaction: discord.Interaction,
        base: app_commands.Range[str, 1, 100] | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """``/voice train start``: a form, for the recordings and who agreed."""
        await self._check_trains(interaction)
        self._house.workshop.check_open()
        self._desk.check_free()
        chosen = (await self._house.voices.find(base)).partition("/")[0] if base else ""
        words = Scene.of_interaction(interaction).words
        everybody = role is None or role.is_default()
        form = TrainingForm(words, self, chosen, None if everybody or role is None else role.id)
        await interaction.response.send_modal(form)

    @train.command(name="cancel", description=N_("End the training; nothing of it is kept"))
    async def cancel(self, interaction: discord.Interaction) -> None:
        """``/voice train cancel``."""
        await self.cancel_training(interaction, None)

    @train.command(name="status", description=N_("How far the training is"))
    async def training_status(self, interaction: discord.Interaction) -> None:
        """``/voice train status``."""
        await self._check_trains(interaction)
        standing_now = self._desk.standing
        if standing_now is None:
            raise NoTraining
        words = Scene.of_interaction(interaction).words
        await tell(interaction, standing(words, *standing_now))

    @start_training.autocomplete("base")
    async def bases(
        self, interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Voices to begin from."""
        if not await self._house.client.is_owner(interaction.user):
            return []
        wanted = current.strip().casefold()
        names = [each.name for each in await self._house.voices.installed()]
        found = [name for name in names if wanted in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:SHOWN]]

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Go on with what a restart interrupted."""
        await self._desk.resume()

    async def cancel_training(
        self, interaction: discord.Interaction, training_id: str | None
    ) -> None:
        """By the command, or the button of one training."""
        await acknowledge(interaction, private=True)
        await self._check_trains(interaction)
        voice = await self._desk.cancel(training_id)
        words = Scene.of_interaction(interaction).words
        await tell(interaction, words(CANCELLED, voice=voice))

    async def train_from(
        self,
        interaction: discord.Interaction,
        wanted: Wanted,
        files: list[discord.Attachment],
        role_id: int | None,
    ) -> None:
        """The form was filled in: check everything, then begin."""
        await acknowledge(interaction, private=True)
        await self._check_trains(interaction)
        scene, workshop = Scene.of_interaction(interaction), self._house.workshop
        workshop.check_open()
        self._desk.check_free()
        if not wanted.consent.strip() or not wanted.licence.strip():
            raise NoConsent
        names = own_names([each.filename for each in files])
        workshop.check_size(sum(each.size for each in files))
        order = await workshop.order(wanted)
        pieces = (_pieces(self._house.client, each) for each in files)
        await self._desk.begin(scene, order, zip(names, pieces, strict=True), role_id)
        await tell(interaction, scene.words(BEGUN))

    async def _check_trains(self, interaction: discord.Interaction) -> None:
        """Raises :class:`NotYourTraining`."""
        if not await self._house.client.is_owner(interaction.user):
            raise NotYourTraining


class TrainingForm(discord.ui.Modal):
    """Recordings, name, language, consent and licence."""

    def __init__(self, words: Words, cog: Training, base: str, role_id: int | None) -> None:
        super().__init__(title=words(FORM), timeout=30 * 60.0)
        self._cog = cog
        self._base = base
        self._role_id = role_id
        self._files: discord.ui.FileUpload[TrainingForm] = discord.ui.FileUpload(
            min_values=1, max_values=FILES_MOST
        )
        self._name: discord.ui.TextInput[TrainingForm] = discord.ui.TextInput(max_length=64)
        self._language: discord.ui.Select[TrainingForm] = discord.ui.Select(
            options=[
                discord.SelectOption(label=words(FOUND_OUT), value=UNKNOWN, default=True),
                *(discord.SelectOption(label=name, value=tag) for tag, name in LANGUAGES.items()),
            ]
        )
        self._consent: discord.ui.TextInput[TrainingForm] = discord.ui.TextInput(
            max_length=300, style=discord.TextStyle.paragraph
        )
        self._licence: discord.ui.TextInput[TrainingForm] = discord.ui.TextInput(max_length=100)
        for label, item in (
            (FILES, self._files),
            (NAME, self._name),
            (LANGUAGE, self._language),
            (CONSENT, self._consent),
            (LICENCE, self._licence),
        ):
            about = words(FILES_HELP) if label == FILES else None
            self.add_item(discord.ui.Label(text=words(label), description=about, component=item))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Hand it on."""
        await admit(interaction)
        language = self._language.values[0] if self._language.values else UNKNOWN
        wanted = Wanted(
            voice=self._name.value,
            base=self._base,
            language="" if language == UNKNOWN else language,
            consent=" ".join(self._consent.value.split()),
            licence=" ".join(self._licence.value.split()),
        )
        await self._cog.train_from(interaction, wanted, self._files.values, self._role_id)

    # discord.py leaves out the item for modals, too.
    async def on_error(  # type: ignore[override]
        self, interaction: discord.Interaction, error: Exception, /
    ) -> None:
        """Say it."""
        await tell_error(interaction, error)


async def _pieces(client: discord.Client, file: discord.Attachment) -> AsyncGenerator[bytes]:
    """What is attached, as it comes: it may be larger than our memory. Raises ``AttachmentGone``.

    discord.py itself reads attachments whole only.
    """
    http = client.http
    try:
        async with (
            aiohttp.ClientSession(
                connector=http.connector, connector_owner=False, timeout=PATIENCE
            ) as session,
            session.get(
                file.url, proxy=http.proxy, proxy_auth=http.proxy_auth, raise_for_status=True
            ) as answer,
        ):
            async for piece in answer.content.iter_chunked(PIECE_BYTES):
                yield piece
    except (aiohttp.ClientError, OSError) as error:
        raise AttachmentGone from error
