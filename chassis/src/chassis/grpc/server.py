"""A gRPC server with everything every call needs, done once.

In this order for each call: request id and trace context, the caller's certificate against the
method's allow-list, the user's token, the deadline, the idempotency key, then the handler; errors become statuses,
and what is not one of ours becomes a bare INTERNAL whose text stays in the log.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import grpc.aio
from prometheus_client import Counter, Histogram

from chassis.errors import AppError, Forbidden, Kind, Unauthenticated, untyped
from chassis.grpc.caller import TokenVerifier, set_caller
from chassis.grpc.client import MAX_MESSAGE_BYTES, WINDOW
from chassis.grpc.credentials import read_credentials
from chassis.grpc.deadline import set_deadline
from chassis.grpc.errors import keep_hang_ups_from_the_log, to_status
from chassis.grpc.keepalive import Keepalive
from chassis.idempotency import METADATA_KEY, idempotency_key, parse_idempotency_key
from chassis.listening import listen
from chassis.service import Component
from chassis.settings import GrpcServerSettings
from chassis.telemetry.context import (
    REQUEST_ID_HEADER,
    TRACEPARENT_HEADER,
    accept_request_id,
    accept_traceparent,
    request_id,
    traceparent,
)
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

# Streams of a client that froze hold what they hold until then.
_KEEPALIVE = Keepalive(idle=30.0, answer=10.0)

_HANDLED = Counter(
    "grpc_server_handled_total", "Calls ended, by method and status.", ["method", "code"]
)
_SECONDS = Histogram(
    "grpc_server_handling_seconds",
    "Time from the start of a call with one answer to its end.",
    ["method"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


@dataclass(frozen=True, slots=True)
class Method:
    """Which services may call a method, whether it needs a user's token, and whether one that has
    been outlived will do.
    """

    callers: frozenset[str]
    open: bool
    outlived: bool


def allow(
    *callers: str,
    open: bool = False,  # noqa: A002 - reads as a sentence
    outlived: bool = False,
) -> Method:
    """A method for these services.

    ``open``: without a user's token. ``outlived``: what it does was begun, perhaps long ago, by a
    request whose token its caller has verified: it may have expired since; see TokenVerifier.
    """
    return Method(frozenset(callers), open, outlived)


class GrpcServer(Component):
    """Serves what ``register`` adds, each method under its entry in ``policy``.

    ``policy`` maps service name (``parley.notes.v1.NotesService``) to method name to Method.
    A registered method without an entry, or an entry without a method, refuses to start. A client that has
    fallen silent is given up behind the time that ``keepalive`` gives it, and its calls end.
    """

    def __init__(
        self,
        *,
        settings: GrpcServerSettings,
        policy: Mapping[str, Mapping[str, Method]],
        register: Callable[[grpc.aio.Server], None],
        verifier: TokenVerifier,
        keepalive: Keepalive = _KEEPALIVE,
    ) -> None:
        self._settings = settings
        self._keepalive = keepalive
        self._policy = {
            f"/{service}/{name}": method
            for service, methods in policy.items()
            for name, method in methods.items()
        }
        self._register = register
        self._verifier = verifier
        self._server: grpc.aio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        settings = self._settings
        keep_hang_ups_from_the_log()
        server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                *WINDOW,
                # However often clients ping: by gRPC's default whoever does so within 5 minutes is sent away.
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
                ("grpc.http2.max_ping_strikes", 0),
                *self._keepalive.options(),
                # A client whose connections are well never looks for other addresses: it does so
                # when one of them is to be made anew. There is no end to the grace in which what
                # is under way on the old one ends by itself.
                ("grpc.max_connection_age_ms", round(settings.grpc_connection_age_seconds * 1000)),
            ],
        )
        registrations = _Registrations()
        self._register(registrations)  # type: ignore[arg-type]  # the part of Server that is used
        if registrations.methods != self._policy.keys():
            different = sorted(registrations.methods ^ self._policy.keys())
            raise RuntimeError(f"methods and policy differ: {', '.join(different)}")
        guard = _Guard(self._policy, self._verifier)
        # Not as registered methods: for each of these a task would wait for its next call, and each call would look
        # at all of them.
        server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(service, handlers)
                for service, handlers in registrations.guarded(guard).items()
            ]
        )
        files = read_credentials(settings)
        credentials = grpc.ssl_server_credentials(
            [(files.key, files.certificate)],
            root_certificates=files.authority,
            require_client_auth=True,
        )
        # gRPC does not tell what is wrong with an address; a socket of our own does.
        listen(settings, "grpc_host", "grpc_port", backlog=1).close()
        host = f"[{settings.grpc_host}]" if ":" in settings.grpc_host else settings.grpc_host
        self.port = server.add_secure_port(f"{host}:{settings.grpc_port}", credentials)
        await server.start()
        self._server = server
        _log.info("grpc.listening", port=self.port)

    async def drain(self) -> None:
        """Refuse new calls; return when those under way have ended."""
        if self._server is not None:
            await self._server.stop(self._settings.drain_seconds)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None


class _Registrations:
    """What generated code registers, to be served behind a guard and in no other way."""

    def __init__(self) -> None:
        self._services: dict[str, Mapping[str, Any]] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """The same handlers once more: nothing is served by these, which nobody guards."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self._services[service] = handlers

    @property
    def methods(self) -> set[str]:
        """``/service/method`` of each."""
        return {f"/{service}/{name}" for service, some in self._services.items() for name in some}

    def guarded(self, guard: "_Guard") -> Mapping[str, dict[str, Any]]:
        """The handlers by service and method, each behind ``guard``."""
        return {
            service: {name: guard.wrap(f"/{service}/{name}", one) for name, one in some.items()}
            for service, some in self._services.items()
        }


