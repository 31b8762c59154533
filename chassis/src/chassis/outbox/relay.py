"""Publishes what waits in the outbox, and clears away what was published long ago."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import Counter, Gauge
from sqlalchemy import text

from chassis.component import Component
from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.db.sweep import sweep
from chassis.errors import AppError
from chassis.jetstream import EventsUnavailable, JetStream
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_PUBLISHED = Counter("outbox_published", "Events that JetStream acknowledged.")
_FAILED = Counter("outbox_publish_failures", "Attempts to publish an event that failed.")
_PENDING = Gauge("outbox_pending", "Events that wait to be published.")
_OLDEST = Gauge("outbox_oldest_seconds", "Age of the oldest event that waits; 0 when none does.")

_BATCH: Final = 100
_POLL_SECONDS: Final = 1.0
_LONGEST_BACKOFF_SECONDS: Final = 5.0
_MEASURE_SECONDS: Final = 10.0
_SWEEP_SECONDS: Final = 3600.0
_SWEEP_BATCH: Final = 1000

# Fresh events first: one that cannot be published must not keep the others waiting.
_CLAIM = Statement(
    text(
        "SELECT id, subject, payload FROM outbox WHERE published_at IS NULL"
        " ORDER BY attempts, id LIMIT :batch FOR UPDATE SKIP LOCKED"
    )
)
_MARK = Statement(
    text(
        "UPDATE outbox SET published_at = CASE WHEN id = ANY(:acknowledged)"
        " THEN clock_timestamp() END, attempts = attempts + 1 WHERE id = ANY(:tried)"
    )
)
_MEASURE = Statement(
    text(
        "SELECT count(*) AS pending,"
        " COALESCE(EXTRACT(epoch FROM now() - min(created_at)), 0)::float AS oldest"
        " FROM outbox WHERE published_at IS NULL"
    )
)
_SWEEP = Statement(
    text(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox"
        " WHERE published_at < now() - interval '7 days' LIMIT :batch)"
    )
)


class Relay(Component):
    """Moves events from the outbox to JetStream, in the worker role.

    Looks every second, and at once when woken. Any number may run side by side: a row is
    locked while it is published, and marked in the same transaction once it is acknowledged.
    While NATS or the database is away it waits; events stay where they are. Published rows go
    after 7 days. ``moved`` are full subjects that earlier versions wrote into the table, each with
    the one that takes its events now. ``poll_seconds`` are between two looks, ``measure_seconds``
    between two measurements for the metrics; ``batch`` is how many events it publishes at once.
    """

    def __init__(
        self,
        db: Database,
        events: JetStream,
        *,
        moved: Mapping[str, str] | None = None,
        poll_seconds: float = _POLL_SECONDS,
        measure_seconds: float = _MEASURE_SECONDS,
        batch: int = _BATCH,
    ) -> None:
        self._db = db
        self._events = events
        self._moved = moved or {}
        self._poll_seconds = poll_seconds
        self._measure_seconds = measure_seconds
        self._batch = batch
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look now: call it after the commit of a transaction that enqueued."""
        self._woken.set()

    async def start(self) -> None:
        """Begin to look; returns at once."""
        self._task = asyncio.create_task(self._run(), name="outbox relay")

    async def stop(self) -> None:
        """End; what is not published yet stays in the table."""
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _run(self) -> None:
        backoff = self._poll_seconds
        measure_at = sweep_at = time.monotonic()
        while True:
            more = False
            try:
                if self._events.ready:
                    more, failed = await self._publish_batch()
                    backoff = (
                        min(backoff * 2, _LONGEST_BACKOFF_SECONDS) if failed else self._poll_seconds
                    )
                if time.monotonic() >= measure_at:
                    measure_at = time.monotonic() + self._measure_seconds
                    await self._measure()
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + _SWEEP_SECONDS
                    await sweep(self._db, _SWEEP, batch=_SWEEP_BATCH)
            except AppError as error:  # the database is away: it says so itself, once
                _log.debug("outbox.waiting", reason=error.reason)
                backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)
            except Exception as error:  # noqa: BLE001 - the relay never ends by itself
                _log.error("outbox.failed", exc_info=error)
                backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)
            if not more:
                await self._rest(backoff)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        finally:
            self._woken.clear()

    async def _publish_batch(self) -> tuple[bool, bool]:
        """Publish up to a batch; whether there may be more, and whether one failed."""
        async with self._db.transaction() as connection:
            events = await _CLAIM.all(connection, batch=self._batch)
            if not events:
                return False, False
            outcomes = await asyncio.gather(*(self._publish(event) for event in events))
            acknowledged = [
                event.id for event, error in zip(events, outcomes, strict=True) if error is None
            ]
            await _MARK.run(
                connection, acknowledged=acknowledged, tried=[event.id for event in events]
            )
        failures = [error for error in outcomes if error is not None]
        _PUBLISHED.inc(len(acknowledged))
        _FAILED.inc(len(failures))
        if failures:
            _log.warning("outbox.not_published", events=len(failures), first_error=failures[0])
        return len(events) == self._batch and not failures, bool(failures)

    async def _publish(self, event: Any) -> str | None:
        """What kept the event from being stored, or None."""
        subject = self._moved.get(event.subject, event.subject)
        try:
            await self._events.publish(subject, event.payload, str(event.id))
        except EventsUnavailable as error:
            return str(error.__cause__ or error)
        except ValueError as error:
            # It will fail again. It stays for a person, who sees it in the oldest age.
            _log.error(
                "outbox.unpublishable",
                event_id=str(event.id),
                subject=event.subject,
                error=str(error),
            )
            return str(error)
        return None

    async def _measure(self) -> None:
        async with self._db.transaction() as connection:
            found = await _MEASURE.first(connection)
        assert found is not None
        _PENDING.set(found.pending)
        _OLDEST.set(found.oldest)
