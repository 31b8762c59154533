"""What came of using connections, told to who keeps them: behind the run, and as well as can be."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from prometheus_client import Counter

from chassis.errors import AppError
from chassis.service import Component
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import RunStatus
from chat_service.providers.domain.connection import Connection, Learnt
from chat_service.providers.domain.use import ReportUse, Use
from chat_service.streaming.write.verdict import Verdict

_log = get_logger(__name__)

_DROPPED = Counter(
    "chat_use_reports_dropped_total", "Reports of connections' use that were not told.", ["why"]
)

_AT_ONCE: Final = 64
_STOP_SECONDS: Final = 1.0
# What says nothing of the connection: our own pool is full, or the question is at fault.
_NOT_OF_THE_CONNECTION: Final = frozenset(
    {"PROVIDER_BUSY", "PROVIDER_CONTENT_REFUSED", "PROVIDER_CONTEXT_TOO_LONG"}
)


class UseReports(Component):
    """Tells reports in the background, 64 at a time: nobody waits for them, and more are dropped."""

    def __init__(self, report_use: ReportUse) -> None:
        self._report_use = report_use
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def held(self) -> dict[str, int]:
        """Reports that are being told: how many."""
        return {"reports of use": len(self._telling)}

    def tell(self, use: Use) -> None:
        """Tell it, for the user of the run whose task calls this."""
        if len(self._telling) >= _AT_ONCE:
            _DROPPED.labels("busy").inc()
            return
        task = asyncio.create_task(self._tell(use), name="use-report")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, use: Use) -> None:
        try:
            await self._report_use(use)
        except AppError as error:
            _DROPPED.labels("failed").inc()
            _log.info("use.not_reported", key_id=str(use.key_id), reason=error.reason)

    async def stop(self) -> None:
        if not self._telling:
            return
        _, late = await asyncio.wait(self._telling, timeout=_STOP_SECONDS)
        for task in late:
            task.cancel()
            _DROPPED.labels("stopped").inc()
        if late:
            await asyncio.wait(late)


def uses_of(
    failed: Sequence[tuple[Connection, Verdict]],
    last: Connection,
    verdict: Verdict,
    learnt: Mapping[UUID, tuple[Learnt, ...]],
) -> list[Use]:
    """What is to be told behind a run: nothing, nearly always."""
    uses = [
        Use(connection.key_id, error_reason=one.reason)
        for connection, one in (*failed, (last, verdict))
        if _is_of_connection(one)
    ]
    if last.has_error and verdict.status is RunStatus.COMPLETED:
        uses.append(Use(last.key_id, ok=True))
    uses += [Use(key_id, learnt=of_it) for key_id, of_it in learnt.items()]
    return uses


def _is_of_connection(verdict: Verdict) -> bool:
    reason = verdict.reason or ""
    return (
        verdict.status is RunStatus.FAILED
        and (reason.startswith("PROVIDER_") or reason == "FIRST_TOKEN_TIMEOUT")
        and reason not in _NOT_OF_THE_CONNECTION
    )
