"""The sweep: uploads that were cut, files that nothing refers to, and bytes and rows without each other.

Any number of replicas do it side by side, since all of it may be done twice. A file's row outlives its bytes, so
that a crash anywhere leaves what there is to be taken away.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Final
from uuid import UUID

from prometheus_client import Counter, Gauge

from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.ids import parse_id
from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger
from chat_service.files.domain.errors import FilesNotOffered
from chat_service.files.domain.file import FileState, content_key, keys_of, text_key
from chat_service.files.domain.stored import Stored
from chat_service.files.storage.spool import clear_spool, ids_in
from chat_service.files.store import sweeping
from chat_service.files.store.sweeping import Known
from chat_service.files.usecases.ports import Storage, StorageInForce

_log = get_logger(__name__)

_SWEPT = Counter("chat_files_swept_total", "Files and uploads that were taken away.")
_STRAYS = Counter("chat_files_strays_total", "Stored bytes without a row that were taken away.")
_LOST = Gauge("chat_files_lost", "Files whose bytes were not there when it was looked last.")

_EVERY_SECONDS: Final = 60.0
#: Rows and bytes are compared, all of both: that is not done each minute.
_COMPARED_EVERY_SECONDS: Final = 3600.0
#: What is younger may be on its way.
_SETTLED: Final = timedelta(hours=1)
_BATCH: Final = 500
# Of which each is two keys.
_TAKEN: Final = 250
_FIRST: Final = (UUID(int=0), UUID(int=0))


class FileSweep(Repeated):
    """Sweeps every minute and when woken, and compares rows with bytes every `compared_seconds`."""

    def __init__(
        self,
        worker: Database,
        storage: StorageInForce,
        *,
        compared_seconds: float = _COMPARED_EVERY_SECONDS,
    ) -> None:
        super().__init__("sweep of files", self.sweep, seconds=_EVERY_SECONDS, unhurried=True)
        self._worker = worker
        self._storage = storage
        self._compared_seconds = compared_seconds
        self._compares_at = 0.0

    async def sweep(self) -> None:
        """Look now. Raises DatabaseBusy, DatabaseUnavailable or StorageUnavailable."""
        try:
            storage = self._storage()
        except FilesNotOffered:
            return
        await self._mark_unused()
        await self.take_given_up(storage)
        await self._clear_spool(storage)
        loop = asyncio.get_running_loop()
        if loop.time() >= self._compares_at:
            await self.compare(storage)
            self._compares_at = loop.time() + self._compared_seconds

    async def _mark_unused(self) -> None:
        looked_at = _BATCH
        while looked_at == _BATCH:
            async with self._worker.transaction() as connection:
                looked_at, _ = await sweeping.mark_unused(connection, _BATCH)

    async def take_given_up(self, storage: Storage) -> None:
        """Take away the bytes of what was given up, and then the rows.

        No transaction is open while the storage is asked, which may take longer than one may. Replicas may take
        the same away at once: it is gone all the same, and counted by whose the row was.
        """
        batch = _TAKEN
        while batch == _TAKEN:
            async with self._worker.transaction() as connection:
                found = await sweeping.given_up(connection, _TAKEN)
            batch = len(found)
            if not found:
                break
            files = [file for _, file in found]
            await clear_spool(storage.spool, files)
            await storage.delete([key for user, file in found for key in keys_of(user, file)])
            async with self._worker.transaction() as connection:
                taken = await sweeping.forget(connection, files)
            if taken:
                _SWEPT.inc(taken)
                _log.info("files.swept", files=taken)

    async def compare(self, storage: Storage) -> None:
        """Take away bytes without a row, and mark rows without bytes as lost, until these are found again."""
        await self._take_strays(storage)
        await self._mark_lost(storage)

    async def _take_strays(self, storage: Storage) -> None:
        settled = utc_now() - _SETTLED
        async with aclosing(storage.listing()) as batches:
            async for batch in batches:
                ids = {
                    one.key: file_id
                    for one in batch
                    if one.modified < settled and (file_id := _file_of(one.key)) is not None
                }
                async with self._worker.transaction() as connection:
                    known = await sweeping.states_of(connection, list(set(ids.values())))
                strays = [key for key, file_id in ids.items() if file_id not in known]
                if strays:
                    await storage.delete(strays)
                    _STRAYS.inc(len(strays))
                    _log.warning("files.strays_taken_away", strays=len(strays))

    async def _mark_lost(self, storage: Storage) -> None:
        """Both come in the same order: each is gone through once, and none is held whole."""
        before, after, lost = utc_now() - _SETTLED, _FIRST, 0
        async with aclosing(storage.listing()) as batches:
            stored = _Keys(batches)
            while True:
                async with self._worker.transaction() as connection:
                    files = await sweeping.page(connection, after, before, _BATCH)
                if not files:
                    break
                after = (files[-1].user_id, files[-1].id)
                there = {
                    one.id for one in files if await stored.has(content_key(one.user_id, one.id))
                }
                gone = [
                    one.id
                    for one in files
                    if one.id not in there and not await self._is_there(storage, one)
                ]
                lost += len(gone)
                await self._tell(gone, FileState.READY, FileState.LOST)
                await self._tell(list(there), FileState.LOST, FileState.READY)
        _LOST.set(lost)

    async def _is_there(self, storage: Storage, file: Known) -> bool:
        """Whether one is, of which a listing did not say so: there are servers whose listings are late or in no order.

        Of what is lost already the listing has to say it.
        """
        if file.state is FileState.LOST:
            return False
        is_there = await storage.holds(content_key(file.user_id, file.id))
        if is_there:
            _log.warning("files.not_listed", file_id=str(file.id))
        return is_there

    async def _tell(self, ids: Sequence[UUID], before: FileState, state: FileState) -> None:
        if not ids:
            return
        async with self._worker.transaction() as connection:
            changed = await sweeping.set_state(connection, ids, before, state)
        if changed:
            _log.warning("files.other_than_known", files=changed, they_are=state.value)

    async def _clear_spool(self, storage: Storage) -> None:
        """Of uploads that a process has left behind when it was killed: an upload has its row before anything of
        it is spooled, and nothing is spooled of a file that is complete.

        Of a bucket, whose spool is each machine's own, nobody else can do it.
        """
        spooled = await ids_in(storage.spool)
        if not spooled:
            return
        async with self._worker.transaction() as connection:
            known = await sweeping.states_of(connection, spooled)
        left = [one for one in spooled if known.get(one) is not FileState.UPLOADING]
        await clear_spool(storage.spool, left)


class _Keys:
    """Keys that come in order, and are asked for in order."""

    def __init__(self, batches: AsyncIterator[Sequence[Stored]]) -> None:
        self._batches = batches
        self._keys: list[str] = []
        self._at = 0

    async def has(self, key: str) -> bool:
        while True:
            while self._at < len(self._keys):
                here = self._keys[self._at]
                if here >= key:
                    return here == key
                self._at += 1
            batch = await anext(self._batches, None)
            if batch is None:
                return False
            self._keys, self._at = [one.key for one in batch], 0


def _file_of(key: str) -> UUID | None:
    """The file that a key is of; None: it is something else's."""
    user, _, name = key.partition("/")
    user_id, file_id = parse_id(user), parse_id(name.removesuffix(".text"))
    if user_id is None or file_id is None:
        return None
    return file_id if key in (content_key(user_id, file_id), text_key(user_id, file_id)) else None
