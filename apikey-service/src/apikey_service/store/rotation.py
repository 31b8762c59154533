"""Data keys of all users' rows, taken up to be locked anew: in the worker's role."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement

#: So many rows are looked at in one transaction.
BATCH: Final = 500
_BEFORE_ALL: Final = UUID(int=0)

_COUNTS = Statement(
    text("""
    SELECT sealed.kek_id, count(*) AS rows FROM (
        SELECT keys.kek_id FROM keys
        UNION ALL
        SELECT keys.headers_kek_id FROM keys WHERE keys.headers_kek_id IS NOT NULL) AS sealed
    GROUP BY sealed.kek_id
    """)
)
# Where the next batch ends, whether or not anything in it is to be done: so that none takes long.
_END = Statement(
    text(
        "SELECT keys.id FROM keys WHERE keys.id > :after ORDER BY keys.id"  # noqa: S608 - made of constants
        f" OFFSET {BATCH - 1} LIMIT 1"
    )
)
_OTHERS: Final = """
    SELECT keys.id, keys.tenant_id, keys.user_id, keys.kek_id, keys.wrapped_key,
        keys.headers_kek_id, keys.headers_wrapped_key
    FROM keys
    WHERE keys.id > :after AND (CAST(:upto AS uuid) IS NULL OR keys.id <= :upto)
        AND (keys.kek_id <> :current OR keys.headers_kek_id <> :current)
    ORDER BY keys.id FOR NO KEY UPDATE"""
_TAKE_ALL = Statement(text(_OTHERS))
# What is being changed, or is in another rotation's hands, is for a later round.
_TAKE_FREE = Statement(text(f"{_OTHERS} SKIP LOCKED"))
_PUT = Statement(
    text("""
    UPDATE keys SET kek_id = new.kek_id, wrapped_key = new.wrapped_key,
        headers_kek_id = new.headers_kek_id, headers_wrapped_key = new.headers_wrapped_key
    FROM unnest(:ids, :kek_ids, :wrapped_keys, :headers_kek_ids, :headers_wrapped_keys)
        AS new (id, kek_id, wrapped_key, headers_kek_id, headers_wrapped_key)
    WHERE keys.id = new.id
    """).bindparams(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("kek_ids", type_=ARRAY(Text)),
        bindparam("wrapped_keys", type_=ARRAY(LargeBinary)),
        bindparam("headers_kek_ids", type_=ARRAY(Text)),
        bindparam("headers_wrapped_keys", type_=ARRAY(LargeBinary)),
    )
)


@dataclass(frozen=True, slots=True)
class Locks:
    """What locks the secrets of one row: the key's, and the headers' if it has any."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    kek_id: str
    wrapped_key: bytes
    headers_kek_id: str | None
    headers_wrapped_key: bytes | None


class Batch:
    """Rows that nobody else changes until its transaction ends."""

    def __init__(
        self, connection: AsyncConnection, rows: Sequence[Locks], end: UUID | None
    ) -> None:
        self._connection = connection
        self.rows = rows
        #: What the next batch begins behind; None: this is the last one.
        self.end = end

    async def put(self, rows: Sequence[Locks]) -> None:
        """Store them, locked anew."""
        if not rows:
            return
        await _PUT.run(
            self._connection,
            ids=[row.id for row in rows],
            kek_ids=[row.kek_id for row in rows],
            wrapped_keys=[row.wrapped_key for row in rows],
            headers_kek_ids=[row.headers_kek_id for row in rows],
            headers_wrapped_keys=[row.headers_wrapped_key for row in rows],
        )


class Rotation:
    """All rows, some hundreds at a time, in the order of their ids."""

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    async def counts(self) -> dict[str, int]:
        """How many keys and sets of headers each key-encryption key locks, by its id."""
        return {row.kek_id: row.rows for row in await self._worker.all(None, _COUNTS)}

    @asynccontextmanager
    async def batch(self, after: UUID | None, *, current: str, waits: bool) -> AsyncIterator[Batch]:
        """Of the next BATCH rows behind ``after`` those that another key than ``current`` locks:
        those that are free, or if it ``waits`` all of them, five seconds for each at most.

        Kept as they are put when the block ends, and nothing of it if the block raises.
        """
        begin = after or _BEFORE_ALL
        async with self._worker.transaction() as connection:
            row = await _END.first(connection, after=begin)
            end = None if row is None else row.id
            take = _TAKE_ALL if waits else _TAKE_FREE
            rows = await take.all(connection, after=begin, upto=end, current=current)
            yield Batch(connection, [Locks(*row) for row in rows], end)
