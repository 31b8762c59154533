"""The gateway as it is wired in production, before fake services on the wire."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import grpc.aio
import httpx
from google.protobuf.descriptor import ServiceDescriptor

from chassis.caller import Caller
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.server import GrpcServer, allow
from chassis.settings import GrpcServerSettings
from chassis.testing import Signer, TlsSettings, eventually
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

from .fake_chat import FakeChat
from .fakes import Fake, FakeAuth, Revocations, Stand

Builder = Callable[[Settings], Gateway]

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
OUTLIVED_METHODS = {"FollowRun", "GetRun", "WatchNotices", "ReadFile", "ListNotes"}


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


@dataclass(frozen=True)
class Wired:
    """A gateway and the servers of the services behind it, for one door after the other."""

    gateway: Gateway
    stands: Mapping[str, Stand]
    servers: dict[str, GrpcServer]
    signer: Signer
    revocations: Revocations
    settings: Settings

    async def door(self, stack: AsyncExitStack) -> Door:
        """A door of its own for a test: nobody has asked, and nothing has been told to any service."""
        auth, apikey, chat, notes = FakeAuth(self.revocations), Fake(), FakeChat(), Fake()
        self.revocations.forget()
        for name, fake in {"auth": auth, "apikey": apikey, "chat": chat, "notes": notes}.items():
            self.stands[name].fake = fake
        # Behind the clients, and before it is stopped, which would end whatever is left.
        stack.push_async_callback(self._nothing_is_held)
        http = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{self.gateway.http.port}",
                timeout=60,
                verify=False,  # plain HTTP: to read all certificates of the system costs 50 ms
            )
        )
        return Door(
            self.gateway,
            http,
            auth,
            apikey,
            chat,
            notes,
            self.servers,
            self.signer,
            self.settings,
        )

    async def is_whole(self) -> bool:
        """Whether the gateway serves, and has reached everything that it needs."""
        health = await self.gateway.service._book.ask()
        return health.status == "ok"

    @property
    def remembered(self) -> list[str]:
        """What the gateway goes by beyond a request, but for what concerns a test's own caller, and for how
        often an address has opened links of shares: it may so often that no test finds an end of it by chance.
        """
        bearers = self.gateway.bearers
        kept: dict[str, Sized] = {
            "personal tokens": bearers._known,
            "refused tokens": bearers._refused,
            "addresses that guessed": bearers._guesses._limit._windows,
            "frame channels": self.gateway.frame_channels._open,
        }
        return [f"{len(what)} {name}" for name, what in kept.items() if what]

    async def _nothing_is_held(self) -> None:
        """Once the clients of a test have gone, nothing of theirs is left, however they were answered."""

        def left() -> list[str]:
            held = [f"{count} {name}" for name, count in self.gateway.held.items() if count]
            asked = [call for stand in self.stands.values() for call in stand.under_way]
            tasks = [task.get_name() for task in asyncio.all_tasks()]
            return held + asked + [name for name in tasks if name in _TASKS]

        def nothing() -> bool:
            assert not (still := left()), still
            return True

        await eventually(nothing, timeout=20)


# Of what a request or a socket has begun.
_TASKS = {"presence", "stream-opening", "socket", "socket-command", "socket-renewal"}


class OpenDoor:
    """``await open_door(heartbeat_seconds=0.05)``: a gateway with these settings.

    Timings that are no settings: ``await open_door(builder=partial(build, follow_patience=0.0))``.
    """

    def __init__(self, stack: AsyncExitStack, tls_settings: TlsSettings, signer: Signer) -> None:
        self._stack = stack
        self._tls = tls_settings
        self._signer = signer

    async def __call__(
        self, *, ready: bool = True, builder: Builder = build, **changes: Any
    ) -> Door:
        wired = await wire(
            self._stack, self._tls, self._signer, ready=ready, builder=builder, **changes
        )
        door = await wired.door(self._stack)
        if ready:
            await door.ready()
        return door

    async def enter(self, door: AbstractAsyncContextManager[Door]) -> Door:
        """A door that is given back behind the test's clients."""
        return await self._stack.enter_async_context(door)


async def wire(
    stack: AsyncExitStack,
    tls_settings: TlsSettings,
    signer: Signer,
    *,
    ready: bool,
    builder: Builder = build,
    **changes: Any,
) -> Wired:
    """A gateway with these settings and its services, which stop with ``stack``; unless it is to be
    ``ready``, auth-service publishes no keys until it may. ``builder`` is `build`, or what calls it.
    """
    revocations = Revocations(signer)
    if not ready:
        revocations.may_publish.clear()
    stands = {name: Stand(revocations) for name in ("auth", "apikey", "chat", "notes")}
    servers = {
        name: await _serve(stack, tls_settings, signer, name, stand)
        for name, stand in stands.items()
    }
    targets: dict[str, Any] = {
        f"{name}_target": f"127.0.0.1:{server.port}" for name, server in servers.items()
    }
    settings = (
        Settings(
            **tls_settings("gateway"), **{"port": 0, "drain_seconds": 2.0, **targets, **changes}
        )
        if changes
        else _of_doors(tls_settings).model_copy(update=targets)
    )
    gateway = builder(settings)
    await gateway.service.start()
    stack.push_async_callback(gateway.service.stop)
    return Wired(gateway, stands, servers, signer, revocations, settings)


CONTRACTS: Mapping[str, Sequence[tuple[Any, Any]]] = {
    "auth": ((auth_pb2, auth_pb2_grpc),),
    "apikey": ((apikey_pb2, apikey_pb2_grpc),),
    "chat": (
        (chat_pb2, chat_pb2_grpc),
        (exports_pb2, exports_pb2_grpc),
        (imports_pb2, imports_pb2_grpc),
        (personas_pb2, personas_pb2_grpc),
        (files_pb2, files_pb2_grpc),
        (search_pb2, search_pb2_grpc),
        (usage_pb2, usage_pb2_grpc),
        (shares_pb2, shares_pb2_grpc),
        (user_settings_pb2, user_settings_pb2_grpc),
    ),
    "notes": ((notes_pb2, notes_pb2_grpc),),
}


async def _serve(
    stack: AsyncExitStack, tls_settings: TlsSettings, signer: Signer, name: str, stand: Stand
) -> GrpcServer:
    served: list[tuple[ServiceDescriptor, Any]] = [
        (service, stubs)
        for file, stubs in CONTRACTS[name]
        for service in file.DESCRIPTOR.services_by_name.values()
    ]

    def register(server: grpc.aio.Server) -> None:
        for service, stubs in served:
            getattr(stubs, f"add_{service.name}Servicer_to_server")(stand, server)

    server = GrpcServer(
        settings=_of_fakes(tls_settings, f"{name}-service"),
        policy={
            service.full_name: {
                method.name: allow(
                    "gateway",
                    open=method.name in OPEN_METHODS,
                    outlived=method.name in OUTLIVED_METHODS,
                )
                for method in service.methods
            }
            for service, _ in served
        },
        register=register,
        verifier=TokenVerifier(signer.trust),
    )
    await server.start()
    stack.push_async_callback(server.stop)
    return server
