"""Accounts and log-ins, and the revocation feed that other services subscribe to."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import grpc.aio

from auth_service.mapping import (
    from_client,
    to_grant,
    to_receipt,
    to_user,
    to_watch_response,
)
from auth_service.usecases.erasures import get_erasure
from auth_service.usecases.log_in import log_in, log_out, register
from auth_service.usecases.me import delete_me, get_me
from auth_service.usecases.ports import Ports
from auth_service.usecases.refresh import refresh
from auth_service.usecases.revocation_feed import RevocationFeed
from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2, auth_pb2_grpc

POLICY: Mapping[str, Method] = {
    "Register": allow("gateway", open=True),
    "LogIn": allow("gateway", open=True),
    "Refresh": allow("gateway", open=True),
    "LogOut": allow("gateway"),
    "GetMe": allow("gateway"),
    "DeleteMe": allow("gateway"),
    "GetErasure": allow("gateway", open=True),
    "WatchRevocations": allow(
        "gateway", "auth-service", "apikey-service", "chat-service", "notes-service", open=True
    ),
}

Context = grpc.aio.ServicerContext[Any, Any]


class Accounts(auth_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    _ports: Ports
    _feed: RevocationFeed

    async def Register(
        self,
        request: auth_pb2.RegisterRequest,
        context: Context,
    ) -> auth_pb2.RegisterResponse:
        grant = await register(
            self._ports,
            username=request.username,
            email=request.email,
            password=request.password,
            client=from_client(request.client),
            code=request.code if request.HasField("code") else None,
        )
        return auth_pb2.RegisterResponse(grant=to_grant(grant))

    async def LogIn(
        self,
        request: auth_pb2.LogInRequest,
        context: Context,
    ) -> auth_pb2.LogInResponse:
        grant = await log_in(
            self._ports,
            username=request.username,
            password=request.password,
            client=from_client(request.client),
        )
        return auth_pb2.LogInResponse(grant=to_grant(grant))

    async def Refresh(
        self,
        request: auth_pb2.RefreshRequest,
        context: Context,
    ) -> auth_pb2.RefreshResponse:
        grant = await refresh(
            self._ports, refresh_token=request.refresh_token, client=from_client(request.client)
        )
        return auth_pb2.RefreshResponse(grant=to_grant(grant))

    async def LogOut(
        self,
        request: auth_pb2.LogOutRequest,
        context: Context,
    ) -> auth_pb2.LogOutResponse:
        await log_out(self._ports.open_caller, current_caller())
        return auth_pb2.LogOutResponse()

    async def GetMe(
        self,
        request: auth_pb2.GetMeRequest,
        context: Context,
    ) -> auth_pb2.GetMeResponse:
        user = await get_me(self._ports.open_caller, current_caller())
        return auth_pb2.GetMeResponse(user=to_user(user))

    async def DeleteMe(
        self,
        request: auth_pb2.DeleteMeRequest,
        context: Context,
    ) -> auth_pb2.DeleteMeResponse:
        erasure_id = await delete_me(self._ports, current_caller(), password=request.password)
        return auth_pb2.DeleteMeResponse(erasure_id=str(erasure_id))

    async def GetErasure(
        self,
        request: auth_pb2.GetErasureRequest,
        context: Context,
    ) -> auth_pb2.GetErasureResponse:
        return to_receipt(await get_erasure(self._ports.open_system, request.erasure_id))

    async def WatchRevocations(
        self,
        request: auth_pb2.WatchRevocationsRequest,
        context: Context,
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        async with aclosing(watch(self._feed)) as messages:
            async for message in messages:
                yield message


async def watch(feed: RevocationFeed) -> AsyncGenerator[auth_pb2.WatchRevocationsResponse]:
    """The messages of WatchRevocations: to other services, and to our own verifier."""
    async with aclosing(feed.subscribe()) as updates:
        async for update in updates:
            yield to_watch_response(update)
