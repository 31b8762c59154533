"""The history of a run: its frames from both places they may be in, put together by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.errors import Unavailable
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.frame import Frame, connected, first_of, merged
from chat_service.redis_client import REDIS_ERRORS
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.log.window import AT_A_TIME_BYTES
from chat_service.streaming.store.fallback import FallbackLog

_log = get_logger(__name__)


class RunLogUnavailable(Unavailable):
    """Redis is away, and what PostgreSQL has of the run is not enough without it."""

    reason = "RUN_LOG_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Past:
    """All frames of a run in order; ``logged`` is the number of the newest that Redis has."""

    frames: Sequence[Frame]
    logged: int = 0


class History:
    """Reads what was made durable, in Redis or while that was away in PostgreSQL."""

    def __init__(self, log: RunLog, fallback: FallbackLog) -> None:
        self._log = log
        self._fallback = fallback

    async def read_some(self, run_id: UUID, after: int) -> Sequence[Frame]:
        """The next frames behind number ``after`` without a hole, from Redis alone if it has any.

        AT_A_TIME_BYTES of them. None of what is there can be had: an empty list. Raises what the
        database raises.
        """
        try:
            logged = await self._log.read_some(run_id, after, AT_A_TIME_BYTES)
        except REDIS_ERRORS as error:
            _log.warning("log.read_failed", error=type(error).__name__)
            logged = []
        found = connected(logged, after)
        if not found:
            kept = await self._fallback.read(run_id, after)
            found = connected(merged(logged, kept), after)
        return first_of(found, AT_A_TIME_BYTES)

    async def whole(self, run_id: UUID) -> Past:
        """Everything from the beginning. Raises RunLogUnavailable, and what the database raises."""
        try:
            logged = await self._log.read(run_id, 0)
        except REDIS_ERRORS:
            return Past(await self._without_redis(run_id))
        return await self._with(run_id, logged)

    async def fence(self, run_id: UUID, epoch: int) -> Past:
        """Close the log to owners before ``epoch``, then everything from the beginning.

        The epoch must have been raised in the database before. Raises RunLogUnavailable, and what
        the database raises.
        """
        try:
            logged = await self._log.fence(run_id, epoch)
        except REDIS_ERRORS as error:
            # Not even if PostgreSQL has a beginning of the run: the log may be ahead of it.
            raise RunLogUnavailable(retry_after=1) from error
        return await self._with(run_id, logged)

    async def _with(self, run_id: UUID, logged: Sequence[Frame]) -> Past:
        frames = merged(logged, await self._fallback.read(run_id, 0))
        if len(connected(frames, 0)) != len(frames):
            # Redis has lost what it had acknowledged, and nobody has written it again.
            _log.error("log.hole", run_id=str(run_id), frames=len(frames))
        return Past(frames, logged[-1].seq if logged else 0)

    async def _without_redis(self, run_id: UUID) -> Sequence[Frame]:
        frames = await self._fallback.read(run_id, 0)
        if not frames or len(connected(frames, 0)) != len(frames):
            raise RunLogUnavailable(retry_after=1)
        return frames
