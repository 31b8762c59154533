"""The keys that verify access tokens, as anybody may have them."""

from typing import Any

import jwt

from .door import Door

PATH = "/.well-known/jwks.json"


async def test_a_token_can_be_verified_with_the_published_keys_alone(door: Door) -> None:
    response = await door.http.get(PATH)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/jwk-set+json"
    assert response.headers["cache-control"] == "public, max-age=60"
    published = response.json()
    [key] = published["keys"]
    assert {name: key[name] for name in key if name != "x"} == {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": door.signer.kid,
    }
    [good] = jwt.PyJWKSet.from_dict(published).keys
    claims = jwt.decode(door.caller.token, good, algorithms=["EdDSA"], audience="parley")
    assert claims["sub"] == str(door.caller.user_id)


async def test_before_any_key_has_arrived_there_is_none_to_publish(open_door: Any) -> None:
    door = await open_door(ready=False)
    response = await door.http.get(PATH)
    assert (response.status_code, response.json()["reason"]) == (503, "TRUST_UNAVAILABLE")
    assert response.headers["cache-control"] == "no-store"
