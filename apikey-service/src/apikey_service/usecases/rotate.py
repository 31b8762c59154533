"""Lock every data key with the current key-encryption key, while keys are resolved and changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from apikey_service.domain.errors import KeyUnreadable
from apikey_service.domain.sealed import Place
from apikey_service.store.rotation import Locks, Rotation
from apikey_service.usecases.ports import Rewrapper
from apikey_service.usecases.sealing import API_KEY_FIELD, HEADERS_FIELD

_MOST_NAMED: Final = 10


@dataclass(slots=True)
class Progress:
    """Rows that were locked anew so far, and those that do not open: how many, and ten of their ids."""

    rewrapped: int = 0
    unreadable: int = 0
    named: list[UUID] = field(default_factory=list)


async def rotate(
    rotation: Rotation, vault: Rewrapper, *, current: str, say: Callable[[Progress], None]
) -> Progress:
    """Go over all rows, and again until a round that waited for everybody had nothing to do.

    A batch is a transaction: who ends it anywhere loses that batch at most, and begins anew. Two at
    once share the rows. ``say`` is called after each batch. What does not open is left as it is.
    """
    total, waits = Progress(), False
    while True:
        before = total.rewrapped
        total.unreadable, total.named = 0, []
        after: UUID | None = None
        while True:
            async with rotation.batch(after, current=current, waits=waits) as batch:
                locked = _rewrapped_of(batch.rows, vault, total)
                await batch.put(locked)
            total.rewrapped += len(locked)
            say(total)
            if batch.end is None:
                break
            after = batch.end
        if waits and total.rewrapped == before:
            return total
        # What was in somebody's hands is free by now, or is waited for.
        waits = True


def _rewrapped_of(rows: Sequence[Locks], vault: Rewrapper, total: Progress) -> list[Locks]:
    locked = []
    for row in rows:
        try:
            locked.append(_rewrapped(vault, row))
        except KeyUnreadable:
            total.unreadable += 1
            total.named = [*total.named, row.id][:_MOST_NAMED]
    return locked


def _rewrapped(vault: Rewrapper, row: Locks) -> Locks:
    """Raises KeyUnreadable, of whichever secret: a row stays whole."""
    place = Place(row.tenant_id, row.user_id, row.id, API_KEY_FIELD)
    kek_id, wrapped_key = vault.rewrap(row.kek_id, row.wrapped_key, place)
    row = replace(row, kek_id=kek_id, wrapped_key=wrapped_key)
    if row.headers_kek_id is None or row.headers_wrapped_key is None:
        return row
    place = replace(place, field=HEADERS_FIELD)
    kek_id, wrapped_key = vault.rewrap(row.headers_kek_id, row.headers_wrapped_key, place)
    return replace(row, headers_kek_id=kek_id, headers_wrapped_key=wrapped_key)
