"""What is taken away of the personas of a user who is gone."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from servicekit.erasure import BATCH, in_batches

# The order is the index's: what the batches before have deleted is skipped there.
_DELETE = Statement(
    text(
        "DELETE FROM personas WHERE id IN ("
        "SELECT id FROM personas WHERE user_id = :user_id"
        " ORDER BY user_id, created_at, id LIMIT :most)"
    )
)


async def _delete_some(connection: AsyncConnection, user_id: UUID) -> int:
    return await _DELETE.run(connection, user_id=user_id, most=BATCH)


#: The step that deletes personas.
delete_personas: Final = in_batches(_delete_some)
