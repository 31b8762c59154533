"""A message with all that follows it, on whatever path, in PostgreSQL: how much that is, and taking it away."""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.conversations.domain.session import Session, TitleBy, title_from
from chat_service.conversations.store.messages import follows
from chat_service.conversations.store.slices import slices_of

_MINE = "session_id = :session_id AND user_id = :user_id"
_THESE = f'{_MINE} AND "order" = ANY (CAST(:orders AS integer[]))'

# From each message to those that follow it: OFFSET 0 has them looked up in the index for each one, where the planner
# would read all messages of the conversation as often, which it takes for a short one.
_FROM = Statement(
    text(f"""
WITH RECURSIVE below AS (
    SELECT CAST(:order AS integer) AS "order"
    UNION ALL
    SELECT next."order"
    FROM below CROSS JOIN LATERAL (
        SELECT child."order" FROM messages AS child
        WHERE child.session_id = :session_id AND child.user_id = :user_id
          AND {follows("child", 'below."order"')}
        OFFSET 0) AS next)
SELECT ARRAY(SELECT "order" FROM below ORDER BY "order") AS orders
""")
)
_DELETE = Statement(text(f"DELETE FROM messages WHERE {_THESE}"))
_HAS_QUESTION = f"EXISTS (SELECT FROM messages WHERE {_THESE} AND role = 'user')"
# A model names a conversation behind its first whole answer.
_HAS_FIRST_WHOLE = f"""
(SELECT "order" FROM messages WHERE {_MINE} AND role = 'assistant' AND status = 'completed'
 ORDER BY "order" LIMIT 1) = ANY (CAST(:orders AS integer[]))
"""
_NAMES = {
    title_by: Statement(text(f"SELECT {condition} AS names"))
    for title_by, condition in (
        (TitleBy.FIRST_LINE, _HAS_QUESTION),
        (TitleBy.MODEL, f"{_HAS_QUESTION} OR {_HAS_FIRST_WHOLE}"),
    )
}
_OLDEST_QUESTION = Statement(
    text(f"""
SELECT left(content, 32000) AS content FROM messages
WHERE {_MINE} AND role = 'user' ORDER BY "order" LIMIT 1
""")
)
# `last_order` and the time of the last message stay, as they do when all are deleted.
_LESSEN = Statement(
    text("""
UPDATE sessions SET message_count = message_count - :deleted, title = :title, title_by = :title_by,
    updated_at = greatest(updated_at, CAST(:at AS timestamptz))
WHERE id = :session_id AND user_id = :user_id
""")
)


class Subtrees:
    """Those of one session of one user, in a transaction that has locked the session's row."""

    def __init__(self, transaction: Transaction, session_id: UUID) -> None:
        self._connection = transaction.connection
        self._mine = {"session_id": session_id, "user_id": transaction.owner.user_id}

    async def orders_from(self, order: int) -> Sequence[int]:
        """The message of this order and all that follow it, on whatever path."""
        row = await _FROM.first(self._connection, **self._mine, order=order)
        assert row is not None
        return tuple(row.orders)

    async def name_it(self, session: Session, orders: Sequence[int]) -> bool:
        """Whether the session's title may be made of one of these; what its user has written is not."""
        statement = _NAMES.get(session.title_by)
        if statement is None:
            return False
        row = await statement.first(self._connection, **self._mine, orders=list(orders))
        return row is None or bool(row.names)

    async def delete(
        self, session: Session, orders: Sequence[int], at: datetime, *, retitle: bool
    ) -> None:
        """Deletes these messages of the session; with `retitle` the oldest question left gives the title.

        Which path is chosen is for the caller to say anew. None left: the next question gives it.
        """
        deleted = 0
        for _, some in slices_of(orders):
            deleted += await _DELETE.run(self._connection, **self._mine, orders=some)
        title, title_by = session.title, session.title_by
        if retitle:
            row = await _OLDEST_QUESTION.first(self._connection, **self._mine)
            title, title_by = title_from("" if row is None else row.content), TitleBy.FIRST_LINE
        await _LESSEN.run(
            self._connection,
            **self._mine,
            deleted=deleted,
            title=title,
            title_by=title_by.value,
            at=at,
        )
