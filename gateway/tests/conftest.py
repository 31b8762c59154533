"""The gateway as it is wired in production, on a real port, before fake services on the wire."""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import grpc.aio
import httpx
import orjson
import pytest
import pytest_asyncio
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from websockets.asyncio.client import ClientConnection, connect

from chassis.caller import Caller
from chassis.errors import AppError
from chassis.grpc.caller import TokenVerifier, current_caller
from chassis.grpc.server import GrpcServer, allow
from chassis.idempotency import idempotency_key
from chassis.settings import GrpcServerSettings
from chassis.telemetry.context import request_id, traceparent
from chassis.testing import Signer, TlsSettings, eventually, sample
from gateway.settings import Settings
from gateway.wiring import Gateway, build
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc
from parley.auth.v1 import auth_pb2, auth_pb2_grpc
from parley.chat.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    exports_pb2,
    exports_pb2_grpc,
    files_pb2,
    files_pb2_grpc,
    imports_pb2,
    imports_pb2_grpc,
    personas_pb2,
    personas_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
    shares_pb2,
    shares_pb2_grpc,
    usage_pb2,
    usage_pb2_grpc,
    user_settings_pb2,
    user_settings_pb2_grpc,
)
from parley.notes.v1 import notes_pb2, notes_pb2_grpc

OPEN_METHODS = {
    "Register",
    "LogIn",
    "Refresh",
    "ExchangeToken",
    "SendCode",
    "VerifyCode",
    "ResetPassword",
    "GetErasure",
    "WatchRevocations",
    "OpenChannel",
    "OpenShare",
    "ReadSharedFile",
}
# Of these the gateway is let in with a token that has expired meanwhile, as by chat-service.
OUTLIVED_METHODS = {"FollowRun", "GetRun", "WatchNotices"}


@dataclass(frozen=True)
class Call:
    """One call as it arrived: what was asked, for whom, under which identity of a request."""

    method: str
    request: Any
    token: str | None
    request_id: str
    traceparent: str
    idempotency_key: str | None


class Fake:
    """A service that answers each method with what the test put into ``answers``.

    An error is raised; an event is waited for, and then there is no answer, or the one beside it.
    """

    def __init__(self) -> None:
        self.answers: dict[
            str, Message | Exception | asyncio.Event | tuple[asyncio.Event, Message]
        ] = {}
        self.calls: list[Call] = []

    def note(self, method: str, request: Any) -> None:
        try:
            token = current_caller().token
        except AppError:
            token = None
        self.calls.append(
            Call(
                method,
                request,
                token,
                request_id.get(),
                traceparent.get(),
                idempotency_key.get(),
            )
        )

    def __getattr__(self, method: str) -> Callable[[Any, Any], Any]:
        if not method[0].isupper():
            raise AttributeError(method)

        async def answer(request: Any, context: object) -> Message:
            self.note(method, request)
            told = self.answers[method]
            match told:
                case Message():
                    return told
                case asyncio.Event():
                    await told.wait()
                    raise AssertionError(f"{method} was let go, and has no answer")
                case (asyncio.Event() as gate, Message() as late):
                    await gate.wait()
                    return late
                case Exception():
                    raise told
                case _:
                    raise AssertionError(told)

        return answer


