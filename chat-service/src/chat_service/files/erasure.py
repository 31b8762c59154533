"""What is taken away of the files of a user who is gone: rows, and before them their bytes."""

import asyncio
from typing import Final

from chat_service.files.domain.errors import FilesNotOffered, StorageUnavailable
from chat_service.files.domain.file import keys_of
from chat_service.files.storage.spool import clear_spool
from chat_service.files.store.erasing import give_up_some, given_up_of, is_any_of
from chat_service.files.store.sweeping import forget
from chat_service.files.usecases.ports import Storage, StorageInForce
from servicekit.erasure import Erasing

_AGAIN_SECONDS: Final = 0.5


class DeleteFiles:
    """The step that deletes files: it ends when all of their bytes are gone, also those without a row and those
    that were spooled where this process runs: each other machine clears a spool of its own (see FileSweep).

    Raises StorageUnavailable where that cannot be made sure of.
    """

    def __init__(self, storage: StorageInForce) -> None:
        self._storage = storage

    async def __call__(self, erasing: Erasing) -> None:
        user_id = erasing.user.user_id
        storage = self._in_force()
        while True:
            async with erasing.transaction() as (connection, _):
                await give_up_some(connection, user_id)
                found = await given_up_of(connection, user_id)
                is_any = await is_any_of(connection, user_id)
            if not is_any:
                break
            if storage is None:
                raise StorageUnavailable()
            if found:
                await clear_spool(storage.spool, found)
                await storage.delete(
                    [key for file_id in found for key in keys_of(user_id, file_id)]
                )
                async with erasing.transaction() as (connection, _):
                    await forget(connection, found)
            else:
                await asyncio.sleep(_AGAIN_SECONDS)
        if storage is not None:
            async for stored in storage.listing(str(user_id)):
                await storage.delete([one.key for one in stored])

    def _in_force(self) -> Storage | None:
        try:
            return self._storage()
        except FilesNotOffered:
            return None
