"""The watch that keeps a process's trust true to auth-service."""

import asyncio
from collections.abc import AsyncIterable, Callable

from chassis.errors import AppError, Kind
from chassis.grpc.trust import TrustMessage, TrustStore
from chassis.one_task import OneTask
from chassis.reach import Reach
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

# A watch that says nothing for so long is dead: the other side speaks every 5 seconds, or more often.
_SILENCE_SECONDS = 30.0


class TrustFeed(OneTask):
    """Keeps a TrustStore true to auth-service's watch, for as long as the process lives.

    ``watch`` opens the stream anew at each call. While auth-service is away the store keeps
    what it knew: tokens go on being verified, and end by themselves within minutes.
    """

    def __init__(self, trust: TrustStore, watch: Callable[[], AsyncIterable[TrustMessage]]) -> None:
        super().__init__("trust-feed")
        self._trust = trust
        self._watch = watch
        self._reach = Reach("trust.watch_failed", "trust.watch_back")

    async def drain(self) -> None:
        """It goes on until it is stopped: what a drain waits for may be revoked meanwhile."""

    async def run(self) -> None:
        pause = 0.1
        while True:
            try:
                stream = aiter(self._watch())
                while True:
                    async with asyncio.timeout(_SILENCE_SECONDS):
                        message = await anext(stream)
                    self._trust.apply(message)
                    self._reach.succeeded()
                    pause = 0.1
            except StopAsyncIteration:
                _log.debug("trust.watch_ended")
            except Exception as error:  # noqa: BLE001 - whatever it was, the watch is opened again
                self._note(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _note(self, error: Exception) -> None:
        if not isinstance(error, AppError):
            self._reach.failed(type(error).__name__)
        elif error.kind is Kind.UNAVAILABLE:
            # That auth-service is away is told of by the channel to it.
            _log.debug("trust.watch_waits", reason=error.reason)
        else:
            self._reach.failed(error.reason)
