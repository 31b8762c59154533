"""Who gets in: a good token, and nothing else; every refusal looks the same."""

import time
from typing import Any

import jwt

from chassis.testing import Signer
from parley.notes.v1 import notes_pb2

Door = Any


def forged(signer: Signer) -> dict[str, str]:
    now = int(time.time())
    good = {
        "iss": "parley",
        "aud": "parley",
        "sub": "01900000-0000-7000-8000-000000000001",
        "tid": "01900000-0000-7000-8000-000000000002",
        "role": "user",
        "sid": "s",
        "iat": now,
        "exp": now + 300,
        "jti": "j",
    }
    stranger = Signer(kid=signer.kid)
    return {
        "words": "let me in",
        "dots": "..",
        "not ascii": "é.é.é",
        "long": "x" * 20_000,
        "a stranger's key under our name": stranger.token(),
        "unknown key": signer.sign(good, kid="other"),
        "key by address": signer.sign(good, jku="https://evil.example/keys"),
        "key inside": signer.sign(good, jwk={"kty": "OKP"}),
        "certificate address": signer.sign(good, x5u="https://evil.example"),
        "unknown crit": signer.sign(good, crit=["exp"]),
        "path as key": signer.sign(good, kid="../../etc/passwd"),
        "other type": signer.sign(good, typ="JWT"),
        "none": jwt.encode(good, "", algorithm="none"),
        "public key as secret": jwt.encode(
            good, signer.public_key, algorithm="HS256", headers={"typ": "at+jwt", "kid": signer.kid}
        ),
        "expired": signer.sign({**good, "exp": now - 1}),
        "no expiry": signer.sign({name: good[name] for name in good if name != "exp"}),
        "other issuer": signer.sign({**good, "iss": "evil"}),
        "other audience": signer.sign({**good, "aud": "evil"}),
        "several audiences": signer.sign({**good, "aud": ["parley", "evil"]}),
        "from the future": signer.sign({**good, "iat": now + 3600}),
        "no user": signer.sign({**good, "sub": "admin"}),
        "made-up role": signer.sign({**good, "role": "root"}),
        "no login": signer.sign({**good, "sid": ""}),
    }


async def test_forged_tokens_all_get_the_same_401(door: Door) -> None:
    answers = set()
    for header in [f"Bearer {token}" for token in forged(door.signer).values()] + [
        "Basic YTpi",
        "Bearer",
        door.caller.token,
        f"Token {door.caller.token}",
        "",
    ]:
        response = await door.http.get(
            "/api/v1/notes",
            headers=[("authorization", header.encode()), ("x-request-id", "same")],
        )
        answers.add(
            (
                response.status_code,
                response.text,
                tuple(sorted((k, v) for k, v in response.headers.items() if k != "date")),
            )
        )
    absent = await door.http.get("/api/v1/notes", headers={"x-request-id": "same"})
    (only,) = answers
    assert only[:2] == (401, absent.text)
    assert absent.headers["www-authenticate"] == "Bearer"
    assert absent.json()["reason"] == "UNAUTHENTICATED"
    assert door.notes.calls == []


async def test_the_scheme_may_be_written_in_any_case(door: Door) -> None:
    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
    response = await door.http.get(
        "/api/v1/notes", headers={"authorization": f"bearer {door.caller.token}"}
    )
    assert response.status_code == 200


async def test_before_the_keys_have_arrived_it_is_503_and_not_401(open_door: Any) -> None:
    door = await open_door(ready=False)
    response = await door.http.get("/api/v1/notes", headers=door.bearer)
    assert response.status_code == 503
    assert response.json()["reason"] == "TRUST_UNAVAILABLE"
    assert response.headers["retry-after"] == "1"
    ready = await door.http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["status"] == "down"
    assert ready.json()["checks"]["token-keys"] == "away"
    assert (await door.http.get("/healthz")).status_code == 200
    door.auth.may_publish.set()
    await door.ready()
    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
    response = await door.http.get("/api/v1/notes", headers=door.bearer)
    assert response.status_code == 200


async def test_every_other_route_of_the_api_needs_one(door: Door) -> None:
    document = (await door.http.get("/openapi.json")).json()
    openly = set()
    for path, operations in document["paths"].items():
        for method in operations:
            response = await door.http.request(
                method.upper(), path.replace("{", "").replace("}", "")
            )
            if response.status_code != 401:
                openly.add((method, path))
    assert openly == {
        ("post", "/api/v1/auth/register"),
        ("post", "/api/v1/auth/login"),
        ("post", "/api/v1/auth/refresh"),
        ("post", "/api/v1/auth/send-code"),
        ("post", "/api/v1/auth/verify-code"),
        ("post", "/api/v1/auth/reset-password"),
        ("get", "/api/v1/erasures/{erasure_id}"),
        # Takes its token in the first frame, or with the handshake.
        ("get", "/api/v1/ws"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    }
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert (await door.http.get(path)).status_code == 200
