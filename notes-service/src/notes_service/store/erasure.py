"""What is taken away of a user who is gone."""

from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from notes_service.store.tables import notes
from servicekit.erasure import BATCH, in_batches

_ALL = select(notes.c.id).where(notes.c.user_id == bindparam("user_id"))
# The order is the index's: what the batches before have deleted is skipped there.
_SOME = _ALL.order_by(notes.c.user_id, notes.c.updated_at, notes.c.id).limit(BATCH)
_DELETE = Statement(delete(notes).where(notes.c.id.in_(_SOME)))


async def _delete_some(connection: AsyncConnection, user_id: UUID) -> int:
    return await _DELETE.run(connection, user_id=user_id)


#: The step that deletes notes.
delete_notes = in_batches(_delete_some)
