"""Registering, logging in and out."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import AppError, FieldError, Kind, Unauthenticated, ValidationFailed
from gateway.clients import Clients, Services
from gateway.identity import refresh_cookie
from gateway.identity.authentication import CallerIfAny, client_of
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.auth import Grant, LogIn, RefreshToken, Registration
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Identity", "/auth")


async def _client(request: Request) -> pb.Client:
    return client_of(request)


Client = Annotated[pb.Client, Depends(_client)]


@router.post(
    "/register",
    status_code=201,
    response_model_exclude_unset=True,
    openapi_extra=refuses(
        "USERNAME_TAKEN", "EMAIL_TAKEN", "CODE_REQUIRED", "INVALID_CODE", "TOO_MANY_ATTEMPTS"
    ),
)
async def register(
    body: Registration, client: Client, services: Services, request: Request, response: Response
) -> Grant:
    """Create an account and log in.

    With a code that was sent to the address for `register`, the address counts as verified.
    """
    auth = services.auth
    granted = await auth.tell(
        auth.stub.Register,
        pb.RegisterRequest(
            username=body.username,
            email=body.email,
            password=body.password,
            client=client,
            code=body.code,
        ),
        slow=True,
    )
    return _show(granted.grant, request, response, in_cookie=body.use_cookie)


@router.post(
    "/login",
    response_model_exclude_unset=True,
    openapi_extra=refuses("INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS"),
)
async def log_in(
    body: LogIn, client: Client, services: Services, request: Request, response: Response
) -> Grant:
    """Log in by username or e-mail address.

    The access token is good for minutes; `/auth/refresh` gives the next one. With `use_cookie` the
    refresh token is in a cookie that no script can read.
    """
    auth = services.auth
    granted = await auth.tell(
        auth.stub.LogIn,
        pb.LogInRequest(username=body.username, password=body.password, client=client),
        slow=True,
    )
    return _show(granted.grant, request, response, in_cookie=body.use_cookie)


@router.post(
    "/refresh",
    response_model_exclude_unset=True,
    # The cookie, or nothing but the body.
    openapi_extra=refuses(
        "INVALID_REFRESH_TOKEN", "ORIGIN_NOT_ALLOWED", security=[{"RefreshCookie": []}, {}]
    ),
)
async def refresh(
    client: Client,
    services: Services,
    request: Request,
    response: Response,
    body: RefreshToken | None = None,
) -> Grant:
    """Exchange a refresh token for its successor and a new access token.

    It is in the body or in the cookie, not in both. Sent again within ten seconds, for want of an answer: the same successor.
    """
    in_cookie = body is None
    if body is None:
        token = refresh_cookie.refresh_token_of(request)
        if token is None:
            raise ValidationFailed(fields=[FieldError("refresh_token", "REQUIRED")])
    elif refresh_cookie.is_presented(request):
        # Which of the two is meant, nobody can tell.
        raise ValidationFailed(fields=[FieldError("refresh_token", "NOT_WITH_COOKIE")])
    else:
        token = body.refresh_token
    granted = await _refresh(services, token, client)
    return _show(granted, request, response, in_cookie=in_cookie)


@router.post("/logout", status_code=204, openapi_extra=refuses("ORIGIN_NOT_ALLOWED"))
async def log_out(
    caller: CallerIfAny, client: Client, services: Services, request: Request, response: Response
) -> None:
    """Log out.

    Ends the login that the access token belongs to, or else, also when the token has expired, the
    one of the refresh token in the cookie.
    """
    auth = services.auth
    refresh_cookie.take_back(request, response)
    if caller is not None:
        await auth.tell(auth.stub.LogOut, pb.LogOutRequest(), caller)
        return
    token = refresh_cookie.refresh_token_of(request)
    if token is None:
        raise Unauthenticated()
    try:
        granted = await _refresh(services, token, client)
    except AppError as error:
        if error.kind is not Kind.UNAUTHENTICATED:
            raise
        # That login has ended already: what was asked for is so.
        return
    await auth.tell(auth.stub.LogOut, pb.LogOutRequest(), token=granted.access_token)


async def _refresh(services: Clients, token: str, client: pb.Client) -> pb.Grant:
    auth = services.auth
    request = pb.RefreshRequest(refresh_token=token, client=client)
    # Asked again while auth-service is away, it answers with the same successor.
    return (await auth.ask(auth.stub.Refresh, request)).grant


def _show(granted: pb.Grant, request: Request, response: Response, *, in_cookie: bool) -> Grant:
    if in_cookie:
        refresh_cookie.give(response, granted.refresh_token)
    else:
        # One that was left from an earlier login is not to be taken for this one's.
        refresh_cookie.take_back(request, response)
    return Grant.of(granted, in_cookie=in_cookie)
