"""What was asked is gone before the first words of the answer are there."""

from __future__ import annotations

from sandbox.deeds import messages
from tests.stories.town import Town
from tests.support.endpoint import Reply, Request


async def test_an_answer_comes_though_its_question_was_deleted(town: Town) -> None:
    def forget(_: Request) -> Reply:
        for message in town.sandbox.messages(town.general, by=town.amy.user):
            messages.delete(town.sandbox.core, message)
        return Reply("At noon, and again at midnight.")

    town.endpoint.otherwise = forget
    await town.amy.mention_bot(None, "When is high water?")
    (answer,) = await town.answers(1)
    assert answer.content == "At noon, and again at midnight."
    assert answer.reply_to is None
