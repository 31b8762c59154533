"""Counts failures, sets events aside, and hands them to their consumer again when asked to."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from prometheus_client import Gauge

from chassis.component import Component
from chassis.db.engine import Database
from chassis.dead_letters import table
from chassis.errors import AppError
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chassis.telemetry.redaction import redact_text

_log = get_logger(__name__)

_LETTERS = Gauge("events_dead_letters", "Events set aside that wait for a person.")

Handler = Callable[[bytes], Awaitable[None]]

# What is forgiven before an event counts as one that never will be handled.
_FAILURES: Final = 20
_SECONDS: Final = 300.0

_LOOK_SECONDS: Final = 5.0
_SWEEP_SECONDS: Final = 3600.0
_ERROR_CHARACTERS: Final = 2000


class DeadLetters(Component):
    """The letters of one service, in the worker role of its database.

    An event is set aside when its handler has failed ``failures`` times over at least
    ``seconds``. The gauge ``events_dead_letters`` is five seconds old at most. Replays that were
    asked for are done here, in any replica that has the consumer, one at a time.
    """

    def __init__(
        self, db: Database, *, failures: int = _FAILURES, seconds: float = _SECONDS
    ) -> None:
        self._db = db
        self._failures = failures
        self._seconds = seconds
        self._handlers: dict[str, Handler] = {}
        self._task: asyncio.Task[None] | None = None
        self._replaying = False
        self._draining = False

    def handle_with(self, consumer: str, handler: Handler) -> None:
        """Replays of what ``consumer`` set aside go to ``handler``."""
        self._handlers[consumer] = handler

    async def note(
        self,
        letter_id: UUID,
        *,
        consumer: str,
        subject: str,
        payload: bytes,
        error: Exception,
        at_once: bool,
    ) -> bool:
        """Count a failure; whether the event is set aside now, by this call or an earlier one.

        Committed when it returns. Raises DatabaseBusy or DatabaseUnavailable: nothing is known
        then, and the event must come again.
        """
        row = await self._db.first(
            None,
            table.NOTE,
            id=letter_id,
            consumer=consumer,
            subject=subject,
            payload=payload,
            error=_describe(error),
            at_once=at_once,
            failures=self._failures,
            seconds=self._seconds,
        )
        assert row is not None
        if row.is_aside:
            _log.critical(
                "events.set_aside",
                durable=consumer,
                subject=subject,
                dead_letter=str(letter_id),
                deliveries=row.deliveries,
                exc_info=error,
            )
        return bool(row.is_aside)

    async def forget(self, letter_id: UUID) -> None:
        """The event was handled after all."""
        await self._db.run(None, table.REMOVE, id=letter_id)

    async def start(self) -> None:
        """Begin to look; returns at once."""
        self._draining = False
        self._task = asyncio.create_task(self._run(), name="dead letters")

    async def drain(self) -> None:
        """Replay no more; return when the handler at work has returned."""
        self._draining = True
        if self._task is not None and self._replaying:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _run(self) -> None:
        sweep_at = time.monotonic()
        while not self._draining:
            try:
                await self._replay()
                await self._measure()
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + _SWEEP_SECONDS
                    await self._db.run(None, table.SWEEP)
            except AppError as error:  # the database is away: it says so itself, once
                _log.debug("dead_letters.waiting", reason=error.reason)
            except Exception as error:  # noqa: BLE001 - the next look may succeed
                _log.error("dead_letters.failed", exc_info=error)
            if not self._draining:
                await asyncio.sleep(_LOOK_SECONDS)

    async def _measure(self) -> None:
        row = await self._db.first(None, table.COUNT)
        assert row is not None
        _LETTERS.set(row.letters)

    async def _replay(self) -> None:
        while not self._draining:
            # From the claim on, since what is claimed is handed over whoever drains meanwhile.
            self._replaying = True
            try:
                row = await self._db.first(None, table.CLAIM, consumers=list(self._handlers))
                if row is None:
                    return
                await self._hand_over(row.id, row.consumer, row.payload)
            finally:
                self._replaying = False

    async def _hand_over(self, letter_id: UUID, consumer: str, payload: bytes) -> None:
        told = {"durable": consumer, "dead_letter": str(letter_id)}
        try:
            await self._handlers[consumer](payload)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            _log.error("events.replay_failed", **told, exc_info=error)
            await self._db.run(None, table.FAILED, id=letter_id, error=_describe(error))
        else:
            await self.forget(letter_id)
            _log.info("events.replayed", **told)


def _describe(error: BaseException) -> str:
    """The error and its causes, without what looks like a secret, as text that can be stored."""
    said: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        said.append(f"{type(cause).__name__}: {cause}".removesuffix(": "))
        cause = cause.__cause__
    text = redact_text(" <- ".join(said)).replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode()[:_ERROR_CHARACTERS]