class FakeAuth(Fake):
    """Publishes the tests' signing key once it may."""

    def __init__(self, signer: Signer) -> None:
        super().__init__()
        self._signer = signer
        self.may_publish = asyncio.Event()
        self.may_publish.set()
        self._revocations: asyncio.Queue[auth_pb2.Revocation] = asyncio.Queue()

    def publish(self, revocation: auth_pb2.Revocation) -> None:
        """Tell it to the gateway's watch."""
        self._revocations.put_nowait(revocation)

    async def WatchRevocations(
        self, request: auth_pb2.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        await self.may_publish.wait()
        key = auth_pb2.VerificationKey(kid=self._signer.kid, public_key=self._signer.public_key)
        yield auth_pb2.WatchRevocationsResponse(snapshot=True, keys=[key])
        while True:
            revocation = await self._revocations.get()
            yield auth_pb2.WatchRevocationsResponse(revocations=[revocation])


Step = Sequence[chat_pb2.Frame] | asyncio.Event | Exception


class FakeChannel:
    """Brings each step that is put into it: a message, an error, None for its end."""

    def __init__(self) -> None:
        self.id = "channel-1"
        self.opened = 0
        self.steps: asyncio.Queue[chat_pb2.OpenChannelResponse | Exception | None] = asyncio.Queue()
        self.unsubscribed: list[int] = []

    def bring(self, *batches: chat_pb2.Batch) -> None:
        self.steps.put_nowait(chat_pb2.OpenChannelResponse(batches=batches))

    async def note_unsubscribed(self, requests: AsyncIterator[chat_pb2.OpenChannelRequest]) -> None:
        async for request in requests:
            self.unsubscribed += request.unsubscribe


class FakeNotices:
    """The notices of each user, from number 1 of log 7, and who watches them."""

    def __init__(self) -> None:
        self.log = 7
        self.told: dict[str, list[bytes]] = {}
        self.watching: list[
            tuple[str, asyncio.Queue[chat_pb2.WatchNoticesResponse | Exception]]
        ] = []

    def _of(self, user: str) -> list[bytes]:
        return self.told.setdefault(user, [b""])

    def look(self, user: str, after: str | None) -> chat_pb2.WatchNoticesResponse:
        told = self._of(user)
        newest = f"{self.log}-{len(told)}"
        log, _, number = (after or newest).partition("-")
        if log != str(self.log):
            return chat_pb2.WatchNoticesResponse(cursor=newest, read_again=True)
        missed = [self._notice(user, n) for n in range(int(number) + 1, len(told) + 1)]
        return chat_pb2.WatchNoticesResponse(cursor=newest, notices=missed)

    def _notice(self, user: str, number: int) -> chat_pb2.Notice:
        return chat_pb2.Notice(cursor=f"{self.log}-{number}", data=self._of(user)[number - 1])

    def tell(self, user: object, **facts: Any) -> None:
        told = self._of(str(user))
        told.append(orjson.dumps(facts))
        notice = self._notice(str(user), len(told))
        for watched, queue in self.watching:
            if watched == str(user):
                queue.put_nowait(
                    chat_pb2.WatchNoticesResponse(cursor=notice.cursor, notices=[notice])
                )

    def end(self, error: Exception) -> None:
        """Every stream breaks."""
        for _, queue in self.watching:
            queue.put_nowait(error)

    async def watch(
        self, user: str, after: str | None
    ) -> AsyncGenerator[chat_pb2.WatchNoticesResponse, None]:
        queue: asyncio.Queue[chat_pb2.WatchNoticesResponse | Exception] = asyncio.Queue()
        self.watching.append((user, queue))
        try:
            yield self.look(user, after)
            while not isinstance(step := await queue.get(), Exception):
                yield step
            raise step
        finally:
            self.watching.remove((user, queue))


class FakeChat(Fake):
    """Plays ``script`` for each run: frames of one message, an event to wait for, an error."""

    run_id = "01900000-0000-7000-8000-000000000001"

    def __init__(self) -> None:
        super().__init__()
        self.refusal: Exception | asyncio.Event | None = None
        self.script: list[Step] = []
        self.sent = 0
        self.ended = asyncio.Event()
        self.destinations: list[tuple[str, int]] = []
        self.channel: FakeChannel | None = None
        self.notices = FakeNotices()
        self.imported: list[imports_pb2.UploadImportRequest] = []
        self.exported: list[exports_pb2.ExportResponse | asyncio.Event | Exception] = []
        # What takes uploads and gives files, for who tests them.
        self.files: Any = None
        # What comes of a file in a share: parts of messages, or a refusal.
        self.shared_file: list[dict[str, Any]] | Exception = []

    async def UploadFile(
        self, requests: AsyncIterator[files_pb2.UploadFileRequest], context: object
    ) -> files_pb2.UploadFileResponse:
        self.note("UploadFile", None)
        made: files_pb2.UploadFileResponse = await self.files.upload(requests)
        return made

    async def ReadFile(
        self, request: files_pb2.ReadFileRequest, context: object
    ) -> AsyncIterator[files_pb2.ReadFileResponse]:
        self.note("ReadFile", request)
        async for response in self.files.read(request):
            yield response

    async def ReadSharedFile(
        self, request: shares_pb2.ReadSharedFileRequest, context: object
    ) -> AsyncIterator[shares_pb2.ReadSharedFileResponse]:
        self.note("ReadSharedFile", request)
        for part in self._shared():
            yield shares_pb2.ReadSharedFileResponse(**part)

    async def ReadSharedFileAsMember(
        self, request: shares_pb2.ReadSharedFileAsMemberRequest, context: object
    ) -> AsyncIterator[shares_pb2.ReadSharedFileAsMemberResponse]:
        self.note("ReadSharedFileAsMember", request)
        for part in self._shared():
            yield shares_pb2.ReadSharedFileAsMemberResponse(**part)

    def _shared(self) -> list[dict[str, Any]]:
        if isinstance(self.shared_file, Exception):
            raise self.shared_file
        return self.shared_file

    @property
    def asked(self) -> list[Call]:
        """What was asked but for frames."""
        return [call for call in self.calls if call.method != "FollowRun"]

    async def StartRun(
        self, request: chat_pb2.StartRunRequest, context: object
    ) -> chat_pb2.StartRunResponse:
        accepted = await self._accept("StartRun", request)
        return chat_pb2.StartRunResponse(
            accepted=accepted, channel_id=None if self.channel is None else self.channel.id
        )

    async def ContinueRun(
        self, request: chat_pb2.ContinueRunRequest, context: object
    ) -> chat_pb2.ContinueRunResponse:
        return chat_pb2.ContinueRunResponse(accepted=await self._accept("ContinueRun", request))

    async def RegenerateRun(
        self, request: chat_pb2.RegenerateRunRequest, context: object
    ) -> chat_pb2.RegenerateRunResponse:
        return chat_pb2.RegenerateRunResponse(accepted=await self._accept("RegenerateRun", request))

    async def _accept(self, method: str, request: Any) -> chat_pb2.RunAccepted:
        self.destinations.append((request.destination.gateway_id, request.destination.subscription))
        request.ClearField("destination")
        self.note(method, request)
        await self._refuse()
        return chat_pb2.RunAccepted(run_id=self.run_id, session_id="s", question_id="q")

    async def OpenChannel(
        self, requests: AsyncIterator[chat_pb2.OpenChannelRequest], context: object
    ) -> AsyncIterator[chat_pb2.OpenChannelResponse]:
        """Unless there is a channel, each run is followed by itself."""
        channel = self.channel
        if channel is None or "fake" in (await anext(requests)).has:
            yield chat_pb2.OpenChannelResponse(replica="fake")
            return
        channel.opened += 1
        leaving = asyncio.create_task(channel.note_unsubscribed(requests))
        try:
            yield chat_pb2.OpenChannelResponse(replica="fake", channel_id=channel.id)
            while isinstance(step := await channel.steps.get(), chat_pb2.OpenChannelResponse):
                yield step
            if step is not None:
                raise step
        finally:
            leaving.cancel()

    async def WatchNotices(
        self, request: chat_pb2.WatchNoticesRequest, context: object
    ) -> AsyncIterator[chat_pb2.WatchNoticesResponse]:
        self.note("WatchNotices", request)
        await self._refuse()
        after = request.after if request.HasField("after") else None
        async with aclosing(self.notices.watch(str(current_caller().user_id), after)) as responses:
            async for response in responses:
                yield response

    async def FollowRun(
        self, request: chat_pb2.FollowRunRequest, context: object
    ) -> AsyncIterator[chat_pb2.FollowRunResponse]:
        self.note("FollowRun", request)
        await self._refuse()
        async for frames in self._play():
            # One that was begun again goes on where it broke.
            if new := [frame for frame in frames if frame.seq > request.after]:
                yield chat_pb2.FollowRunResponse(frames=new)

    async def Export(
        self, request: exports_pb2.ExportRequest, context: object
    ) -> AsyncIterator[exports_pb2.ExportResponse]:
        self.note("Export", request)
        for step in self.exported:
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                yield step

    async def UploadImport(
        self, requests: AsyncIterator[imports_pb2.UploadImportRequest], context: object
    ) -> Message:
        self.note("UploadImport", None)
        self.imported = [request async for request in requests]
        told = self.answers["UploadImport"]
        if isinstance(told, Exception):
            raise told
        assert isinstance(told, Message)
        return told

    async def _refuse(self) -> None:
        if isinstance(self.refusal, asyncio.Event):
            await self.refusal.wait()
        elif self.refusal is not None:
            raise self.refusal

    async def _play(self) -> AsyncIterator[Sequence[chat_pb2.Frame]]:
        try:
            for step in self.script:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield step
                    self.sent += 1
        finally:
            self.ended.set()


def frame(seq: int, event: str, data: bytes) -> chat_pb2.Frame:
    return chat_pb2.Frame(seq=seq, event=event, data=data)


@dataclass
class Door:
    """The gateway under test and all that stands behind it."""

    gateway: Gateway
    http: httpx.AsyncClient
    auth: FakeAuth
    apikey: Fake
    chat: FakeChat
    notes: Fake
    servers: dict[str, GrpcServer]
    signer: Signer
    settings: Settings
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.caller = self.signer.caller()

    @property
    def port(self) -> int:
        return self.gateway.http.port

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.caller.token}"}

    async def ready(self) -> None:
        async def reached() -> bool:
            return (await self.http.get("/readyz")).status_code == 200

        await eventually(reached)


