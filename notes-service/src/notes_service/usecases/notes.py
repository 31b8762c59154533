"""Create, read, change and delete a user's notes."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.idempotency import Once
from chassis.ids import new_id, parse_named_id
from notes_service.domain.errors import MessageNotFound, NoteNotFound
from notes_service.domain.note import Note, NoteChange
from notes_service.store.notes import Lexemes, Notes, Present
from notes_service.usecases.validation import WantedChange, checked
from servicekit.search import label_lexeme, lexemes_of, owner_lexeme


async def create_note(
    open_transaction: OpenTransaction,
    caller: Caller,
    wanted: WantedChange,
    *,
    once: Once[Note] | None = None,
) -> Note:
    """Store a new note, ``once`` if so; what ``wanted`` says nothing of is empty.

    Raises ValidationFailed when a text is not acceptable, OwnerErased when the caller's
    account has been deleted, IdempotencyKeyReused, RequestInProgress.
    """
    change = checked(wanted)
    now = utc_now()
    note = Note(
        id=new_id(),
        title=change.title or "",
        content=change.content or "",
        created_at=now,
        updated_at=now,
        tags=change.tags or (),
        pinned=change.pinned or False,
        source=change.source,
    )
    lexemes = await lexemes_in_thread(caller.user_id, note.title, note.tags, note.content)
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        if once is not None and (earlier := await transaction.find_repeated(once, note)):
            return earlier
        await Notes(transaction).insert(note, lexemes)
    return note


async def find_made(
    open_transaction: OpenTransaction, caller: Caller, once: Once[Note] | None
) -> Note:
    """The note that an earlier request of this key has made; nothing is stored.

    Raises MessageNotFound where there is none, IdempotencyKeyReused, RequestInProgress, OwnerErased.
    """
    if once is None:
        raise MessageNotFound()
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        earlier = await transaction.find_answered(once)
    if earlier is None:
        raise MessageNotFound()
    return earlier


async def get_note(open_transaction: OpenTransaction, caller: Caller, note_id: str) -> Note:
    """One of the caller's notes; raises NoteNotFound."""
    parsed = parse_named_id(note_id, NoteNotFound)
    async with open_transaction(caller) as transaction:
        note = await Notes(transaction).find(parsed)
    if note is None:
        raise NoteNotFound()
    return note


async def update_note(
    open_transaction: OpenTransaction,
    caller: Caller,
    note_id: str,
    wanted: WantedChange,
    *,
    versions: Sequence[int] | None = None,
) -> Present:
    """Change what is wanted of one of the caller's notes, all of it or nothing: if its version is one of
    ``versions``, None for whichever. The note as it is then.

    Of several at once each leaves to the others what it says nothing of. Raises NoteNotFound,
    ValidationFailed, OwnerErased.
    """
    parsed = parse_named_id(note_id, NoteNotFound)
    change = checked(wanted)
    lexemes = await lexemes_in_thread(caller.user_id, change.title, change.tags, change.content)
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        if change == NoteChange():
            found = await Notes(transaction).find(parsed)
            present = None
            if found is not None:
                present = Present(found, is_done=versions is None or found.version in versions)
        else:
            present = await Notes(transaction).change(
                parsed, change, lexemes, versions=versions, at=utc_now()
            )
    if present is None:
        raise NoteNotFound()
    return present


async def delete_note(
    open_transaction: OpenTransaction,
    caller: Caller,
    note_id: str,
    *,
    versions: Sequence[int] | None = None,
) -> Note | None:
    """Delete one of the caller's notes if its version is one of ``versions``, None for whichever; the
    note if it is not. Raises NoteNotFound, also the second time, and OwnerErased.
    """
    parsed = parse_named_id(note_id, NoteNotFound)
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        present = await Notes(transaction).delete(parsed, versions=versions)
    if present is None:
        raise NoteNotFound()
    return None if present.is_done else present.note


async def lexemes_in_thread(
    user_id: UUID, title: str | None, tags: Sequence[str] | None, content: str | None
) -> Lexemes:
    """What these are found by. A long text takes its time: others are served meanwhile."""

    def made() -> Lexemes:
        return Lexemes(
            # With the user, whose part of the index alone is searched: a note always has a title.
            title=None if title is None else [owner_lexeme(user_id), *lexemes_of(title)],
            tags=None if tags is None else [label_lexeme(tag) for tag in tags],
            content=None if content is None else lexemes_of(content),
        )

    return await asyncio.to_thread(made)
