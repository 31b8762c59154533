"""The notes of one file, handed over a batch at a time as they are read."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import orjson

from chassis.db.transactions import Owned
from chat_service.imports.domain.notes import NotesTaken
from chat_service.imports.store.leases import Taken
from parley.bounds import MAX_IMPORTED_NOTES

#: Hands over notes, as a reader tells them, of this user. Under one key they are taken once, and a repetition is
#: told the same. Raises NotTakenNow, and OwnerErased.
TakeNotes = Callable[[Owned, str, Sequence[Mapping[str, Any]]], Awaitable[NotesTaken]]

#: Characters of a batch, but for a note that has more by itself.
_MOST: Final = 512 * 1024


class Noting:
    """Hands them to `take_notes`, None where notes are not taken; counts what came of them.

    The same file is told in the same batches: one that was taken before, by a replica that was killed, is told
    once more what it was told then.
    """

    def __init__(self, take_notes: TakeNotes | None, whose: Taken) -> None:
        self._take_notes = take_notes if whose.with_notes else None
        self._whose = whose
        self._batch: list[dict[str, Any]] = []
        self._characters = self._number = 0
        self.added = self.existing = 0
        self.left_out = Counter[str]()

    async def add(self, told: dict[str, Any]) -> None:
        """Raises NotTakenNow, and OwnerErased."""
        if self._take_notes is None:
            self.left_out["NOTE"] += 1
            return
        size = len(told["content"])
        if self._batch and self._characters + size > _MOST:
            await self.flush()
        self._batch.append(told)
        self._characters += size
        if len(self._batch) == MAX_IMPORTED_NOTES:
            await self.flush()

    async def flush(self) -> None:
        """What has not been handed over yet; raises as `add`."""
        if not self._batch or self._take_notes is None:
            return
        digest = sha256(orjson.dumps(self._batch)).hexdigest()[:32]
        key = f"import-{self._whose.id}-{self._number}-{digest}"
        taken = await self._take_notes(self._whose, key, self._batch)
        self._batch, self._characters, self._number = [], 0, self._number + 1
        self.added += taken.added
        self.existing += taken.existing
        for reason, count in taken.refused.items():
            self.left_out[f"NOTE_{reason}"] += count
