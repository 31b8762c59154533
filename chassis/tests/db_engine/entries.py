"""Rows of a table of which each scope sees its own."""

from uuid import UUID

from sqlalchemy import text

from chassis.db.engine import Database, Scope
from chassis.ids import new_id

INSERT = text("INSERT INTO entries VALUES (:id, :tenant_id, :user_id, :text)")


def somebody() -> Scope:
    return Scope(tenant_id=new_id(), user_id=new_id())


async def add_entry(database: Database, scope: Scope, words: str = "mine") -> UUID:
    entry_id = new_id()
    async with database.transaction(scope) as connection:
        await connection.execute(
            INSERT,
            {
                "id": entry_id,
                "tenant_id": scope.tenant_id,
                "user_id": scope.user_id,
                "text": words,
            },
        )
    return entry_id


async def count_entries(database: Database, scope: Scope | None) -> int:
    async with database.transaction(scope) as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM entries")) or 0)
