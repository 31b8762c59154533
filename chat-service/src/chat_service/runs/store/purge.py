"""The purge: conversations that are due are taken away with all that hangs on them.

What is due is marked first, and out of everybody's sight from then on; what is marked is then deleted
in small steps. Any number of replicas do both side by side: each leaves alone what another has locked.
All rows are in sight here, in the worker's role.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger
from chat_service.conversations.store.ends import FORGET_ANSWERS_OF_SESSIONS
from chat_service.runs.domain.retention import Retention
from chat_service.runs.store.deleted import SWEEP
from chat_service.runs.store.ends import END_RUNS_OF_SESSIONS
from chat_service.runs.store.erasure import ForgetRunLogs
from servicekit.erasure import BATCH

_log = get_logger(__name__)

_PURGED = Counter("chat_purged_sessions_total", "Conversations that were taken away for good.")

_EVERY_SECONDS: Final = 60.0
#: What is old is looked for among all that there is: that is not done each minute.
_OLD_EVERY_SECONDS: Final = 3600.0
#: Sessions that one step deletes; rows that one look for old ones passes. Whoever asks meanwhile waits for
#: no longer than one step takes.
_SESSIONS: Final = 25
_PAGE: Final = 100
#: For each second of work so many of rest: nine tenths of the time are everybody else's.
_RESTS: Final = 9
#: At such a page, while somebody else has locked what is due of it; what is left then waits for the next hour.
_LOOKS: Final = 5
_BEFORE_ALL: Final = UUID(int=0)


_IS_IDLE = """
NOT purging AND NOT EXISTS (
    SELECT FROM runs WHERE runs.session_id = sessions.id AND runs.status = 'running')
"""


def _mark(due: str) -> Statement:
    return Statement(
        text(f"""
UPDATE sessions SET purging = true, deleted_at = coalesce(deleted_at, :at)
WHERE id IN (SELECT id FROM sessions WHERE {due} LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING id
""")  # noqa: S608 - of constants
    )


_MARK_DELETED = _mark("deleted_at < :before AND NOT purging ORDER BY deleted_at")
_MARK_TEMPORARY = _mark(f"temporary AND active_at < :before AND {_IS_IDLE} ORDER BY active_at")
# Of how many days its operator, its tenant and its user keep a conversation, the least counts; of nulls alone
# nothing is too old.
_IS_OLD = f"""
NOT pinned AND {_IS_IDLE}
AND active_at < CAST(:at AS timestamptz) - make_interval(days => least(
    CAST(:days AS integer),
    (SELECT tenant.days
     FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:tenant_days AS integer[])) AS tenant (id, days)
     WHERE tenant.id = sessions.tenant_id),
    (SELECT user_settings.retention_days FROM user_settings
     WHERE user_settings.user_id = sessions.user_id
       AND user_settings.tenant_id = sessions.tenant_id)))
"""  # noqa: S608 - of constants
# What is old is looked for row by row, in the order of their ids: an index by activity alone would
# cost each turn something, also where nothing is ever too old.
_MARK_OLD = Statement(
    text(f"""
WITH page AS MATERIALIZED (
    SELECT id FROM sessions WHERE id > :after ORDER BY id LIMIT :page),
due AS MATERIALIZED (
    SELECT id FROM sessions WHERE id IN (SELECT id FROM page) AND {_IS_OLD}),
locked AS MATERIALIZED (
    SELECT id FROM sessions WHERE id IN (SELECT id FROM due) AND {_IS_OLD}
    FOR UPDATE SKIP LOCKED),
marked AS (
    UPDATE sessions SET purging = true, deleted_at = coalesce(deleted_at, :at)
    WHERE id IN (SELECT id FROM locked)
    RETURNING id)
