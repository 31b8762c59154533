"""What the database itself keeps apart, in the service's real roles, whatever a query forgets."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from chassis.caller import Caller
from chassis.db.engine import RowOwner
from chassis.ids import new_id

from .chat import Chat

TABLES = ("sessions", "messages", "runs", "owners")
PROTECTED = {
    *TABLES,
    "run_frames",
    "idempotency_keys",
    "token_usage",
    "usage_days",
    "personas",
    "user_settings",
    "search_texts",
    "shares",
    "share_messages",
    "share_files",
    "files",
    "message_files",
    "imports",
    "import_pieces",
    "imported",
    "imported_files",
    "deleted_runs",
    "answers_to_forget",
}


async def _count(chat: Chat, table: str, whose: Caller | RowOwner | None) -> int:
    async with chat.app.transaction(whose) as connection:
        return await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0


@pytest.mark.parametrize("table", TABLES)
async def test_a_query_without_its_where_shows_nothing_of_others(
    chat: Chat, caller: Caller, stranger: Caller, table: str
) -> None:
    await chat.accept(caller, None)
    assert await _count(chat, table, caller) == 1
    assert await _count(chat, table, stranger) == 0
    # Nor without a user, nor to a user of the same id in another tenant.
    assert await _count(chat, table, None) == 0
    assert await _count(chat, table, RowOwner(tenant_id=new_id(), user_id=caller.user_id)) == 0


@pytest.mark.parametrize("table", TABLES)
async def test_an_update_or_delete_without_its_where_touches_nothing_of_others(
    chat: Chat, caller: Caller, stranger: Caller, table: str
) -> None:
    await chat.accept(caller, None)
    async with chat.app.transaction(stranger) as connection:
        updated = await connection.execute(text(f"UPDATE {table} SET tenant_id = user_id"))
        assert updated.rowcount == 0
        if table != "owners":
            deleted = await connection.execute(text(f"DELETE FROM {table}"))
            assert deleted.rowcount == 0
    assert await _count(chat, table, caller) == 1


async def test_a_row_for_somebody_else_cannot_be_written(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    statement = text(
        "INSERT INTO sessions (id, tenant_id, user_id, title, created_at, updated_at)"
        " VALUES (:id, :tenant_id, :user_id, '', now(), now())"
    )
    row = {"id": new_id(), "tenant_id": caller.tenant_id, "user_id": caller.user_id}
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with chat.app.transaction(stranger) as connection:
            await connection.execute(statement, row)


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM outbox", "INSERT INTO replicas VALUES ('x', 1, now())", "DROP TABLE runs"],
)
async def test_the_app_role_may_not_touch_what_is_not_a_users(
    chat: Chat, caller: Caller, statement: str
) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        async with chat.app.transaction(caller) as connection:
            await connection.execute(text(statement))


async def test_a_user_can_neither_revive_nor_bury_the_owners_row(
    chat: Chat, caller: Caller
) -> None:
    await chat.session(caller)
    for statement in (
        "UPDATE owners SET erased_at = now()",
        "UPDATE owners SET tenant_id = tenant_id",
        "DELETE FROM owners",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|row-level security"):
            async with chat.app.transaction(caller) as connection:
                await connection.execute(text(statement))


async def test_what_a_user_has_set_is_seen_by_that_user_and_changed_by_nobody(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    async with chat.worker.transaction() as connection:
        for number, one in enumerate((caller, stranger), 1):
            await connection.execute(
                text(
                    "INSERT INTO user_settings (user_id, tenant_id, instructions, titles_by_model,"
                    " change) VALUES (:user_id, :tenant_id, 'x', false, :change)"
                ),
                {"user_id": one.user_id, "tenant_id": one.tenant_id, "change": number},
            )
    for whose, seen in ((caller, 1), (stranger, 1), (None, 0)):
        assert await _count(chat, "user_settings", whose) == seen
    elsewhere = RowOwner(tenant_id=new_id(), user_id=caller.user_id)
    assert await _count(chat, "user_settings", elsewhere) == 0
    for statement in (
        "UPDATE user_settings SET instructions = ''",
        "DELETE FROM user_settings",
        (
            "INSERT INTO user_settings (user_id, tenant_id, instructions, titles_by_model, change)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), '', false, 3)"
        ),
        "SELECT change FROM user_settings_cursor",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with chat.app.transaction(caller) as connection:
                await connection.execute(text(statement))


async def test_every_table_with_a_users_data_forces_its_policies(chat: Chat) -> None:
    query = text(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    )
    async with chat.worker.transaction() as connection:
        tables: Sequence[Any] = (await connection.execute(query)).all()
    assert {table.relname for table in tables} >= PROTECTED
    assert [table.relname for table in tables if not table.forced] == []
