"""Connections as protobuf messages, and back."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from apikey_service.domain.key import (
    Connection,
    Key,
    LastError,
    Learnt,
    Outcome,
    Owner,
    Provider,
)
from apikey_service.domain.secret import Secret
from apikey_service.usecases.create import NewKey
from apikey_service.usecases.update import WantedChange
from apikey_service.usecases.validation import Headers
from chassis.errors import FieldError, ValidationFailed
from parley.apikey.v1 import apikey_pb2
from servicekit.generation_messages import parameters_from_proto, parameters_to_proto
from servicekit.timestamps import timestamp_of

_PROVIDERS: Final = {
    Provider.OPENAI: apikey_pb2.PROVIDER_OPENAI,
    Provider.ANTHROPIC: apikey_pb2.PROVIDER_ANTHROPIC,
}
_FROM_PROTO: Final = {
    apikey_pb2.PROVIDER_UNSPECIFIED: Provider.OPENAI,
    **{number: provider for provider, number in _PROVIDERS.items()},
}
_OWNERS: Final = {Owner.USER: apikey_pb2.OWNER_USER, Owner.OPERATOR: apikey_pb2.OWNER_OPERATOR}
_OWNER_FROM_PROTO: Final = {number: owner for owner, number in _OWNERS.items()}


def new_key_from_proto(request: apikey_pb2.CreateKeyRequest) -> NewKey:
    """Raises ValidationFailed for a provider this version does not know."""
    return NewKey(
        name=request.name,
        api_key=Secret(request.api_key),
        model=request.model,
        base_url=request.base_url,
        provider=_provider(request.provider),
        headers=_headers(request.headers),
        parameters=parameters_from_proto(request.parameters),
        cleared_parameters=tuple(request.cleared_parameters),
        fallback_key_id=request.fallback_key_id if request.HasField("fallback_key_id") else None,
    )


def change_from_proto(request: apikey_pb2.UpdateKeyRequest) -> WantedChange:
    """Raises ValidationFailed for a provider this version does not know."""

    def said(field: str) -> bool:
        return request.HasField(field)  # type: ignore[arg-type]  # its name is not known here

    return WantedChange(
        name=request.name if said("name") else None,
        api_key=Secret(request.api_key) if said("api_key") else None,
        model=request.model if said("model") else None,
        base_url=request.base_url if said("base_url") else None,
        provider=_provider(request.provider) if said("provider") else None,
        headers=_headers(request.headers) if said("headers") else None,
        parameters=parameters_from_proto(request.parameters),
        cleared_parameters=tuple(request.cleared_parameters),
        fallback_key_id=request.fallback_key_id if said("fallback_key_id") else None,
    )


def _provider(number: int) -> Provider:
    provider = _FROM_PROTO.get(number)  # type: ignore[call-overload]  # whatever came
    if provider is None:
        raise ValidationFailed(fields=[FieldError("provider", "UNKNOWN")])
    found: Provider = provider
    return found


def _headers(headers: apikey_pb2.Headers) -> Headers:
    return tuple((header.name, Secret(header.value)) for header in headers.items)


def secrets_of(request: apikey_pb2.CreateKeyRequest | apikey_pb2.UpdateKeyRequest) -> list[str]:
    """What of a request no log may show."""
    return [request.api_key, *(header.value for header in request.headers.items)]


def learnt_from_proto(items: Iterable[apikey_pb2.Learnt]) -> tuple[Learnt, ...]:
    return tuple(Learnt(item.model, item.parameter, item.use) for item in items)


def _learnt_to_proto(items: Iterable[Learnt]) -> list[apikey_pb2.Learnt]:
    return [
        apikey_pb2.Learnt(model=item.model, parameter=item.parameter, use=item.use)
        for item in items
    ]


def key_to_proto(key: Key) -> apikey_pb2.Key:
    last_error = key.outcome.last_error
    return apikey_pb2.Key(
        id=str(key.id),
        name=key.name,
        masked_key=key.masked_key,
        model=key.model,
        base_url=key.base_url,
        provider=_PROVIDERS[key.provider],
        created_at=timestamp_of(key.created_at),
        updated_at=timestamp_of(key.updated_at),
        header_names=key.header_names,
        parameters=parameters_to_proto(key.parameters),
        fallback_key_id=None if key.fallback_key_id is None else str(key.fallback_key_id),
        is_default=key.is_default,
        owner=_OWNERS[key.owner],
        last_used_at=None if key.last_used_at is None else timestamp_of(key.last_used_at),
        last_error=None
        if last_error is None
        else apikey_pb2.LastError(reason=last_error.reason, at=timestamp_of(last_error.at)),
        learnt=_learnt_to_proto(key.outcome.learnt),
        models=key.models,
        daily_tokens=key.daily_tokens,
    )


def encode_key(key: Key) -> bytes:
    """A key as its owner may see it: there is no secret in it."""
    return key_to_proto(key).SerializeToString()


def decode_key(content: bytes) -> Key:
    """The key that ``encode_key`` was given, by this version or the one before."""
    message = apikey_pb2.Key.FromString(content)

    def moment(timestamp: Timestamp) -> datetime:
        return timestamp.ToDatetime(tzinfo=UTC)

    last_error = None
    if message.HasField("last_error"):
        last_error = LastError(message.last_error.reason, moment(message.last_error.at))
    return Key(
        id=UUID(message.id),
        name=message.name,
        masked_key=message.masked_key,
        model=message.model,
        base_url=message.base_url,
        provider=_FROM_PROTO[message.provider],
        created_at=moment(message.created_at),
        updated_at=moment(message.updated_at),
        header_names=tuple(message.header_names),
        parameters=parameters_from_proto(message.parameters),
        fallback_key_id=UUID(message.fallback_key_id) if message.fallback_key_id else None,
        is_default=message.is_default,
        owner=_OWNER_FROM_PROTO.get(message.owner, Owner.USER),
        last_used_at=moment(message.last_used_at) if message.HasField("last_used_at") else None,
        outcome=Outcome(last_error, learnt_from_proto(message.learnt)),
        models=tuple(message.models),
        daily_tokens=message.daily_tokens if message.HasField("daily_tokens") else None,
    )


def connection_to_proto(connection: Connection) -> apikey_pb2.ResolveKeyResponse:
    fallback = connection.fallback_key_id
    return apikey_pb2.ResolveKeyResponse(
        id=str(connection.id),
        name=connection.name,
        api_key=connection.api_key.reveal(),
        model=connection.model,
        base_url=connection.base_url,
        provider=_PROVIDERS[connection.provider],
        parameters=parameters_to_proto(connection.parameters),
        headers=[
            apikey_pb2.Header(name=name, value=value.reveal()) for name, value in connection.headers
        ],
        fallback_key_id=None if fallback is None else str(fallback),
        owner=_OWNERS[connection.owner],
        daily_tokens=connection.daily_tokens,
        has_error=connection.has_error,
        learnt=_learnt_to_proto(connection.learnt),
        models=connection.models,
    )
