"""Provider connections."""

from typing import Annotated

from fastapi import Query

from chassis.telemetry.redaction import hide
from gateway.clients import Services
from gateway.identity.authentication import KeysReader, KeysWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.keys import PROVIDERS, Key, NewKey
from parley.apikey.v1 import apikey_pb2 as pb

router = api_router("Keys", "/keys")


@router.post("", status_code=201, openapi_extra=refuses("KEY_NAME_TAKEN"))
async def create_key(
    body: NewKey, caller: KeysWriter, services: Services, key: IdempotencyKeyOf
) -> Key:
    """Store a provider connection.

    The first one is the default. Its key is encrypted, and not shown again.
    """
    hide(body.api_key)
    apikey = services.apikey
    response = await apikey.tell(
        apikey.stub.CreateKey,
        pb.CreateKeyRequest(
            name=body.name,
            api_key=body.api_key,
            model=body.model,
            base_url=body.base_url,
            provider=PROVIDERS[body.provider],
        ),
        caller,
        idempotency_key=key,
    )
    return Key.of(response.key)


@router.get("")
async def list_keys(
    query: Annotated[ListQuery, Query()], caller: KeysReader, services: Services
) -> Page[Key]:
    """List one's provider connections, the default one first."""
    apikey = services.apikey
    response = await apikey.ask(
        apikey.stub.ListKeys,
        pb.ListKeysRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[Key](
        items=[Key.of(key) for key in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/{key_id}")
async def get_key(key_id: str, caller: KeysReader, services: Services) -> Key:
    """Show a provider connection."""
    apikey = services.apikey
    response = await apikey.ask(apikey.stub.GetKey, pb.GetKeyRequest(id=key_id), caller)
    return Key.of(response.key)
