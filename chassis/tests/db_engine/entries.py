"""Rows of a table of which each user sees its own."""

from uuid import UUID

from sqlalchemy import text

from chassis.db.engine import Database, RowOwner
from chassis.ids import new_id

INSERT = text("INSERT INTO entries VALUES (:id, :tenant_id, :user_id, :text)")


def somebody() -> RowOwner:
    return RowOwner(tenant_id=new_id(), user_id=new_id())


async def add_entry(database: Database, owner: RowOwner, words: str = "mine") -> UUID:
    entry_id = new_id()
    async with database.transaction(owner) as connection:
        await connection.execute(
            INSERT,
            {
                "id": entry_id,
                "tenant_id": owner.tenant_id,
                "user_id": owner.user_id,
                "text": words,
            },
        )
    return entry_id


async def count_entries(database: Database, owner: RowOwner | None) -> int:
    async with database.transaction(owner) as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM entries")) or 0)