SELECT (SELECT count(*) FROM due) > (SELECT count(*) FROM locked) AS has_skipped,
       (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last,
       coalesce((SELECT array_agg(id) FROM marked), ARRAY[]::uuid[]) AS ids
""")  # noqa: S608 - of constants
)
_SOMEBODY_KEEPS_LESS = Statement(
    text("SELECT EXISTS (SELECT FROM user_settings WHERE retention_days IS NOT NULL) AS found")
)
_NEXT = Statement(
    text("SELECT id FROM sessions WHERE purging ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED")
)


def _some(table: str, order: str) -> str:
    """Ids of rows of these sessions, each session's in the order of its index."""
    return f"""
SELECT found.id FROM unnest(CAST(:ids AS uuid[])) AS session (id), LATERAL (
    SELECT id FROM {table} WHERE session_id = session.id ORDER BY {order} LIMIT :most) AS found
LIMIT :most
"""  # noqa: S608 - of constants


_SOME_RUNS = Statement(text(_some("runs", "id")))
_DELETE_RUNS = Statement(text("DELETE FROM runs WHERE id = any(CAST(:ids AS uuid[]))"))
_SOME_MESSAGES = _some("messages", '"order"')
_DELETE_MESSAGES = Statement(
    text(f"DELETE FROM messages WHERE id IN ({_SOME_MESSAGES})")  # noqa: S608 - of constants
)
_DELETE_SESSIONS = Statement(text("DELETE FROM sessions WHERE id = any(CAST(:ids AS uuid[]))"))


class Purge(Repeated):
    """Takes away what is due; looks every minute, for what is old every hour, and when woken.

    What is old is not looked for unless `knows_users` says that it is known what users have set: somebody
    may just have decided to keep more. What `retention` says is asked for at each step, and where it says something
    new, what is old is looked for at once. `forget_run_logs` deletes the logs of runs: their rows outlive them, so that
    a crash anywhere leaves the ids of those whose logs are not yet gone. One look for what is old passes `page` rows.
    """

    def __init__(
        self,
        worker: Database,
        forget_run_logs: ForgetRunLogs,
        retention: Callable[[], Retention],
        *,
        knows_users: Callable[[], bool] = lambda: True,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        page: int = _PAGE,
    ) -> None:
        super().__init__(
            "purge of conversations", self.purge, seconds=_EVERY_SECONDS, unhurried=True
        )
        self._worker = worker
        self._forget_run_logs = forget_run_logs
        self._retention = retention
        self._knows_users = knows_users
        self._rest = rest
        self._page = page
        self._looks_for_old_at = 0.0
        self._looked_by: Retention | None = None

    async def purge(self) -> None:
        """Look now. Raises DatabaseBusy, DatabaseUnavailable or RunLogUnavailable."""
        # First what somebody waits for.
        await self._take_all()
        now, retention = utc_now(), self._retention()
        await self._mark_all(_MARK_DELETED, now, now - retention.deleted)
        await self._mark_all(_MARK_TEMPORARY, now, now - retention.temporary)
        time = asyncio.get_running_loop().time()
        is_due = time >= self._looks_for_old_at or retention != self._looked_by
        if is_due and self._knows_users():
            if retention.everything or retention.tenants or await self._somebody_keeps_less():
                await self._mark_old(now)
            await self._sweep(now)
            self._looks_for_old_at = time + _OLD_EVERY_SECONDS
            self._looked_by = retention
        await self._take_all()

    @asynccontextmanager
    async def _unhurried(self) -> AsyncIterator[None]:
        """Rests behind the block, for `_RESTS` times as long as it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        yield
        await self._rest(_RESTS * (loop.time() - began))

    async def _mark_all(self, statement: Statement, now: datetime, before: datetime) -> None:
        marked = BATCH
        while marked == BATCH:
            async with self._unhurried(), self._worker.transaction() as connection:
                rows = await statement.all(connection, at=now, before=before, most=BATCH)
                marked = len(rows)
                await self._end_runs(connection, [row.id for row in rows], now)

    async def _sweep(self, now: datetime) -> None:
        swept = BATCH
        while swept == BATCH:
            async with self._unhurried(), self._worker.transaction() as connection:
                swept = await SWEEP.run(connection, at=now, most=BATCH)

    async def _somebody_keeps_less(self) -> bool:
        async with self._worker.transaction() as connection:
            row = await _SOMEBODY_KEEPS_LESS.first(connection)
        return row is not None and row.found

    async def _mark_old(self, now: datetime) -> None:
        after: UUID | None = _BEFORE_ALL
        looks = 0
        while after is not None:
            # Whoever has just decided to keep more is heard amid it.
            retention = self._retention()
            everything, tenants = retention.everything, retention.tenants
            async with self._unhurried(), self._worker.transaction() as connection:
                row = await _MARK_OLD.first(
                    connection,
                    at=now,
                    days=None if everything is None else everything.days,
                    tenant_ids=list(tenants),
                    tenant_days=list(tenants.values()),
                    after=after,
                    page=self._page,
                )
                assert row is not None
                await self._end_runs(connection, row.ids, now)
                looks += 1
            # What somebody has locked, to index it as a rule, is not locked for long.
            if not row.has_skipped or looks == _LOOKS:
                after, looks = row.last, 0

    async def _end_runs(
        self, connection: AsyncConnection, session_ids: Sequence[UUID], now: datetime
    ) -> None:
        if session_ids:
            await END_RUNS_OF_SESSIONS.run(connection, session_ids=list(session_ids), at=now)

    async def _take_all(self) -> None:
        taken, is_more = 0, True
        while is_more:
            async with self._unhurried(), self._worker.transaction() as connection:
                is_more, sessions = await self._take_some(connection)
                taken += sessions
        if taken:
            _PURGED.inc(taken)
            _log.info("sessions.purged", sessions=taken)

    async def _take_some(self, connection: AsyncConnection) -> tuple[bool, int]:
        """Whether there was anything to take, and how many sessions are gone with it."""
        # The order in which everyone locks: session, then run, then message.
        ids = [row.id for row in await _NEXT.all(connection, most=_SESSIONS)]
        if not ids:
            return False, 0
        run_ids = [row.id for row in await _SOME_RUNS.all(connection, ids=ids, most=BATCH)]
        if run_ids:
            await self._forget_run_logs(run_ids)
            await _DELETE_RUNS.run(connection, ids=run_ids)
        if len(run_ids) == BATCH:
            return True, 0
        if await _DELETE_MESSAGES.run(connection, ids=ids, most=BATCH) == BATCH:
            return True, 0
        await FORGET_ANSWERS_OF_SESSIONS.run(connection, ids=ids)
        return True, await _DELETE_SESSIONS.run(connection, ids=ids)
