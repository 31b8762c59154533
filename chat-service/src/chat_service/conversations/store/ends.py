"""How conversations end in PostgreSQL: deleted, restored, deleted for good, cleared.

One that is deleted for good is out of everybody's sight at once, and taken away by a background job.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction

_DELETE = Statement(
    text("""
UPDATE sessions SET deleted_at = coalesce(deleted_at, :at), purging = :permanent
WHERE id = :session_id AND user_id = :user_id AND NOT purging
""")
)
# A change: an incremental export has it again, which left it out while it was deleted.
_RESTORE = Statement(
    text("""
UPDATE sessions SET deleted_at = NULL, updated_at = :at
WHERE id = :session_id AND user_id = :user_id
""")
)
# Each locks its rows in one order, so that two of them do not wait for each other.
_DELETE_SOME = {
    permanent: Statement(
        text(f"""
UPDATE sessions SET deleted_at = coalesce(deleted_at, :at), purging = {purging}
WHERE id IN (
    SELECT id FROM sessions WHERE user_id = :user_id AND {left}
    ORDER BY id LIMIT :most FOR UPDATE)
RETURNING id
""")  # noqa: S608 - of constants
    )
    for permanent, purging, left in (
        (False, "false", "deleted_at IS NULL"),
        (True, "true", "NOT purging"),
    )
}
_DELETE_MESSAGES = Statement(
    text("""
DELETE FROM messages WHERE id IN (
    SELECT id FROM messages WHERE session_id = :session_id AND user_id = :user_id
    ORDER BY "order" LIMIT :most)
""")
)
# `last_order` stays: no order is given twice. So does the time of the last message: it was active then. A title goes
# that was made of what is deleted, and the next question gives one.
_EMPTY = Statement(
    text("""
UPDATE sessions SET
    message_count = 0, leaf_order = 0, updated_at = :at,
    title = CASE WHEN title_by = 'user' THEN title ELSE '' END,
    title_by = CASE WHEN title_by = 'user' THEN title_by ELSE 'first_line' END
WHERE id = :session_id AND user_id = :user_id
""")
)

# Of answers that were kept to be found again: whichever replica looks next has them forgotten.
_FORGET_ANSWERS = """
INSERT INTO answers_to_forget (user_id, tenant_id, wish)
{users}
ON CONFLICT (user_id) DO UPDATE SET wish = excluded.wish
"""
_FORGET_ANSWERS_OF = Statement(
    text(_FORGET_ANSWERS.format(users="VALUES (:user_id, :tenant_id, gen_random_uuid())"))
)
#: The wish that answers be forgotten of the users of these sessions, in the worker's role.
FORGET_ANSWERS_OF_SESSIONS = Statement(
    text(
        _FORGET_ANSWERS.format(
            users="""
SELECT user_id, tenant_id, gen_random_uuid()
FROM (SELECT DISTINCT user_id, tenant_id FROM sessions WHERE id = any(CAST(:ids AS uuid[]))) AS users
ORDER BY user_id
"""
        )
    )
)


class SessionEnds:
    """The ends of one user's conversations, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._user_id = transaction.owner.user_id
        self._tenant_id = transaction.owner.tenant_id

    async def delete(self, session_id: UUID, at: datetime, *, permanent: bool) -> None:
        """Deletes it, for good if `permanent`; the moment of the first time stays."""
        await _DELETE.run(
            self._connection,
            session_id=session_id,
            user_id=self._user_id,
            at=at,
            permanent=permanent,
        )

    async def delete_some(self, at: datetime, *, permanent: bool, most: int) -> Sequence[UUID]:
        """Deletes `most` of those that there are, and returns them; fewer: there are no more."""
        rows = await _DELETE_SOME[permanent].all(
            self._connection, user_id=self._user_id, at=at, most=most
        )
        return [row.id for row in rows]

    async def restore(self, session_id: UUID, at: datetime) -> None:
        await _RESTORE.run(self._connection, session_id=session_id, user_id=self._user_id, at=at)

    async def delete_messages(self, session_id: UUID, most: int) -> int:
        """Deletes `most` messages of a session that is locked; returns how many there were."""
        return await _DELETE_MESSAGES.run(
            self._connection, session_id=session_id, user_id=self._user_id, most=most
        )

    async def empty(self, session_id: UUID, at: datetime) -> None:
        """Writes down that a session, which is locked, has no messages any more, nor a title that its user has not
        written.
        """
        await _EMPTY.run(self._connection, session_id=session_id, user_id=self._user_id, at=at)

    async def forget_answers(self) -> None:
        """Writes down that answers which are kept to be found again are to be forgotten, all of the user's."""
        await _FORGET_ANSWERS_OF.run(
            self._connection, user_id=self._user_id, tenant_id=self._tenant_id
        )
