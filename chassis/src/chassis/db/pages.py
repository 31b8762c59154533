"""A table's rows in pages, in the order in which they were made."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from chassis.paging import Position


class Pages:
    """What ``select`` finds in ``table``, by ``created_at`` and, among equal times, by ``id``.

    ``select`` ends in its WHERE.
    """

    def __init__(self, select: str, table: str, *, newest_first: bool) -> None:
        behind, way = ("<", " DESC") if newest_first else (">", "")
        place = f"({table}.created_at, {table}.id) {behind} (:after_at, :after_id)"
        order = f"ORDER BY {table}.created_at{way}, {table}.id{way} LIMIT :limit"
        self._first = Statement(text(f"{select} {order}"))
        self._next = Statement(text(f"{select} AND {place} {order}"))

    async def read(
        self, connection: AsyncConnection, after: Position | None, limit: int, **values: object
    ) -> list[Any]:
        """At most ``limit`` rows behind ``after``, from the beginning if None."""
        if after is None:
            return await self._first.all(connection, **values, limit=limit)
        return await self._next.all(
            connection, **values, limit=limit, after_at=after.at, after_id=after.id
        )
