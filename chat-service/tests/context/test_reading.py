"""What is read of a conversation of 10,000 messages: as much as of any other."""

import copy
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.statement import Statement
from chat_service.conversations.store import messages, tree
from chat_service.prompt.room import ContextWindow
from chat_service.runs.store import prompt_statements, statements, values

# Of conftest.py, for which there is no name here.
Chat = Any

MESSAGES = 10_000
WINDOW = ContextWindow(pairs=10, characters=200_000)
_FILL = text("""
INSERT INTO messages (
    id, session_id, tenant_id, user_id, role, content, "order", parent_order, chosen, created_at,
    summary)
SELECT gen_random_uuid(), :session_id, :tenant_id, :user_id,
       CASE number % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, repeat('word ', 40), number,
       number - 1, true, now(), CASE WHEN number % 100 = 0 THEN 'so far' END
FROM generate_series(1, :messages) AS number
""")
_SET = text(
    "UPDATE sessions SET summary = :summary, leaf_order = :messages, last_order = :messages"
)


async def filled(
    chat: Chat, caller: Caller, *, summary: bool = False, earlier: bool = False
) -> UUID:
    """A conversation of so many messages, or one that an earlier version has written."""
    session = await chat.session(caller)
    async with chat.app.transaction(caller) as connection:
        mine = {"session_id": session.id, "user_id": caller.user_id, "tenant_id": caller.tenant_id}
        await connection.execute(_FILL, {**mine, "messages": MESSAGES})
        await connection.execute(_SET, {"summary": summary, "messages": MESSAGES})
        if earlier:
            await connection.execute(text("UPDATE messages SET parent_order = NULL"))
    # As PostgreSQL does itself, once so much has been written.
    with psycopg.connect(chat.urls.admin, autocommit=True) as admin:
        admin.execute("ANALYZE messages")
    session_id: UUID = session.id
    return session_id


async def nodes(
    chat: Chat, caller: Caller, statement: Statement, **given: object
) -> list[dict[str, Any]]:
    """The steps of the plan that was carried out, with how often and how many rows."""
    explaining = copy.copy(statement)
    explaining._bytes = b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement._bytes
    explaining._make_row = None
    async with chat.app.transaction(caller) as connection:
        (row,) = await explaining.all(connection, user_id=caller.user_id, **given)
    return list(_nodes(row[0][0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def read(steps: list[dict[str, Any]]) -> int:
    """Rows of messages that were looked at, those that were passed over included."""
    return sum(
        round(step["Actual Loops"] * (step["Actual Rows"] + step.get("Rows Removed by Filter", 0)))
        for step in steps
        if step.get("Relation Name") == "messages"
    )


@pytest.mark.parametrize("summary", [False, True])
async def test_a_window_of_a_long_conversation_reads_no_more_than_it_may_show(
    chat: Chat, caller: Caller, summary: bool
) -> None:
    session_id = await filled(chat, caller, summary=summary)
    steps = await nodes(
        chat,
        caller,
        prompt_statements.READ_WINDOW_BEFORE,
        session_id=session_id,
        before=MESSAGES + 1,
        **values.of_window(WINDOW),
    )
    # Forty that may be shown, a look for the answer of each question, and the newest summary.
    assert read(steps) <= 40 + 20 + 1
    summed_up = [step for step in steps if step.get("Index Name") == "messages_summed_up"]
    assert [step["Actual Loops"] for step in summed_up] == [int(summary)]


async def test_what_is_summed_up_at_a_time_is_bounded_too(chat: Chat, caller: Caller) -> None:
    session_id = await filled(chat, caller, summary=True)
    steps = await nodes(
        chat,
        caller,
        prompt_statements.READ_SAID,
        session_id=session_id,
        after=1_000,
        before=MESSAGES,
        most=40,
        characters=6_000,
    )
    assert read(steps) <= 40 + 20 + 1


@pytest.mark.parametrize("earlier", [False, True])
async def test_a_page_and_a_step_in_the_tree_read_no_more_than_they_show(
    chat: Chat, caller: Caller, earlier: bool
) -> None:
    session_id = await filled(chat, caller, earlier=earlier)
    for (descending, _), page in messages._PAGES.items():
        after = MESSAGES // 2 + (1 if descending else -1)
        given = {"after": after, "size": 21, "most_bytes": 10**6}
        steps = await nodes(chat, caller, page, session_id=session_id, **given)
        # Of each the one it follows, whether one follows it, its variants, and what may be one of before there were any.
        assert read(steps) <= 21 * 5, (descending, steps)
    steps = await nodes(
        chat, caller, tree._COUNT_VARIANTS, session_id=session_id, parent_order=MESSAGES // 2
    )
    assert read(steps) == 1
    # From four before the end down to it.
    steps = await nodes(chat, caller, tree._NEWEST_LEAF, session_id=session_id, order=MESSAGES - 4)
    assert read(steps) <= 5
    steps = await nodes(
        chat,
        caller,
        statements.IS_FOLLOWED,
        session_id=session_id,
        run_id=session_id,
        answer_order=MESSAGES // 2,
    )
    assert read(steps) <= 1
