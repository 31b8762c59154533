"""Imports looked at, and ended."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.paging import Page, Position, page_of, parse_limit
from chat_service.audit import Audit, Deed
from chat_service.imports.domain.job import Import, ImportNotFound, ImportState
from chat_service.imports.store.imports import Imports


@dataclass(frozen=True, slots=True)
class ImportJobs:
    """A user's imports; `wake` is called when there is something to be taken away."""

    open_transaction: OpenTransaction
    wake: Callable[[], None]
    audit: Audit

    async def find(self, caller: Caller, import_id: UUID) -> Import:
        """Raises ImportNotFound."""
        async with self.open_transaction(caller) as transaction:
            found = await Imports(transaction).find(import_id)
        if found is None:
            raise ImportNotFound()
        return found

    async def list(self, caller: Caller, *, limit: int, cursor: str, count: bool) -> Page[Import]:
        """A page, the newest first; `total` if `count`. Raises ValidationFailed."""
        limit = parse_limit(limit)
        after = Position.from_cursor(cursor)
        async with self.open_transaction(caller) as transaction:
            imports = Imports(transaction)
            found = await imports.list(after=after, limit=limit + 1)
            total = await imports.count() if count else None
        return page_of(found, limit, _cursor_of, total=total)

    async def end(self, caller: Caller, import_id: UUID) -> None:
        """Cancels it; of one that has ended the report goes. What was taken stays. Raises ImportNotFound."""
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            imports = Imports(transaction)
            cancelled = await imports.cancel(import_id, utc_now())
            if cancelled is None and not await imports.delete(import_id):
                raise ImportNotFound()
            if cancelled is not None and cancelled.was_whole:
                await self.audit.note(
                    *(transaction, Deed.IMPORT_ENDED, caller),
                    import_id=import_id,
                    state=ImportState.CANCELLED,
                    added=cancelled.added,
                    messages=cancelled.messages,
                )
        self.wake()


def _cursor_of(one: Import) -> str:
    return Position(one.created_at, one.id).to_cursor()
