"""The port `ResolveKey` over gRPC: keys come from apikey-service, for one run at a time."""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from chassis.grpc.client import Channel
from chassis.telemetry.redaction import hide
from chat_service.providers.domain.connection import Connection, ResolveKey
from chat_service.providers.domain.learnt import Learnt
from chat_service.providers.domain.parameters import GenerationParameters
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc

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
        hide(key.api_key)
        return _connection(key)

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
        hide(response.connection.api_key)
        return _connection(response.connection)

    return check_key


def _connection(key: apikey_pb2.ResolveKeyResponse) -> Connection:
    return Connection(
        key_id=UUID(key.id),
        name=key.name,
        api_key=key.api_key,
        model=key.model,
        base_url=key.base_url,
        provider=apikey_pb2.Provider.Name(key.provider).removeprefix("PROVIDER_").lower(),
        parameters=GenerationParameters.of(
            {field.name: value for field, value in key.parameters.ListFields()}
        ),
        fallback_key_id=UUID(key.fallback_key_id) if key.HasField("fallback_key_id") else None,
        owner="operator" if key.owner == apikey_pb2.OWNER_OPERATOR else "user",
        daily_tokens=key.daily_tokens if key.HasField("daily_tokens") else None,
        has_error=key.has_error,
        models=tuple(key.models),
        headers={header.name: header.value for header in key.headers},
        learnt=_learnt(key.learnt),
    )


def _learnt(said: Iterable[apikey_pb2.Learnt]) -> dict[str, tuple[Learnt, ...]]:
    learnt: dict[str, tuple[Learnt, ...]] = {}
    for one in said:
        learnt[one.model] = (*learnt.get(one.model, ()), Learnt(one.parameter, one.use))
    return learnt
