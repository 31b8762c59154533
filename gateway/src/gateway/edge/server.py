"""The public HTTP port, as a part of the service with a life of its own."""

import asyncio
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from chassis.health import EmbeddedUvicorn
from chassis.listening import listen
from chassis.service import Component
from chassis.telemetry.logging import get_logger
from gateway.edge.bodies import Bounds
from gateway.edge.body import BodyTerms
from gateway.edge.body_memory import BodyMemory
from gateway.edge.descriptors import allow_descriptors
from gateway.edge.http_protocol import bounded_protocol
from gateway.edge.proxy import TrustedProxies
from gateway.edge.upgrades import SocketEndpoint
from gateway.settings import Settings

_log = get_logger(__name__)

# Between telling long requests to end and closing their connections.
_FAREWELL_SECONDS = 1.5


class HttpServer(Component):
    """Serves ``app``, and sockets at the door of ``sockets``. Draining closes the port and idle connections at once and waits for
    what is under way, but for sockets, which are told to come again (1012); stopping ends the
    long requests that are left.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        sockets: SocketEndpoint,
        end_long_requests: Callable[[], None],
    ) -> None:
        self._end_long_requests = end_long_requests
        self._bounds = _bounds(settings)
        self._server = EmbeddedUvicorn(
            uvicorn.Config(
                app,
                http=bounded_protocol(self._bounds, sockets),
                # The protocol above opens them itself: uvicorn's own bound neither what a
                # client does not read nor how long it may take to go.
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # Ours says whom to believe: uvicorn's believes loopback by itself.
                proxy_headers=False,
                timeout_keep_alive=settings.keep_alive_seconds,
            ),
            lambda backlog: listen(settings, "host", "port", backlog=backlog),
        )
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def held(self) -> dict[str, int]:
        """Of connections, of requests and sockets that are served, and of bodies: how much."""
        state = self._server.server_state
        return {
            "connections": len(state.connections),
            "tasks of connections": len(state.tasks),
            "bytes of bodies": self._bounds.held.total,
            "clients with bodies": self._bounds.held.clients,
        }

    async def start(self) -> None:
        allow_descriptors()
        self._serving = await self._server.start()
        self.port = self._server.port
        _log.info("http.listening", port=self.port)

    async def drain(self) -> None:
        if self._serving is not None:
            self._server.end()
            # The drain may be cut short; the server must not be.
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        if self._serving is None:
            return
        self._server.end()
        self._end_long_requests()
        done, _ = await asyncio.wait((self._serving,), timeout=_FAREWELL_SECONDS)
        if not done:
            self._server.force_exit = True
            await self._serving
        self._serving = None


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        head_limit=settings.head_limit_bytes,
        head_seconds=settings.head_seconds,
        unread_seconds=settings.unread_seconds,
        body=BodyTerms(
            most=settings.body_limit_bytes,
            seconds=settings.body_seconds,
            rate=settings.body_bytes_per_second,
            window=settings.body_window_seconds,
        ),
        held=BodyMemory(
            most=settings.body_held_bytes, most_of_client=settings.body_held_bytes_per_client
        ),
        proxies=TrustedProxies(settings.trusted_proxies),
    )
