"""Forged access tokens before a service itself, as the gateway would hand them on."""

from collections.abc import Awaitable, Callable

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import Signer
from chassis.testing.forgeries import forgeries
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]


async def test_a_service_refuses_what_the_gateway_would_and_says_the_same_of_all(
    auth: Channel, register: Register, private_key: Ed25519PrivateKey
) -> None:
    grant = await register("ada")
    kid = str(jwt.get_unverified_header(grant.access_token)["kid"])
    stub = auth.stub(AuthServiceStub)
    said: dict[object, str] = {}
    made = forgeries(Signer(kid=kid, private_key=private_key))
    # Longer ones gRPC itself does not let through.
    forged = {name: token for name, token in made.items() if len(token) < 8000}
    for name, token in forged.items():
        try:
            await auth.unary(stub.GetMe, auth_pb2.GetMeRequest(), timeout=30, token=token)
        except RemoteError as error:
            said.setdefault((error.kind, error.reason, error.detail, error.fields), name)
        else:
            said.setdefault("believed", name)
    assert len(forged) > 100
    assert list(said) == [
        (Kind.UNAUTHENTICATED, "UNAUTHENTICATED", "A valid access token is required.", ())
    ], said
