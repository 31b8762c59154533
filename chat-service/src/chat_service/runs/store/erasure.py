"""What is taken away of a user who is gone, in the worker's role: all rows are in sight here."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, Table, and_, delete, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import RowOwner
from chat_service.answer.domain.ending import RunStatus
from chat_service.tables import messages, runs, sessions
from servicekit.erasure import BATCH, Erasing

_SESSIONS = 100

# Deletes the logs of runs wherever they are and stops those this replica generates.
ForgetRunLogs = Callable[[Sequence[UUID]], Awaitable[None]]


async def end_live_runs(erasing: Erasing) -> None:
    """The step that ends what is being generated, before anything is deleted."""
    async with erasing.transaction() as (connection, erased_at):
        await end_runs_of(connection, erasing.user, erased_at)


async def end_runs_of(connection: AsyncConnection, user: RowOwner, at: datetime) -> None:
    """End the user's live runs: nobody saves an answer of theirs any more."""
    await connection.execute(
        update(runs)
        .where(_of(user, runs), runs.c.status == RunStatus.RUNNING.value)
        .values(status=RunStatus.CANCELLED.value, reason="ACCOUNT_DELETED", ended_at=at)
    )


class DeleteConversations:
    """The step that deletes sessions, messages, runs and their logs.

    A run's row outlives its log, so that a crash anywhere leaves the ids of the runs whose logs
    are not yet gone.
    """

    def __init__(self, forget_run_logs: ForgetRunLogs) -> None:
        self._forget_run_logs = forget_run_logs

    async def __call__(self, erasing: Erasing) -> None:
        is_more = True
        while is_more:
            async with erasing.transaction() as (connection, _):
                found = await _list_run_ids(connection, erasing.user)
                is_more = bool(found) or await _delete_some(connection, erasing.user)
            if found:
                await self._forget_run_logs(found)
                # By itself: who ends a run has its session locked, which the next transaction may wait for.
                async with erasing.transaction() as (connection, _):
                    await _delete_runs(connection, erasing.user, found)


def _of(user: RowOwner, table: Table) -> ColumnElement[bool]:
    return and_(table.c.user_id == user.user_id, table.c.tenant_id == user.tenant_id)


def _next_sessions(user: RowOwner) -> Select[tuple[UUID]]:
    query = select(sessions.c.id).where(_of(user, sessions))
    return query.order_by(sessions.c.active_at.desc(), sessions.c.id.desc()).limit(_SESSIONS)


def _some_of(theirs: Select[tuple[UUID]], table: Table, order: Column[Any]) -> Select[tuple[UUID]]:
    """Ids of rows of these sessions, each session's in the order of its index.

    Without that the planner may read the table from its beginning, each time past all that the
    batches before have deleted.
    """
    session = theirs.subquery()
    each = (
        select(table.c.id)
        .where(table.c.session_id == session.c.id)
        .order_by(order)
        .limit(BATCH)
        .correlate(session)
        .lateral()
    )
    return select(each.c.id).select_from(session.join(each, true())).limit(BATCH)


async def _list_run_ids(connection: AsyncConnection, user: RowOwner) -> list[UUID]:
    """Some runs of the user's next sessions, or of no session; none: there are none of these."""
    found: list[UUID] = list(
        await connection.scalars(_some_of(_next_sessions(user), runs, runs.c.id))
    )
    if found:
        return found
    lone = select(runs.c.id).where(_of(user, runs), runs.c.session_id.is_(None)).limit(BATCH)
    return [row.id for row in await connection.execute(lone)]


async def _delete_runs(
    connection: AsyncConnection, user: RowOwner, run_ids: Sequence[UUID]
) -> None:
    await connection.execute(delete(runs).where(_of(user, runs), runs.c.id.in_(run_ids)))


async def _delete_some(connection: AsyncConnection, user: RowOwner) -> bool:
    """Delete some messages of the user's next sessions, then these; False: there are none."""
    # The order in which everyone locks: session, then message.
    theirs = list(await connection.scalars(_next_sessions(user).with_for_update()))
    if not theirs:
        return False
    among = select(sessions.c.id).where(sessions.c.id.in_(theirs))
    some = list(await connection.scalars(_some_of(among, messages, messages.c.order)))
    await connection.execute(delete(messages).where(messages.c.id.in_(some)))
    if len(some) < BATCH:
        await connection.execute(delete(sessions).where(sessions.c.id.in_(theirs)))
    return True
