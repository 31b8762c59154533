"""Who is calling: the bearer token of a request, verified at the door."""

from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from chassis.caller import Caller
from chassis.errors import Unauthenticated
from chassis.grpc.caller import TokenVerifier


def authenticate(request: Request) -> Caller:
    """The caller whose token the request bears.

    Raises Unauthenticated, the same for a token that is absent, forged, expired or revoked,
    and TrustUnavailable until auth-service has been heard of.
    """
    verifier: TokenVerifier = request.app.state.verifier
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise Unauthenticated()
    verified = verifier.inspect(token)
    # For as long as the request may take.
    request.state.verified = verified
    # For the access log: whose request it was.
    request.state.user_id = verified.user
    return verified.caller


class AccessToken(SecurityBase):
    """A dependency: the caller of the request. JsonRoute has verified the token before."""

    def __init__(self) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="An access token.")
        self.scheme_name = "AccessToken"

    async def __call__(self, request: Request) -> Caller:
        caller: Caller = request.state.caller
        return caller


CallerOf = Annotated[Caller, Depends(AccessToken())]