# Settings take longer to make than all else that a test's door needs.
@cache
def _of_fakes(tls_settings: TlsSettings, name: str) -> GrpcServerSettings:
    return GrpcServerSettings(**tls_settings(name), drain_seconds=0.1)


@cache
def _of_doors(tls_settings: TlsSettings) -> Settings:
    nowhere = "127.0.0.1:1"
    return Settings(
        **tls_settings("gateway"),
        port=0,
        drain_seconds=2.0,
        auth_target=nowhere,
        apikey_target=nowhere,
        chat_target=nowhere,
        notes_target=nowhere,
    )


class OpenDoor:
    """``await open_door(heartbeat_seconds=0.05)``: a gateway with these settings."""

    def __init__(self, stack: AsyncExitStack, tls_settings: TlsSettings, signer: Signer) -> None:
        self._stack = stack
        self._tls = tls_settings
        self._signer = signer

    async def __call__(self, *, ready: bool = True, **changes: Any) -> Door:
        auth, apikey, chat, notes = FakeAuth(self._signer), Fake(), FakeChat(), Fake()
        if not ready:
            auth.may_publish.clear()
        servers = {
            "auth": await self._serve("auth-service", auth_pb2, auth_pb2_grpc, auth),
            "apikey": await self._serve("apikey-service", apikey_pb2, apikey_pb2_grpc, apikey),
            "chat": await self._serve(
                "chat-service",
                chat_pb2,
                chat_pb2_grpc,
                chat,
                also=(
                    (exports_pb2, exports_pb2_grpc),
                    (imports_pb2, imports_pb2_grpc),
                    (personas_pb2, personas_pb2_grpc),
                    (files_pb2, files_pb2_grpc),
                    (search_pb2, search_pb2_grpc),
                    (usage_pb2, usage_pb2_grpc),
                    (shares_pb2, shares_pb2_grpc),
                    (user_settings_pb2, user_settings_pb2_grpc),
                ),
            ),
            "notes": await self._serve("notes-service", notes_pb2, notes_pb2_grpc, notes),
        }
        targets: dict[str, Any] = {
            f"{name}_target": f"127.0.0.1:{server.port}" for name, server in servers.items()
        }
        settings = (
            Settings(
                **self._tls("gateway"), **{"port": 0, "drain_seconds": 2.0, **targets, **changes}
            )
            if changes
            else _of_doors(self._tls).model_copy(update=targets)
        )
        gateway = build(settings)
        await gateway.service.start()
        self._stack.push_async_callback(gateway.service.stop)
        # Behind the clients, and before it is stopped, which would end whatever is left.
        self._stack.push_async_callback(_nothing_is_held, gateway)
        http = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{gateway.http.port}",
                timeout=60,
                verify=False,  # plain HTTP: to read all certificates of the system costs 50 ms
            )
        )
        door = Door(gateway, http, auth, apikey, chat, notes, servers, self._signer, settings)
        if ready:
            await door.ready()
        return door

    async def _serve(
        self,
        name: str,
        contract: Any,
        generated: Any,
        fake: Fake,
        also: Sequence[tuple[Any, Any]] = (),
    ) -> GrpcServer:
        served: list[tuple[ServiceDescriptor, Any]] = [
            (service, stubs)
            for file, stubs in ((contract, generated), *also)
            for service in file.DESCRIPTOR.services_by_name.values()
        ]
        services = [service for service, _ in served]

        def register(server: grpc.aio.Server) -> None:
            for service, stubs in served:
                getattr(stubs, f"add_{service.name}Servicer_to_server")(fake, server)

        server = GrpcServer(
            settings=_of_fakes(self._tls, name),
            policy={
                service.full_name: {
                    method.name: allow(
                        "gateway",
                        open=method.name in OPEN_METHODS,
                        outlived=method.name in OUTLIVED_METHODS,
                    )
                    for method in service.methods
                }
                for service in services
            },
            register=register,
            verifier=TokenVerifier(self._signer.trust),
        )
        await server.start()
        self._stack.push_async_callback(server.stop)
        return server


