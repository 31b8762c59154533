"""The gateway as it is wired in production, before fake services on the wire."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
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
from .fakes import Fake, FakeAuth

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


# Of what a request or a socket has begun.
_TASKS = {"presence", "stream-opening", "socket", "socket-command", "socket-renewal"}


async def _nothing_is_held(gateway: Gateway) -> None:
    """Once the clients of a test have gone, nothing of theirs is left, however they were answered."""

    def left() -> list[str]:
        held = [f"{count} {name}" for name, count in gateway.held.items() if count]
        return held + [task.get_name() for task in asyncio.all_tasks() if task.get_name() in _TASKS]

    def nothing() -> bool:
        assert not (still := left()), still
        return True

    await eventually(nothing, timeout=20)
