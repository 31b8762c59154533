"""What is left of the files of a user who is gone, in the worker's role: all rows are in sight here."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement

#: So few that no statement takes long; each is two keys in storage.
BATCH: Final = 250

# An upload under way is left to whoever is at it, who finds out that its user is gone, and takes it away;
# where nobody is, it is held no longer.
_GIVE_UP = Statement(
    text(
        "UPDATE files SET state = 'deleting' WHERE files.id IN ("
        "SELECT files.id FROM files WHERE files.user_id = :user_id AND files.state <> 'deleting'"
        " AND (files.state <> 'uploading' OR files.held_until < now())"
        " ORDER BY files.user_id, files.id LIMIT :most)"
    )
)
_GIVEN_UP = Statement(
    text(
        "SELECT files.id FROM files WHERE files.user_id = :user_id AND files.state = 'deleting'"
        " ORDER BY files.user_id, files.id LIMIT :most"
    )
)
_ANY = Statement(text("SELECT EXISTS (SELECT FROM files WHERE files.user_id = :user_id) AS found"))


async def give_up_some(connection: AsyncConnection, user_id: UUID) -> None:
    """Bytes of some more of the user's files are to be taken away."""
    await _GIVE_UP.run(connection, user_id=user_id, most=BATCH)


async def given_up_of(connection: AsyncConnection, user_id: UUID) -> list[UUID]:
    """Some of the user's files whose bytes are to be taken away."""
    return [row.id for row in await _GIVEN_UP.all(connection, user_id=user_id, most=BATCH)]


async def is_any_of(connection: AsyncConnection, user_id: UUID) -> bool:
    """Whether there is a file of the user's, whole or not."""
    row = await _ANY.first(connection, user_id=user_id)
    return row is not None and row.found
