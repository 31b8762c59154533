"""Messages in PostgreSQL."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select, text

from chassis.db.statement import Statement, columns_of
from chassis.db.transactions import Transaction
from chat_service.conversations.domain.message import Message
from chat_service.conversations.store.rows import to_message
from chat_service.tables import messages

#: Order numbers are integers of 32 bits, and the highest is never given out.
HIGHEST_ORDER: Final = 2**31 - 1


def _page(comparison: str, direction: str) -> Statement:
    """Messages until so many bytes of text were shown, with how many were `found` to the limit.

    PostgreSQL knows how long a text is without reading it: what is left out costs little.
    """
    return Statement(
        text(f"""
SELECT {columns_of(messages, "measured")}, found FROM (
    SELECT {columns_of(messages, "page")},
           sum(bytes) OVER (ORDER BY "order" {direction}) - bytes AS bytes_before,
           count(*) OVER () AS found
    FROM (
        SELECT {columns_of(messages)},
               octet_length(content) + coalesce(octet_length(reasoning), 0) AS bytes
        FROM messages
        WHERE session_id = :session_id AND user_id = :user_id AND "order" {comparison} :after
        ORDER BY "order" {direction}
        LIMIT :size) AS page) AS measured
WHERE bytes_before < :most_bytes
ORDER BY "order" {direction}
""")  # noqa: S608 - made of constants below
    )


_UP = _page(">", "ASC")
_DOWN = _page("<", "DESC")
_OWN = messages.c.user_id == bindparam("user_id")
_COUNT = Statement(
    select(func.count().label("total"))
    .select_from(messages)
    .where(messages.c.session_id == bindparam("session_id"), _OWN)
)
_FIND = Statement(
    select(messages).where(messages.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))), _OWN)
)


class Messages:
    """The messages of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._user_id = transaction.scope.user_id

    async def list(
        self, session_id: UUID, limit: int, most_bytes: int, after: int | None, *, descending: bool
    ) -> tuple[list[Message], bool]:
        """The messages behind the one whose order is `after`, in the direction asked for.

        As many as `limit`, or so many that the last of them brings their text to `most_bytes`;
        and whether there are more.
        """
        if after is None:
            after = HIGHEST_ORDER if descending else 0
        rows = await (_DOWN if descending else _UP).all(
            self._connection,
            session_id=session_id,
            user_id=self._user_id,
            size=limit + 1,
            after=after,
            most_bytes=most_bytes,
        )
        shown = [to_message(row) for row in rows[:limit]]
        return shown, bool(rows) and rows[0].found > len(shown)

    async def count(self, session_id: UUID) -> int:
        row = await _COUNT.first(self._connection, session_id=session_id, user_id=self._user_id)
        assert row is not None
        return int(row.total)

    async def find(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        """Those of these messages that are there."""
        rows = await _FIND.all(self._connection, ids=list(message_ids), user_id=self._user_id)
        return {row.id: to_message(row) for row in rows}
