"""The keys that access tokens are signed with, for whoever wants to verify them: RFC 7517."""

from base64 import urlsafe_b64encode
from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chassis.grpc.trust import TrustStore
from gateway.routes.api import UNAVAILABLE
from gateway.schemas.base import Resource, example

router = APIRouter(tags=["Operation"], generate_unique_id_function=lambda route: route.name)


class Jwk(Resource):
    """A public key: RFC 8037."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"
    kid: str
    x: str


class Jwks(Resource):
    model_config = example(
        keys=[
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }
        ]
    )

    keys: list[Jwk]


class JwkSetResponse(JSONResponse):
    media_type = "application/jwk-set+json"


@router.get(
    "/.well-known/jwks.json",
    response_class=JwkSetResponse,
    response_description="Good for a minute.",
    responses={503: UNAVAILABLE},
)
async def jwks(request: Request, response: Response) -> Jwks:
    """List the keys that verify access tokens.

    A new one is here before it signs.
    """
    trust: TrustStore = request.app.state.trust
    keys = [
        Jwk(kid=kid, x=urlsafe_b64encode(raw).rstrip(b"=").decode())
        for kid, raw in sorted(trust.public_keys().items())
    ]
    response.headers["cache-control"] = "public, max-age=60"
    return Jwks(keys=keys)
