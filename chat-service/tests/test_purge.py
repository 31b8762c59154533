"""The purge on a real database: what is due goes with all that hangs on it, and nothing else."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.testing import DatabaseUrls, limit_deletes
from chat_service.conversations.domain.session import Session, SessionChange
from chat_service.conversations.usecases.sessions import update_session
from chat_service.runs.domain.retention import Retention
from chat_service.runs.store.purge import Purge
from chat_service.settings import Settings
from chat_service.streaming.store.answers_to_forget import AnswersToForget

from .chat import Chat

TABLES = ("sessions", "messages", "runs", "run_frames")
SHIPPED = Retention(deleted=timedelta(days=30), temporary=timedelta(hours=24))
OLD = Retention(SHIPPED.deleted, SHIPPED.temporary, everything=timedelta(days=90))


class Logs:
    """Where a test sees which logs were to be forgotten; `failing` stands for Redis away."""

    def __init__(self) -> None:
        self.forgotten: list[UUID] = []
        self.failing = False

    async def forget(self, run_ids: Sequence[UUID]) -> None:
        if self.failing:
            raise ConnectionError("away")
        self.forgotten += run_ids


async def no_rest(seconds: float) -> None:
    assert seconds >= 0


def purge_of(chat: Chat, retention: Retention, logs: Logs | None = None) -> Purge:
    return Purge(chat.worker, (logs or Logs()).forget, lambda: retention, rest=no_rest)


async def execute(chat: Chat, statement: str, **values: Any) -> Any:
    async with chat.worker.transaction() as connection:
        return await connection.execute(text(statement), values)


async def count(chat: Chat, table: str) -> int:
    return int((await execute(chat, f"SELECT count(*) FROM {table}")).scalar_one())


async def titles(chat: Chat) -> str:
    rows = await execute(chat, "SELECT title FROM sessions ORDER BY title")
    return "".join(row.title for row in rows)


async def make(
    chat: Chat,
    caller: Caller,
    title: str,
    *,
    idle: timedelta | None = None,
    deleted: timedelta | None = None,
    **fields: Any,
) -> Session:
    """A session that was active, or deleted, so long ago."""
    change = SessionChange(
        **{name: fields.pop(name) for name in ("pinned", "archived") if name in fields}
    )
    made = await chat.session(caller, title, **fields)
    await chat.turn(caller, made.id)
    session = await update_session(chat.open_transaction, chat.resolve_key, caller, made.id, change)
    moments = {"last_message_at": idle, "deleted_at": deleted}
    for column, ago in moments.items():
        if ago is not None:
            await execute(
                chat,
                f"UPDATE sessions SET {column} = :at WHERE id = :id",
                at=utc_now() - ago,
                id=made.id,
            )
    return session


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_what_is_due_goes_with_everything_and_nothing_else_does(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    logs = Logs()
    gone = await make(chat, caller, "a", deleted=30 * DAY + HOUR)
    await make(chat, stranger, "b", deleted=31 * DAY, pinned=True)
    await make(chat, caller, "C", deleted=30 * DAY - HOUR)
    await make(chat, caller, "d", idle=25 * HOUR, temporary=True)
    await make(chat, caller, "E", idle=23 * HOUR, temporary=True)
    await make(chat, caller, "F", idle=1000 * DAY)
    await make(chat, caller, "G", idle=1000 * DAY, archived=True)
    (row,) = await execute(chat, "SELECT id FROM runs WHERE session_id = :id", id=gone.id)
    await execute(
        chat,
        "INSERT INTO run_frames (run_id, seq, epoch, tenant_id, user_id, event, data)"
        " VALUES (:run_id, 1, 1, :tenant_id, :user_id, 'delta', '')",
        run_id=row.id,
        tenant_id=caller.tenant_id,
        user_id=caller.user_id,
    )
    await purge_of(chat, SHIPPED, logs).purge()
    assert await titles(chat) == "CEFG"
    assert [await count(chat, table) for table in TABLES] == [4, 8, 4, 0]
    assert len(logs.forgotten) == 3
    assert row.id in logs.forgotten


async def test_what_is_old_goes_if_the_operator_says_so_unless_it_is_pinned(
    chat: Chat, caller: Caller
) -> None:
    await make(chat, caller, "a", idle=91 * DAY)
    await make(chat, caller, "b", idle=91 * DAY, archived=True)
    await make(chat, caller, "c", idle=91 * DAY, deleted=HOUR)
    await make(chat, caller, "D", idle=89 * DAY)
    await make(chat, caller, "E", idle=1000 * DAY, pinned=True)
    # As long as somebody waits for it, it is not idle.
    live = await chat.session(caller, "F")
    run = (await chat.accept(caller, live.id)).run
    await execute(
        chat, "UPDATE sessions SET last_message_at = :at WHERE id = :id",
        at=utc_now() - 92 * DAY, id=live.id,
    )  # fmt: skip
    await purge_of(chat, OLD).purge()
    assert await titles(chat) == "DEF"
    await chat.finish(run)
    await purge_of(chat, OLD).purge()
    assert await titles(chat) == "DEF"


CROWD = """
INSERT INTO sessions (id, tenant_id, user_id, title, temporary, deleted_at, purging, last_order,
    created_at, updated_at)
SELECT gen_random_uuid(), %(tenant_id)s, %(user_id)s, '', number %% 3 = 0,
    CASE WHEN number %% 3 > 0 THEN now() - interval '1 year' END, number %% 3 = 2, 2,
    now() - interval '2 years', now()
FROM generate_series(1, %(sessions)s) AS number;
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
SELECT gen_random_uuid(), id, tenant_id, user_id, 'user', 'x', number, now()
FROM sessions, generate_series(1, 6) AS number;
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
SELECT gen_random_uuid(), (SELECT id FROM sessions LIMIT 1), %(tenant_id)s, %(user_id)s, 'user', 'x',
    number, now()
