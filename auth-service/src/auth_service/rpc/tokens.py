"""Logins one by one, passwords changed, personal access tokens."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

import grpc.aio

from auth_service.mapping import from_client, to_login, to_token
from auth_service.usecases.change_password import change_password
from auth_service.usecases.logins import list_logins, revoke_login, revoke_logins
from auth_service.usecases.ports import Ports
from auth_service.usecases.tokens import (
    create_token,
    delete_token,
    exchange_token,
    list_tokens,
)
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2, auth_pb2_grpc

POLICY: Mapping[str, Method] = {
    "ChangePassword": allow("gateway"),
    "ListLogins": allow("gateway"),
    "RevokeLogin": allow("gateway"),
    "RevokeLogins": allow("gateway"),
    "CreateToken": allow("gateway"),
    "ListTokens": allow("gateway"),
    "DeleteToken": allow("gateway"),
    "ExchangeToken": allow("gateway", open=True),
}


Context = grpc.aio.ServicerContext[Any, Any]


class Tokens(auth_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    _ports: Ports

    async def ChangePassword(
        self, request: auth_pb2.ChangePasswordRequest, context: Context
    ) -> auth_pb2.ChangePasswordResponse:
        await change_password(
            self._ports,
            current_caller(),
            old_password=request.old_password,
            new_password=request.new_password,
        )
        return auth_pb2.ChangePasswordResponse()

    async def ListLogins(
        self, request: auth_pb2.ListLoginsRequest, context: Context
    ) -> auth_pb2.ListLoginsResponse:
        caller = current_caller()
        page = await list_logins(
            self._ports.open_caller,
            caller,
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return auth_pb2.ListLoginsResponse(
            items=[to_login(login, current=str(login.id) == caller.sid) for login in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def RevokeLogin(
        self, request: auth_pb2.RevokeLoginRequest, context: Context
    ) -> auth_pb2.RevokeLoginResponse:
        await revoke_login(self._ports.open_caller, current_caller(), request.id)
        return auth_pb2.RevokeLoginResponse()

    async def RevokeLogins(
        self, request: auth_pb2.RevokeLoginsRequest, context: Context
    ) -> auth_pb2.RevokeLoginsResponse:
        await revoke_logins(self._ports.open_caller, current_caller())
        return auth_pb2.RevokeLoginsResponse()

    async def CreateToken(
        self, request: auth_pb2.CreateTokenRequest, context: Context
    ) -> auth_pb2.CreateTokenResponse:
        made = await create_token(
            self._ports,
            current_caller(),
            name=request.name,
            scopes=request.scopes,
            expires_at=request.expires_at.ToDatetime(tzinfo=UTC)
            if request.HasField("expires_at")
            else None,
            once=once(request, lambda made: made.bytes, lambda kept: UUID(bytes=kept)),
        )
        return auth_pb2.CreateTokenResponse(token=to_token(made.token), secret=made.secret)

    async def ListTokens(
        self, request: auth_pb2.ListTokensRequest, context: Context
    ) -> auth_pb2.ListTokensResponse:
        page = await list_tokens(
            self._ports.open_caller,
            current_caller(),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return auth_pb2.ListTokensResponse(
            items=[to_token(token) for token in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def DeleteToken(
        self, request: auth_pb2.DeleteTokenRequest, context: Context
    ) -> auth_pb2.DeleteTokenResponse:
        await delete_token(self._ports.open_caller, current_caller(), request.id)
        return auth_pb2.DeleteTokenResponse()

    async def ExchangeToken(
        self, request: auth_pb2.ExchangeTokenRequest, context: Context
    ) -> auth_pb2.ExchangeTokenResponse:
        token = await exchange_token(
            self._ports, secret=request.secret, client=from_client(request.client)
        )
        return auth_pb2.ExchangeTokenResponse(access_token=token.text, expires_in=token.expires_in)
