"""Who is calling: the bearer token of a request, verified at the door."""

from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from chassis.caller import Caller
from chassis.errors import Unauthenticated
from chassis.grpc.caller import TokenVerifier


class AccessToken(SecurityBase):
    """A dependency: the caller of the request. JsonRoute has verified the token before.

    Unless ``required``, None for a request that bears no token at all.
    """

    def __init__(self, *, required: bool = True) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="An access token.")
        self.scheme_name = "AccessToken"
        self.required = required

    async def __call__(self, request: Request) -> Caller | None:
        caller: Caller | None = request.state.caller
        return caller


async def authenticate(request: Request, wanted: AccessToken) -> Caller | None:
    """The caller whose token the request bears.

    Raises Unauthenticated, the same for a token that is absent, forged, expired or revoked,
    and TrustUnavailable until auth-service has been heard of.
    """
    authorization = request.headers.get("authorization")
    if authorization is None and not wanted.required:
        return None
    verifier: TokenVerifier = request.app.state.verifier
    verified = verifier.inspect(bearer_token(authorization))
    # For as long as the request may take.
    request.state.verified = verified
    # For the access log: whose request it was.
    request.state.user_id = verified.user
    return verified.caller


def bearer_token(authorization: str | None) -> str:
    """The token in an Authorization header. Raises Unauthenticated."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise Unauthenticated()
    return token


CallerOf = Annotated[Caller, Depends(AccessToken())]
CallerIfAny = Annotated[Caller | None, Depends(AccessToken(required=False))]
