"""Rows of the table of notes as values, and the columns that make one."""

from typing import Any, Final

from notes_service.domain.note import Note, Source

_COLUMNS: Final = (
    "id",
    "title",
    "content",
    "created_at",
    "updated_at",
    "tags",
    "pinned",
    "version",
    "source_session_id",
    "source_message_id",
)
#: Row-level security says the same beneath: a query that forgot this would leak nothing.
MINE: Final = "notes.tenant_id = :tenant_id AND notes.user_id = :user_id"


def shown_of(name: str) -> str:
    """What a note's owner may see of it, in a statement where its row is called ``name``."""
    return ", ".join(f"{name}.{column}" for column in _COLUMNS)


#: The same of the table itself.
SHOWN: Final = shown_of("notes")


def to_note(row: Any) -> Note:
    return Note(
        id=row.id,
        title=row.title,
        content=row.content,
        created_at=row.created_at,
        updated_at=row.updated_at,
        tags=tuple(row.tags),
        pinned=row.pinned,
        version=row.version,
        source=None
        if row.source_session_id is None
        else Source(row.source_session_id, row.source_message_id),
    )
