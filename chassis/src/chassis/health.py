"""Health of a service, dependency by dependency, and the HTTP port that tells it.

``/healthz``: the process answers. ``/readyz``: 200 with ``ok`` or ``degraded``, 503 with
``down`` when a critical dependency is away or the service has not started or is draining.
``/metrics``: Prometheus. On a port of their own, never on the public one.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.listening import listen
from chassis.reach import Reach
from chassis.settings import ServiceSettings
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

# uvicorn makes the Date header anew with each tenth of its ticks, this one among them.
_EACH_SECOND = 0
_TICK_SECONDS = 1.0

_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency: ``probe`` raises when it is away.

    A critical one makes the service not ready; any other makes it ``degraded``.
    """

    name: str
    probe: Callable[[], Awaitable[None]]
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """``ok``, ``degraded`` or ``down``, and what each dependency said."""

    status: str
    checks: dict[str, str]


class HealthBook:
    """Answers for a service: not ready until told, and again from its drain on."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = tuple(checks)
        self._reach = Reach("service.not_ready", "service.ready")
        self.serving = False

    async def ask(self) -> Health:
        """Probe every dependency at once, two seconds at most each."""
        results = dict(
            zip(
                (check.name for check in self._checks),
                await asyncio.gather(*(self._probe(check) for check in self._checks)),
                strict=True,
            )
        )
        critical = {check.name for check in self._checks if check.critical}
        if not self.serving:
            return Health("down", results)
        if missing := sorted(name for name in critical if results[name] != "ok"):
            self._reach.failed(", ".join(missing))
            return Health("down", results)
        self._reach.succeeded()
        if any(result != "ok" for result in results.values()):
            return Health("degraded", results)
        return Health("ok", results)

    async def _probe(self, check: Check) -> str:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await check.probe()
        except Exception as error:  # noqa: BLE001 - whatever a probe raises is its answer
            _log.debug("health.probe_failed", check=check.name, exc_info=error)
            return "away"
        return "ok"


class OpsServer:
    """The port of probes and metrics."""

    def __init__(self, book: HealthBook, settings: ServiceSettings) -> None:
        self._book = book
        app = Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
            ]
        )
        self._server = EmbeddedUvicorn(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                ws="none",
                lifespan="off",
            ),
            lambda backlog: listen(settings, "metrics_host", "metrics_port", backlog=backlog),
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return self._server.port

    async def start(self) -> None:
        self._task = await self._server.start()

    async def stop(self) -> None:
        self._server.end()
        self._server.force_exit = True
        if self._task is not None:
            await self._task

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _readyz(self, _request: Request) -> Response:
        health = await self._book.ask()
        return JSONResponse(
            {"status": health.status, "checks": health.checks},
            status_code=503 if health.status == "down" else 200,
        )

    async def _metrics(self, _request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class EmbeddedUvicorn(uvicorn.Server):
    """A uvicorn server inside a process whose signals are somebody else's.

    ``open_socket`` makes what it listens on, given how many connections may wait there.
    """

    def __init__(self, config: uvicorn.Config, open_socket: Callable[[int], socket.socket]) -> None:
        super().__init__(config)
        self._open_socket = open_socket
        self._socket: socket.socket | None = None
        self._ending = asyncio.Event()

    async def start(self) -> asyncio.Task[None]:
        """Listen, and return the task that serves until :meth:`end`.

        Raises what ``open_socket`` raises.
        """
        self._socket = self._open_socket(self.config.backlog)
        task = asyncio.create_task(self.serve(sockets=[self._socket]), name="uvicorn")
        while not self.started:
            if task.done():
                await task
                raise OSError("the HTTP server ended before it began")
            await asyncio.sleep(0.002)
        return task

    def end(self) -> None:
        """Close the port, and end once what is under way has ended; do not wait for it."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Tick as uvicorn does, but only as often as anything comes of it, and end at once.

        Its own looks ten times a second whether it should end.
        """
        while not await self.on_tick(_EACH_SECOND):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wait for connections, as uvicorn does, where there are any."""
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        for server in self.servers:
            await server.wait_closed()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to chassis.service."""
        yield

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        if self._socket is None:
            raise RuntimeError("the HTTP server has not been started")
        return int(self._socket.getsockname()[1])
