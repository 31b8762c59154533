"""What is in the index, and what is still to come into it."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_service.search.domain.unindexed import UnindexedSession
from chat_service.search.store.unindexed import Unindexed

Chat = Any


async def indexed_ids(chat: Chat) -> set[UUID]:
    async with chat.worker.transaction() as connection:
        return set(await connection.scalars(text("SELECT id FROM search_texts")))


async def due_now(chat: Chat) -> list[UnindexedSession]:
    return await Unindexed(chat.worker).due(UUID(int=2**128 - 1))


READ = text(
    "SELECT relname, seq_scan, coalesce(idx_tup_fetch, 0) AS fetched FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('search_texts', 'sessions', 'messages')"
)


async def reads_of(connection: AsyncConnection) -> dict[str, tuple[int, int]]:
    """By table, how often it was read from end to end, and how many rows were fetched by an index."""
    return {row.relname: (row.seq_scan, row.fetched) for row in await connection.execute(READ)}
