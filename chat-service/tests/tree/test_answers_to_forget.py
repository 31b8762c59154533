"""What was deleted is not to be found again in answers that were kept: each deletion says so."""

from typing import Any
from uuid import UUID

import pytest

from chat_service.streaming.store.answers_to_forget import AnswersToForget

# Of conftest.py, which a test module has no name for.
Conversation = Any


async def wish_of(conversation: Conversation) -> UUID | None:
    """That answers of its user be forgotten, if there is one."""
    wishes = dict(await AnswersToForget(conversation.chat.worker).list(10))
    return wishes.get(conversation.caller.user_id)


async def met(conversation: Conversation, wish: UUID) -> None:
    await AnswersToForget(conversation.chat.worker).met(conversation.caller.user_id, wish)


async def test_a_wish_that_comes_while_one_is_met_is_another(conversation: Conversation) -> None:
    wishes = []
    for number in (1, 2):
        await conversation.turn(f"{number}?", f"{number}")
        await conversation.delete_message((await conversation.named(f"{number}")).id)
        wish = await wish_of(conversation)
        assert wish is not None
        wishes.append(wish)
    first, second = wishes
    # What was kept since is still to be forgotten.
    await met(conversation, first)
    assert await wish_of(conversation) == second
    await met(conversation, second)
    assert await wish_of(conversation) is None


@pytest.mark.parametrize("deleted", ["one", "another", "Which?"])
async def test_a_message_that_is_deleted_is_forgotten_on_whatever_path_it_was(
    conversation: Conversation, deleted: str
) -> None:
    await conversation.turn("Which?", "one")
    one = await conversation.named("one")
    await conversation.end(await conversation.regenerate(one.id), "another")
    messages = {message.content: message for message in await conversation.messages(all_paths=True)}
    assert [messages[text].chosen for text in ("one", "another")] == [False, True]
    await conversation.delete_message(messages[deleted].id)
    assert await wish_of(conversation) is not None
