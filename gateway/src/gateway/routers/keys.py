"""Connections to model servers."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Query

from chassis.telemetry.redaction import hide
from gateway.clients import Services
from gateway.identity.authentication import KeysReader, KeysWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.keys import DefaultKey, Key, KeyChange, NewKey
from parley.apikey.v1 import apikey_pb2 as pb

router = api_router("Keys", "/keys")


def _hide(secrets: Iterable[str]) -> None:
    for secret in secrets:
        hide(secret)


@router.post("", status_code=201, openapi_extra=refuses("KEY_NAME_TAKEN", "TOO_MANY_KEYS"))
async def create_key(
    body: NewKey, caller: KeysWriter, services: Services, key: IdempotencyKeyOf
) -> Key:
    """Store a connection.

    Its key and its headers are encrypted, and not shown again. The first one is the default until
    another one is made it.
    """
    _hide(body.secrets())
    apikey = services.apikey
    response = await apikey.tell(apikey.stub.CreateKey, body.request(), caller, idempotency_key=key)
    return Key.of(response.key)


@router.get("")
async def list_keys(
    query: Annotated[ListQuery, Query()], caller: KeysReader, services: Services
) -> Page[Key]:
    """List connections: one's own, oldest first, then those that the operator offers."""
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


@router.get("/default", openapi_extra=refuses("NO_KEY"))
async def get_default_key(caller: KeysReader, services: Services) -> Key:
    """Show the default connection.

    It is the one that was made the default, else the first of one's own, else the first that the
    operator offers.
    """
    apikey = services.apikey
    response = await apikey.ask(apikey.stub.GetDefaultKey, pb.GetDefaultKeyRequest(), caller)
    return Key.of(response.key)


@router.put("/default", openapi_extra=refuses("KEY_NOT_FOUND"))
async def set_default_key(body: DefaultKey, caller: KeysWriter, services: Services) -> Key:
    """Make a connection the default."""
    apikey = services.apikey
    response = await apikey.tell(
        apikey.stub.SetDefaultKey, pb.SetDefaultKeyRequest(key_id=body.key_id), caller
    )
    return Key.of(response.key)


@router.get("/by-name/{name:path}", openapi_extra=refuses("KEY_NOT_FOUND"))
async def get_key_by_name(name: str, caller: KeysReader, services: Services) -> Key:
    """Show a connection by its name, of which letter case makes no difference.

    Whatever is not of a URL is percent-encoded in it, `/` as `%2F`. One's own goes before one of the
    operator's.
    """
    apikey = services.apikey
    response = await apikey.ask(apikey.stub.GetKeyByName, pb.GetKeyByNameRequest(name=name), caller)
    return Key.of(response.key)


@router.get("/{key_id}")
async def get_key(key_id: str, caller: KeysReader, services: Services) -> Key:
    """Show a connection."""
    apikey = services.apikey
    response = await apikey.ask(apikey.stub.GetKey, pb.GetKeyRequest(id=key_id), caller)
    return Key.of(response.key)


@router.patch("/{key_id}", openapi_extra=refuses("KEY_NAME_TAKEN", "KEY_NEEDED"))
async def update_key(key_id: str, body: KeyChange, caller: KeysWriter, services: Services) -> Key:
    """Change a connection of one's own.

    What is given is changed, all of it or nothing. Null takes away what may be absent.
    """
    _hide(body.secrets())
    apikey = services.apikey
    response = await apikey.tell(apikey.stub.UpdateKey, body.request(key_id), caller)
    return Key.of(response.key)


@router.delete("/{key_id}", status_code=204)
async def delete_key(key_id: str, caller: KeysWriter, services: Services) -> None:
    """Delete a connection of one's own.

    If it was the default, the first one is from then on.
    """
    apikey = services.apikey
    await apikey.tell(apikey.stub.DeleteKey, pb.DeleteKeyRequest(id=key_id), caller)