FROM generate_series(7, 1600) AS number;
INSERT INTO runs (id, session_id, tenant_id, user_id, question_id, answer_id, question_order,
    answer_order, provider, model, temperature, max_tokens, owner, epoch, status, created_at,
    ended_at)
SELECT gen_random_uuid(), id, tenant_id, user_id, gen_random_uuid(), gen_random_uuid(), 1, 2, '',
    '', 0, 1, '', 1, 'completed', now(), now()
FROM sessions, generate_series(1, 6);
"""


def fill(urls: DatabaseUrls, user: Caller, sessions: int) -> None:
    values = {"tenant_id": user.tenant_id, "user_id": user.user_id, "sessions": sessions}
    with psycopg.connect(urls.admin, cursor_factory=psycopg.ClientCursor) as admin:
        admin.execute(CROWD, values)


async def test_several_replicas_share_it_in_small_statements(chat: Chat, caller: Caller) -> None:
    fill(chat.urls, caller, 1400)
    # What one statement deletes follows no size: neither of a conversation, nor of all.
    limit_deletes(chat.urls, 500, "messages", "runs", "sessions")
    logs = Logs()
    first, second = (purge_of(chat, SHIPPED, logs) for _ in range(2))
    await asyncio.gather(first.purge(), second.purge())
    # Whoever finds nothing leaves the rest to the other.
    assert [await count(chat, table) for table in TABLES] == [0, 0, 0, 0]
    assert len(logs.forgotten) == len(set(logs.forgotten)) == 1400 * 6


async def test_a_run_outlives_its_log_so_that_none_is_left_behind(
    chat: Chat, caller: Caller
) -> None:
    await make(chat, caller, "a", deleted=31 * DAY)
    logs = Logs()
    logs.failing = True
    with pytest.raises(ConnectionError):
        await purge_of(chat, SHIPPED, logs).purge()
    # Out of sight all the same, and taken with the next look.
    assert [await count(chat, table) for table in TABLES[:3]] == [1, 2, 1]
    (row,) = await execute(chat, "SELECT purging FROM sessions")
    assert row.purging
    logs.failing = False
    await purge_of(chat, SHIPPED, logs).purge()
    assert [await count(chat, table) for table in TABLES[:3]] == [0, 0, 0]
    assert len(logs.forgotten) == 1


async def test_the_answers_that_were_kept_of_what_goes_are_to_be_forgotten(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    for title in ("a", "b"):
        await make(chat, caller, title, deleted=31 * DAY)
    await make(chat, stranger, "C", deleted=29 * DAY)
    await purge_of(chat, SHIPPED).purge()
    wishes = await AnswersToForget(chat.worker).list(10)
    assert [user_id for user_id, _ in wishes] == [caller.user_id]


async def test_what_somebody_has_locked_is_left_for_the_next_look(
    chat: Chat, caller: Caller
) -> None:
    held = await make(chat, caller, "a", deleted=31 * DAY)
    await make(chat, caller, "b", deleted=31 * DAY)
    async with chat.app.transaction(caller) as connection:
        query = text("SELECT id FROM sessions WHERE id = :id FOR UPDATE")
        await connection.execute(query, {"id": held.id})
        await purge_of(chat, SHIPPED).purge()
        assert await titles(chat) == "a"
    await purge_of(chat, SHIPPED).purge()
    assert await titles(chat) == ""


async def test_what_is_restored_in_time_stays(chat: Chat, caller: Caller) -> None:
    session = await make(chat, caller, "a", deleted=31 * DAY)
    await execute(chat, "UPDATE sessions SET deleted_at = NULL WHERE id = :id", id=session.id)
    await purge_of(chat, SHIPPED).purge()
    assert await titles(chat) == "a"


def test_the_settings_say_how_long(settings: Settings) -> None:
    assert settings.retention == SHIPPED
    other = Settings(
        **{
            **settings.model_dump(),
            "redis_url": SecretStr("redis://:x@127.0.0.1:1/0"),
            "deleted_days": 0,
            "temporary_hours": 1,
            "retention_days": 90,
        }
    )
    assert other.retention == Retention(timedelta(0), HOUR, 90 * DAY)


async def test_a_run_that_was_deleted_is_known_for_a_week(chat: Chat, caller: Caller) -> None:
    """So long its replica may come back and count what it has used; of one that was killed nobody does."""
    runs = {days: (await chat.accept(caller, None)).run for days in (6, 8)}
    for days, run in runs.items():
        await execute(
            chat,
            "INSERT INTO deleted_runs (id, tenant_id, user_id, epoch, deleted_at)"
            " VALUES (:id, :tenant_id, :user_id, 1, now() - make_interval(days => :days))",
            id=run.id,
            tenant_id=run.tenant_id,
            user_id=run.user_id,
            days=days,
        )
    await purge_of(chat, SHIPPED).purge()
    left = await execute(chat, "SELECT id FROM deleted_runs")
    assert [row.id for row in left] == [runs[6].id]


async def test_what_a_run_has_used_is_counted_though_its_conversation_is_purged_beneath_it(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller)
    run = (await chat.accept(caller, session.id)).run
    await execute(
        chat,
        "UPDATE sessions SET deleted_at = now() - interval '31 days' WHERE id = :id",
        id=session.id,
    )
    await purge_of(chat, SHIPPED).purge()
    assert await count(chat, "runs") == 0
    # Its owner has not heard yet that it is gone.
    assert not await chat.finish(run)
    (used,) = await execute(chat, "SELECT prompt_tokens, completion_tokens FROM usage_days")
    assert tuple(used) == (3, 2)
    assert await count(chat, "deleted_runs") == 0
