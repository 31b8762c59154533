"""The port `ResolveKey` over gRPC: keys come from apikey-service, for one run at a time."""

from uuid import UUID

from chassis.grpc.client import Channel
from chassis.telemetry.redaction import hide
from chat_service.providers.domain.connection import Connection, ResolveKey
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc

_DEADLINE_SECONDS = 5.0


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
        return Connection(
            key_id=UUID(key.id),
            name=key.name,
            api_key=key.api_key,
            model=key.model,
            base_url=key.base_url,
            provider=apikey_pb2.Provider.Name(key.provider).removeprefix("PROVIDER_").lower(),
        )

    return resolve_key
