"""Delete files of one's own."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.errors import Unavailable
from chat_service.files.domain.errors import FileNotFound, FilesNotOffered
from chat_service.files.domain.file import FileState, keys_of
from chat_service.files.store.files import Files
from chat_service.files.usecases.ports import StorageInForce


@dataclass(frozen=True, slots=True)
class DeleteFiles:
    """Takes files away."""

    open_transaction: OpenTransaction
    storage: StorageInForce

    async def delete(self, caller: Caller, file_id: UUID) -> None:
        """It is there no more; raises FileNotFound, also the second time, and OwnerErased.

        Where its bytes or its row cannot be taken away at once, the sweep does.
        """
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            if not await Files(transaction).give_up(file_id, FileState.READY, FileState.LOST):
                raise FileNotFound()
        # It is deleted from here on: what fails below is no matter of who has asked, and is made up for.
        with suppress(FilesNotOffered, Unavailable):
            await self.storage().delete(keys_of(caller.user_id, file_id))
            async with self.open_transaction(caller) as transaction:
                await Files(transaction).forget(file_id)
