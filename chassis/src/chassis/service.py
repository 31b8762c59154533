"""The life of a service: start, ready, SIGTERM, drain, close.

Components start in the order given and stop in the reverse one. SIGTERM or SIGINT flips
readiness, drains every component at once (``drain_seconds`` at most), closes them, and the
process exits 0. A second signal exits at once with 1.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from chassis.component import Component
from chassis.hangups import ignore_hangups
from chassis.health import Check, HealthBook, OpsServer
from chassis.settings import UNUSABLE_STATUS, ServiceSettings, UnusableSetting
from chassis.telemetry.logging import configure_logging, get_logger, log_the_uncaught

__all__ = ["Component", "Service"]

_log = get_logger(__name__)

_STOP_SECONDS = 2.0
# How long a thread that computes keeps the interpreter from the event loop, each time the loop has waited for something,
# which it does several times in a request: with Python's own 5 ms a long text that is searched in a thread holds up everybody.
_SWITCH_SECONDS = 0.0005


class Service:
    """A named set of components behind one process."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        *,
        components: Sequence[Component],
        checks: Sequence[Check] = (),
    ) -> None:
        self.name = name
        self._settings = settings
        self.components: Final = tuple(components)
        self._started: list[Component] = []
        self._book = HealthBook(checks)
        self._ops = OpsServer(self._book, settings)

    @property
    def metrics_port(self) -> int:
        """Port of probes and metrics, once started."""
        return self._ops.port

    async def start(self) -> None:
        """Start everything; when one part cannot, stop what was started and raise its error."""
        await self._ops.start()
        try:
            for component in self.components:
                self._started.append(component)
                await component.start()
        except BaseException:
            await self.stop()
            raise
        self._book.serving = True

    async def stop(self) -> None:
        """Drain, then close. Errors of one part are logged and do not keep the others."""
        self._book.serving = False
        started = list(reversed(self._started))
        self._started.clear()
        await asyncio.gather(*(self._drain(component) for component in started))
        for component in started:
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await component.stop()
            except Exception as error:  # noqa: BLE001 - the other components must be stopped too
                _log.error(
                    "service.stop_failed", component=type(component).__name__, exc_info=error
                )
        await self._ops.stop()

    async def _drain(self, component: Component) -> None:
        try:
            async with asyncio.timeout(self._settings.drain_seconds):
                await component.drain()
        except TimeoutError:
            _log.warning("service.drain_cut_short", component=type(component).__name__)
        except Exception as error:  # noqa: BLE001 - see stop
            _log.error("service.drain_failed", component=type(component).__name__, exc_info=error)

    def run(self) -> None:
        """Be the process: returns never, exits 0 after a clean stop, 1 after a failed start.

        UNUSABLE_STATUS if a setting is to blame, which a line on standard error then names.
        """
        configure_logging(self.name, self._settings.log_level)
        log_the_uncaught()
        sys.setswitchinterval(_SWITCH_SECONDS)
        if sys.platform == "win32":
            status = asyncio.run(self._main())
        else:
            import uvloop

            status = uvloop.run(self._main())
        # Nothing of ours is left to do: what a library's idle thread waits for is not ours.
        sys.stdout.flush()
        os._exit(status)

    async def _main(self) -> int:
        stopping = asyncio.Event()

        def on_signal() -> None:
            if stopping.is_set():
                os._exit(1)
            stopping.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, on_signal)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))
        ignore_hangups()
        try:
            await self.start()
        except UnusableSetting as error:
            print(error, file=sys.stderr, flush=True)
            return UNUSABLE_STATUS
        except Exception as error:  # noqa: BLE001 - said once, with its stack, then the end
            _log.critical("service.start_failed", exc_info=error)
            return 1
        # What start-up made lives as long as the process: the collector need not walk it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        # A command line turns it off before it loads the service.
        gc.enable()
        _log.info("service.started", metrics_port=self.metrics_port)
        await stopping.wait()
        _log.info("service.stopping")
        await self.stop()
        _log.info("service.stopped")
        return 0