Unary = Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]
Stream = Callable[[Any, grpc.aio.ServicerContext[Any, Any]], AsyncIterator[Any]]


class _Guard:
    """What every call passes before its handler.

    It wraps the handlers where they are registered. As an interceptor of gRPC's it would be asked for
    each call, by a coroutine and a closure that hold each other until the garbage collector comes.
    """

    def __init__(self, policy: Mapping[str, Method], verifier: TokenVerifier) -> None:
        self._policy = policy
        self._verifier = verifier

    def wrap(self, method: str, handler: Any) -> Any:
        """The handler of ``method``, ``/service/name``, guarded."""
        policy = self._policy[method]
        if handler.request_streaming and handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._stream(method, policy, handler.stream_stream),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(
                self._unary(method, policy, handler.stream_unary),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(method, policy, handler.unary_stream),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(method, policy, handler.unary_unary),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _unary(self, method: str, policy: Method, behavior: Unary) -> Unary:
        seconds = _SECONDS.labels(method)
        succeeded = _HANDLED.labels(method, "OK")

        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            began = time.perf_counter()
            try:
                await self._admit(policy, context)
                answer = await behavior(request, context)
            except asyncio.CancelledError:
                _HANDLED.labels(method, "CANCELLED").inc()
                raise
            except Exception as error:  # noqa: BLE001 - the one place where errors become statuses
                await _abort(method, error, context)
            finally:
                seconds.observe(time.perf_counter() - began)
            succeeded.inc()
            return answer

        return handle

    def _stream(self, method: str, policy: Method, behavior: Stream) -> Stream:
        succeeded = _HANDLED.labels(method, "OK")

        async def handle(
            request: Any, context: grpc.aio.ServicerContext[Any, Any]
        ) -> AsyncIterator[Any]:
            try:
                await self._admit(policy, context)
                async for answer in behavior(request, context):
                    yield answer
            except (asyncio.CancelledError, GeneratorExit):
                _HANDLED.labels(method, "CANCELLED").inc()
                raise
            except Exception as error:  # noqa: BLE001 - see _unary
                await _abort(method, error, context)
            succeeded.inc()

        return handle

    async def _admit(self, policy: Method, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        metadata: dict[str, Any] = dict(context.invocation_metadata() or ())
        request_id.set(accept_request_id(metadata.get(REQUEST_ID_HEADER)))
        traceparent.set(accept_traceparent(metadata.get(TRACEPARENT_HEADER)))
        identities = context.peer_identities() or ()
        if not any(identity.decode() in policy.callers for identity in identities):
            raise Forbidden()
        if not policy.open:
            scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
            if scheme != "Bearer" or not token:
                raise Unauthenticated()
            await self._verifier.wait_for_keys()
            set_caller(self._verifier.verify(token, outlived=policy.outlived))
        set_deadline(context.time_remaining())
        idempotency_key.set(parse_idempotency_key(metadata.get(METADATA_KEY)))


async def _abort(
    method: str, error: Exception, context: grpc.aio.ServicerContext[Any, Any]
) -> NoReturn:
    if not isinstance(error, AppError):
        _log.error("grpc.unhandled", method=method, exc_info=error)
        error = untyped(error)
    elif error.kind in (Kind.INTERNAL, Kind.UNAVAILABLE):
        _log.warning("grpc.failed", method=method, reason=error.reason, exc_info=error)
    _HANDLED.labels(method, error.kind.grpc_status).inc()
    await context.abort_with_status(to_status(error))
    raise AssertionError("abort_with_status returned")
