"""A file that comes in: kept piece by piece, and to be read once it is whole."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from hashlib import sha256
from typing import Final, Protocol
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError
from chassis.idempotency import Once
from chassis.ids import new_id
from chat_service.files.domain.file import label_of
from chat_service.imports.domain.job import (
    Import,
    ImportIncomplete,
    ImportNotFound,
    ImportTooLarge,
    TooManyImports,
)
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


class Hash(Protocol):
    """What hashes what it is told."""

    def update(self, data: bytes, /) -> None: ...


#: What makes the effect of an upload of so many bytes with this SHA-256 happen once.
OnceOf = Callable[[int, bytes], Once[UUID] | None]


class Uploads:
    """Takes files in, `most_bytes` at most; `wake` is called when one is to be read."""

    def __init__(
        self,
        open_transaction: OpenTransaction,
        *,
        most_bytes: int,
        wake: Callable[[], None],
        in_force: InForce = no_words,
    ) -> None:
        self._open_transaction = open_transaction
        self.most_bytes = most_bytes
        self._wake = wake
        self._in_force = in_force

    async def upload(
        self,
        caller: Caller,
        name: str,
        announced: int | None,
        pieces: AsyncIterator[bytes | int],
        once_of: OnceOf,
    ) -> Import:
        """The import of what comes in `pieces`; their last is how many bytes there were.

        Nothing is kept of what did not come whole. Raises TooManyImports, ImportTooLarge, ImportIncomplete,
        ImportNotFound if it was cancelled meanwhile, OwnerErased, IdempotencyKeyReused, RequestInProgress.
        """
        if announced is not None and announced > self.most_bytes:
            raise ImportTooLarge(self.most_bytes)
        # One that is repeated is none more: whether it is, its bytes say.
        may_repeat = once_of(0, b"") is not None
        import_id, label = new_id(), masked(self._in_force(), label_of(name))
        try:
            beyond = await self._begin(caller, import_id, label, may_repeat=may_repeat)
        except asyncio.CancelledError:
            # It may have begun all the same: nobody says so who is cancelled while that is stored.
            await asyncio.shield(self._drop(caller, import_id))
            raise
        try:
            size, digest = await self._take(caller, import_id, pieces)
            once = once_of(size, digest)
            return await self._finish(caller, import_id, size, once, beyond=beyond)
        except BaseException:
            await asyncio.shield(self._drop(caller, import_id))
            raise

    async def _begin(self, caller: Caller, import_id: UUID, name: str, *, may_repeat: bool) -> bool:
        """Whether it is one more than there may be, unless it turns out to be repeated."""
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            imports = Imports(transaction)
            await imports.begin_alone()
            there = await imports.under_way()
            if there >= _MOST_AT_ONCE + (_MOST_AT_ONCE if may_repeat else 0):
                raise TooManyImports()
            await imports.insert(import_id, name, utc_now())
        return there >= _MOST_AT_ONCE

    async def _take(
        self, caller: Caller, import_id: UUID, pieces: AsyncIterator[bytes | int]
    ) -> tuple[int, bytes]:
        size, number, whole = 0, 0, None
        digest = sha256()
        held = bytearray()
        kept_at = time.monotonic()
        async for piece in pieces:
            if isinstance(piece, int):
                whole = piece
                break
            size += len(piece)
            if size > self.most_bytes:
                raise ImportTooLarge(self.most_bytes)
            held += piece
            if len(held) >= _PIECE or time.monotonic() > kept_at + _HEARD_SECONDS:
                await self._keep(caller, import_id, number, digest, bytes(held), size)
                held.clear()
                number += 1
                kept_at = time.monotonic()
        if whole != size or not size:
            raise ImportIncomplete()
        if held:
            await self._keep(caller, import_id, number, digest, bytes(held), size)
        return size, digest.digest()

    async def _keep(
        self, caller: Caller, import_id: UUID, number: int, digest: Hash, data: bytes, size: int
    ) -> None:
        packed = await asyncio.to_thread(_hashed_and_packed, digest, data)
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            added = await Imports(transaction).add_piece(
                import_id,
                number,
                data if packed is None else packed,
                packed=packed is not None,
                size=size,
            )
        if not added:
            raise ImportNotFound()

    async def _finish(
        self, caller: Caller, import_id: UUID, size: int, once: Once[UUID] | None, *, beyond: bool
    ) -> Import:
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            imports = Imports(transaction)
            counted: UUID = import_id
            if once is not None:
                counted = await transaction.find_repeated(once, import_id) or import_id
            if counted == import_id and beyond:
                raise TooManyImports()
            if counted == import_id:
                made = await imports.wait(import_id, size)
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


def _hashed_and_packed(digest: Hash, data: bytes) -> bytes | None:
    """None: it would not become smaller."""
    digest.update(data)
    packed = zlib.compress(data, _LEVEL)
    return packed if len(packed) < len(data) * 0.9 else None
