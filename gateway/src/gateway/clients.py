"""The four services behind the gateway: a channel, a stub and a deadline for each."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import grpc.aio
from fastapi import Depends
from starlette.requests import Request as HttpRequest

from chassis.caller import Caller
from chassis.grpc.client import Channel
from gateway.settings import Settings
from parley.apikey.v1.apikey_pb2_grpc import ApiKeyServiceStub
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub, SettingsServiceStub
from parley.chat.v1.chat_pb2_grpc import (
    FrameServiceStub,
    NoticeServiceStub,
    ProviderServiceStub,
    RunServiceStub,
    SessionServiceStub,
)
from parley.chat.v1.exports_pb2_grpc import ExportServiceStub
from parley.chat.v1.files_pb2_grpc import FileServiceStub
from parley.chat.v1.imports_pb2_grpc import ImportServiceStub
from parley.chat.v1.personas_pb2_grpc import PersonaServiceStub
from parley.chat.v1.search_pb2_grpc import SearchServiceStub
from parley.chat.v1.shares_pb2_grpc import ShareServiceStub
from parley.chat.v1.usage_pb2_grpc import UsageServiceStub
from parley.chat.v1.user_settings_pb2_grpc import UserSettingsServiceStub
from parley.notes.v1.notes_pb2_grpc import NotesServiceStub

# Nobody waits longer for chat-service to look at what was set: it does so by itself soon.
_LOOK_SECONDS = 2.0

Stub = TypeVar("Stub")
Request = TypeVar("Request")
Response = TypeVar("Response")


class Peer(Generic[Stub]):
    """One gRPC service. ``deadline`` bounds each of its unary calls, in seconds; ``slow_deadline`` those
    that are known to take their time, and what becomes of what was sent. ``silence`` bounds each step of
    its streams, if anything does.
    """

    def __init__(
        self,
        channel: Channel,
        factory: Callable[[grpc.aio.Channel], Stub],
        deadline: float,
        slow_deadline: float | None = None,
        silence: float | None = None,
    ) -> None:
        self.channel = channel
        self._factory = factory
        self._deadline = deadline
        self._slow_deadline = deadline if slow_deadline is None else slow_deadline
        self._silence = silence

    @property
    def stub(self) -> Stub:
        return self.channel.stub(self._factory)

    async def ask(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        caller: Caller | None = None,
    ) -> Response:
        """Call a method that changes nothing: tried again while its service is away."""
        return await self.channel.unary(
            method, request, timeout=self._deadline, idempotent=True, token=_token(caller)
        )

    async def tell(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        caller: Caller | None = None,
        *,
        token: str | None = None,
        idempotency_key: str | None = None,
        slow: bool = False,
        repeat: bool = True,
    ) -> Response:
        """Call a method that has an effect: tried once, or again if a key makes it one effect.

        Without ``repeat`` it is tried once all the same: its first answer alone has what is asked for.

        ``token`` is an access token that was granted just now, in place of ``caller``. ``slow``:
        it takes its time, as what hashes a password does.
        """
        return await self.channel.unary(
            method,
            request,
            timeout=self._slow_deadline if slow else self._deadline,
            idempotent=repeat and idempotency_key is not None,
            token=token or _token(caller),
            idempotency_key=idempotency_key,
        )

    def follow(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        caller: Caller | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> AsyncGenerator[Response, None]:
        """The answers of a stream. Whoever holds it must close it: that cancels the call."""
        return self.channel.stream(
            method,
            request,
            token=_token(caller),
            silence=self._silence,
            idempotency_key=idempotency_key,
        )

    async def send(
        self,
        method: grpc.aio.StreamUnaryMultiCallable[Request, Response],
        requests: AsyncGenerator[Request, None],
        caller: Caller | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Response:
        """The answer to a stream of requests, tried once; what ``requests`` raises comes out of here."""
        return await self.channel.send(
            method,
            requests,
            token=_token(caller),
            idempotency_key=idempotency_key,
            silence=self._silence,
            timeout=self._slow_deadline,
        )


def _token(caller: Caller | None) -> str | None:
    return None if caller is None else caller.token


@dataclass(frozen=True, slots=True)
class Clients:
    """Every service the gateway speaks to."""

    auth: Peer[AuthServiceStub]
    settings: Peer[SettingsServiceStub]
    apikey: Peer[ApiKeyServiceStub]
    sessions: Peer[SessionServiceStub]
    runs: Peer[RunServiceStub]
    frames: Peer[FrameServiceStub]
    notices: Peer[NoticeServiceStub]
    providers: Peer[ProviderServiceStub]
    personas: Peer[PersonaServiceStub]
    chat_settings: Peer[UserSettingsServiceStub]
    search: Peer[SearchServiceStub]
    exports: Peer[ExportServiceStub]
    usage: Peer[UsageServiceStub]
    shares: Peer[ShareServiceStub]
    files: Peer[FileServiceStub]
    imports: Peer[ImportServiceStub]
    notes: Peer[NotesServiceStub]

    def channels(self) -> dict[str, Channel]:
        """Each service's channel by the service's name."""
        return {
            "auth-service": self.auth.channel,
            "apikey-service": self.apikey.channel,
            "chat-service": self.runs.channel,
            "notes-service": self.notes.channel,
        }


def connect(settings: Settings) -> Clients:
    """Clients for the targets of ``settings``; their channels are still to be started."""

    def channel(target: str, server: str) -> Channel:
        return Channel(target=target, server=server, settings=settings)

    auth = channel(settings.auth_target, "auth-service")
    chat = channel(settings.chat_target, "chat-service")

    def files_of_chat(factory: Callable[[grpc.aio.Channel], Stub]) -> Peer[Stub]:
        """What goes in or out as a file, beside calls of the usual kind."""
        return Peer(
            chat,
            factory,
            settings.chat_deadline_seconds,
            settings.chat_upload_deadline_seconds,
            settings.chat_silence_seconds,
        )

    return Clients(
        auth=Peer(
            auth,
            AuthServiceStub,
            settings.auth_deadline_seconds,
            settings.auth_hashing_deadline_seconds,
        ),
        settings=Peer(auth, SettingsServiceStub, settings.auth_deadline_seconds),
        apikey=Peer(
            channel(settings.apikey_target, "apikey-service"),
            ApiKeyServiceStub,
            settings.apikey_deadline_seconds,
        ),
        sessions=Peer(chat, SessionServiceStub, settings.chat_deadline_seconds),
        runs=Peer(chat, RunServiceStub, settings.chat_deadline_seconds),
        frames=Peer(chat, FrameServiceStub, settings.chat_deadline_seconds),
        notices=Peer(chat, NoticeServiceStub, settings.chat_deadline_seconds),
        providers=Peer(chat, ProviderServiceStub, settings.chat_trying_deadline_seconds),
        personas=Peer(chat, PersonaServiceStub, settings.chat_deadline_seconds),
        chat_settings=Peer(chat, UserSettingsServiceStub, _LOOK_SECONDS),
        search=Peer(chat, SearchServiceStub, settings.chat_deadline_seconds),
        exports=files_of_chat(ExportServiceStub),
        usage=Peer(chat, UsageServiceStub, settings.chat_deadline_seconds),
        shares=files_of_chat(ShareServiceStub),
        files=files_of_chat(FileServiceStub),
        imports=files_of_chat(ImportServiceStub),
        notes=Peer(
            channel(settings.notes_target, "notes-service"),
            NotesServiceStub,
            settings.notes_deadline_seconds,
        ),
    )


async def _clients(request: HttpRequest) -> Clients:
    clients: Clients = request.app.state.clients
    return clients


Services = Annotated[Clients, Depends(_clients)]
