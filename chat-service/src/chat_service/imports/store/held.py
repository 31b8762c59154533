"""How many bytes of files imports hold: those that are coming, those that wait or are read, and what the sweep has left.

Of an import whose file is coming `size` is what was set aside for it.
"""

from typing import Final

from sqlalchemy import text

from chassis.db.engine import Database
from chassis.db.statement import Statement

# The sweep comes at their end: behind an hour nothing of them is there.
_HELD: Final = """
SELECT coalesce(sum(size), 0)::bigint AS bytes, count(*) FILTER (WHERE ended_at IS NULL) AS under_way
FROM imports
WHERE (ended_at IS NULL OR ended_at > now() - interval '1 hour'
       AND EXISTS (SELECT FROM import_pieces WHERE import_id = imports.id))
"""
#: Of one user.
HELD_BY_USER: Final = Statement(text(f"{_HELD} AND user_id = :user_id"))
_HELD_BY_ALL = Statement(text(_HELD))


class Held:
    """What everybody's imports hold, in the worker's role."""

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    async def bytes(self) -> int:
        """Of what has been stored by now. Raises DatabaseBusy or DatabaseUnavailable."""
        row = await self._worker.first(None, _HELD_BY_ALL)
        assert row is not None
        return int(row.bytes)
