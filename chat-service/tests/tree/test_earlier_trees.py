"""Conversations that an earlier version has written or goes on with."""

from typing import Any

import sqlalchemy

from chassis.ids import new_id

# Of conftest.py, which a test module has no name for.
Conversation = Any


# What versions before this one write: they know neither parents nor leaves.
_OLD_QUESTION = """
WITH session AS (
    UPDATE sessions SET last_order = last_order + 2 WHERE id = :session_id
    RETURNING id, tenant_id, user_id, last_order),
run AS (
    INSERT INTO runs (id, session_id, tenant_id, user_id, question_id, answer_id, question_order,
        answer_order, provider, model, temperature, max_tokens, owner, epoch, status, last_seq,
        created_at)
    SELECT :run_id, id, tenant_id, user_id, :question_id, :answer_id, last_order - 1, last_order,
        'openai', 'm', 0.7, 10, 'old', 1, 'running', 0, now() FROM session)
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
SELECT :question_id, id, tenant_id, user_id, 'user', :content, last_order - 1, now() FROM session
"""
_OLD_ANSWER = """
WITH run AS (
    UPDATE runs SET status = 'completed', ended_at = now() WHERE id = :run_id
    RETURNING answer_id, session_id, tenant_id, user_id, answer_order),
answer AS (
    INSERT INTO messages (
        id, session_id, tenant_id, user_id, role, content, "order", run_id, status, created_at)
    SELECT answer_id, session_id, tenant_id, user_id, 'assistant', :content, answer_order, :run_id,
        'completed', now() FROM run)
UPDATE sessions SET message_count = message_count + 1 FROM run WHERE sessions.id = run.session_id
"""


async def _write(conversation: Conversation, statement: str, **values: object) -> None:
    async with conversation.chat.worker.transaction() as connection:
        await connection.execute(
            sqlalchemy.text(statement), {"session_id": conversation.id, **values}
        )


async def _old_turn(conversation: Conversation, question: str, answer: str) -> None:
    run_id = new_id()
    await _write(
        conversation,
        _OLD_QUESTION,
        run_id=run_id,
        question_id=new_id(),
        answer_id=new_id(),
        content=question,
    )
    await _write(conversation, _OLD_ANSWER, run_id=run_id, content=answer)


async def test_what_an_earlier_version_wrote_is_a_path_to_go_on_with(
    conversation: Conversation,
) -> None:
    await _write(conversation, "UPDATE sessions SET leaf_order = NULL WHERE id = :session_id")
    await _old_turn(conversation, "One?", "1")
    await _old_turn(conversation, "Two?", "2")
    assert await conversation.path() == ["One?", "1", "Two?", "2"]
    two = await conversation.named("Two?")
    assert two.parent_id == (await conversation.named("1")).id
    await conversation.end(await conversation.regenerate((await conversation.named("1")).id), "one")
    assert await conversation.path() == ["One?", "one"]
    # An old replica beside it appends to what is chosen, and answers what it asked.
    await _old_turn(conversation, "Three?", "3")
    assert await conversation.path() == ["One?", "one", "Three?", "3"]
    await conversation.turn("Four?", "4")
    assert await conversation.path() == ["One?", "one", "Three?", "3", "Four?", "4"]


async def test_an_old_replica_ends_another_answer_where_it_belongs(
    conversation: Conversation,
) -> None:
    await conversation.turn("One?", "1")
    await conversation.turn("Two?", "2")
    run = await conversation.regenerate((await conversation.named("1")).id)
    await conversation.choose((await conversation.named("2")).id)
    await _write(conversation, _OLD_ANSWER, run_id=run.id, content="one")
    assert await conversation.path() == ["One?", "1", "Two?", "2"]
    late = await conversation.named("one")
    assert (late.parent_id, late.chosen) == ((await conversation.named("One?")).id, False)
