"""Create, read, list and delete a user's notes."""

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import ValidationFailed
from chassis.idempotency import Once
from chassis.ids import new_id, parse_named_id
from chassis.paging import Page, Position, parse_limit
from chassis.text import check_text
from notes_service.domain.errors import NoteNotFound
from notes_service.domain.note import Note
from notes_service.store.notes import Notes
from parley.bounds import NOTE_CONTENT, NOTE_TITLE

# Of text: with its last note, a page is far from the 16 MiB that gRPC carries at once.
_PAGE_BYTES = 4 * 1024 * 1024


async def create_note(
    open_transaction: OpenTransaction,
    caller: Caller,
    *,
    title: str,
    content: str,
    once: Once[Note] | None = None,
) -> Note:
    """Store a new note, ``once`` if so; white space around ``title`` is dropped.

    Raises ValidationFailed when a text is not acceptable, OwnerErased when the caller's
    account has been deleted, IdempotencyKeyReused, RequestInProgress.
    """
    title = title.strip()
    errors = [
        *check_text("title", title, minimum=NOTE_TITLE.minimum, maximum=NOTE_TITLE.maximum),
        *check_text("content", content, maximum=NOTE_CONTENT.maximum),
    ]
    if errors:
        raise ValidationFailed(fields=errors)
    now = utc_now()
    note = Note(id=new_id(), title=title, content=content, created_at=now, updated_at=now)
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        if once is not None and (earlier := await transaction.find_repeated(once, note)):
            return earlier
        await Notes(transaction).insert(note)
    return note


async def get_note(open_transaction: OpenTransaction, caller: Caller, note_id: str) -> Note:
    """One of the caller's notes; raises NoteNotFound."""
    parsed = parse_named_id(note_id, NoteNotFound)
    async with open_transaction(caller) as transaction:
        note = await Notes(transaction).find(parsed)
    if note is None:
        raise NoteNotFound()
    return note


async def list_notes(
    open_transaction: OpenTransaction, caller: Caller, *, limit: int, cursor: str, count: bool
) -> Page[Note]:
    """A page of the caller's notes, most recently changed first, ``total`` if ``count``.

    It ends early, though not before a note is on it, once its text has 4 MiB. ``cursor``
    is the ``next_cursor`` of the page before, empty for the first one. Raises ValidationFailed.
    """
    limit = parse_limit(limit)
    after = Position.from_cursor(cursor)
    async with open_transaction(caller) as transaction:
        notes = Notes(transaction)
        shown, more = await notes.list(after=after, limit=limit, most_bytes=_PAGE_BYTES)
        total = await notes.count() if count else None
    return Page(tuple(shown), _cursor_of(shown[-1]) if more else "", total)


def _cursor_of(note: Note) -> str:
    return Position(note.updated_at, note.id).to_cursor()


async def delete_note(open_transaction: OpenTransaction, caller: Caller, note_id: str) -> None:
    """Delete one of the caller's notes; raises NoteNotFound, also the second time."""
    parsed = parse_named_id(note_id, NoteNotFound)
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        deleted = await Notes(transaction).delete(parsed)
    if not deleted:
        raise NoteNotFound()
