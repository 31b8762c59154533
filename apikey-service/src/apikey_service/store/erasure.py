"""What is taken away of a user who is gone."""

from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from apikey_service.store.tables import default_keys, keys
from chassis.db.statement import Statement
from servicekit.erasure import BATCH, in_batches

_ALL = select(keys.c.id).where(keys.c.user_id == bindparam("user_id"))
# The order is the index's: what the batches before have deleted is skipped there.
_SOME = _ALL.order_by(keys.c.user_id, keys.c.created_at, keys.c.id).limit(BATCH)
_DELETE = Statement(delete(keys).where(keys.c.id.in_(_SOME)))
_UNMARK = Statement(delete(default_keys).where(default_keys.c.user_id == bindparam("user_id")))


async def _delete_some(connection: AsyncConnection, user_id: UUID) -> int:
    return await _DELETE.run(connection, user_id=user_id)


#: The step that deletes keys.
delete_keys = in_batches(_delete_some)


async def _unmark(connection: AsyncConnection, user_id: UUID) -> int:
    return await _UNMARK.run(connection, user_id=user_id)


#: The step that forgets which one was the default: one row at most.
delete_default = in_batches(_unmark)
