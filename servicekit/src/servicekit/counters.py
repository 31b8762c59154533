"""Rate limits in PostgreSQL, by its clock: they hold over restarts and over all replicas.

A row keeps the times of what it let through as far back as they matter, at most as many as its
widest window admits. So a window is any stretch of time, with no edge at which it starts anew,
and one statement decides for all windows of a limit. The table is that of `servicekit.tables.counters`.
"""

from collections.abc import Sequence
from datetime import datetime

from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from servicekit.rate_limits import Limit

_REFUSED = Counter("attempts_refused_total", "Attempts beyond a limit, by scope.", ["scope"])

# Who comes at the same time waits at the row, and then sees what the first has counted.
_COUNT = Statement(
    text(
        """
        INSERT INTO counters AS known (scope, subject, hits, expires_at)
        VALUES (:scope, :subject, ARRAY[clock_timestamp()],
                clock_timestamp() + CAST(:memory AS interval))
        ON CONFLICT (scope, subject) DO UPDATE
        SET hits = ARRAY(
                SELECT hit FROM unnest(known.hits) AS hit
                WHERE hit > clock_timestamp() - CAST(:memory AS interval)
            ) || excluded.hits,
            expires_at = excluded.expires_at
        WHERE NOT EXISTS (
            SELECT FROM unnest(CAST(:most AS integer[]), CAST(:lengths AS interval[]))
                AS full_window (most, length)
            WHERE most <= (
                SELECT count(*) FROM unnest(known.hits) AS hit
                WHERE hit > clock_timestamp() - length
            )
        )
        RETURNING hits[cardinality(hits)] AS at
        """
    )
)
_OF_SUBJECT = "WHERE scope = :scope AND subject = :subject"
_HITS = Statement(text(f"SELECT hits, clock_timestamp() AS now FROM counters {_OF_SUBJECT}"))  # noqa: S608 - made of constants
_TAKE_BACK = Statement(
    text(
        f"UPDATE counters SET hits = array_remove(hits, CAST(:at AS timestamptz)) {_OF_SUBJECT}"  # noqa: S608 - made of constants
    )
)
_FORGET = Statement(text(f"DELETE FROM counters {_OF_SUBJECT}"))  # noqa: S608 - made of constants
_SWEEP = Statement(
    text(
        "DELETE FROM counters WHERE (scope, subject) IN ("
        "SELECT scope, subject FROM counters WHERE expires_at < now()"
        " ORDER BY expires_at LIMIT :most)"
    )
)


class Counters:
    """The counted attempts of rate limits, on an open transaction of a role that may count."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def count(self, limit: Limit, subject: bytes) -> datetime | None:
        """Count an attempt and return its time, by which it can be taken back.

        None, and nothing is counted, if a window of ``limit`` is full. Until this transaction
        ends, others that count against the same subject wait.
        """
        row = await _COUNT.first(
            self._connection,
            scope=limit.scope,
            subject=subject,
            memory=limit.memory,
            most=[window.most for window in limit.windows],
            lengths=[window.length for window in limit.windows],
        )
        if row is None:
            _REFUSED.labels(limit.scope).inc()
            return None
        at: datetime = row.at
        return at

    async def hits(self, limit: Limit, subject: bytes) -> tuple[Sequence[datetime], datetime]:
        """What counts against a ``subject`` whose window is full, and the present time by the
        same clock.
        """
        row = await _HITS.first(self._connection, scope=limit.scope, subject=subject)
        # Counting has locked the row, also where it counted nothing.
        assert row is not None
        return row.hits, row.now

    async def take_back(self, limit: Limit, subject: bytes, at: datetime) -> None:
        """Count no more what was counted ``at`` that time."""
        await _TAKE_BACK.run(self._connection, scope=limit.scope, subject=subject, at=at)

    async def forget(self, limit: Limit, subject: bytes) -> None:
        """Count nothing more against ``subject``."""
        await _FORGET.run(self._connection, scope=limit.scope, subject=subject)

    async def sweep(self, most: int) -> int:
        """Delete ``most`` of those that matter no more, in a role that may; returns how many there were."""
        return await _SWEEP.run(self._connection, most=most)