@pytest_asyncio.fixture
async def open_door(tls_settings: TlsSettings, signer: Signer) -> AsyncIterator[OpenDoor]:
    before = _gauges()
    async with AsyncExitStack() as stack:
        yield OpenDoor(stack, tls_settings, signer)
    # Not 0: what one test has left must not fail every other one behind it.
    assert _gauges() == before


def _gauges() -> dict[str, float | None]:
    """Requests, sockets and channels that are open, as this process counts them."""
    names = (
        "http_long_requests_open",
        "sockets_open",
        "frame_channels_open",
        "notice_feeds_open",
    )
    return {name: sample(name) for name in names}


# Of what a request or a socket has begun.
_TASKS = {"presence", "stream-opening", "socket", "socket-command", "socket-renewal"}


async def _nothing_is_held(gateway: Gateway) -> None:
    """Once the clients of a test have gone, nothing of theirs is left, however they were answered."""

    def left() -> list[str]:
        held = [f"{count} {name}" for name, count in gateway.held.items() if count]
        return held + [task.get_name() for task in asyncio.all_tasks() if task.get_name() in _TASKS]

    def nothing() -> bool:
        assert not left()
        return True

    await eventually(nothing, timeout=20)


@pytest_asyncio.fixture
async def door(open_door: OpenDoor) -> Door:
    return await open_door()


