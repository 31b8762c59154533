"""The fallback log: frames that Redis could not take, until it has them again."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.streaming.domain import Claim, FallbackFrames, Look, Standing
from chat_service.streaming.timings import SHIPPED

# Runs whose row somebody else has are skipped rather than waited for: one erasure that takes its
# time must not hold up everybody's stream. A shared lock conflicts with a taker's update; that of
# a release with an append's as well, so that no rows are committed behind the release of them all.
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


class FallbackLog:
    """The frames that Redis could not take, of all runs.

    What needs ownership is decided under a lock of the run's row, so that a later owner, who
    raises the epoch first, sees everything that was taken before.
    """

    def __init__(self, database: Database, *, swept_rows: int = SHIPPED.swept_rows) -> None:
        self._database = database
        self._swept_rows = swept_rows

    async def append(self, offers: Sequence[FallbackFrames]) -> list[Standing]:
        """Keep the frames of each run that is OURS; what is here already stays as it is.

        A snapshot takes the place of what its number had. One transaction.
        """
        frames = [(offer.run_id, frame) for offer in offers for frame in offer.frames]
        async with self._database.transaction() as connection:
            rows = await _APPEND.all(
                connection,
                run_ids=[offer.run_id for offer in offers],
                epochs=[offer.epoch for offer in offers],
                numbers=[0 for _ in offers],
                frame_run_ids=[run_id for run_id, _ in frames],
                seqs=[frame.seq for _, frame in frames],
                events=[frame.event for _, frame in frames],
                datas=[frame.data for _, frame in frames],
            )
        return _in_order([offer.run_id for offer in offers], rows)

    async def release(self, claims: Sequence[Claim]) -> list[Standing]:
        """Forget frames up to `upto` of each run that is OURS; what each claim is worth."""
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
        """The frames of a run behind number `after`, in order."""
        async with self._database.transaction() as connection:
            rows = await _READ.all(connection, run_id=run_id, after=after)
        return [_to_frame(row) for row in rows]

    async def look(self, cursors: Mapping[UUID, int]) -> Mapping[UUID, Look]:
        """Each run that exists, with its frames behind the number that goes with it."""
        async with self._database.transaction() as connection:
            rows = await _LOOK.all(connection, run_ids=list(cursors), afters=list(cursors.values()))
        frames: dict[UUID, list[Frame]] = {row.id: [] for row in rows}
        for row in rows:
            if row.seq is not None:
                frames[row.id].append(_to_frame(row))
        running = {row.id: row.status == RunStatus.RUNNING.value for row in rows}
        return {run_id: Look(running[run_id], of_run) for run_id, of_run in frames.items()}

    async def sweep(self) -> None:
        """Forget the frames of runs that have ended: their answers are saved."""
        swept = self._swept_rows
        while swept == self._swept_rows:
            async with self._database.transaction() as connection:
                swept = await _SWEEP.run(connection, batch=self._swept_rows)


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
