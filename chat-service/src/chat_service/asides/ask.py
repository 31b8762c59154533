"""Asks a model something short, in the background and outside of a run.

It goes by the port that runs use: address policy, redaction and errors are the same. There is no
fallback and no second try, nothing is shown, and nobody waits: what fails is counted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from prometheus_client import Counter, Gauge

from chassis.component import Component
from chassis.errors import AppError
from chassis.grpc.deadline import set_deadline
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import RunStatus
from chat_service.asides.answer import Answer
from chat_service.asides.errors import AsideFailed
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import (
    ProviderError,
)
from chat_service.providers.port import Provider
from chat_service.usage.domain.rules import Asking
from chat_service.usage.domain.spent import Purpose, Tokens
from chat_service.words.domain.word_filter import InForce, no_words

_log = get_logger(__name__)

_ASIDES = Counter(
    "chat_asides_total",
    "What models were asked beside runs, by purpose and what came of it.",
    ["purpose", "outcome"],
)
_UNCOUNTED = Counter(
    "chat_asides_not_counted_total",
    "What models were asked beside runs and the ledger of usage lacks, by purpose.",
    ["purpose"],
)
_LIVE = Gauge("chat_live_asides", "What models are being asked beside runs.")

#: What each may take, waiting for its turn included.
SECONDS: Final = 60.0
_AT_ONCE: Final = 8
_WAITING: Final = 256
#: When the service stops: what has not ended by then is cut off.
_DRAIN_SECONDS: Final = 5.0
_LOGGED_CHARACTERS: Final = 2000


class Metering(Protocol):
    """What users may still use, and what counts of it."""

    async def check(self, who: Asking, connection: Connection, /) -> None:
        """Raises AppError where nothing is left."""

    async def count(
        self,
        who: Asking,
        connection: Connection,
        model: str,
        purpose: Purpose,
        tokens: Tokens,
        /,
        *,
        status: RunStatus,
        seconds: float,
    ) -> None:
        """One answer more. Raises AppError."""


class Asides(Component):
    """Eight at once on a replica, and 256 that wait; more are dropped.

    `in_force` are the operator's words, which are masked in what models say, also those that are refused elsewhere.
    """

    def __init__(
        self,
        provider: Provider,
        meter: Metering,
        *,
        seconds: float = SECONDS,
        at_once: int = _AT_ONCE,
        waiting: int = _WAITING,
        drain_seconds: float = _DRAIN_SECONDS,
        in_force: InForce = no_words,
    ) -> None:
        self._provider = provider
        self._in_force = in_force
        self._meter = meter
        self._seconds = seconds
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._drain_seconds = drain_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    @property
    def held(self) -> dict[str, int]:
        """What was begun and has not ended."""
        return {"asides": len(self._tasks)}

    def begin(self, purpose: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Have `work` done behind whatever calls this; what it raises is logged and counted.

        False: it is not, since the replica stops, or too much waits. `purpose` names it in the
        metric: one of few words, in lower case.
        """
        if self._draining or len(self._tasks) >= self._most:
            _ASIDES.labels(purpose, "dropped").inc()
            return False
        task = asyncio.create_task(self._do(purpose, work), name=f"aside-{purpose}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def ask(
        self,
        who: Asking,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        max_tokens: int,
        purpose: Purpose,
    ) -> str:
        """The text of the model's answer, without thinking or white space around it: whole, by its finish
        reason `stop`, never empty, and no refusal in so many words.

        It comes within SECONDS, and has `max_tokens` at most as far as the server keeps to that. The
        connection's own parameters go along. What it costs counts as an answer's tokens do, under its
        `purpose`. Raises AsideFailed.
        """
        try:
            async with asyncio.timeout(self._seconds), self._places:
                text = await self._ask(who, connection, prompt, model, max_tokens, purpose)
        except TimeoutError:
            raise self._failed(purpose, "TIMEOUT") from None
        except asyncio.CancelledError:
            _ASIDES.labels(purpose, "stopped").inc()
            raise
        except ProviderError as error:
            # The provider's text may quote the key, which the log does not show (`hide`).
            _log.info(
                "aside.provider_failed",
                purpose=purpose,
                reason=error.reason,
                text=self._masked(error.text[:_LOGGED_CHARACTERS]),
            )
            raise self._failed(purpose, error.reason, error.most_tokens) from error
        except AppError as error:
            raise self._failed(purpose, error.reason) from error
        except AsideFailed as error:
            raise self._failed(purpose, error.reason) from None
        _ASIDES.labels(purpose, "answered").inc()
        return self._masked(text)

    async def drain(self) -> None:
        """Begin no more; return once all have ended, within five seconds."""
        self._draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._drain_seconds)
        await self.stop()

    async def stop(self) -> None:
        self._draining = True
        for task in list(self._tasks):
            await end_task(task)

    async def _do(self, purpose: str, work: Callable[[], Awaitable[None]]) -> None:
        # That of the call behind which it was begun.
        set_deadline(None)
        try:
            with _LIVE.track_inprogress():
                await work()
        except AsideFailed as error:
            _log.info("aside.failed", purpose=purpose, reason=error.reason)
        except (AppError, ProviderError) as error:
            _ASIDES.labels(purpose, "failed").inc()
            _log.info("aside.failed", purpose=purpose, reason=error.reason)
        except Exception as error:  # noqa: BLE001 - whatever broke, nobody waits for it
            _ASIDES.labels(purpose, "failed").inc()
            _log.error("aside.broke", purpose=purpose, exc_info=error)

    def _masked(self, text: str) -> str:
        words = self._in_force()
        return text if words is None else words.masked(text)

    def _failed(self, purpose: str, reason: str, most_tokens: int | None = None) -> AsideFailed:
        _ASIDES.labels(purpose, "failed").inc()
        return AsideFailed(reason, most_tokens=most_tokens)

    async def _ask(
        self,
        who: Asking,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        model: str,
        max_tokens: int,
        purpose: Purpose,
    ) -> str:
        await self._meter.check(who, connection)
        answer, began = Answer(prompt), time.monotonic()
        try:
            return await answer.read(self._provider, connection, model, max_tokens)
        finally:
            # Whatever came of it, also where time ran out: shielded, for that is a cancellation.
            await asyncio.shield(
                self._count(who, connection, model, purpose, answer, time.monotonic() - began)
            )

    async def _count(
        self,
        who: Asking,
        connection: Connection,
        model: str,
        purpose: Purpose,
        answer: Answer,
        seconds: float,
    ) -> None:
        """What was answered is paid for: it is not thrown away because it could not be counted."""
        try:
            await self._meter.count(
                who,
                connection,
                model,
                purpose,
                answer.tokens,
                status=answer.status,
                seconds=seconds,
            )
        except AppError as error:
            _UNCOUNTED.labels(purpose.value).inc()
            _log.warning("aside.not_counted", purpose=purpose.value, reason=error.reason)
