"""The port `Replicas` over PostgreSQL, in the role worker."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db.engine import Database
from chat_service.domain.run import Run, RunStatus
from chat_service.store.rows import to_run
from chat_service.store.tables import replicas, runs
from chat_service.usecases.replicas import LiveRun


class PostgresReplicas:
    """See `usecases.replicas.Replicas`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, replica: str) -> None:
        first = insert(replicas).values(id=replica, beat=1, seen=func.now())
        async with self._database.transaction() as connection:
            await connection.execute(
                first.on_conflict_do_update(
                    index_elements=[replicas.c.id],
                    set_={"beat": replicas.c.beat + 1, "seen": func.now()},
                )
            )

    async def leave(self, replica: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(replicas).where(replicas.c.id == replica))

    async def sweep(self) -> None:
        gone = replicas.c.seen < func.now() - timedelta(days=1)
        async with self._database.transaction() as connection:
            await connection.execute(delete(replicas).where(gone))

    async def list_live_runs(self) -> Sequence[LiveRun]:
        live = (
            select(runs, replicas.c.beat)
            .select_from(runs.outerjoin(replicas, replicas.c.id == runs.c.owner))
            .where(runs.c.status == RunStatus.RUNNING.value)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(live)).all()
        return [LiveRun(to_run(row), row.beat) for row in rows]

    async def take_over(self, run: Run, replica: str) -> Run | None:
        taken = (
            update(runs)
            .where(
                and_(
                    runs.c.id == run.id,
                    runs.c.epoch == run.epoch,
                    runs.c.status == RunStatus.RUNNING.value,
                )
            )
            .values(owner=replica, epoch=run.epoch + 1)
            .returning(runs)
        )
        async with self._database.transaction() as connection:
            row = (await connection.execute(taken)).one_or_none()
        return None if row is None else to_run(row)
