"""Replicas that come and go while their clients are connected."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from chassis.errors import AppError, Kind
from chassis.grpc import client, server
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import MAX_MESSAGE_BYTES, Channel
from chassis.grpc.errors import PeerGone
from chassis.grpc.keepalive import Keepalive
from chassis.grpc.server import GrpcServer, allow
from chassis.settings import GrpcServerSettings
from chassis.tasks import end_task
from chassis.testing import NameServer, Signer, TlsSettings, eventually

SERVICE = "parley.test.v1.TestService"
NAME = "notes-service"
AGE_SECONDS = 0.5
# Ages of a connection that a stream is to outlive.
AGES = 4
# A process that is well answers a ping within so long on a busy machine; gRPC's own patience is a minute.
SHORT = Keepalive(idle=0.2, answer=3.0)


class Handlers:
    """What one replica does: it counts its calls, and streams until it is told to stop."""

    def __init__(self) -> None:
        self.calls = 0
        self.end = asyncio.Event()
        self.left = asyncio.Event()
        self.peers: set[str] = set()

    async def Call(self, request: StringValue, context: Any) -> StringValue:
        self.calls += 1
        self.peers.add(context.peer())
        return request

    async def Stream(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        try:
            yield StringValue(value="first")
            await self.end.wait()
            yield StringValue(value="last")
        finally:
            self.left.set()

    def register(self, server: grpc.aio.Server) -> None:
        decode, encode = StringValue.FromString, StringValue.SerializeToString
        methods: dict[str, Any] = {
            "Call": grpc.unary_unary_rpc_method_handler(self.Call, decode, encode),
            "Stream": grpc.unary_stream_rpc_method_handler(self.Stream, decode, encode),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        server.add_registered_method_handlers(SERVICE, methods)


class Line:
    """What is said to a server goes through, until it is silent: then nothing does, and nobody is told.

    So it is with a process that has stopped: its kernel goes on taking connections and what is sent.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._ends: set[asyncio.Task[None]] = set()

    def fall_silent(self) -> None:
        self._open.clear()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        back, there = await asyncio.open_connection("127.0.0.1", self._port)
        for source, sink in ((reader, there), (back, writer)):
            end = asyncio.create_task(self._pump(source, sink))
            self._ends.add(end)
            end.add_done_callback(self._ends.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while said := await source.read(65536):
                await self._open.wait()
                sink.write(said)
                await sink.drain()
        except OSError:
            pass  # one side is gone: so is the other
        finally:
            sink.transport.abort()

    async def close(self, listening: asyncio.Server) -> None:
        listening.close()
        self._open.set()
        for end in list(self._ends):
            await end_task(end)


class Replicas:
    """Starts replicas of a service on one port, each at an address of its own."""

    def __init__(
        self, stack: AsyncExitStack, names: NameServer, tls_settings: TlsSettings, signer: Signer
    ) -> None:
        self._stack = stack
        self._tls_settings = tls_settings
        self._signer = signer
        self.names = names
        self.port = 0

    async def add(
        self,
        address: str,
        *,
        named: bool = True,
        age: float = AGE_SECONDS,
        port: int | None = None,
        **other: Any,
    ) -> tuple[Handlers, GrpcServer]:
        handlers = Handlers()
        server = GrpcServer(
            settings=GrpcServerSettings(
                **self._tls_settings(NAME),
                grpc_host=address,
                grpc_port=self.port if port is None else port,
                grpc_connection_age_seconds=age,
                drain_seconds=10,
            ),
            policy={
                SERVICE: {name: allow("gateway", open=True) for name in ("Call", "Stream")},
            },
            register=handlers.register,
            verifier=TokenVerifier(self._signer.trust),
            **other,
        )
        await server.start()
        self._stack.push_async_callback(server.stop)
        if port is None:
            self.port = server.port
        if named:
            self.names.addresses[NAME].append(address)
        return handlers, server

    async def add_behind_a_line(self, address: str, **other: Any) -> tuple[Handlers, "Line"]:
        """A replica at the end of a line, which is at the address."""
        handlers, server = await self.add("127.0.0.1", named=False, age=60, port=0, **other)
        line = Line(server.port)
        listening = await asyncio.start_server(line.accept, address, self.port)
        self.port = listening.sockets[0].getsockname()[1]
        self._stack.push_async_callback(line.close, listening)
        self.names.addresses[NAME].append(address)
        return handlers, line

    async def connect(self, **other: Any) -> Channel:
        channel = Channel(
            target=self.names.target(NAME, self.port),
            server=NAME,
            settings=GrpcServerSettings(**self._tls_settings("gateway")),
            **other,
        )
        await channel.start()
        self._stack.push_async_callback(channel.stop)
        return channel


@pytest.fixture
def names() -> Iterator[NameServer]:
    names = NameServer({NAME: []})
    yield names
    names.close()


@pytest.fixture
async def replicas(
    names: NameServer, tls_settings: TlsSettings, signer: Signer
) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:
        yield Replicas(stack, names, tls_settings, signer)


async def call(channel: Channel, *, within: float = 30) -> None:
    """Once, as what has an effect is called: a failure is not covered up by another try."""
    method: Any = channel.channel.unary_unary(
        f"/{SERVICE}/Call",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
    await channel.unary(method, StringValue(value="x"), timeout=within)


async def read_to_end(stream: AsyncGenerator[Any, None]) -> None:
    async for _ in stream:
        pass


async def call_until_it_is_taken(channel: Channel) -> None:
    """Calls again while it is refused by a replica that goes; any other error is raised."""
    while True:
        try:
            return await call(channel)
        except AppError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise


class OpenStream:
    """A stream that has begun."""

    def __init__(self, channel: Any) -> None:
        method = channel.unary_stream(
            f"/{SERVICE}/Stream",
            request_serializer=StringValue.SerializeToString,
            response_deserializer=StringValue.FromString,
        )
        self._call = method(StringValue())

    async def begun(self) -> "OpenStream":
        async with asyncio.timeout(60):
            assert (await self._call.read()).value == "first"
        return self

    async def ends_well(self) -> None:
        async with asyncio.timeout(60):
            assert (await self._call.read()).value == "last"
            assert await self._call.read() is grpc.aio.EOF
            assert await self._call.code() is grpc.StatusCode.OK


async def test_a_replica_that_is_added_gets_calls_and_no_stream_is_cut(replicas: Replicas) -> None:
    first, _ = await replicas.add("127.0.0.1")
    channel = await replicas.connect()
    stream = await OpenStream(channel.channel).begun()
    await call(channel)
    second, _ = await replicas.add("127.0.0.2")

    async def has_its_turn() -> bool:
        await call(channel)
        return second.calls > 0

    await eventually(has_its_turn, timeout=30)
    before = first.calls, second.calls
    for _ in range(40):
        await call(channel)
    assert min(first.calls - before[0], second.calls - before[1]) >= 10
    first.end.set()
    await stream.ends_well()


async def test_calls_and_streams_outlive_the_connections_they_are_on(replicas: Replicas) -> None:
    handlers, _ = await replicas.add("127.0.0.1")
    channel = await replicas.connect()
    stream = await OpenStream(channel.channel).begun()

    async def many_connections() -> bool:
        await call(channel)
        return len(handlers.peers) > AGES

    await eventually(many_connections, timeout=30)
    handlers.end.set()
    await stream.ends_well()


@pytest.mark.slow
async def test_no_call_fails_because_its_connection_is_too_old(replicas: Replicas) -> None:
    handlers, _ = await replicas.add("127.0.0.1", age=0.1)
    channel = await replicas.connect()
    made = 0

    async def keep_calling() -> None:
        nonlocal made
        while len(handlers.peers) < 60:
            await call(channel)
            made += 1

    async with asyncio.timeout(60), asyncio.TaskGroup() as callers:
        for _ in range(20):
            callers.create_task(keep_calling())
    assert handlers.calls == made


async def test_a_replica_whose_name_is_taken_away_ends_what_it_has_begun(
    replicas: Replicas,
) -> None:
    first, _ = await replicas.add("127.0.0.1")
    channel = await replicas.connect()
    stream = await OpenStream(channel.channel).begun()
    second, _ = await replicas.add("127.0.0.2")
    replicas.names.addresses[NAME] = ["127.0.0.2"]

    async def has_no_turn() -> bool:
        before = first.calls
        for _ in range(4):
            await call(channel)
        return first.calls == before

    await eventually(has_no_turn, timeout=30)
    assert second.calls >= 4
    first.end.set()
    await stream.ends_well()


async def test_a_replica_that_drains_gets_no_calls_and_ends_what_it_has_begun(
    replicas: Replicas,
) -> None:
    first, going = await replicas.add("127.0.0.1", age=60)
    second, _ = await replicas.add("127.0.0.2", age=60)
    channel = await replicas.connect()

    async def both_have_their_turn() -> bool:
        await call(channel)
        return bool(first.calls and second.calls)

    await eventually(both_have_their_turn)
    streams = [await OpenStream(channel.channel).begun() for _ in range(4)]
    draining = asyncio.create_task(going.drain())

    async def has_no_turn() -> bool:
        before = first.calls
        for _ in range(4):
            await call_until_it_is_taken(channel)
        return first.calls == before

    await eventually(has_no_turn)
    assert not draining.done()
    first.end.set()
    second.end.set()
    for stream in streams:
        await stream.ends_well()
    await draining


async def test_a_replica_that_falls_silent_has_no_turn_and_its_streams_end(
    replicas: Replicas,
) -> None:
    well, _ = await replicas.add("127.0.0.1", age=60)
    silent, line = await replicas.add_behind_a_line("127.0.0.2")
    channel = await replicas.connect(keepalive=SHORT)

    async def both_have_their_turn() -> bool:
        await call(channel)
        return bool(well.calls and silent.calls)

    await eventually(both_have_their_turn)
    # By turns: two of them are on the line.
    method: Any = channel.channel.unary_stream(f"/{SERVICE}/Stream")
    streams = [channel.stream(method, b"") for _ in range(4)]
    for stream in streams:
        await anext(stream)
    line.fall_silent()
    well.end.set()
    silent.end.set()
    async with asyncio.timeout(30):
        ends = await asyncio.gather(*map(read_to_end, streams), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["NoneType"] * 2 + [PeerGone.__name__] * 2

    async def has_no_turn() -> bool:
        for _ in range(8):
            await call(channel, within=2)
        return True

    before = silent.calls
    await eventually(has_no_turn, ignoring=(AppError,))
    assert silent.calls == before


async def test_a_silence_is_looked_for_as_often_as_is_said_whatever_is_sent_between(
    tls_settings: TlsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, Any]] = []
    open_channel = grpc.aio.secure_channel

    def noted(target: str, credentials: Any, *, options: Any) -> Any:
        opened.extend(options)
        return open_channel(target, credentials, options=options)

    monkeypatch.setattr(grpc.aio, "secure_channel", noted)
    settings = GrpcServerSettings(**tls_settings("gateway"))
    channel = Channel(target="127.0.0.1:1", server=NAME, settings=settings)
    await channel.start()
    await channel.stop()
    # Left to itself gRPC sends two of these pings, and then none until there is something to say.
    assert ("grpc.http2.max_pings_without_data", 0) in opened


def test_a_silence_is_noticed_in_time_by_clients_and_by_servers() -> None:
    # A run is taken over within 30 s of the end of its replica, and its readers are to be there by then.
    assert client._KEEPALIVE.idle + client._KEEPALIVE.answer <= 10
    assert server._KEEPALIVE.idle + server._KEEPALIVE.answer <= 40


async def test_of_a_client_that_falls_silent_no_stream_is_kept(replicas: Replicas) -> None:
    brief = Keepalive(idle=0.2, answer=1.0)
    handlers, line = await replicas.add_behind_a_line("127.0.0.1", keepalive=brief)
    # Its end of the line is not to be the one that gives up.
    channel = await replicas.connect(keepalive=Keepalive(idle=600.0, answer=600.0))
    method: Any = channel.channel.unary_stream(f"/{SERVICE}/Stream")
    async with aclosing(channel.stream(method, b"")) as stream:
        await anext(stream)
        line.fall_silent()
        async with asyncio.timeout(30):
            await handlers.left.wait()


async def test_without_a_name_server_the_addresses_that_are_known_stay(
    replicas: Replicas, names: NameServer
) -> None:
    handlers, _ = await replicas.add("127.0.0.1")
    channel = await replicas.connect()
    await call(channel)
    names.addresses.clear()

    async def asked_in_vain() -> bool:
        await call(channel)
        return len(handlers.peers) > AGES

    await eventually(asked_in_vain, timeout=30)


async def test_a_client_that_pings_often_on_an_aged_connection_is_not_sent_away(
    replicas: Replicas, tls_settings: TlsSettings
) -> None:
    handlers, _ = await replicas.add("127.0.0.1")
    files = tls_settings("gateway")
    credentials = grpc.ssl_channel_credentials(
        files["tls_ca_file"].read_bytes(),
        files["tls_key_file"].read_bytes(),
        files["tls_cert_file"].read_bytes(),
    )
    options = [
        ("grpc.ssl_target_name_override", NAME),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        # Forty times as often as our own clients do: gRPC's servers bear two such pings by default.
        ("grpc.keepalive_time_ms", 500),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    async with grpc.aio.secure_channel(
        f"127.0.0.1:{replicas.port}", credentials, options=options
    ) as channel:
        stream = await OpenStream(channel).begun()
        # Nothing tells how many pings have come: eight have their time, however few come.
        await asyncio.sleep(4)
        handlers.end.set()
        await stream.ends_well()
