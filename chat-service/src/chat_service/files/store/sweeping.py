"""What is swept of files, in the worker's role: all rows are in sight here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from chat_service.files.domain.file import FileState

#: Tables that refer to files by their `file_id`. Each has the trigger that has a file looked at again when
#: a reference goes (see the revision that made `message_files`).
REFERENCES: Final = ("message_files", "share_files")
#: A file that is referred to is not looked at again for so long, unless a reference goes.
REFERRED: Final = timedelta(days=1)

_IS_REFERRED: Final = " OR ".join(
    f"EXISTS (SELECT FROM {table} WHERE {table}.file_id = files.id)" for table in REFERENCES
)

# Whoever comes to refer to a file sets its hold anew: the row that is locked then is looked at again.
_MARK = Statement(
    text(f"""
WITH due AS MATERIALIZED (
    SELECT files.id, files.state <> 'uploading' AND ({_IS_REFERRED}) AS is_referred FROM files
    WHERE files.held_until < now() AND files.state <> 'deleting'
    ORDER BY files.held_until LIMIT :most FOR UPDATE SKIP LOCKED),
held AS (
    UPDATE files SET held_until = now() + CAST(:referred AS interval)
    WHERE files.id IN (SELECT due.id FROM due WHERE due.is_referred)),
given_up AS (
    UPDATE files SET state = 'deleting'
    WHERE files.id IN (SELECT due.id FROM due WHERE NOT due.is_referred) RETURNING files.id)
SELECT (SELECT count(*) FROM due) AS looked_at, (SELECT count(*) FROM given_up) AS given_up
""")  # noqa: S608 - made of constants
)
_GIVEN_UP = Statement(
    text(
        "SELECT files.id, files.user_id FROM files WHERE files.state = 'deleting'"
        " ORDER BY files.id LIMIT :most"
    )
)
_FORGET = Statement(text("DELETE FROM files WHERE files.id = ANY (CAST(:ids AS uuid[]))"))
_STATES = Statement(
    text("SELECT files.id, files.state FROM files WHERE files.id = ANY (CAST(:ids AS uuid[]))")
)
_PAGE = Statement(
    text("""
SELECT files.id, files.user_id, files.state FROM files
WHERE (files.user_id, files.id) > (CAST(:after_user AS uuid), CAST(:after_id AS uuid))
    AND files.state IN ('ready', 'lost') AND files.created_at < :before
ORDER BY files.user_id, files.id LIMIT :most
""")
)
_SET_STATE = Statement(
    text(
        "UPDATE files SET state = :state"
        " WHERE files.id = ANY (CAST(:ids AS uuid[])) AND files.state = :before"
    )
)


@dataclass(frozen=True, slots=True)
class Known:
    """A file that has a row."""

    user_id: UUID
    id: UUID
    state: FileState


async def mark_unused(connection: AsyncConnection, most: int) -> tuple[int, int]:
    """How many were looked at of those that are held no longer, and how many of them nothing refers to:
    their bytes are to be taken away.
    """
    row = await _MARK.first(connection, most=most, referred=REFERRED)
    assert row is not None
    return row.looked_at, row.given_up


async def given_up(connection: AsyncConnection, most: int) -> list[tuple[UUID, UUID]]:
    """Users and files whose bytes are to be taken away: for good, nothing makes them anything else again."""
    return [(row.user_id, row.id) for row in await _GIVEN_UP.all(connection, most=most)]


async def forget(connection: AsyncConnection, file_ids: Sequence[UUID]) -> int:
    """Their bytes are gone: so are their rows. How many of these there still were."""
    return await _FORGET.run(connection, ids=list(file_ids))


async def states_of(
    connection: AsyncConnection, file_ids: Sequence[UUID]
) -> Mapping[UUID, FileState]:
    """The states of those among them that have a row."""
    rows = await _STATES.all(connection, ids=list(file_ids))
    return {row.id: FileState(row.state) for row in rows}


async def page(
    connection: AsyncConnection, after: tuple[UUID, UUID], before: datetime, most: int
) -> list[Known]:
    """Files that ought to have bytes, made before a moment, in order of user and id behind `after`."""
    after_user, after_id = after
    rows = await _PAGE.all(
        connection, after_user=after_user, after_id=after_id, before=before, most=most
    )
    return [Known(row.user_id, row.id, FileState(row.state)) for row in rows]


async def set_state(
    connection: AsyncConnection, file_ids: Sequence[UUID], before: FileState, state: FileState
) -> int:
    """How many of them were in the state before."""
    return await _SET_STATE.run(
        connection, ids=list(file_ids), before=before.value, state=state.value
    )
