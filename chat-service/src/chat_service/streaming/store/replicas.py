"""The register of replicas: heartbeats, and the takeover of a run."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chat_service.answer.domain.ending import RunStatus
from chat_service.runs.domain.run import Run
from chat_service.runs.store.rows import to_run
from chat_service.streaming.domain import RunningRun
from chat_service.tables import replicas, runs

# Longer than it takes until the runs of a dead replica are taken over, which goes by its heartbeat, too.
_SILENT: Final = timedelta(seconds=60)

_first = insert(replicas).values(id=bindparam("replica"), beat=1, seen=func.now())
# These two come each second in every replica, whatever there is to do.
_HEARTBEAT = Statement(
    _first.on_conflict_do_update(
        index_elements=[replicas.c.id],
        set_={"beat": replicas.c.beat + 1, "seen": func.now()},
    )
)
_RUNNING = Statement(
    select(runs, replicas.c.beat)
    .select_from(runs.outerjoin(replicas, replicas.c.id == runs.c.owner))
    .where(runs.c.status == RunStatus.RUNNING.value)
)


class Replicas:
    """Which replicas there are, and what is running, whoever's it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heartbeat(self, replica: str) -> None:
        """Count this replica's heartbeat up by one."""
        await self._database.run(None, _HEARTBEAT, replica=replica)

    async def leave(self, replica: str) -> None:
        """Take this replica off the register."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(replicas).where(replicas.c.id == replica))

    async def sweep(self) -> int:
        """Take off the register who has had no heartbeat for a minute; how many.

        Whoever was frozen comes back on it with the next one.
        """
        gone = replicas.c.seen < func.now() - _SILENT
        async with self._database.transaction() as connection:
            return (await connection.execute(delete(replicas).where(gone))).rowcount

    async def list_running(self) -> Sequence[RunningRun]:
        """Every run that has not ended."""
        rows = await self._database.all(None, _RUNNING)
        return [RunningRun(to_run(row), row.beat) for row in rows]

    async def take_over(self, run: Run, replica: str) -> Run | None:
        """Make `replica` the owner under the next epoch.

        None: the run has ended, or somebody else was quicker.
        """
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
