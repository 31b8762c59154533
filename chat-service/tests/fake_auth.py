"""auth-service, as far as chat-service sees it."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import grpc

from chassis.caller import Caller
from chassis.db.errors import DatabaseUnavailable
from chassis.grpc.caller import TokenVerifier, current_caller
from chassis.grpc.server import GrpcServer, allow
from chassis.settings import GrpcServerSettings
from chassis.testing import Signer, TlsSettings
from parley.auth.v1 import auth_pb2
from servicekit.testing import publishes_key_of


@dataclass
class Preferences:
    """What auth-service tells of users' settings: the newest change of each."""

    changes: dict[UUID, auth_pb2.SettingsChange] = field(default_factory=dict)
    newest: int = 0
    # How it was asked: behind which number.
    asked: list[int] = field(default_factory=list)
    away: bool = False

    def set(self, caller: Caller, **fields: Any) -> int:
        """All that this user has set, from now on; returns the number of the change."""
        self.newest += 1
        self.changes[caller.user_id] = auth_pb2.SettingsChange(
            change=self.newest,
            user_id=str(caller.user_id),
            tenant_id=str(caller.tenant_id),
            **fields,
        )
        return self.newest

    async def list(
        self, request: auth_pb2.ListSettingsChangesRequest, context: object
    ) -> auth_pb2.ListSettingsChangesResponse:
        self.asked.append(request.after)
        if self.away:
            raise DatabaseUnavailable
        behind = [one for one in self.changes.values() if one.change > request.after]
        return auth_pb2.ListSettingsChangesResponse(
            items=sorted(behind, key=lambda one: one.change)[: request.limit], newest=self.newest
        )


@dataclass
class Audit:
    """What auth-service noted of admins who look at usage; `refusal` is what it says instead."""

    noted: list[tuple[UUID, auth_pb2.NoteUsageReadRequest]] = field(default_factory=list)
    refusal: Exception | None = None

    async def note(
        self, request: auth_pb2.NoteUsageReadRequest, context: object
    ) -> auth_pb2.NoteUsageReadResponse:
        if self.refusal is not None:
            raise self.refusal
        self.noted.append((current_caller().user_id, request))
        return auth_pb2.NoteUsageReadResponse(
            tenant_id=request.tenant_id if request.HasField("tenant_id") else None
        )


@cache
def _settings(tls_settings: TlsSettings) -> GrpcServerSettings:
    return GrpcServerSettings(**tls_settings("auth-service"), drain_seconds=0)


def auth_server(
    tls_settings: TlsSettings, signer: Signer, preferences: Preferences, audit: Audit
) -> GrpcServer:
    """What answers as these, and whose keys are the signer's; not started yet."""

    handlers: dict[str, dict[str, Any]] = {
        "parley.auth.v1.AuthService": {
            "WatchRevocations": publishes_key_of(signer),
            "NoteUsageRead": grpc.unary_unary_rpc_method_handler(
                audit.note,
                auth_pb2.NoteUsageReadRequest.FromString,
                auth_pb2.NoteUsageReadResponse.SerializeToString,
            ),
        },
        "parley.auth.v1.SettingsService": {
            "ListSettingsChanges": grpc.unary_unary_rpc_method_handler(
                preferences.list,
                auth_pb2.ListSettingsChangesRequest.FromString,
                auth_pb2.ListSettingsChangesResponse.SerializeToString,
            )
        },
    }

    def register(server: grpc.aio.Server) -> None:
        for service, of_it in handlers.items():
            server.add_registered_method_handlers(service, of_it)

    return GrpcServer(
        settings=_settings(tls_settings),
        policy={
            service: {name: allow("chat-service", open=name != "NoteUsageRead") for name in of_it}
            for service, of_it in handlers.items()
        },
        register=register,
        verifier=TokenVerifier(signer.trust),
    )
