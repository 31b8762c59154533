"""A file that comes in: kept piece by piece, and to be read once it is whole."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from operator import itemgetter
from typing import Final
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError
from chassis.idempotency import Once
from chassis.ids import new_id
from chat_service.audit import Audit, Deed
from chat_service.files.domain.errors import UploadGivenUp
from chat_service.files.domain.file import label_of
from chat_service.imports.domain.bounds import ImportBounds
from chat_service.imports.domain.job import (
    Import,
    ImportIncomplete,
    ImportNotFound,
    ImportsFull,
    ImportsQuotaUsedUp,
    ImportTooLarge,
    TooManyImports,
)
from chat_service.imports.store.held import Held
from chat_service.imports.store.imports import Imports
from chat_service.words.domain.word_filter import InForce, masked, no_words

#: Of one user at once.
_MOST_AT_ONCE: Final = 3
#: So much is stored at a time.
_PIECE: Final = 1024 * 1024
#: Or what came in so long a time, so that one that comes slowly is heard of.
_HEARD_SECONDS: Final = 30.0
#: Pieces that one transaction deletes.
_DELETED: Final = 100
#: The fastest: whoever sends a file waits for it.
_LEVEL: Final = 1


#: What makes the effect of an upload of so many bytes with this SHA-256 happen once.
OnceOf = Callable[[int, bytes], Once[UUID] | None]


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file of which so many bytes may come, and why no more."""

    caller: Caller
    id: UUID
    room: int
    beyond: AppError


