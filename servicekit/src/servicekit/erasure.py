"""Erasure: everything of a deleted user's goes, step by step, and then that is confirmed.

A service lists its steps. Each takes one kind of thing away, some hundreds of rows in a
transaction, so that no statement takes long however much there is. Every transaction begins by
marking the owner as erased (see `chassis.db.owners`), under whose lock writers and other erasers
wait: what a step has found empty stays empty, and one that was killed anywhere is simply begun
again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from google.protobuf.message import DecodeError
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.clock import utc_now
from chassis.db.engine import Database, RowOwner
from chassis.db.idempotency import forget_answers
from chassis.db.owners import erase_owner
from chassis.jetstream import Unreadable
from chassis.outbox import enqueue
from parley.events.rights import user_erased_by
from parley.events.v1 import events_pb2

#: So few rows that no statement comes near the time it may take.
BATCH: Final = 500


class Erasing:
    """The erasure of one user, on the database of one service in the worker's role."""

    def __init__(self, database: Database, user: RowOwner) -> None:
        self.user = user
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[AsyncConnection, datetime]]:
        """A transaction in which nobody writes for the user any more, and when that began."""
        async with self._database.transaction(self.user) as connection:
            yield connection, await erase_owner(connection, self.user, utc_now())


class Step(Protocol):
    """Takes away all that a service has of a user of one kind, some hundreds of rows at a time.

    It may fail or be killed anywhere, and is then taken again from its beginning.
    """

    async def __call__(self, erasing: Erasing) -> None: ...


def in_batches(delete: Callable[[AsyncConnection, UUID], Awaitable[int]]) -> Step:
    """The step that calls ``delete`` until it says that it has deleted nothing.

    It is given a transaction and the user's id, deletes at most BATCH rows and returns how many.
    """

    async def take(erasing: Erasing) -> None:
        deleted = 1
        while deleted:
            async with erasing.transaction() as (connection, _):
                deleted = await delete(connection, erasing.user.user_id)

    return take


async def _forget_answers(connection: AsyncConnection, user_id: UUID) -> int:
    return await forget_answers(connection, user_id, most=BATCH)


#: The step that every service has: what requests with an Idempotency-Key were answered.
forget_repetitions: Final = in_batches(_forget_answers)


async def erase_user(
    erasing: Erasing, steps: Sequence[Step], *, subject: str, receipt: Callable[[datetime], bytes]
) -> None:
    """Take every step in order, then confirm on ``subject``.

    ``receipt`` makes the confirmation from the moment of the first erasure: to do it again
    changes nothing, and confirms again with the same moment.
    """
    for step in steps:
        await step(erasing)
    async with erasing.transaction() as (connection, erased_at):
        await enqueue(connection, subject=subject, payload=receipt(erased_at))


class UserDeletedHandler:
    """Erases a deleted user; idempotent, and confirms with UserErased each time.

    ``subject`` puts the deployment's prefix before an event's name. ``announce`` is called after
    the commit, so that the confirmation leaves at once. Raises Unreadable for an event that it
    cannot read.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        steps: Sequence[Step],
        *,
        subject: Callable[[str], str],
        announce: Callable[[], None],
    ) -> None:
        self._service = service
        self._database = database
        self._steps = (*steps, forget_repetitions)
        self._subject = subject(user_erased_by(service))
        self._announce = announce

    async def __call__(self, payload: bytes) -> None:
        try:
            deleted = events_pb2.UserDeleted.FromString(payload)
            user = RowOwner(user_id=UUID(deleted.user_id), tenant_id=UUID(deleted.tenant_id))
        except (DecodeError, ValueError) as error:
            raise Unreadable("not a UserDeleted") from error

        def receipt(erased_at: datetime) -> bytes:
            erased = events_pb2.UserErased(
                erasure_id=deleted.erasure_id, user_id=deleted.user_id, service=self._service
            )
            erased.erased_at.FromDatetime(erased_at)
            return erased.SerializeToString()

        await erase_user(
            Erasing(self._database, user), self._steps, subject=self._subject, receipt=receipt
        )
        self._announce()
