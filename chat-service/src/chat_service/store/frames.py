"""The port `RunFrames` over PostgreSQL, in the role worker."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chat_service.domain.frame import Frame
from chat_service.domain.run import RunStatus
from chat_service.usecases.run_frames import Claim, Look, Spill, Standing

# Runs whose row somebody else has are skipped rather than waited for: one erasure that takes its
# time must not hold up everybody's stream. A shared lock conflicts with a taker's update; that of
# a release with a spill's as well, so that no rows are committed behind the release of them all.
_OWNED = """
offered AS (
    SELECT run_id, epoch, number FROM unnest(CAST(:run_ids AS uuid[]), CAST(:epochs AS integer[]),
                         CAST(:numbers AS bigint[])) AS offered (run_id, epoch, number)),
owned AS (
    SELECT runs.id, runs.epoch, runs.tenant_id, runs.user_id, offered.number
    FROM runs JOIN offered ON offered.run_id = runs.id AND offered.epoch = runs.epoch
    WHERE runs.status = 'running'
    ORDER BY runs.id
    FOR {lock} OF runs SKIP LOCKED)
"""
_STANDING = """
SELECT offered.run_id, owned.id IS NOT NULL AS ours, offered.epoch = runs.epoch AS same_epoch,
       runs.status
FROM offered LEFT JOIN owned ON owned.id = offered.run_id
             LEFT JOIN runs ON runs.id = offered.run_id
"""

_APPEND = Statement(
    text(f"""
WITH {_OWNED.format(lock="SHARE")},
written AS (
    INSERT INTO run_frames (run_id, seq, epoch, tenant_id, user_id, event, data)
    SELECT owned.id, frame.seq, owned.epoch, owned.tenant_id, owned.user_id, frame.event, frame.data
    FROM unnest(CAST(:frame_run_ids AS uuid[]), CAST(:seqs AS bigint[]),
                CAST(:events AS text[]), CAST(:datas AS bytea[]))
         AS frame (run_id, seq, event, data)
    JOIN owned ON owned.id = frame.run_id
    ON CONFLICT (run_id, seq) DO UPDATE
        SET event = excluded.event, data = excluded.data, epoch = excluded.epoch
        WHERE excluded.event = 'snapshot')
{_STANDING}
""")  # noqa: S608 - made of constants above
)

_RELEASE = Statement(
    text(f"""
WITH {_OWNED.format(lock="NO KEY UPDATE")},
gone AS (
    DELETE FROM run_frames USING owned
    WHERE run_frames.run_id = owned.id AND run_frames.seq <= owned.number)
{_STANDING}
""")  # noqa: S608 - see above
)

_READ = Statement(
    text("""
SELECT seq, event, data FROM run_frames WHERE run_id = :run_id AND seq > :after ORDER BY seq
""")
)

_LOOK = Statement(
    text("""
SELECT runs.id, runs.status, run_frames.seq, run_frames.event, run_frames.data
FROM unnest(CAST(:run_ids AS uuid[]), CAST(:afters AS bigint[])) AS cursor (run_id, after)
JOIN runs ON runs.id = cursor.run_id
LEFT JOIN run_frames ON run_frames.run_id = runs.id AND run_frames.seq > cursor.after
ORDER BY runs.id, run_frames.seq
""")
)

_SWEEP = Statement(
    text("""
DELETE FROM run_frames WHERE (run_id, seq) IN (
    SELECT frames.run_id, frames.seq
    FROM run_frames AS frames JOIN runs ON runs.id = frames.run_id
    WHERE runs.status <> 'running'
    LIMIT :batch)
""")
)
_SWEEP_BATCH = 1000


class PostgresRunFrames:
    """See `usecases.run_frames.RunFrames`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, spills: Sequence[Spill]) -> list[Standing]:
        frames = [(spill.run_id, frame) for spill in spills for frame in spill.frames]
        async with self._database.transaction() as connection:
            rows = await _APPEND.all(
                connection,
                run_ids=[spill.run_id for spill in spills],
                epochs=[spill.epoch for spill in spills],
                numbers=[0 for _ in spills],
                frame_run_ids=[run_id for run_id, _ in frames],
                seqs=[frame.seq for _, frame in frames],
                events=[frame.event for _, frame in frames],
                datas=[frame.data for _, frame in frames],
            )
        return _in_order([spill.run_id for spill in spills], rows)

    async def release(self, claims: Sequence[Claim]) -> list[Standing]:
        run_ids = [claim.run_id for claim in claims]
        async with self._database.transaction() as connection:
            rows = await _RELEASE.all(
                connection,
                run_ids=run_ids,
                epochs=[claim.epoch for claim in claims],
                numbers=[claim.upto for claim in claims],
            )
        return _in_order(run_ids, rows)

    async def read(self, run_id: UUID, after: int) -> list[Frame]:
        async with self._database.transaction() as connection:
            rows = await _READ.all(connection, run_id=run_id, after=after)
        return [_to_frame(row) for row in rows]

    async def look(self, cursors: Mapping[UUID, int]) -> Mapping[UUID, Look]:
        async with self._database.transaction() as connection:
            rows = await _LOOK.all(connection, run_ids=list(cursors), afters=list(cursors.values()))
        frames: dict[UUID, list[Frame]] = {row.id: [] for row in rows}
        for row in rows:
            if row.seq is not None:
                frames[row.id].append(_to_frame(row))
        running = {row.id: row.status == RunStatus.RUNNING.value for row in rows}
        return {run_id: Look(running[run_id], of_run) for run_id, of_run in frames.items()}

    async def sweep(self) -> None:
        swept = _SWEEP_BATCH
        while swept == _SWEEP_BATCH:
            async with self._database.transaction() as connection:
                swept = await _SWEEP.run(connection, batch=_SWEEP_BATCH)


def _to_frame(row: Any) -> Frame:
    return Frame(row.seq, row.event, bytes(row.data))


def _in_order(run_ids: Sequence[UUID], rows: Sequence[Any]) -> list[Standing]:
    standings = {row.run_id: _standing(row) for row in rows}
    return [standings[run_id] for run_id in run_ids]


def _standing(row: Any) -> Standing:
    if row.ours:
        return Standing.OURS
    if not row.same_epoch:  # null: there is no such run
        return Standing.LOST
    return Standing.BUSY if row.status == RunStatus.RUNNING.value else Standing.ENDED
