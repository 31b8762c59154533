"""Uploads: from the first piece that comes to a file that is there, or to nothing.

An upload has a row from its beginning, by which its bytes are found wherever it ends. It is held for as long as
somebody is at it; what is held no longer is swept. Only what is whole and was looked at gets into storage.
Whatever may end an upload, and who takes away what is left of it, is in this one file, which is longer than others.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from chassis.bulkhead import Bulkhead
from chassis.clock import utc_now
from chassis.component import Component
from chassis.db.owners import OwnerErased
from chassis.db.transactions import OpenTransaction, Owned, Transaction
from chassis.errors import AppError
from chassis.idempotency import Once
from chassis.ids import new_id
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.files.domain.errors import (
    FileReadersBusy,
    FileTooLarge,
    QuotaUsedUp,
    TooManyFiles,
    TooManyUploads,
    UploadGivenUp,
)
from chat_service.files.domain.file import UNHEARD, File, FileState, keys_of, label_of
from chat_service.files.domain.kinds import Kind
from chat_service.files.receiving import Upload, receive
from chat_service.files.storage.spool import Spooled, measure
from chat_service.files.store.files import Files
from chat_service.files.usecases.ports import Inspect, Storage, StorageInForce, TermsInForce

_log = get_logger(__name__)

_HOLD_SECONDS: Final = UNHEARD.total_seconds() / 4

#: What makes the upload happen once, from the SHA-256 of what has come.
OnceOf = Callable[[bytes], Once[File] | None]
#: Refers to the file in the transaction that makes it one; what it raises comes out, and nothing is kept.
Refer = Callable[[Transaction, File], Awaitable[None]]


async def refer_later(_transaction: Transaction, _file: File) -> None:
    """A question will, or nobody does."""


def file_readers() -> Bulkhead:
    """Two files are read at once, since each takes a processor and memory that is counted on (see
    docker-compose.yml). By user ids: who sends many keeps nobody else waiting. Refuses with
    FileReadersBusy after 30 s.
    """
    return Bulkhead(2, most_seconds=30.0, refusal=FileReadersBusy)


class Uploads(Component):
    """Takes uploads. Each is held anew every `hold_seconds`."""

    def __init__(
        self,
        open_transaction: OpenTransaction,
        terms: TermsInForce,
        storage: StorageInForce,
        inspect: Inspect,
        readers: Bulkhead | None = None,
        *,
        hold_seconds: float = _HOLD_SECONDS,
    ) -> None:
        self._open_transaction = open_transaction
        self._terms = terms
        self._storage = storage
        self._inspect = inspect
        self._readers = readers or file_readers()
        self._hold_seconds = hold_seconds
        self._clearing: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        if self._clearing:
            await asyncio.wait(self._clearing)

    async def take(
        self,
        caller: Owned,
        told_name: str,
        at_most: int | None,
        content: AsyncIterator[bytes],
        once: OnceOf,
        refer: Refer = refer_later,
    ) -> File:
        """The file that `content` has become; `at_most` bytes of it will come, if that is known.

        What `content` and `refer` raise comes out of here, and nothing is kept. Raises FilesNotOffered, FileTooLarge,
        FileKindRefused, FileUnreadable, FileReadersBusy, QuotaUsedUp, TooManyFiles, TooManyUploads, UploadGivenUp,
        StorageUnavailable, IdempotencyKeyReused, RequestInProgress, OwnerErased.
        """
        storage, file_id = self._storage(), new_id()
        spooled = Spooled(storage.spool / str(file_id))
        try:
            upload = await self._set_aside(caller, file_id, told_name, at_most, storage, once)
        except asyncio.CancelledError:
            # It may be set aside all the same: nobody says so who is cancelled while that is stored.
            await self._clear(caller, file_id, storage, spooled)
            raise
        try:
            async with self._held(upload):
                await spooled.open()
                kind = await receive(upload, spooled, content)
                if upload.is_repeated:
                    return await self._find_earlier(upload, spooled, once)
                return await self._keep(upload, spooled, kind, once, refer)
        except BaseException:
            await self._clear(caller, file_id, storage, spooled)
            raise

    async def _set_aside(
        self,
        caller: Owned,
        file_id: UUID,
        told_name: str,
        at_most: int | None,
        storage: Storage,
        once: OnceOf,
    ) -> Upload:
        terms, name, now = self._terms.content, label_of(told_name), utc_now()
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            # So that no two see room for one.
            await transaction.alone("add file")
            files = Files(transaction)
            used = await files.used()
            if used.uploads >= terms.uploads_at_once:
                raise TooManyUploads()
            asked = once(b"")
            is_repeated = asked is not None and await transaction.is_answered(asked)
            left = terms.quota_bytes - used.bytes
            if is_repeated:
                # What it made is there, or was: nothing more will be kept.
                room, reserved = terms.maximum_bytes, 0
            else:
                if used.files >= terms.most_files:
                    raise TooManyFiles(allowed=terms.most_files)
                room = reserved = min(terms.maximum_bytes, left if at_most is None else at_most)
                if room > left or left <= 0:
                    raise QuotaUsedUp(used=used.bytes, allowed=terms.quota_bytes)
            await files.begin(file_id, name, reserved, at=now)
        return Upload(
            caller, file_id, name, now, terms, storage, room, reserved, used.bytes, is_repeated
        )

    @asynccontextmanager
    async def _held(self, upload: Upload) -> AsyncIterator[None]:
        """The upload is held for as long as the block runs, which is to end once its user is gone or it was given up.

        A block that ends waits for a storage that is at it: without its row an erasure would be confirmed before the
        bytes are there.
        """
        refusal: AppError | None = None

        def refuse(error: AppError) -> None:
            nonlocal refusal
            refusal = refusal or error
            scope.reschedule(asyncio.get_running_loop().time())

        async def hold() -> None:
            while True:
                await asyncio.sleep(self._hold_seconds)
                try:
                    await self._hold(upload, of_erased=refusal is not None)
                except OwnerErased as error:
                    refuse(error)
                except UploadGivenUp as error:
                    if refusal is None:
                        refuse(error)
                    return
                except AppError as error:
                    # The database is away: there is time for a few tries more.
                    _log.warning("upload.not_held", file_id=str(upload.id), reason=error.reason)

        scope = asyncio.timeout(None)
        holding = asyncio.create_task(hold(), name="upload-hold")
        try:
            async with scope:
                yield
        except TimeoutError:
            if refusal is not None:
                raise refusal from None
            raise
        finally:
            await end_task(holding)

    async def _hold(self, upload: Upload, *, of_erased: bool) -> None:
        async with self._open_transaction(upload.caller) as transaction:
            if not of_erased:
                await transaction.lock_owner()
            if not await Files(transaction).hold_upload(upload.id):
                raise UploadGivenUp()

    async def _hold_kept(self, upload: Upload, kept: int) -> None:
        """So much is kept of it, which may be more than what came. Raises QuotaUsedUp, UploadGivenUp."""
        async with self._open_transaction(upload.caller) as transaction:
            await transaction.lock_owner()
            # So that no two see room for one.
            await transaction.alone("add file")
            files = Files(transaction)
            if not await files.hold_upload(upload.id, kept):
                raise UploadGivenUp()
            used, allowed = (await files.used()).bytes, upload.terms.quota_bytes
            # What was promised holds, whatever the operator says meanwhile.
            if kept > upload.reserved and used > allowed:
                raise QuotaUsedUp(used=used - kept, allowed=allowed)

    async def _find_earlier(self, upload: Upload, spooled: Spooled, once: OnceOf) -> File:
        """What the upload made that this one repeats. Raises IdempotencyKeyReused where it is another."""
        known = once(spooled.sha256)
        earlier: File | None = None
        if known is not None:
            async with self._open_transaction(upload.caller) as transaction:
                earlier = await transaction.find_answered(known)
        if earlier is None:
            # Just now it was a day old: the next one is the first.
            raise UploadGivenUp()
        await self._clear(upload.caller, upload.id, upload.storage, spooled)
        return earlier

    async def _keep(
        self, upload: Upload, spooled: Spooled, kind: Kind, once: OnceOf, refer: Refer
    ) -> File:
        async with self._readers.enter(upload.caller.user_id):
            try:
                inspected = await self._inspect(spooled.path, kind)
            except FileNotFoundError as error:
                # Who takes for given up what is held no longer takes it out of the spool.
                raise UploadGivenUp() from error
        size, digest = spooled.size, spooled.sha256
        if inspected.content != spooled.path:
            size, digest = await measure(inspected.content)
        text_size = None
        if inspected.text is not None:
            text_size, _ = await measure(inspected.text)
        if max(size, text_size or 0) > upload.terms.maximum_bytes:
            raise FileTooLarge(upload.terms.maximum_bytes)
        file = File(
            id=upload.id,
            user_id=upload.caller.user_id,
            name=upload.name,
            kind=kind.name,
            size=size,
            sha256=digest,
            created_at=upload.at,
            text_size=text_size,
            facts=inspected.facts,
        )
        # Not for one that was given up meanwhile: whoever took it away has found no bytes of it.
        await self._hold_kept(upload, size + (text_size or 0))
        await upload.storage.put(file.key, inspected.content)
        if inspected.text is not None:
            await upload.storage.put(file.text_key, inspected.text)
        # Before it is a file: then nothing of it is anywhere else any more.
        await spooled.remove()
        return await self._complete(upload, spooled, file, once(spooled.sha256), refer)

    async def _complete(
        self, upload: Upload, spooled: Spooled, file: File, once: Once[File] | None, refer: Refer
    ) -> File:
        async with self._open_transaction(upload.caller) as transaction:
            await transaction.lock_owner()
            files = Files(transaction)
            earlier: File | None = None
            if once is not None:
                earlier = await transaction.find_repeated(once, file)
            if earlier is None:
                if not await files.complete(file):
                    raise UploadGivenUp()
                await refer(transaction, file)
        if earlier is not None:
            await self._clear(upload.caller, upload.id, upload.storage, spooled)
            return earlier
        return file

    async def _clear(
        self, caller: Owned, file_id: UUID, storage: Storage, spooled: Spooled
    ) -> None:
        """Nothing is left of the upload, or it is for the sweep to see to that."""
        clearing = asyncio.create_task(
            self._try_to_clear(caller, file_id, storage, spooled), name="upload-clearing"
        )
        # Whoever is cancelled does not wait for it.
        self._clearing.add(clearing)
        clearing.add_done_callback(self._clearing.discard)
        await asyncio.shield(clearing)

    async def _try_to_clear(
        self, caller: Owned, file_id: UUID, storage: Storage, spooled: Spooled
    ) -> None:
        await spooled.remove()
        try:
            await self._clear_now(caller, file_id, storage)
        except AppError as error:
            _log.warning("upload.left_to_sweep", file_id=str(file_id), reason=error.reason)

    async def _clear_now(self, caller: Owned, file_id: UUID, storage: Storage) -> None:
        async with self._open_transaction(caller) as transaction:
            files = Files(transaction)
            is_given_up = await files.give_up(file_id, FileState.UPLOADING)
            # Looked at behind it, which waits for whoever completes it at this moment.
            if not is_given_up and await files.state(file_id) is FileState.READY:
                # It was complete, and nobody has heard of that: a file that nothing refers to.
                return
        await storage.delete(keys_of(caller.user_id, file_id))
        async with self._open_transaction(caller) as transaction:
            await Files(transaction).forget(file_id)
