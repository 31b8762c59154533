"""What is taken away of the shares of a user who is gone."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from chat_service.shares.store.references import delete_files
from servicekit.erasure import BATCH, in_batches

# Before all that they hold: from here on their links open nothing.
_END = Statement(
    text(
        "UPDATE shares SET state = 'gone' WHERE id IN ("
        "SELECT id FROM shares WHERE user_id = :user_id AND state <> 'gone'"
        " ORDER BY user_id, created_at, id LIMIT :most)"
    )
)
_DELETE_MESSAGES = Statement(
    text("""
DELETE FROM share_messages WHERE (share_id, position) IN (
    SELECT found.share_id, found.position
    FROM shares CROSS JOIN LATERAL (
        SELECT share_id, position FROM share_messages
        WHERE share_id = shares.id ORDER BY position LIMIT :most) AS found
    WHERE shares.user_id = :user_id
    LIMIT :most)
""")
)
_DELETE_FILES = Statement(text(delete_files("shares.user_id = :user_id")))
_DELETE = Statement(
    text(
        "DELETE FROM shares WHERE id IN ("
        "SELECT id FROM shares WHERE user_id = :user_id"
        " ORDER BY user_id, created_at, id LIMIT :most)"
    )
)


async def _delete_some(connection: AsyncConnection, user_id: UUID) -> int:
    for statement in (_END, _DELETE_FILES, _DELETE_MESSAGES, _DELETE):
        if touched := await statement.run(connection, user_id=user_id, most=BATCH):
            return touched
    return 0


#: The step that ends shares and deletes what they show.
delete_shares: Final = in_batches(_delete_some)