@pytest_asyncio.fixture
async def channel(door: Door) -> FakeChannel:
    """The channel of the door's gateway, once it is open."""
    channel = door.chat.channel = FakeChannel()
    # It looks again when a run was on none.
    end = frame(1, "done", b"{}")
    door.chat.script = [[end]]
    asking = asyncio.create_task(
        door.http.post(
            "/api/v1/chat/messages",
            json={"content": "x"},
            headers={**door.bearer, "accept": "text/event-stream"},
        )
    )
    await eventually(lambda: channel.opened and door.chat.destinations)
    # Where a look of the start has met the channel first, the run is on it.
    (_, subscription) = door.chat.destinations[-1]
    channel.bring(chat_pb2.Batch(subscription=subscription, frames=[end]))
    await asking
    door.chat.calls.clear()
    door.chat.destinations.clear()
    return channel


class SocketClient:
    """A client that says JSON and hears JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **frame: Any) -> None:
        await self.connection.send(orjson.dumps(frame).decode())

    def say_at_once(self, *frames: dict[str, Any]) -> None:
        """All of them in one write, so that they arrive together."""
        for frame in frames:
            self.connection.protocol.send_text(orjson.dumps(frame))
        self.connection.transport.write(b"".join(self.connection.protocol.data_to_send()))

    async def hear(self) -> Any:
        async with asyncio.timeout(30):
            return orjson.loads(await self.connection.recv())

    async def ask(self, **frame: Any) -> Any:
        await self.say(**frame)
        return await self.hear()

    async def closed(self, within: float = 30) -> int:
        async with asyncio.timeout(within):
            await self.connection.wait_closed()
        assert self.connection.close_code is not None
        return self.connection.close_code


class Dial:
    """``await dial(door)``: a socket of the door's caller; as it came with ``auth=False``."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(self, door: Door, *, auth: bool = True, **options: Any) -> SocketClient:
        url = f"ws://127.0.0.1:{door.port}/api/v1/ws"
        connection = await self._stack.enter_async_context(
            connect(url, proxy=None, close_timeout=0.5, **options)
        )
        client = SocketClient(connection)
        if auth:
            said = await client.ask(type="auth", ref="hello", token=door.caller.token)
            assert said == {"type": "ack", "ref": "hello"}
        return client


