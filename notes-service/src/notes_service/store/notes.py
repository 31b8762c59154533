"""Notes in PostgreSQL, one by one; lists of them are in `store.lists`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from notes_service.domain.note import Note, NoteChange, Source
from notes_service.store.rows import MINE, SHOWN, shown_of, to_note

# `present` is locked, and so the newest there is; what is not of a version that was asked for is told
# as it is. One round trip tells three things apart: there is none, it has another version, it is done.
_PRESENT: Final = f"""
    present AS MATERIALIZED (
        SELECT {SHOWN} FROM notes WHERE notes.id = :note_id AND {MINE} FOR UPDATE
    )"""  # noqa: S608 - made of constants
_AS_WANTED: Final = f"""
    notes.id = present.id AND {MINE}
    AND (CAST(:versions AS bigint[]) IS NULL OR present.version = ANY (CAST(:versions AS bigint[])))"""

_INTO: Final = (
    "INSERT INTO notes (id, tenant_id, user_id, title, content, created_at, updated_at, tags,"
    " pinned, version, source_session_id, source_message_id, title_lexemes, tags_lexemes,"
    " content_lexemes)"
    " SELECT :id, :tenant_id, :user_id, :title, :content, :created_at, :updated_at,"
    " CAST(:tags AS text[]), :pinned, :version, CAST(:source_session_id AS uuid),"
    " CAST(:source_message_id AS uuid), array_to_tsvector(CAST(:title_lexemes AS text[])),"
    " array_to_tsvector(CAST(:tags_lexemes AS text[])),"
    " array_to_tsvector(CAST(:content_lexemes AS text[]))"
)
_INSERT = Statement(text(_INTO))
_INSERT_UNLESS_THERE = Statement(
    text(
        f"{_INTO} WHERE NOT EXISTS (SELECT 1 FROM notes WHERE notes.id = CAST(:own_id AS uuid)"  # noqa: S608 - made of constants
        f" AND {MINE}) ON CONFLICT (id) DO NOTHING"
    )
)
_FIND = Statement(text(f"SELECT {SHOWN} FROM notes WHERE notes.id = :note_id AND {MINE}"))  # noqa: S608 - made of constants
_CHANGE = Statement(
    text(f"""
    WITH {_PRESENT}, changed AS (
        UPDATE notes SET
            title = COALESCE(CAST(:title AS text), notes.title),
            content = COALESCE(CAST(:content AS text), notes.content),
            tags = COALESCE(CAST(:tags AS text[]), notes.tags),
            pinned = COALESCE(CAST(:pinned AS boolean), notes.pinned),
            source_session_id = CASE WHEN :sets_source
                THEN CAST(:source_session_id AS uuid) ELSE notes.source_session_id END,
            source_message_id = CASE WHEN :sets_source
                THEN CAST(:source_message_id AS uuid) ELSE notes.source_message_id END,
            title_lexemes = COALESCE(
                array_to_tsvector(CAST(:title_lexemes AS text[])), notes.title_lexemes),
            tags_lexemes = COALESCE(
                array_to_tsvector(CAST(:tags_lexemes AS text[])), notes.tags_lexemes),
            content_lexemes = COALESCE(
                array_to_tsvector(CAST(:content_lexemes AS text[])), notes.content_lexemes),
            version = notes.version + 1,
            -- By whichever replica's clock, a change is the last one.
            updated_at = GREATEST(:updated_at, notes.updated_at)
        FROM present WHERE {_AS_WANTED}
        RETURNING {SHOWN}
    )
    SELECT true AS is_done, {shown_of("changed")} FROM changed
    UNION ALL
    SELECT false AS is_done, {shown_of("present")} FROM present
        WHERE NOT EXISTS (SELECT 1 FROM changed)
    """)  # noqa: S608 - made of constants
)
_DELETE = Statement(
    text(f"""
    WITH {_PRESENT}, gone AS (
        DELETE FROM notes USING present WHERE {_AS_WANTED} RETURNING notes.id
    )
    SELECT EXISTS (SELECT 1 FROM gone) AS is_done, {shown_of("present")} FROM present
    """)  # noqa: S608 - made of constants
)


@dataclass(frozen=True, slots=True)
class Lexemes:
    """What a note is found by, of each of its parts: None leaves what there is."""

    title: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    content: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """A note that there is, and whether it was changed, or deleted, as was wanted: it was not if it is
    of none of the versions that were asked for.
    """

    note: Note
    is_done: bool


class Notes:
    """The notes of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def insert(self, note: Note, lexemes: Lexemes) -> None:
        await _INSERT.run(self._connection, **self._row(note, lexemes))

    async def insert_unless_there(self, note: Note, lexemes: Lexemes, own_id: UUID | None) -> bool:
        """False: there is one of its id, or of ``own_id``, already."""
        return (
            await _INSERT_UNLESS_THERE.run(
                self._connection, **self._row(note, lexemes), own_id=own_id
            )
            == 1
        )

    def _row(self, note: Note, lexemes: Lexemes) -> dict[str, Any]:
        return {
            **self._mine,
            **_source(note.source),
            **_lexemes(lexemes),
            "id": note.id,
            "title": note.title,
            "content": note.content,
            "created_at": note.created_at,
            "updated_at": note.updated_at,
            "tags": list(note.tags),
            "pinned": note.pinned,
            "version": note.version,
        }

    async def find(self, note_id: UUID) -> Note | None:
        row = await _FIND.first(self._connection, **self._mine, note_id=note_id)
        return None if row is None else to_note(row)

    async def change(
        self,
        note_id: UUID,
        change: NoteChange,
        lexemes: Lexemes,
        *,
        versions: Sequence[int] | None,
        at: datetime,
    ) -> Present | None:
        """The note as it is then, changed if its version was one of ``versions``, None for whichever;
        None if there is none. Of several changes at once, each leaves to the others what it says
        nothing of.
        """
        row = await _CHANGE.first(
            self._connection,
            **self._mine,
            **_source(change.source),
            **_lexemes(lexemes),
            note_id=note_id,
            title=change.title,
            content=change.content,
            tags=None if change.tags is None else list(change.tags),
            pinned=change.pinned,
            sets_source=change.sets_source,
            versions=None if versions is None else list(versions),
            updated_at=at,
        )
        return _present(row)

    async def delete(self, note_id: UUID, *, versions: Sequence[int] | None) -> Present | None:
        """The note as it was, deleted if its version was one of ``versions``, None for whichever;
        None if there is none.
        """
        row = await _DELETE.first(
            self._connection,
            **self._mine,
            note_id=note_id,
            versions=None if versions is None else list(versions),
        )
        return _present(row)


def _present(row: Any) -> Present | None:
    return None if row is None else Present(to_note(row), row.is_done)


def _source(source: Source | None) -> dict[str, Any]:
    return {
        "source_session_id": None if source is None else source.session_id,
        "source_message_id": None if source is None else source.message_id,
    }


def _lexemes(lexemes: Lexemes) -> dict[str, Any]:
    return {
        "title_lexemes": _list(lexemes.title),
        "tags_lexemes": _list(lexemes.tags),
        "content_lexemes": _list(lexemes.content),
    }


def _list(lexemes: Sequence[str] | None) -> list[str] | None:
    return None if lexemes is None else list(lexemes)
