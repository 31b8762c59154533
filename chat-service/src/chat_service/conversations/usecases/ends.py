"""Deleting conversations, restoring them, and clearing them of their messages."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction, Transaction
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.ends import SessionEnds
from chat_service.conversations.store.sessions import Sessions

#: Sessions or messages that one statement takes.
_BATCH: Final = 500


class RunsOfSessions(Protocol):
    """The runs of sessions that are locked, in the transaction that has locked them."""

    async def wish_end(
        self, transaction: Transaction, session_ids: Sequence[UUID]
    ) -> Sequence[UUID]:
        """Asks whoever generates a live run of theirs to end it, with what there is of its answer.

        Returns these runs.
        """

    async def end(
        self, transaction: Transaction, session_ids: Sequence[UUID], at: datetime
    ) -> Sequence[UUID]:
        """Ends the live runs, of which nobody saves anything any more, and returns them."""

    async def delete_some(
        self, transaction: Transaction, session_id: UUID, most: int
    ) -> Sequence[UUID]:
        """Deletes `most` runs of a session, and returns them."""


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Ends conversations, and their live runs wherever these are generated.

    `cancel_here` ends a run that is generated here, `drop` also deletes the logs of runs whose rows are
    gone; `purge` has what was deleted for good taken away. `unshare` takes back what others are shown of a
    session, in the transaction that deletes it. `forget_answers` hears that answers are to be forgotten which were
    kept to be found again: all of a user's, for whose conversation one was kept is not known. That they are is committed with
    what takes conversations away.
    """

    open_transaction: OpenTransaction
    runs: RunsOfSessions
    cancel_here: Callable[[UUID], object]
    drop: Callable[[Sequence[UUID]], None]
    purge: Callable[[], None]
    unshare: Callable[[Transaction, UUID], Awaitable[None]]
    forget_answers: Callable[[], None] = lambda: None

    async def delete(self, caller: Caller, session_id: UUID, *, permanent: bool) -> None:
        """Deletes one of the caller's sessions; one that is deleted stays so, since when it is.

        Raises SessionNotFound, also for one that was deleted for good, and OwnerErased.
        """
        now = utc_now()
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            if await Sessions(transaction).lock_any(session_id) is None:
                raise SessionNotFound()
            await SessionEnds(transaction).delete(session_id, now, permanent=permanent)
            ended = await self._end_runs(transaction, [session_id], now, permanent=permanent)
            if permanent:
                await SessionEnds(transaction).forget_answers()
        self._told(ended, permanent=permanent)
        if permanent:
            self.forget_answers()

    async def delete_all(self, caller: Caller, *, permanent: bool) -> None:
        """Deletes the caller's sessions in some transactions; what is made meanwhile may go or stay.

        For good also those that were deleted before. Raises OwnerErased.
        """
        now, found = utc_now(), _BATCH
        while found == _BATCH:
            async with self.open_transaction(caller) as transaction:
                await transaction.lock_owner()
                some = await SessionEnds(transaction).delete_some(
                    now, permanent=permanent, most=_BATCH
                )
                ended = await self._end_runs(transaction, some, now, permanent=permanent)
                await SessionEnds(transaction).forget_answers()
            self._told(ended, permanent=permanent)
            self.forget_answers()
            found = len(some)

    async def restore(
        self, caller: Caller, session_id: UUID, *, tell: Callable[[], None] = lambda: None
    ) -> Session:
        """Returns the caller's session, which is not deleted any more; `tell` is called behind the commit if it was.

        Raises SessionNotFound, also for one that was deleted for good, and OwnerErased.
        """
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            session = await Sessions(transaction).lock_any(session_id)
            if session is None:
                raise SessionNotFound()
            if session.deleted_at is None:
                return session
            now = utc_now()
            await SessionEnds(transaction).restore(session_id, now)
        tell()
        return replace(session, deleted_at=None, updated_at=now)

    async def clear(self, caller: Caller, session_id: UUID) -> None:
        """Deletes the messages and runs of the caller's session for good, and what others are shown of them.

        A title that was made of them goes along. Order numbers go on behind the highest there was. Raises SessionNotFound, OwnerErased.
        """
        deleted: list[UUID] = []
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            session = await Sessions(transaction).lock(session_id)
            if session is None:
                raise SessionNotFound()
            ends = SessionEnds(transaction)
            while some := await self.runs.delete_some(transaction, session_id, _BATCH):
                deleted += some
            await self.unshare(transaction, session_id)
            while await ends.delete_messages(session_id, _BATCH):
                pass
            if session.message_count or deleted:
                await ends.empty(session_id, utc_now())
            await ends.forget_answers()
        self.drop(deleted)
        self.forget_answers()

    async def _end_runs(
        self,
        transaction: Transaction,
        session_ids: Sequence[UUID],
        at: datetime,
        *,
        permanent: bool,
    ) -> Sequence[UUID]:
        if permanent:
            return await self.runs.end(transaction, session_ids, at)
        return await self.runs.wish_end(transaction, session_ids)

    def _told(self, ended: Sequence[UUID], *, permanent: bool) -> None:
        for run_id in ended:
            self.cancel_here(run_id)
        if permanent:
            self.purge()
