"""What earlier releases have stored is known to this one: the formats of what is kept, in values written out."""

from collections.abc import Awaitable, Callable

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_service.credentials.pseudonyms import KeyedPseudonyms
from auth_service.credentials.sealing import SealedSuccessors
from auth_service.credentials.signing import SigningKey
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]

REFRESH_TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
SECRET = f"parley_pat_{REFRESH_TOKEN}"
#: What is kept of each: its SHA-256.
DIGESTS = {
    "refresh_tokens": "834b6e67aab8d76ccef4846478052cf0737a3107973ec19c7b7ec9dd1b1cf304",
    "tokens": "92e511e66d16c844d25598fbeea28a8ae32ff61a89b61cf94c331b8849e53296",
}
SIGNING_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
SUCCESSOR = "b47ccea59a6b079d2b94c0fc820266ab1d667ba5042f9db26466584cadf6ce466bbba3103d"


async def test_tokens_that_were_given_out_before_are_good(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant = await register("ada")
    stub = auth.stub(AuthServiceStub)
    create = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    await auth.unary(stub.CreateToken, create, timeout=30, token=grant.access_token)
    with psycopg.connect(database.worker) as worker:
        for table, digest in DIGESTS.items():
            stored = worker.execute(
                f"UPDATE {table} SET digest = %s WHERE user_id = %s",
                [bytes.fromhex(digest), grant.user.id],
            )
            assert stored.rowcount == 1

    refresh = auth_pb2.RefreshRequest(refresh_token=REFRESH_TOKEN)
    assert (await auth.unary(stub.Refresh, refresh, timeout=30)).grant.user == grant.user
    exchange = auth_pb2.ExchangeTokenRequest(secret=SECRET)
    assert (await auth.unary(stub.ExchangeToken, exchange, timeout=30)).access_token


def test_the_successor_of_a_refresh_token_that_was_sealed_before_opens() -> None:
    sealed = bytes.fromhex(SUCCESSOR)
    assert SealedSuccessors().open(sealed, under="refresh token") == "successor"


def test_counters_and_codes_are_found_under_the_pseudonyms_that_they_were_kept_by() -> None:
    kept = KeyedPseudonyms(lambda: [SIGNING_KEY]).of("register", "ada@example.org")
    assert kept.hex() == "53312a42439cb61e5b5e4b24aa47704111167875a4c28bf29ed022508929e0a9"


def test_a_signing_key_has_the_name_that_tokens_bear() -> None:
    assert SIGNING_KEY.verification.kid == "1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y"
