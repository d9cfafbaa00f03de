"""The hostile inputs of ``tests/dialogue/hostile.py``, over the wire: none of them has an effect.

The model is the worst there can be: it says back whatever it is told.
"""

from __future__ import annotations

from sandbox.permissions import Permission
from tests.dialogue.hostile import HOSTILE
from tests.stories.community import told
from tests.stories.every_command import said
from tests.stories.test_every_command import stored
from tests.stories.town import Town

SECRET = "the treasure is under the oak"
EVES = ("turns", "memories", "usage")
"""Where what eve says, and nothing else, may leave something."""


async def test_no_hostile_message_has_an_effect(town: Town) -> None:
    everything = town.sandbox.add_role(town.guild, "pingable", Permission(0))
    eve = town.sandbox.add_member(town.guild, "eve", roles=(everything,))
    await told(town, eve, "voice replies", kind="off")
    await told(town, town.ben, "voice replies", kind="off")
    await town.chat(town.ben, SECRET)
    before = stored(town)
    offers = {offer.path for offer in eve.offers()}
    for text in HOSTILE:
        # What cannot travel: half a character, and more than a command takes.
        sent = text.encode("utf-8", "replace").decode()[:6000]
        await said(town, await eve.command("chat", text=sent))
    after = stored(town)
    for table, rows in before.items():
        kept = [row for row in after[table] if table not in EVES or eve.id not in row]
        assert kept == rows, table
    assert {offer.path for offer in eve.offers()} == offers
    assert not any(message.pinged for message in town.said())
    for person in (town.amy, town.ben, town.owner):
        assert not person.pings()
    assert all("tools" not in request.body for request in town.endpoint.chats)
    eves = town.endpoint.chats[1:]
    assert not [request for request in eves if SECRET in str(request.messages)]
