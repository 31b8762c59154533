"""Keys and connections as protobuf messages, and back."""

from datetime import UTC
from typing import Final
from uuid import UUID

from apikey_service.domain.key import Connection, Key, Provider
from apikey_service.domain.secret import Secret
from apikey_service.usecases.keys import NewKey
from chassis.errors import FieldError, ValidationFailed
from parley.apikey.v1 import apikey_pb2

_PROVIDERS: Final = {Provider.OPENAI: apikey_pb2.PROVIDER_OPENAI}
_FROM_PROTO: Final = {
    apikey_pb2.PROVIDER_UNSPECIFIED: Provider.OPENAI,
    apikey_pb2.PROVIDER_OPENAI: Provider.OPENAI,
}


def new_key_from_proto(request: apikey_pb2.CreateKeyRequest) -> NewKey:
    """Raises ValidationFailed for a provider this version does not know."""
    provider = _FROM_PROTO.get(request.provider)
    if provider is None:
        raise ValidationFailed(fields=[FieldError("provider", "UNKNOWN")])
    return NewKey(
        name=request.name,
        api_key=Secret(request.api_key),
        model=request.model,
        base_url=request.base_url,
        provider=provider,
    )


def key_to_proto(key: Key) -> apikey_pb2.Key:
    message = apikey_pb2.Key(
        id=str(key.id),
        name=key.name,
        masked_key=key.masked_key,
        model=key.model,
        base_url=key.base_url,
        provider=_PROVIDERS[key.provider],
    )
    message.created_at.FromDatetime(key.created_at)
    message.updated_at.FromDatetime(key.updated_at)
    return message


def encode_key(key: Key) -> bytes:
    """A key as its owner may see it: there is no secret in it."""
    return key_to_proto(key).SerializeToString()


def decode_key(content: bytes) -> Key:
    """The key that ``encode_key`` was given."""
    message = apikey_pb2.Key.FromString(content)
    return Key(
        id=UUID(message.id),
        name=message.name,
        masked_key=message.masked_key,
        model=message.model,
        base_url=message.base_url,
        provider=_FROM_PROTO[message.provider],
        created_at=message.created_at.ToDatetime(tzinfo=UTC),
        updated_at=message.updated_at.ToDatetime(tzinfo=UTC),
    )


def connection_to_proto(connection: Connection) -> apikey_pb2.ResolveKeyResponse:
    return apikey_pb2.ResolveKeyResponse(
        id=str(connection.id),
        name=connection.name,
        api_key=connection.api_key.reveal(),
        model=connection.model,
        base_url=connection.base_url,
        provider=_PROVIDERS[connection.provider],
    )
