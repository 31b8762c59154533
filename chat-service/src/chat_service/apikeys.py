"""The port `ResolveKey` over gRPC: keys come from apikey-service, for one run at a time."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from chassis.grpc.client import Channel
from chassis.telemetry.redaction import hide
from chat_service.providers.domain.connection import Connection, Learnt, ResolveKey
from chat_service.providers.domain.use import ReportUse, Use
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc
from servicekit.generation_messages import parameters_from_proto

_DEADLINE_SECONDS = 5.0

#: Says how a connection that is not stored would be resolved if it were. Raises RemoteError: VALIDATION
#: with the fields that are wrong, or what keeps the vault from answering.
CheckKey = Callable[[apikey_pb2.CreateKeyRequest], Awaitable[Connection]]


def resolve_key_over(channel: Channel) -> ResolveKey:
    """Returns the port: each call speaks for the user of the gRPC call being served."""

    async def resolve_key(key_id: UUID | None) -> Connection:
        request = apikey_pb2.ResolveKeyRequest(id=None if key_id is None else str(key_id))
        key = await channel.unary(
            channel.stub(apikey_pb2_grpc.ApiKeyServiceStub).ResolveKey,
            request,
            timeout=_DEADLINE_SECONDS,
            idempotent=True,
        )
        return _hidden(connection_of(key))

    return resolve_key


def check_key_over(channel: Channel) -> CheckKey:
    """Returns the port, as above."""

    async def check_key(key: apikey_pb2.CreateKeyRequest) -> Connection:
        response = await channel.unary(
            channel.stub(apikey_pb2_grpc.ApiKeyServiceStub).CheckKey,
            apikey_pb2.CheckKeyRequest(key=key),
            timeout=_DEADLINE_SECONDS,
            idempotent=True,
        )
        return _hidden(connection_of(response.connection))

    return check_key


def report_use_over(channel: Channel) -> ReportUse:
    """Returns the port, as above; it is no part of any call's time."""

    async def report_use(use: Use) -> None:
        await channel.unary(
            channel.stub(apikey_pb2_grpc.ApiKeyServiceStub).ReportUse,
            apikey_pb2.ReportUseRequest(
                key_id=str(use.key_id),
                error_reason=use.error_reason,
                ok=use.ok,
                learnt=[
                    apikey_pb2.Learnt(model=one.model, parameter=one.parameter, use=one.use)
                    for one in use.learnt
                ],
            ),
            timeout=_DEADLINE_SECONDS,
            idempotent=True,
        )

    return report_use


def _hidden(connection: Connection) -> Connection:
    for secret in connection.secrets():
        hide(secret)
    return connection


def connection_of(key: apikey_pb2.ResolveKeyResponse) -> Connection:
    """What the vault has answered; parameters that are not known here are left out."""
    return Connection(
        key_id=UUID(key.id),
        name=key.name,
        api_key=key.api_key,
        model=key.model,
        base_url=key.base_url,
        provider=apikey_pb2.Provider.Name(key.provider).removeprefix("PROVIDER_").lower(),
        headers=tuple((header.name, header.value) for header in key.headers),
        parameters=parameters_from_proto(key.parameters),
        fallback_key_id=UUID(key.fallback_key_id) if key.HasField("fallback_key_id") else None,
        owner="operator" if key.owner == apikey_pb2.OWNER_OPERATOR else "user",
        models=tuple(key.models),
        daily_tokens=key.daily_tokens if key.HasField("daily_tokens") else None,
        has_error=key.has_error,
        learnt=tuple(Learnt(one.model, one.parameter, one.use) for one in key.learnt),
    )
