"""Of answers and forks that are asked for at once, or again, one is begun."""

import asyncio
from typing import Any

import pytest

from chassis.idempotency import IdempotencyKeyReused, RequestKey
from chat_service.conversations.domain.errors import (
    SessionNotFound,
)
from chat_service.runs.domain.admission import RepeatedRequest
from chat_service.runs.domain.errors import RunInProgress
from chat_service.runs.usecases.read import list_live_runs

# Of conftest.py, which a test module has no name for.
Conversation = Any


def _key(name: str, request: bytes = b"a") -> RequestKey:
    return RequestKey(name, request)


async def test_while_an_answer_is_written_no_other_is_begun_but_a_path_may_be_chosen(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    run = await conversation.ask("And?")
    for refused in (
        conversation.regenerate(first.id),
        conversation.edit(first.parent_id, "What?"),
        conversation.ask("What?"),
    ):
        with pytest.raises(RunInProgress):
            await refused
    # What was refused has changed nothing.
    assert await conversation.path() == ["Why?", "Because.", "And?"]
    assert [one.id for one in await _live(conversation)] == [run.id]
    await conversation.edit_answer(first.id, "Mine.")
    assert await conversation.path() == ["Why?", "Mine."]
    await conversation.end(run, "So.")
    assert await conversation.path() == ["Why?", "Mine."]
    assert await _live(conversation) == []
    assert await conversation.named("So.")


async def _live(conversation: Conversation) -> list[Any]:
    return await list_live_runs(conversation.chat.open_transaction, conversation.caller)


async def test_a_repeated_request_gets_the_run_it_began_and_changes_nothing(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    run = await conversation.regenerate(first.id, request=_key("a"))
    await conversation.end(run, "Another.")
    await conversation.choose(first.id)
    assert (await conversation.regenerate(first.id, request=_key("a"))).id == run.id
    assert await conversation.path() == ["Why?", "Because."]
    with pytest.raises(IdempotencyKeyReused):
        await conversation.regenerate(first.id, request=_key("a", b"b"))
    edited = await conversation.edit(first.parent_id, "How?", request=_key("b"))
    await conversation.end(edited, "So.")
    with pytest.raises(RepeatedRequest) as repeated:
        await conversation.edit(first.parent_id, "How?", request=_key("b"))
    assert repeated.value.run.id == edited.id
    assert len(await conversation.messages(all_paths=True)) == 5


async def test_of_many_at_once_one_answer_is_begun_and_the_others_change_nothing(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    results = await asyncio.gather(
        *(conversation.regenerate(first.id) for _ in range(4)),
        *(conversation.edit(first.parent_id, f"How {n}?") for n in range(4)),
        *(conversation.ask(f"And {n}?") for n in range(4)),
        return_exceptions=True,
    )
    begun = [one for one in results if not isinstance(one, BaseException)]
    assert len(begun) == 1
    assert all(isinstance(one, RunInProgress) for one in results if one is not begun[0])
    await conversation.end(begun[0], "The one.")
    assert (await conversation.path())[-1] == "The one."
    orders = [one.order for one in await conversation.messages(all_paths=True)]
    assert orders == list(range(1, len(orders) + 1))


async def test_a_repeated_fork_is_found_again_though_what_it_was_made_of_is_deleted(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    fork = await conversation.fork(request=_key("f"))
    await conversation.delete()
    assert await conversation.fork(request=_key("f")) == fork
    with pytest.raises(SessionNotFound):
        await conversation.fork(request=_key("g"))


async def test_a_run_is_not_found_again_once_its_conversation_is_deleted(
    conversation: Conversation,
) -> None:
    await conversation.turn("Why?", "Because.")
    first = await conversation.named("Because.")
    await conversation.end(await conversation.regenerate(first.id, request=_key("a")), "So.")
    await conversation.delete()
    with pytest.raises(SessionNotFound):
        await conversation.regenerate(first.id, request=_key("a"))
