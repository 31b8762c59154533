"""The vault on the wire: decode, call the use case, encode. Errors fly through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apikey_service.mapping import (
    change_from_proto,
    connection_to_proto,
    decode_key,
    encode_key,
    key_to_proto,
    learnt_from_proto,
    new_key_from_proto,
    secrets_of,
)
from apikey_service.usecases.create import CreateKey
from apikey_service.usecases.keys import ReadKeys
from apikey_service.usecases.report_use import ReportUse
from apikey_service.usecases.resolve import ResolveKey
from apikey_service.usecases.update import UpdateKey, delete_key
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
        "GetKeyByName": allow("gateway"),
        "GetDefaultKey": allow("gateway"),
        "SetDefaultKey": allow("gateway"),
        "ListKeys": allow("gateway"),
        "UpdateKey": allow("gateway"),
        "DeleteKey": allow("gateway"),
        # What it answers holds a key in the clear: for the service that calls the provider. A run
        # asks for the connection to fall back to when the first one has failed, perhaps late.
        "ResolveKey": allow("chat-service", outlived=True),
        "CheckKey": allow("chat-service"),
        "ListAllowances": allow("chat-service"),
        # Of a run that may have taken long.
        "ReportUse": allow("chat-service", outlived=True),
    }
}


def _hide(secrets: Iterable[str]) -> None:
    for secret in secrets:
        hide(secret)


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the vault does."""

    create: CreateKey
    read: ReadKeys
    update: UpdateKey
    resolve: ResolveKey
    report_use: ReportUse
    open_transaction: OpenTransaction


class ApiKeyServicer(apikey_pb2_grpc.ApiKeyServiceServicer):
    """parley.apikey.v1.ApiKeyService.

    A request that holds a user's key is known again by a hash keyed with ``request_secrets``.
    """

    def __init__(self, use_cases: UseCases, *, request_secrets: Sequence[bytes]) -> None:
        self._do = use_cases
        self._request_secrets = request_secrets

    async def CreateKey(
        self, request: apikey_pb2.CreateKeyRequest, context: object
    ) -> apikey_pb2.CreateKeyResponse:
        _hide(secrets_of(request))
        key = await self._do.create(
            current_caller(),
            new_key_from_proto(request),
            once=once(request, encode_key, decode_key, secrets=self._request_secrets),
        )
        return apikey_pb2.CreateKeyResponse(key=key_to_proto(key))

    async def GetKey(
        self, request: apikey_pb2.GetKeyRequest, context: object
    ) -> apikey_pb2.GetKeyResponse:
        key = await self._do.read.get(current_caller(), request.id)
        return apikey_pb2.GetKeyResponse(key=key_to_proto(key))

    async def GetKeyByName(
        self, request: apikey_pb2.GetKeyByNameRequest, context: object
    ) -> apikey_pb2.GetKeyByNameResponse:
        key = await self._do.read.get_by_name(current_caller(), request.name)
        return apikey_pb2.GetKeyByNameResponse(key=key_to_proto(key))

    async def GetDefaultKey(
        self, request: apikey_pb2.GetDefaultKeyRequest, context: object
    ) -> apikey_pb2.GetDefaultKeyResponse:
        key = await self._do.read.get_default(current_caller())
        return apikey_pb2.GetDefaultKeyResponse(key=key_to_proto(key))

    async def SetDefaultKey(
        self, request: apikey_pb2.SetDefaultKeyRequest, context: object
    ) -> apikey_pb2.SetDefaultKeyResponse:
        key = await self._do.read.set_default(current_caller(), request.key_id)
        return apikey_pb2.SetDefaultKeyResponse(key=key_to_proto(key))

    async def ListKeys(
        self, request: apikey_pb2.ListKeysRequest, context: object
    ) -> apikey_pb2.ListKeysResponse:
        page = await self._do.read.list(
            current_caller(), limit=request.limit, cursor=request.cursor, count=request.count
        )
        return apikey_pb2.ListKeysResponse(
            items=[key_to_proto(key) for key in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def UpdateKey(
        self, request: apikey_pb2.UpdateKeyRequest, context: object
    ) -> apikey_pb2.UpdateKeyResponse:
        _hide(secrets_of(request))
        key = await self._do.update(current_caller(), request.id, change_from_proto(request))
        return apikey_pb2.UpdateKeyResponse(key=key_to_proto(key))

    async def DeleteKey(
        self, request: apikey_pb2.DeleteKeyRequest, context: object
    ) -> apikey_pb2.DeleteKeyResponse:
        await delete_key(self._do.open_transaction, current_caller(), request.id)
        return apikey_pb2.DeleteKeyResponse()

    async def ResolveKey(
        self, request: apikey_pb2.ResolveKeyRequest, context: object
    ) -> apikey_pb2.ResolveKeyResponse:
        connection = await self._do.resolve(
            current_caller(),
            key_id=request.id if request.HasField("id") else None,
            name=request.name if request.HasField("name") else None,
        )
        hide(connection.api_key.reveal())
        _hide(value.reveal() for _, value in connection.headers)
        return connection_to_proto(connection)

    async def ReportUse(
        self, request: apikey_pb2.ReportUseRequest, context: object
    ) -> apikey_pb2.ReportUseResponse:
        await self._do.report_use(
            current_caller(),
            request.key_id,
            reason=request.error_reason if request.HasField("error_reason") else None,
            ok=request.ok,
            learnt=learnt_from_proto(request.learnt),
        )
        return apikey_pb2.ReportUseResponse()

    async def CheckKey(
        self, request: apikey_pb2.CheckKeyRequest, context: object
    ) -> apikey_pb2.CheckKeyResponse:
        _hide(secrets_of(request.key))
        connection = self._do.create.check(new_key_from_proto(request.key))
        return apikey_pb2.CheckKeyResponse(connection=connection_to_proto(connection))

    async def ListAllowances(
        self, request: apikey_pb2.ListAllowancesRequest, context: object
    ) -> apikey_pb2.ListAllowancesResponse:
        return apikey_pb2.ListAllowancesResponse(
            items=[
                apikey_pb2.Allowance(key_id=str(one.id), key_name=one.name, daily_tokens=tokens)
                for one, tokens in self._do.read.limited(current_caller())
            ]
        )
