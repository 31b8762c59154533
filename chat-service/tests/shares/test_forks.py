"""A share copied into a conversation of a reader's own."""

from typing import Any

import pytest

from chassis.caller import Caller
from chassis.db.owners import OwnerErased

# Of conftest.py, for which a test module has no name.
Sharing = Any


async def test_a_fork_is_a_conversation_of_ones_own_that_goes_on(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    chat = sharing.chat
    session_id = await sharing.session("theirs", turns=0)
    await sharing.turn(session_id, "q", "a", reasoning="thought")
    made = await sharing.share(session_id, include_reasoning=True)
    forked = await sharing.fork(made.token, stranger)
    assert (forked.title, forked.message_count, forked.unread) == ("theirs", 2, False)
    assert (forked.instructions, forked.persona, forked.model) == (None, None, None)
    # What becomes of the share, and of what it was made of, makes no difference.
    await sharing.write.delete(sharing.caller, made.share.id)
    await sharing.ends.delete(sharing.caller, session_id, permanent=True)
    question, answer = await chat.messages(stranger, forked.id)
    assert (question.content, answer.content, answer.reasoning) == ("q", "a", "thought")
    assert (answer.model, answer.edited, answer.parent_id) == (
        chat.connection.model,
        False,
        question.id,
    )
    await chat.turn(stranger, forked.id, "and then?")
    orders = [message.order for message in await chat.messages(stranger, forked.id)]
    assert orders == [1, 2, 3, 4]
    assert (await refused(chat.read_session(sharing.caller, forked.id)))[0] == "SESSION_NOT_FOUND"


async def test_a_fork_is_a_view_and_is_made_once(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    made = await sharing.share(max_views=1)
    forked = await sharing.fork(made.token, stranger, key="key-1")
    assert await sharing.opens() == [1]
    # Repeated, it needs neither the view nor the share.
    assert (await sharing.fork(made.token, stranger, key="key-1")).id == forked.id
    await sharing.write.delete(sharing.caller, made.share.id)
    assert (await sharing.fork(made.token, stranger, key="key-1")).id == forked.id
    assert (await refused(sharing.fork(made.token, stranger, key="key-2")))[0] == "SHARE_NOT_FOUND"


async def test_ones_own_share_is_forked_like_any_other(sharing: Sharing) -> None:
    made = await sharing.share()
    forked = await sharing.fork(made.token, sharing.caller)
    assert forked.id != made.share.session_id
    assert len(await sharing.chat.messages(sharing.caller, forked.id)) == 2


async def test_who_is_erased_copies_nothing_any_more(sharing: Sharing, stranger: Caller) -> None:
    made = await sharing.share()
    async with sharing.chat.erasing(stranger).transaction():
        pass
    with pytest.raises(OwnerErased):
        await sharing.fork(made.token, stranger)
    counted = await sharing.execute(
        "SELECT count(*) FROM sessions WHERE user_id = :id", id=stranger.user_id
    )
    assert counted.scalar_one() == 0


async def test_of_a_long_conversation_some_messages_are_copied_at_a_time(
    sharing: Sharing, stranger: Caller
) -> None:
    sharing = sharing.copying(4)
    session_id = await sharing.session("long", turns=0)
    said = [f"{who}{number}" for number in range(4) for who in ("q", "a")]
    for question, answer in zip(said[::2], said[1::2], strict=True):
        await sharing.turn(session_id, question, answer)
    made = await sharing.share(session_id)
    assert made.share.message_count == 8
    await sharing.turn(session_id, "q4", "a4")
    renewed = await sharing.write.refresh(sharing.caller, made.share.id)
    assert renewed.message_count == 10
    forked = await sharing.fork(made.token, stranger)
    copied = await sharing.chat.messages(stranger, forked.id)
    assert [one.content for one in copied] == [*said, "q4", "a4"]
    assert [one.order for one in copied] == [*range(1, 11)]