@pytest_asyncio.fixture
async def dial(open_door: OpenDoor) -> AsyncIterator[Dial]:
    async with AsyncExitStack() as stack:
        yield Dial(stack)


@pytest.fixture
def make_frame() -> Callable[[int, str, bytes], chat_pb2.Frame]:
    return frame


@dataclass(frozen=True)
class RawAnswer:
    """One answer as it came: its status line, its headers in lower case, its bytes."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.line.split(" ", 2)[1])

    @property
    def problem(self) -> Any:
        assert self.headers["content-type"] == "application/problem+json"
        return orjson.loads(self.body)


class RawClient:
    """A connection on which the test says these very bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, *pieces: bytes) -> None:
        self.writer.writelines(pieces)
        await self.writer.drain()

    async def head(self) -> RawAnswer:
        """The next answer, but for its body."""
        async with asyncio.timeout(30):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:-2])
        return RawAnswer(lines[0], {name.lower(): value for name, value in pairs}, b"")

    async def answer(self) -> RawAnswer:
        """The next answer, whose length is announced."""
        head = await self.head()
        async with asyncio.timeout(30):
            body = await self.reader.readexactly(int(head.headers.get("content-length", "0")))
        return RawAnswer(head.line, head.headers, body)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(30):
            return await self.reader.read()

    async def closed(self) -> bool:
        """True once the connection is gone, nothing more having come."""
        try:
            return await self.rest() == b""
        except ConnectionError:
            return True

    def hang_up(self, *, reset: bool) -> None:
        """Go, with an RST or a FIN."""
        if reset:
            held = self.writer.get_extra_info("socket")
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


class CallRaw:
    """``await call_raw(door, b"GET …")``: a client that has said so."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(
        self, door: Door, *pieces: bytes, source: str = "127.0.0.1", limit: int = 2**16
    ) -> RawClient:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", door.port, local_addr=(source, 0), limit=limit
        )
        self._stack.push_async_callback(_close, writer)
        client = RawClient(reader, writer)
        await client.say(*pieces)
        return client


@pytest_asyncio.fixture
async def call_raw(open_door: OpenDoor) -> AsyncIterator[CallRaw]:
    async with AsyncExitStack() as stack:
        yield CallRaw(stack)


class AccessLog:
    """The lines of the access log that were written within the test."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [
            record.msg
            for record in self._caplog.records
            if isinstance(record.msg, dict) and record.msg["event"] == "http.request"
        ]

    @property
    def complaints(self) -> list[str]:
        """What was logged as a warning or an error."""
        return [
            record.getMessage()
            for record in self._caplog.records
            if record.levelno >= logging.WARNING
        ]

    async def line(self, request_id: str) -> dict[str, Any]:
        """The one line of this request, once it is there."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line["request_id"] == request_id]

        await eventually(found)
        (line,) = found()
        return line


@pytest.fixture
def access_log(caplog: pytest.LogCaptureFixture) -> AccessLog:
    return AccessLog(caplog)
