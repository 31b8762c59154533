"""apikey-service, as far as chat-service sees it."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import grpc

from chassis.errors import FieldError, ValidationFailed
from chassis.grpc.caller import TokenVerifier, current_caller
from chassis.grpc.server import GrpcServer, allow
from chassis.ids import new_id
from chassis.settings import GrpcServerSettings
from chassis.testing import Signer, TlsSettings
from chat_service.providers.domain.errors import KeyNotFound
from parley.apikey.v1 import apikey_pb2


@dataclass
class Vault:
    """apikey-service, as far as chat-service sees it: one key for each user who has one."""

    base_url: str
    keys: dict[UUID, str] = field(default_factory=dict)
    model: str = "tokens-20"
    provider: apikey_pb2.Provider.ValueType = apikey_pb2.PROVIDER_OPENAI
    reports: list[apikey_pb2.ReportUseRequest] = field(default_factory=list)
    allowances: list[apikey_pb2.Allowance] = field(default_factory=list)

    async def list_allowances(
        self, request: apikey_pb2.ListAllowancesRequest, context: object
    ) -> apikey_pb2.ListAllowancesResponse:
        return apikey_pb2.ListAllowancesResponse(items=self.allowances)

    async def check(
        self, request: apikey_pb2.CheckKeyRequest, context: object
    ) -> apikey_pb2.CheckKeyResponse:
        key = request.key
        if not key.model:
            raise ValidationFailed(fields=[FieldError("model", "REQUIRED")])
        return apikey_pb2.CheckKeyResponse(
            connection=apikey_pb2.ResolveKeyResponse(
                id=str(new_id()),
                api_key=key.api_key,
                model=key.model,
                base_url=key.base_url,
                provider=key.provider or apikey_pb2.PROVIDER_OPENAI,
            )
        )

    async def report(
        self, request: apikey_pb2.ReportUseRequest, context: object
    ) -> apikey_pb2.ReportUseResponse:
        self.reports.append(request)
        return apikey_pb2.ReportUseResponse()

    async def resolve(
        self, request: apikey_pb2.ResolveKeyRequest, context: object
    ) -> apikey_pb2.ResolveKeyResponse:
        key_id = self.keys.setdefault(current_caller().user_id, str(new_id()))
        if request.HasField("id") and request.id != key_id:
            raise KeyNotFound()
        return apikey_pb2.ResolveKeyResponse(
            id=key_id,
            name="mine",
            api_key="sk-very-secret",
            model=self.model,
            base_url=self.base_url,
            provider=self.provider,
        )


@cache
def _settings(tls_settings: TlsSettings) -> GrpcServerSettings:
    return GrpcServerSettings(**tls_settings("apikey-service"), drain_seconds=0)


def vault_server(tls_settings: TlsSettings, signer: Signer, vault: Vault) -> GrpcServer:
    """What answers as this vault; not started yet."""
    service = "parley.apikey.v1.ApiKeyService"
    handlers: dict[str, tuple[Any, Any]] = {
        "ResolveKey": (vault.resolve, apikey_pb2.ResolveKeyRequest),
        "CheckKey": (vault.check, apikey_pb2.CheckKeyRequest),
        "ReportUse": (vault.report, apikey_pb2.ReportUseRequest),
        "ListAllowances": (vault.list_allowances, apikey_pb2.ListAllowancesRequest),
    }
    return GrpcServer(
        settings=_settings(tls_settings),
        policy={service: dict.fromkeys(handlers, allow("chat-service", outlived=True))},
        register=lambda server: server.add_registered_method_handlers(
            service,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    handler, request.FromString, lambda answer: answer.SerializeToString()
                )
                for name, (handler, request) in handlers.items()
            },
        ),
        verifier=TokenVerifier(signer.trust),
    )
