"""What sums up conversations, in PostgreSQL: in `messages.summary`, of the last message that it tells of.

A message has one path from the beginning, and so has what is told of it: on another path it is not met.
"""

# ruff: noqa: S608 - all of them are made of constants

from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.conversations.domain.summary import Summary

_MINE = "session_id = :session_id AND user_id = :user_id"

_NEWEST = Statement(
    text(f"""
SELECT summary, "order" FROM messages
WHERE {_MINE} AND chosen AND summary IS NOT NULL
ORDER BY "order" DESC
LIMIT 1
""")
)
_AT = Statement(text(f'SELECT summary FROM messages WHERE {_MINE} AND "order" = :order'))
_KEEP = Statement(
    text(f"""
UPDATE messages SET summary = :summary
WHERE {_MINE} AND "order" = :order AND summary IS NULL
""")
)
_FORGET = Statement(
    text(f"UPDATE messages SET summary = NULL WHERE {_MINE} AND summary IS NOT NULL")
)


class Summaries:
    """Those of one session of one user, in one transaction."""

    def __init__(self, transaction: Transaction, session_id: UUID) -> None:
        self._connection = transaction.connection
        self._mine = {"session_id": session_id, "user_id": transaction.owner.user_id}

    async def newest(self) -> Summary | None:
        """What reaches furthest on the chosen path."""
        row = await _NEWEST.first(self._connection, **self._mine)
        return None if row is None else Summary(row.summary, row.order)

    async def at(self, order: int) -> str | None:
        """What tells of all up to this message."""
        row = await _AT.first(self._connection, **self._mine, order=order)
        return None if row is None else row.summary

    async def keep(self, summary: Summary) -> bool:
        """Stores it, unless there is one of that message already, or no such message: False."""
        return bool(
            await _KEEP.run(
                self._connection, **self._mine, summary=summary.text, order=summary.last_order
            )
        )

    async def forget(self) -> None:
        """Takes them all away, on whatever path."""
        await _FORGET.run(self._connection, **self._mine)
