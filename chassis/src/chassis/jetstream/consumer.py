"""Durable consumers: every message is handled at least once, however often things break."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

from nats import errors as nats_errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js import errors as js_errors
from prometheus_client import Counter

from chassis.component import Component
from chassis.errors import AppError, Kind, Unavailable, untyped
from chassis.jetstream.stream import JetStream
from chassis.reach import START_SECONDS, Reach
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_HANDLED = Counter(
    "events_handled",
    "Messages that were handled and acknowledged, by durable consumer.",
    ["durable"],
)
_FAILED = Counter("events_failed", "Handlings that raised; the message comes again.", ["durable"])

_RETRY_SECONDS: Final = 1.0
_IN_PROGRESS_SECONDS: Final = 5.0
_PULL_SECONDS: Final = 2.0
_LONGEST_BACKOFF_SECONDS: Final = 60.0
# When a database or a service is away the message is not to blame: erasure promises to be
# done within 60 s of its return.
_LONGEST_OUTAGE_BACKOFF_SECONDS: Final = 15.0


class Unreadable(ValueError):
    """Raised by a handler for an event that nobody will ever be able to read."""


class SetAside(Protocol):
    """Where failures are counted, and where an event goes that cannot be handled."""

    def handle_with(self, consumer: str, handler: Callable[[bytes], Awaitable[None]]) -> None:
        """Give what is replayed of ``consumer`` to ``handler``."""
        ...

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
        """Count a failure; whether the event is set aside for good, which is then committed."""
        ...

    async def forget(self, letter_id: UUID) -> None:
        """Note that the event was handled after all."""
        ...


class Consumer(Component):
    """Hands each message of ``durable`` to ``handler``, one at a time, until it has returned.

    ``durable`` names the consumer on the server, which the owner of the stream makes: processes
    with the same one share its messages, and a new one begins with the oldest message of the
    stream. While it does not exist, this one waits; the log has that once, and its end, but
    nothing in the first ``patience`` seconds by ``clock``. A message is acknowledged when the
    handler returns; when it raises, the message comes again after 1 s, doubling to 60 s (15 s
    while something is merely unavailable). An event that cannot be read (Unreadable), or that
    goes on to fail, goes to ``dead_letters``, is acknowledged when it is safe there, and keeps no
    other waiting; an outage is never held against an event, but a statement that the database
    gave up is. Without ``dead_letters`` it comes again without end. A handler may take its time:
    the server is told every ``in_progress`` seconds that it is still at work; if the process dies, the
    message goes to another behind the ``ack_wait`` of the stream's owner, which is 15 s.
    """

    def __init__(
        self,
        js: JetStream,
        *,
        durable: str,
        handler: Callable[[bytes], Awaitable[None]],
        dead_letters: SetAside | None = None,
        in_progress: float = _IN_PROGRESS_SECONDS,
        patience: float = START_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jetstream = js
        self._durable = durable
        self._handler = handler
        self._dead_letters = dead_letters
        self._in_progress = in_progress
        if dead_letters is not None:
            dead_letters.handle_with(durable, handler)
        self._handled = _HANDLED.labels(durable)
        self._failed = _FAILED.labels(durable)
        self._reach = Reach(
            "events.waiting", "events.found", patience=patience, clock=clock, durable=durable
        )
        self._last_trouble = ""
        self._task: asyncio.Task[None] | None = None
        self._draining = False
        self._handling = False

    async def start(self) -> None:
        """Begin to consume; returns at once."""
        self._draining = False
        self._task = asyncio.create_task(self._consume(), name=f"consumer {self._durable}")

    async def drain(self) -> None:
        """Take no more; return when the handler at work has returned."""
        self._draining = True
        if self._task is not None:
            if self._handling:
                await asyncio.wait([self._task])
            else:
                await end_task(self._task)

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def _consume(self) -> None:
        while not self._draining:
            await self._jetstream.wait_ready()
            try:
                subscription = await self._jetstream.pull(self._durable)
                await self._pull(subscription)
            except js_errors.ServiceUnavailableError:
                # Nobody answers: the consumer has gone, or its owner has not made it yet.
                self._reach.failed()
                self._jetstream.look_again()
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - a consumer never ends by itself
                trouble = f"{type(error).__name__}: {error}"
                if trouble != self._last_trouble:
                    self._last_trouble = trouble
                    _log.warning("events.pull_failed", durable=self._durable, error=trouble)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _pull(self, subscription: JetStreamContext.PullSubscription) -> None:
        # A pull that the server forgot (a restart) ends with its two seconds; the next one
        # finds the consumer again, or fails because it has gone.
        try:
            while not self._draining:
                try:
                    (message,) = await subscription.fetch(1, timeout=_PULL_SECONDS)
                except nats_errors.TimeoutError:
                    # Nothing to hand out: without the consumer the answer were another.
                    self._note_fetched()
                    continue
                self._note_fetched()
                self._handling = True
                try:
                    await self._handle(message)
                finally:
                    self._handling = False
        finally:
            with suppress(nats_errors.Error):  # it may have died with its connection
                await subscription.unsubscribe()

    def _note_fetched(self) -> None:
        self._reach.succeeded()
        self._last_trouble = ""

    async def _handle(self, message: Msg) -> None:
        error = await self._work(message)
        if error is None:
            await self._note_handled(message)
            await message.ack()
            self._handled.inc()
            return
        self._failed.inc()
        if await self._set_aside(message, error):
            await message.ack()
            return
        delay = _backoff(message.metadata.num_delivered, error)
        _log.error(
            "events.handler_failed",
            durable=self._durable,
            subject=message.subject,
            deliveries=message.metadata.num_delivered,
            retry_seconds=delay,
            exc_info=error,
        )
        await message.nak(delay=delay)

    async def _set_aside(self, message: Msg, error: Exception) -> bool:
        """Whether the message is safe where a person will find it."""
        if self._dead_letters is None or _is_outage(error):
            return False
        try:
            return await self._dead_letters.note(
                self._letter_id(message),
                consumer=self._durable,
                subject=message.subject,
                payload=message.data,
                error=error,
                at_once=isinstance(error, Unreadable),
            )
        except Exception as trouble:  # noqa: BLE001 - not safe: it comes again, whatever it was
            _log.warning("events.not_set_aside", durable=self._durable, exc_info=trouble)
            return False

    async def _note_handled(self, message: Msg) -> None:
        if self._dead_letters is None or message.metadata.num_delivered == 1:
            return
        try:
            await self._dead_letters.forget(self._letter_id(message))
        except Exception as trouble:  # noqa: BLE001 - it was handled; a count that is left goes by age
            _log.warning("events.count_left", durable=self._durable, exc_info=trouble)

    def _letter_id(self, message: Msg) -> UUID:
        """The same for each delivery of a message, and of no other message."""
        place = message.metadata
        return uuid5(
            NAMESPACE_URL,
            f"{place.stream}/{place.sequence.stream}/{place.timestamp}/{self._durable}",
        )

    async def _work(self, message: Msg) -> Exception | None:
        """Run the handler to its end, telling the server meanwhile; what it raised."""
        work = asyncio.create_task(self._call(message.data))
        try:
            while not (await asyncio.wait([work], timeout=self._in_progress))[0]:
                # Without a connection the server cannot be told; at worst it delivers again.
                with suppress(nats_errors.Error):
                    await message.in_progress()
        except asyncio.CancelledError:
            await end_task(work)
            raise
        return work.result()

    async def _call(self, payload: bytes) -> Exception | None:
        try:
            await self._handler(payload)
        except Exception as error:  # noqa: BLE001 - the message comes again, whatever it was
            return error
        return None


def _backoff(deliveries: int, error: Exception) -> float:
    """Seconds until a message that was delivered so often may come again."""
    longest = _LONGEST_OUTAGE_BACKOFF_SECONDS if _is_outage(error) else _LONGEST_BACKOFF_SECONDS
    # The exponent is bounded: a float's range is not endless.
    return min(longest, 2.0 ** min(deliveries - 1, 10))


def _is_outage(error: Exception) -> bool:
    typed = error if isinstance(error, AppError) else untyped(error)
    if isinstance(typed, Unavailable):
        return typed.is_outage
    # What another process answered has a kind, and no class.
    return typed.kind is Kind.UNAVAILABLE
