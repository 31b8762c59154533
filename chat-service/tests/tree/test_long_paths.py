"""What is written of a long path is written some messages at a time, and all of it or nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from chassis.errors import AppError
from chat_service.conversations.store import slices
from chat_service.conversations.store import tree as store
from chat_service.files.store.attachments import Attachments

# Of conftest.py, which a test module has no name for.
Conversation = Any
Chat = Any

MOST = 3
PATH = ["q0", "a0", "q1", "a1", "q2", "a2", "q3", "a3"]


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MOST_AT_ONCE", MOST)


async def _fill(conversation: Conversation) -> None:
    for number in range(len(PATH) // 2):
        await conversation.turn(f"q{number}", f"a{number}")


async def test_a_long_path_is_left_and_chosen_again_some_messages_at_a_time(
    conversation: Conversation, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(conversation)
    wrote: list[int] = []
    run = store._CHOOSE_OTHERS.run

    async def noted(connection: Any, **values: Any) -> int:
        wrote.append(await run(connection, **values))
        return wrote[-1]

    monkeypatch.setattr(store._CHOOSE_OTHERS, "run", noted)
    last = await conversation.named("a3")
    await conversation.end(
        await conversation.edit((await conversation.named("q0")).id, "other"), "b"
    )
    # Three with the first statement.
    assert wrote == [3, 2]
    assert await conversation.path() == ["other", "b"]
    wrote.clear()
    await conversation.choose(last.id)
    # The two of the other path as well.
    assert wrote == [3, 3, 1]
    assert await conversation.path() == PATH
    await conversation.edit_answer((await conversation.named("a1")).id, "mine")
    assert await conversation.path() == ["q0", "a0", "q1", "mine"]
    shown = await conversation.messages(all_paths=True)
    assert [one.content for one in shown if not one.chosen] == [*PATH[3:], "other", "b"]


async def test_a_long_path_is_copied_some_messages_at_a_time(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(conversation)
    wrote: list[int] = []
    run = store._COPY.run

    async def noted(connection: Any, **values: Any) -> int:
        wrote.append(await run(connection, **values))
        return wrote[-1]

    monkeypatch.setattr(store._COPY, "run", noted)
    fork = replace(conversation, id=await conversation.fork())
    assert wrote == [3, 3, 2]
    assert await fork.path() == PATH
    shown = await fork.messages(all_paths=True)
    assert [one.order for one in shown] == [*range(1, 9)]
    assert [one.parent_id for one in shown] == [None, *(one.id for one in shown[:-1])]
    await fork.turn("q4", "a4")
    assert await fork.path() == [*PATH, "q4", "a4"]
    assert await conversation.path() == PATH


async def test_of_a_copy_that_breaks_off_nothing_stays(
    conversation: Conversation, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(conversation)
    copy = Attachments.copy
    made: list[UUID] = []

    async def broken_off(self: Attachments, old_ids: Sequence[UUID], ids: Sequence[UUID]) -> None:
        await copy(self, old_ids, ids)
        made.extend(ids)
        if len(made) > MOST:
            pid = await self._connection.scalar(text("SELECT pg_backend_pid()"))
            async with await psycopg.AsyncConnection.connect(
                chat.urls.admin, autocommit=True
            ) as admin:
                await admin.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])

    with monkeypatch.context() as patched:
        patched.setattr(Attachments, "copy", broken_off)
        with pytest.raises(AppError):
            await conversation.fork()
    assert len(made) == 2 * MOST
    async with chat.worker.transaction() as connection:
        found = await connection.execute(
            text("SELECT count(*) AS n FROM messages WHERE id = ANY (:ids)"), {"ids": made}
        )
        assert found.scalar_one() == 0
        found = await connection.execute(
            text("SELECT count(*) AS n FROM sessions WHERE user_id = :user_id"),
            {"user_id": conversation.caller.user_id},
        )
        assert found.scalar_one() == 1
    fork = replace(conversation, id=await conversation.fork())
    assert await fork.path() == PATH
