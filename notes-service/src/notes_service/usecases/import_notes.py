"""Notes out of a file that a user has imported."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.db.transactions import OpenTransaction, Owned
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import Once
from chassis.ids import parse_id
from notes_service.domain.imported import Imported, id_of
from notes_service.domain.note import Note
from notes_service.store.notes import Notes
from notes_service.usecases.notes import lexemes_in_thread
from notes_service.usecases.validation import WantedChange, checked
from parley.bounds import IMPORTED_KEY, MAX_IMPORTED_NOTES


@dataclass(frozen=True, slots=True)
class WantedNote:
    """A note as the file has it; ``key`` is what it is called there."""

    key: str
    told: WantedChange
    created_at: datetime
    updated_at: datetime


async def import_notes(
    open_transaction: OpenTransaction,
    whose: Owned,
    wanted: Sequence[WantedNote],
    *,
    once: Once[Imported] | None = None,
) -> Imported:
    """Keep those that can be kept and are not there yet, all at once; a repetition is told what the first was.

    What is there is left as it is. Raises ValidationFailed for more than there may be, OwnerErased,
    IdempotencyKeyReused, RequestInProgress.
    """
    if len(wanted) > MAX_IMPORTED_NOTES:
        raise ValidationFailed(fields=[FieldError("notes", "TOO_MANY", maximum=MAX_IMPORTED_NOTES)])
    refused = Counter[str]()
    taken = []
    for one in wanted:
        try:
            note = _note_of(whose, one)
        except ValidationFailed as error:
            refused[_reason_of(error)] += 1
            continue
        lexemes = await lexemes_in_thread(whose.user_id, note.title, note.tags, note.content)
        taken.append((note, lexemes, parse_id(one.key)))
    async with open_transaction(whose) as transaction:
        await transaction.lock_owner()
        if once is not None and (earlier := await transaction.find_answered(once)) is not None:
            return earlier
        notes, added = Notes(transaction), 0
        for note, lexemes, own_id in taken:
            added += await notes.insert_unless_there(note, lexemes, own_id)
        imported = Imported(added, len(taken) - added, refused)
        if once is not None:
            await transaction.find_repeated(once, imported)
    return imported


def _note_of(whose: Owned, one: WantedNote) -> Note:
    """Raises ValidationFailed."""
    if not IMPORTED_KEY.minimum <= len(one.key) <= IMPORTED_KEY.maximum:
        raise ValidationFailed(fields=[FieldError("key", "INVALID")])
    change = checked(one.told)
    return Note(
        id=id_of(whose.user_id, one.key),
        title=change.title or "",
        content=change.content or "",
        created_at=min(one.created_at, one.updated_at),
        updated_at=one.updated_at,
        tags=change.tags or (),
        pinned=change.pinned or False,
    )


def _reason_of(error: ValidationFailed) -> str:
    too_large = any(field.reason in ("TOO_LONG", "TOO_MANY") for field in error.fields)
    return "TOO_LARGE" if too_large else "INVALID"
