"""A channel to one service: mutual TLS, deadlines, context passed on, typed errors back."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import grpc
import grpc.aio

from chassis.component import Component
from chassis.errors import AppError, Kind
from chassis.grpc.caller import caller_token
from chassis.grpc.credentials import read_credentials
from chassis.grpc.deadline import within_deadline
from chassis.grpc.errors import PeerGone, from_rpc_error
from chassis.grpc.keepalive import Keepalive
from chassis.grpc.steps import InTime, within, write
from chassis.idempotency import METADATA_KEY
from chassis.reach import START_SECONDS, Reach
from chassis.settings import ServiceSettings
from chassis.telemetry.context import REQUEST_ID_HEADER, TRACEPARENT_HEADER, request_id, traceparent

Request = TypeVar("Request")
Response = TypeVar("Response")
Stub = TypeVar("Stub")

_ATTEMPTS = 3
_FIRST_PAUSE = 0.05

# Of two replicas one that froze keeps every other call waiting until then.
_KEEPALIVE = Keepalive(idle=5.0, answer=5.0)

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
#: So much of a stream may be on its way, and in memory where it arrives. Left to itself gRPC lets it grow
#: with the line to tens of megabytes.
WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 64 * 1024))


class Channel(Component):
    """The way to one service, wherever ``target`` is: host:port, or any other name of gRPC's.

    Calls take turns among all the addresses that it has, as many as can be reached; a new address
    has its turn once a connection to one of the others is as old as its server lets it become. One
    that has fallen silent has none any more behind the time that ``keepalive`` gives it.
    ``server`` is the name that their certificates must bear.
    """

    def __init__(
        self,
        *,
        target: str,
        server: str,
        settings: ServiceSettings,
        patience: float = START_SECONDS,
        keepalive: Keepalive = _KEEPALIVE,
    ) -> None:
        self._target = target
        self._keepalive = keepalive
        self._server = server
        self._settings = settings
        self._reach = Reach("peer.away", "peer.back", patience=patience, peer=server)
        self._channel: grpc.aio.Channel | None = None
        self._stubs: dict[object, object] = {}

    @property
    def channel(self) -> grpc.aio.Channel:
        """The open channel; raises RuntimeError before ``start``."""
        if self._channel is None:
            raise RuntimeError(f"the channel to {self._server} has not been started")
        return self._channel

    async def start(self) -> None:
        credentials = read_credentials(self._settings)
        self._channel = grpc.aio.secure_channel(
            self._target,
            grpc.ssl_channel_credentials(
                root_certificates=credentials.authority,
                private_key=credentials.key,
                certificate_chain=credentials.certificate,
            ),
            options=[
                ("grpc.ssl_target_name_override", self._server),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                *WINDOW,
                *self._keepalive.options(),
                # As often as that, whatever is sent between: our servers allow it.
                ("grpc.http2.max_pings_without_data", 0),
                # Back within a second of a restart, not after gRPC's default of up to 120 s.
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 1_000),
                ("grpc.max_reconnect_backoff_ms", 1_000),
                # There is no policy by which gRPC would call again. Without this it would not even
                # do so where the call never left, because its connection had become too old.
                ("grpc.enable_retries", 1),
                ("grpc.enable_http_proxy", 0),
                ("grpc.lb_policy_name", "round_robin"),
                # A name is asked about whenever a connection is to be made anew, which servers see
                # to; gRPC's default keeps what it was told for 30 s.
                ("grpc.dns_min_time_between_resolutions_ms", 1_000),
                # A write of one small frame must not wait for a second one.
                ("grpc.http2.write_buffer_size", 1024 * 1024),
            ],
        )

    async def stop(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
            self._stubs.clear()

    def stub(self, factory: Callable[[grpc.aio.Channel], Stub]) -> Stub:
        """``factory(channel)``, made once."""
        stub = self._stubs.get(factory)
        if stub is None:
            stub = self._stubs[factory] = factory(self.channel)
        return stub  # type: ignore[return-value]  # what this factory made

    def metadata(
        self, token: str | None = None, idempotency_key: str | None = None
    ) -> tuple[tuple[str, str], ...]:
        """What travels with a call: request id, trace context, the user's token, a key."""
        metadata = [
            (REQUEST_ID_HEADER, request_id.get()),
            (TRACEPARENT_HEADER, traceparent.get()),
        ]
        if token := token or caller_token():
            metadata.append(("authorization", f"Bearer {token}"))
        if idempotency_key is not None:
            metadata.append((METADATA_KEY, idempotency_key))
        return tuple(metadata)

    async def unary(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        timeout: float,
        idempotent: bool = False,
        token: str | None = None,
        idempotency_key: str | None = None,
    ) -> Response:
        """Call ``method`` and return its answer within ``timeout`` seconds.

        ``token`` speaks for another user than the call being served does. An idempotent call
        is tried up to three times within that time while the other side is unavailable. ``idempotency_key``
        has 1–255 visible ASCII characters. Raises AppError.
        """
        metadata = self.metadata(token, idempotency_key)
        loop = asyncio.get_running_loop()
        left = within_deadline(timeout)
        ends = loop.time() + left
        attempt = 1
        while True:
            try:
                answer = await method(request, metadata=metadata, timeout=left)
            except grpc.aio.AioRpcError as error:
                problem = self._problem(error)
                try:
                    if not (
                        idempotent and problem.kind is Kind.UNAVAILABLE and attempt < _ATTEMPTS
                    ):
                        raise problem from None
                    jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret, only out of step
                    pause = _FIRST_PAUSE * 2**attempt * jitter
                    # All attempts have the one time that the caller waits.
                    left = ends - loop.time() - pause
                    if left <= 0:
                        raise problem from None
                finally:
                    # Its traceback has this frame and all callers': else they would be a circle.
                    del problem
            else:
                self._reach.succeeded()
                return answer
            await asyncio.sleep(pause)
            attempt += 1

    def stream(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        *,
        token: str | None = None,
        silence: float | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncGenerator[Response, None]:
        """The answers of a server stream; leaving the iteration cancels the call.

        ``silence`` is how long each of them may take to come, seconds. Use it under ``contextlib.aclosing``.
        Raises AppError.
        """
        metadata = self.metadata(token, idempotency_key)
        return self._answers(lambda: method(request, metadata=metadata), silence)

    def exchange(
        self,
        method: grpc.aio.StreamStreamMultiCallable[Request, Response],
        requests: AsyncIterator[Request],
    ) -> AsyncGenerator[Response, None]:
        """The answers of a stream of requests, which is read on its own; as :meth:`stream`."""
        metadata = self.metadata()
        return self._answers(lambda: method(requests, metadata=metadata))

    async def send(
        self,
        method: grpc.aio.StreamUnaryMultiCallable[Request, Response],
        requests: AsyncGenerator[Request, None],
        *,
        token: str | None = None,
        idempotency_key: str | None = None,
        silence: float | None = None,
        timeout: float | None = None,
    ) -> Response:
        """The one answer to a stream of requests, of which the next is asked for when there is room.

        There is room for each within ``silence`` seconds, and an answer ``timeout`` seconds behind the last.
        ``requests`` is closed in the end, and what it raises comes out of here. The other side may answer,
        or refuse, before it has heard them all. It may take a stream that was cut for one that has ended:
        the last request is to say that it is the last. Raises AppError.
        """
        call = method(metadata=self.metadata(token, idempotency_key))
        try:
            # Not as the call's own argument: gRPC logs what an iterator raises, and tells nobody.
            async with aclosing(requests):
                async for request in requests:
                    async with within(silence):
                        if not await write(call, request):
                            break  # it has been answered: see below
                else:
                    await call.done_writing()
            async with within(timeout):
                answer = await call
        except grpc.aio.AioRpcError as error:
            raise self._problem(error) from None
        finally:
            call.cancel()
            del call  # see _problem
        self._reach.succeeded()
        return answer

    async def probe(self) -> None:
        """For a health check: raises unless the other side can be reached."""
        channel = self.channel
        while (state := channel.get_state(try_to_connect=True)) is not (
            grpc.ChannelConnectivity.READY
        ):
            if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                self._reach.failed()
            await channel.wait_for_state_change(state)
        self._reach.succeeded()

    async def _answers(
        self, begin: Callable[[], Any], silence: float | None = None
    ) -> AsyncGenerator[Any, None]:
        # Not before it is iterated: a generator that never was ends without a word.
        call = begin()
        answers = aiter(call)
        try:
            async for answer in answers if silence is None else InTime(answers, silence):
                self._reach.succeeded()
                yield answer
        except grpc.aio.AioRpcError as error:
            raise self._problem(error) from None
        finally:
            call.cancel()
            # Where it stopped half way it would keep the call.
            await answers.aclose()
            del call, answers  # see _problem

    def _problem(self, error: grpc.aio.AioRpcError) -> AppError:
        problem = from_rpc_error(error)
        # Whoever keeps the problem would keep the call, which the traceback leads to, and with it gRPC's
        # channel: that one goes on connecting, closed or not, for as long as it has a call.
        error.__traceback__ = None
        if isinstance(problem, PeerGone):
            self._reach.failed(problem.why)
        return problem
