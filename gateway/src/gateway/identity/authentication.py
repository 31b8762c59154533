"""Who is calling: the bearer token of a request, verified at the door."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from chassis.caller import Caller, Scope
from chassis.errors import AppError, Kind, Unauthenticated
from gateway.identity import refresh_cookie
from gateway.identity.bearer_tokens import Bearers
from parley.auth.v1 import auth_pb2 as pb

_USER_AGENT_CHARACTERS = 256


class InsufficientScope(AppError):
    kind = Kind.FORBIDDEN
    reason = "INSUFFICIENT_SCOPE"
    detail = "This token is not good for that."


def check_scope(caller: Caller, *scopes: Scope) -> None:
    """Raises InsufficientScope unless the caller's token is good for one of ``scopes``; without any,
    unless it is good for everything.
    """
    if caller.scopes is not None and caller.scopes.isdisjoint(scopes):
        raise InsufficientScope()


def is_good_for(caller: Caller, scope: Scope) -> bool:
    """Whether the caller's token is good for ``scope``."""
    return caller.scopes is None or scope in caller.scopes


class AccessToken:
    """A dependency: the caller of the request. JsonRoute has verified the token before, and the
    API's documents say what is asked for here.

    Each of ``scopes`` opens the route to personal access tokens; without any none does.
    Unless ``required``, None for a request that bears no token, or beside the refresh cookie one
    that is not good, an expired one above all: then the cookie says whose request it is.
    ``anybody``: None for a request that bears no token; one that is not good is refused.
    """

    def __init__(self, *scopes: Scope, required: bool = True, anybody: bool = False) -> None:
        self.scopes = scopes
        self.required = required
        self.anybody = anybody

    async def __call__(self, request: Request) -> Caller | None:
        caller: Caller | None = request.state.caller
        return caller


async def authenticate(request: Request, wanted: AccessToken) -> Caller | None:
    """The caller whose token the request bears.

    Raises Unauthenticated, the same for a token that is absent, forged, expired or revoked,
    InsufficientScope, TrustUnavailable until auth-service has been heard of, and for personal
    access tokens what Bearers raises.
    """
    authorization = request.headers.get("authorization")
    if authorization is None and (wanted.anybody or not wanted.required):
        return None
    bearers: Bearers = request.app.state.bearers
    try:
        verified = await bearers.inspect(bearer_token(authorization), client_of(request))
    except Unauthenticated:
        if wanted.required or not refresh_cookie.is_presented(request):
            raise
        return None
    # For as long as the request may take.
    request.state.verified = verified
    # For the access log: whose request it was.
    request.state.user_id = verified.user
    check_scope(verified.caller, *wanted.scopes)
    return verified.caller


def bearer_token(authorization: str | None) -> str:
    """The token in an Authorization header. Raises Unauthenticated."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise Unauthenticated()
    return token


def client_of(request: Request) -> pb.Client:
    """Where the request came from, as auth-service wants to know it."""
    address = request.client.host if request.client else ""
    return client_at(address, request.headers.get("user-agent", ""))


def client_at(address: str, user_agent: str) -> pb.Client:
    """Who says to be ``user_agent`` at ``address``, the same."""
    return pb.Client(ip=address, user_agent=user_agent[:_USER_AGENT_CHARACTERS])


# Nothing but a log-in opens these.
CallerOf = Annotated[Caller, Depends(AccessToken())]
CallerIfAny = Annotated[Caller | None, Depends(AccessToken(required=False))]

AnybodyReading = Annotated[Caller | None, Depends(AccessToken("chat:read", anybody=True))]
ChatReader = Annotated[Caller, Depends(AccessToken("chat:read"))]
ChatWriter = Annotated[Caller, Depends(AccessToken("chat:write"))]
KeysReader = Annotated[Caller, Depends(AccessToken("keys:read"))]
KeysWriter = Annotated[Caller, Depends(AccessToken("keys:write"))]
NotesReader = Annotated[Caller, Depends(AccessToken("notes:read"))]
NotesWriter = Annotated[Caller, Depends(AccessToken("notes:write"))]
# Of what either opens alone, the route shows that alone.
Searcher = Annotated[Caller, Depends(AccessToken("chat:read", "notes:read"))]
