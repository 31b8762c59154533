"""Who gets in: a good token, and nothing else; every refusal looks the same."""

import asyncio
from typing import Any

from chassis.testing.forgeries import forgeries
from parley.notes.v1 import notes_pb2

from .door import Door


async def test_forged_tokens_all_get_the_same_401_and_no_key_is_fetched(door: Door) -> None:
    fetched = asyncio.Event()

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fetched.set()
        writer.close()

    evil = await asyncio.start_server(listen, "127.0.0.1", 0)
    elsewhere = f"http://127.0.0.1:{evil.sockets[0].getsockname()[1]}"
    tokens = {f"Bearer {token}" for token in forgeries(door.signer, elsewhere=elsewhere).values()}
    assert len(tokens) > 100
    others = {"Basic YTpi", "Bearer", "Bearer é.é.é", f"Token {door.caller.token}", ""}
    answers: dict[Any, str] = {}
    for header in tokens | others | {door.caller.token}:
        said: Any = [("authorization", header.encode()), ("x-request-id", "same")]
        response = await door.http.get("/api/v1/notes", headers=said)
        headers = tuple(sorted((k, v) for k, v in response.headers.items() if k != "date"))
        answers.setdefault((response.status_code, response.text, headers), header)
    absent = await door.http.get("/api/v1/notes", headers={"x-request-id": "same"})
    assert len(answers) == 1, answers
    [(status, text, _)] = answers
    assert (status, text) == (401, absent.text)
    assert absent.headers["www-authenticate"] == "Bearer"
    assert absent.json()["reason"] == "UNAUTHENTICATED"
    assert door.notes.calls == []
    assert not fetched.is_set()
    evil.close()


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
        # The link is what lets somebody in.
        ("get", "/api/v1/shares/{token}"),
        ("get", "/api/v1/shares/{token}/files/{file_id}/content"),
        # Takes its token in the first frame, or with the handshake.
        ("get", "/api/v1/ws"),
        ("get", "/.well-known/jwks.json"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    }
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert (await door.http.get(path)).status_code == 200
