"""Registering, logging in and out."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from gateway.auth import CallerOf
from gateway.clients import Services
from gateway.routers import router as api_router
from gateway.schemas.auth import Grant, LogIn, RefreshToken, Registration
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Identity", "/auth")

_USER_AGENT_CHARACTERS = 256


async def _client(request: Request) -> pb.Client:
    return pb.Client(
        ip=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", "")[:_USER_AGENT_CHARACTERS],
    )


Client = Annotated[pb.Client, Depends(_client)]


@router.post("/register", status_code=201)
async def register(body: Registration, client: Client, services: Services) -> Grant:
    """Create an account and log in."""
    auth = services.auth
    response = await auth.tell(
        auth.stub.Register,
        pb.RegisterRequest(
            username=body.username,
            email=body.email,
            password=body.password,
            client=client,
            code=body.code,
        ),
    )
    return Grant.of(response.grant)


@router.post("/login")
async def log_in(body: LogIn, client: Client, services: Services) -> Grant:
    """Log in by username or e-mail address."""
    auth = services.auth
    response = await auth.tell(
        auth.stub.LogIn,
        pb.LogInRequest(username=body.username, password=body.password, client=client),
    )
    return Grant.of(response.grant)


@router.post("/refresh")
async def refresh(body: RefreshToken, client: Client, services: Services) -> Grant:
    """Exchange a refresh token for its successor and a new access token."""
    auth = services.auth
    response = await auth.tell(
        auth.stub.Refresh, pb.RefreshRequest(refresh_token=body.refresh_token, client=client)
    )
    return Grant.of(response.grant)


@router.post("/logout", status_code=204)
async def log_out(caller: CallerOf, services: Services) -> None:
    """End the login that the access token belongs to."""
    auth = services.auth
    await auth.tell(auth.stub.LogOut, pb.LogOutRequest(), caller)
