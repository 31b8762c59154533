"""What is taken away of the imports of a user who is gone."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from servicekit.erasure import BATCH, in_batches

# A megabyte at most in each.
_PIECES: Final = 25
_DELETE_PIECES = Statement(
    text("""
DELETE FROM import_pieces WHERE (import_id, number) IN (
    SELECT import_id, number FROM import_pieces WHERE user_id = :user_id LIMIT :most)
""")
)
_DELETE_IMPORTS = Statement(
    text("""
DELETE FROM imports WHERE id IN (
    SELECT id FROM imports WHERE user_id = :user_id ORDER BY created_at DESC, id DESC LIMIT :most)
""")
)


async def _delete_some(connection: AsyncConnection, user_id: UUID) -> int:
    deleted = await _DELETE_PIECES.run(connection, user_id=user_id, most=_PIECES)
    return deleted or await _DELETE_IMPORTS.run(connection, user_id=user_id, most=BATCH)


#: The step that deletes imports, and the bytes that are yet to be read. What came of which source goes with the
#: conversations.
delete_imports: Final = in_batches(_delete_some)
