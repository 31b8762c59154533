"""The vault on the wire: decode, call the use case, encode. Errors fly through."""

from apikey_service.mapping import (
    connection_to_proto,
    decode_key,
    encode_key,
    key_to_proto,
    new_key_from_proto,
)
from apikey_service.store.keys import SealedKeys
from apikey_service.usecases import keys
from apikey_service.usecases.ports import Vault
from apikey_service.usecases.resolve import resolve_key
from chassis.db.transactions import OpenTransaction
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import allow
from chassis.telemetry.redaction import hide
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc

POLICY = {
    "parley.apikey.v1.ApiKeyService": {
        "CreateKey": allow("gateway"),
        "GetKey": allow("gateway"),
        "ListKeys": allow("gateway"),
        # What it answers holds a key in the clear: for the service that calls the provider.
        "ResolveKey": allow("chat-service"),
        "CheckKey": allow("chat-service"),
    }
}


class ApiKeyServicer(apikey_pb2_grpc.ApiKeyServiceServicer):
    """parley.apikey.v1.ApiKeyService."""

    def __init__(
        self, open_transaction: OpenTransaction, sealed_keys: SealedKeys, vault: Vault
    ) -> None:
        self._open_transaction = open_transaction
        self._sealed_keys = sealed_keys
        self._vault = vault

    async def CreateKey(
        self, request: apikey_pb2.CreateKeyRequest, context: object
    ) -> apikey_pb2.CreateKeyResponse:
        hide(request.api_key)
        key = await keys.create_key(
            self._open_transaction,
            self._vault,
            current_caller(),
            new_key_from_proto(request),
            once=once(request, encode_key, decode_key),
        )
        return apikey_pb2.CreateKeyResponse(key=key_to_proto(key))

    async def GetKey(
        self, request: apikey_pb2.GetKeyRequest, context: object
    ) -> apikey_pb2.GetKeyResponse:
        key = await keys.get_key(self._open_transaction, current_caller(), request.id)
        return apikey_pb2.GetKeyResponse(key=key_to_proto(key))

    async def ListKeys(
        self, request: apikey_pb2.ListKeysRequest, context: object
    ) -> apikey_pb2.ListKeysResponse:
        page = await keys.list_keys(
            self._open_transaction,
            current_caller(),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return apikey_pb2.ListKeysResponse(
            items=[key_to_proto(key) for key in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def ResolveKey(
        self, request: apikey_pb2.ResolveKeyRequest, context: object
    ) -> apikey_pb2.ResolveKeyResponse:
        connection = await resolve_key(
            self._sealed_keys,
            self._vault,
            current_caller(),
            request.id if request.HasField("id") else None,
        )
        hide(connection.api_key.reveal())
        return connection_to_proto(connection)

    async def CheckKey(
        self, request: apikey_pb2.CheckKeyRequest, context: object
    ) -> apikey_pb2.CheckKeyResponse:
        hide(request.key.api_key)
        connection = keys.check_key(new_key_from_proto(request.key))
        return apikey_pb2.CheckKeyResponse(connection=connection_to_proto(connection))
