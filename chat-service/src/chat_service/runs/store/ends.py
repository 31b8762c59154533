"""The runs of sessions that end, in the transaction that has locked these."""

# ruff: noqa: S608 - all statements are made of constants

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.conversations.domain.message import LiveAnswer
from chat_service.conversations.store.slices import slices_of
from chat_service.runs.store.deleted import note_deleted

#: The reason of a run whose session was deleted for good.
SESSION_DELETED = "SESSION_DELETED"

_LIVE = "session_id = any(CAST(:session_ids AS uuid[])) AND status = 'running'"
_WISH_END = Statement(
    text(
        f"UPDATE runs SET cancel_requested = true WHERE user_id = :user_id AND {_LIVE} RETURNING id"
    )
)


# What they have used is to be counted by whoever generates them.
def _end(whose: str) -> Statement:
    return Statement(
        text(f"""
WITH ended AS (
    UPDATE runs SET status = 'cancelled', reason = '{SESSION_DELETED}', ended_at = :at
    WHERE {_LIVE} {whose}
    RETURNING id, tenant_id, user_id, epoch),
noted AS ({note_deleted("ended")})
SELECT id FROM ended
""")
    )


#: Whoever's they are, in the worker's role.
END_RUNS_OF_SESSIONS = _end("")
_END_OWN = _end("AND user_id = :user_id")


def _delete(whose: str) -> Statement:
    return Statement(
        text(f"""
WITH gone AS (
    DELETE FROM runs WHERE id IN (
        SELECT id FROM runs WHERE session_id = :session_id AND user_id = :user_id {whose})
    RETURNING id, tenant_id, user_id, epoch, status),
noted AS ({note_deleted("gone", "status = 'running'")})
SELECT id FROM gone
""")
    )


_DELETE_SOME = _delete("ORDER BY id LIMIT :most")
# Looked up in a table of hashes, for each of the session's runs.
_ORDERS = "(SELECT unnest(CAST(:orders AS integer[])))"
_DELETE_OF = _delete(f"AND (question_order IN {_ORDERS} OR answer_order IN {_ORDERS})")
_LIVE_ANSWER = Statement(
    text("""
SELECT id, answer_id, question_order, answer_order FROM runs
WHERE session_id = :session_id AND user_id = :user_id AND status = 'running'
""")
)


class RunEnds:
    """What `conversations.usecases.ends` and `conversations.usecases.delete_message` ask of runs."""

    async def wish_end(
        self, transaction: Transaction, session_ids: Sequence[UUID]
    ) -> Sequence[UUID]:
        """Asks whoever generates a live run of theirs to end it, and returns these runs."""
        return _ids(
            await _WISH_END.all(
                transaction.connection,
                session_ids=list(session_ids),
                user_id=transaction.owner.user_id,
            )
        )

    async def end(
        self, transaction: Transaction, session_ids: Sequence[UUID], at: datetime
    ) -> Sequence[UUID]:
        """Ends the live runs, of which nobody saves anything any more, and returns them."""
        return _ids(
            await _END_OWN.all(
                transaction.connection,
                session_ids=list(session_ids),
                user_id=transaction.owner.user_id,
                at=at,
            )
        )

    async def delete_some(
        self, transaction: Transaction, session_id: UUID, most: int
    ) -> Sequence[UUID]:
        """Deletes `most` runs of a session, and returns them."""
        return _ids(
            await _DELETE_SOME.all(
                transaction.connection,
                session_id=session_id,
                user_id=transaction.owner.user_id,
                most=most,
            )
        )

    async def live(self, transaction: Transaction, session_id: UUID) -> LiveAnswer | None:
        """What is being written in a session."""
        row = await _LIVE_ANSWER.first(
            transaction.connection, session_id=session_id, user_id=transaction.owner.user_id
        )
        if row is None:
            return None
        return LiveAnswer(row.id, row.answer_id, row.question_order, row.answer_order)

    async def delete_of(
        self, transaction: Transaction, session_id: UUID, orders: Sequence[int]
    ) -> Sequence[UUID]:
        """Deletes the runs of whose question or answer this is the order, and returns them."""
        deleted: list[UUID] = []
        for _, some in slices_of(orders):
            deleted += _ids(
                await _DELETE_OF.all(
                    transaction.connection,
                    session_id=session_id,
                    user_id=transaction.owner.user_id,
                    orders=some,
                )
            )
        return deleted


def _ids(rows: Sequence[object]) -> list[UUID]:
    return [row.id for row in rows]  # type: ignore[attr-defined]  # a row of one column
