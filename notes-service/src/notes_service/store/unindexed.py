"""Notes that an earlier release has written, and in which nothing can be found yet: in the worker's role."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database
from chassis.db.statement import Statement
from notes_service.store.notes import Lexemes

#: So many at once, which nobody else changes meanwhile: a second's work at the most.
BATCH: Final = 10

# What somebody else has in hand, a user or another replica, is for later.
_TAKE = Statement(
    text(
        "SELECT notes.id, notes.user_id, notes.title, notes.content FROM notes"  # noqa: S608 - made of constants
        " WHERE notes.title_lexemes IS NULL OR notes.content_lexemes IS NULL"
        f" ORDER BY notes.id LIMIT {BATCH} FOR NO KEY UPDATE SKIP LOCKED"
    )
)
_PUT = Statement(
    text(
        "UPDATE notes SET title_lexemes = array_to_tsvector(CAST(:title_lexemes AS text[])),"
        " content_lexemes = array_to_tsvector(CAST(:content_lexemes AS text[]))"
        " WHERE notes.id = :note_id"
    )
)


@dataclass(frozen=True, slots=True)
class UnindexedNote:
    """The texts of a note that is yet to be indexed, and whose it is."""

    id: UUID
    user_id: UUID
    title: str
    content: str


class Batch:
    """Notes that nobody else changes until its transaction ends."""

    def __init__(self, connection: AsyncConnection, notes: Sequence[UnindexedNote]) -> None:
        self._connection = connection
        self.notes = notes

    async def put(self, note_id: UUID, lexemes: Lexemes) -> None:
        """Store what one of them is found by; the note itself stays as it is."""
        await _PUT.run(
            self._connection,
            note_id=note_id,
            title_lexemes=list(lexemes.title or ()),
            content_lexemes=list(lexemes.content or ()),
        )


class Unindexed:
    """All users' notes that are yet to be indexed, some at a time."""

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Batch]:
        """The first of those that are free, none if there are none. Kept as they are put when the
        block ends, and nothing of it if the block raises.
        """
        async with self._worker.transaction() as connection:
            rows = await _TAKE.all(connection)
            yield Batch(connection, [UnindexedNote(*row) for row in rows])