class Uploads:
    """Takes files in, within `bounds`; `wake` is called when one is to be read."""

    def __init__(
        self,
        open_transaction: OpenTransaction,
        held: Held,
        *,
        bounds: ImportBounds,
        wake: Callable[[], None],
        audit: Audit,
        in_force: InForce = no_words,
    ) -> None:
        self._audit = audit
        self._open_transaction = open_transaction
        self._held = held
        self._bounds = bounds
        self._wake = wake
        self._in_force = in_force

    @property
    def most_bytes(self) -> int:
        """Of one file."""
        return self._bounds.file

    async def upload(
        self,
        caller: Caller,
        name: str,
        announced: int | None,
        pieces: AsyncIterator[bytes | int],
        once_of: OnceOf,
        *,
        with_notes: bool = False,
    ) -> Import:
        """The import of what comes in `pieces`; their last is how many bytes there were. `with_notes`: notes in it
        are taken, too.

        Nothing is kept of what did not come whole, nor of what is repeated. Raises TooManyImports,
        ImportTooLarge, ImportsQuotaUsedUp, ImportsFull, ImportIncomplete, ImportNotFound if it was cancelled
        meanwhile, UploadGivenUp, OwnerErased, IdempotencyKeyReused, RequestInProgress.
        """
        if announced is not None and announced > self.most_bytes:
            raise ImportTooLarge(self.most_bytes)
        import_id, label = new_id(), masked(self._in_force(), label_of(name))
        try:
            upload = await self._begin(
                caller, import_id, label, announced, once_of(0, b""), with_notes=with_notes
            )
        except asyncio.CancelledError:
            # It may have begun all the same: nobody says so who is cancelled while that is stored.
            await asyncio.shield(self._drop(caller, import_id))
            raise
        incoming = _Incoming(pieces)
        if upload is None:
            return await self._find_earlier(caller, incoming, once_of)
        try:
            await self._take(upload, incoming)
            once = once_of(incoming.size, incoming.digest)
            return await self._finish(caller, import_id, incoming.size, once)
        except BaseException:
            await asyncio.shield(self._drop(caller, import_id))
            raise

    async def _begin(
        self,
        caller: Caller,
        import_id: UUID,
        name: str,
        announced: int | None,
        once: Once[UUID] | None,
        *,
        with_notes: bool,
    ) -> _Upload | None:
        """None: something was answered to its key already."""
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            if once is not None and await transaction.is_answered(once):
                return None
            imports = Imports(transaction)
            await imports.begin_alone()
            mine = await imports.held()
            if mine.under_way >= _MOST_AT_ONCE:
                raise TooManyImports()
            # Whoever began before has stored it, and nobody begins meanwhile.
            places: tuple[tuple[int, AppError], ...] = (
                (self.most_bytes, ImportTooLarge(self.most_bytes)),
                (
                    self._bounds.user - mine.bytes,
                    ImportsQuotaUsedUp(used=mine.bytes, allowed=self._bounds.user),
                ),
                (self._bounds.everybody - await self._held.bytes(), ImportsFull()),
            )
            room, beyond = min(places, key=itemgetter(0))
            wanted = room if announced is None else announced
            if wanted > room or room <= 0:
                raise beyond
            await imports.insert(import_id, name, wanted, utc_now(), with_notes=with_notes)
        return _Upload(caller, import_id, wanted, beyond)

    async def _take(self, upload: _Upload, incoming: "_Incoming") -> None:
        number = 0
        async for data in incoming.parts(upload.room, upload.beyond):
            await self._keep(upload, number, data)
            number += 1

    async def _keep(self, upload: _Upload, number: int, data: bytes) -> None:
        packed = await asyncio.to_thread(_packed, data)
        async with self._open_transaction(upload.caller) as transaction:
            await transaction.lock_owner()
            added = await Imports(transaction).add_piece(
                upload.id,
                number,
                data if packed is None else packed,
                packed=packed is not None,
            )
        if not added:
            raise ImportNotFound()

    async def _find_earlier(self, caller: Caller, incoming: "_Incoming", once_of: OnceOf) -> Import:
        """What an earlier upload with this key made, if this one is the same."""
        async for _ in incoming.parts(self.most_bytes, ImportTooLarge(self.most_bytes)):
            continue
        once = once_of(incoming.size, incoming.digest)
        earlier: UUID | None = None
        async with self._open_transaction(caller) as transaction:
            if once is not None:
                earlier = await transaction.find_answered(once)
            if earlier is None:
                # Just now it was a day old: the next one is the first.
                raise UploadGivenUp()
            found = await Imports(transaction).find(earlier)
        if found is None:
            raise ImportNotFound()
        return found

    async def _finish(
        self, caller: Caller, import_id: UUID, size: int, once: Once[UUID] | None
    ) -> Import:
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            imports = Imports(transaction)
            counted: UUID = import_id
            if once is not None:
                counted = await transaction.find_repeated(once, import_id) or import_id
            if counted == import_id:
                made = await imports.wait(import_id, size)
                if made is not None:
                    await self._audit.note(
                        transaction, Deed.IMPORT_BEGUN, caller, import_id=import_id
                    )
            else:
                made = await imports.find(counted)
        if counted == import_id:
            self._wake()
        else:
            await self._drop(caller, import_id)
        if made is None:
            raise ImportNotFound()
        return made

    async def _drop(self, caller: Caller, import_id: UUID) -> None:
        """Nothing is left of it; where that cannot be done just now, the sweep does."""
        with suppress(AppError):
            async with self._open_transaction(caller) as transaction:
                imports = Imports(transaction)
                await imports.cancel(import_id, utc_now())
            deleted = _DELETED
            while deleted == _DELETED:
                async with self._open_transaction(caller) as transaction:
                    deleted = await Imports(transaction).delete_pieces(import_id, _DELETED)
            async with self._open_transaction(caller) as transaction:
                await Imports(transaction).delete(import_id)


class _Incoming:
    """A file as it comes, which is read once: `size` and `digest` are those of what has come of it."""

    def __init__(self, pieces: AsyncIterator[bytes | int]) -> None:
        self._pieces = pieces
        self._hash = sha256()
        self.size = 0

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

    async def parts(self, room: int, beyond: AppError) -> AsyncIterator[bytes]:
        """A megabyte each, or what has come in a while; raises `beyond` for more than there is `room` for,
        ImportIncomplete where its end tells of another size, or there is none.
        """
        whole: int | None = None
        held = bytearray()
        began = time.monotonic()
        async for piece in self._pieces:
            if isinstance(piece, int):
                whole = piece
                break
            self.size += len(piece)
            if self.size > room:
                raise beyond
            held += piece
            if len(held) >= _PIECE or time.monotonic() > began + _HEARD_SECONDS:
                yield await self._hashed(held)
                held.clear()
                began = time.monotonic()
        if whole != self.size or not self.size:
            raise ImportIncomplete()
        if held:
            yield await self._hashed(held)

    async def _hashed(self, held: bytearray) -> bytes:
        data = bytes(held)
        await asyncio.to_thread(self._hash.update, data)
        return data


def _packed(data: bytes) -> bytes | None:
    """None: it would not become smaller."""
    packed = zlib.compress(data, _LEVEL)
    return packed if len(packed) < len(data) * 0.9 else None
