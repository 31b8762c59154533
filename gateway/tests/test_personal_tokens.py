"""Personal access tokens at the door: made, exchanged, remembered, and ended."""

import asyncio
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.caller import Caller
from chassis.errors import Unavailable
from chassis.testing import eventually
from gateway.identity import bearer_tokens
from parley.auth.v1 import auth_pb2
from parley.notes.v1 import notes_pb2

from .door import Door
from .personal_tokens import NOTES, InvalidToken, bearing, exchanges, grants, revoke, secret

ID = "01900000-0000-7000-8000-000000000009"


@pytest.fixture
def door(own_door: Door) -> Door:
    """It remembers tokens, and who guessed."""
    return own_door


async def test_tokens_are_made_listed_and_deleted(door: Door) -> None:
    when = Timestamp(seconds=1_700_000_000)
    token = auth_pb2.Token(id=ID, name="a script", scopes=["notes:read"], created_at=when)
    door.auth.answers |= {
        "CreateToken": auth_pb2.CreateTokenResponse(token=token, secret="parley_pat_x"),
        "ListTokens": auth_pb2.ListTokensResponse(items=[token], total=1),
        "DeleteToken": auth_pb2.DeleteTokenResponse(),
    }
    body = {
        "name": "a script",
        "scopes": ["notes:read"],
        "expires_at": "2030-01-01T01:00:00+01:00",
    }
    shown = {
        "id": ID,
        "name": "a script",
        "scopes": ["notes:read"],
        "created_at": "2023-11-14T22:13:20Z",
        "expires_at": None,
        "last_used_at": None,
    }
    keyed = {**door.bearer, "idempotency-key": "k"}
    made = await door.http.post("/api/v1/tokens", json=body, headers=keyed)
    assert (made.status_code, made.json()) == (201, {**shown, "token": "parley_pat_x"})
    listed = await door.http.get("/api/v1/tokens?count=true", headers=door.bearer)
    assert listed.json() == {"items": [shown], "next_cursor": None, "total": 1}
    gone = await door.http.delete(f"/api/v1/tokens/{ID}", headers=door.bearer)
    assert gone.status_code == 204
    create, _, delete = [call for call in door.auth.calls if call.token]
    assert create.idempotency_key == "k"
    assert create.request.expires_at.ToJsonString() == "2030-01-01T00:00:00Z"
    assert delete.request == auth_pb2.DeleteTokenRequest(id=ID)


async def test_one_is_asked_for_once_since_its_secret_is_in_the_first_answer(door: Door) -> None:
    door.auth.answers["CreateToken"] = Unavailable()
    headers = {**door.bearer, "idempotency-key": "a-key"}
    body = {"name": "x", "scopes": ["notes:read"]}
    made = await door.http.post("/api/v1/tokens", json=body, headers=headers)
    assert made.status_code == 503
    assert [call.method for call in door.auth.calls if call.token] == ["CreateToken"]


@pytest.mark.parametrize(
    ("expires_at", "reason"),
    [
        (1_893_456_000, "WRONG_TYPE"),
        (True, "WRONG_TYPE"),
        ("1893456000", "INVALID"),
        ("tomorrow", "INVALID"),
        ("2030-01-01", "INVALID"),
        ("2030-01-01T00:00:00", "INVALID"),
        ("2030-01-01T00:00Z", "INVALID"),
        ("2030-02-30T00:00:00Z", "INVALID"),
        ("2030-01-01T00:00:00+24:00", "INVALID"),
        ("9999-12-31T23:59:59-12:00", "OUT_OF_RANGE"),
    ],
)
async def test_a_time_that_is_none_is_refused(door: Door, expires_at: Any, reason: str) -> None:
    body = {"name": "x", "scopes": ["notes:read"], "expires_at": expires_at}
    response = await door.http.post("/api/v1/tokens", json=body, headers=door.bearer)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "expires_at", "reason": reason}]


async def test_a_scope_that_is_none_is_refused_by_its_place(door: Door) -> None:
    body = {"name": "x", "scopes": ["notes:read", "admin"]}
    response = await door.http.post("/api/v1/tokens", json=body, headers=door.bearer)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "scopes.1", "reason": "NOT_ONE_OF"}]
    assert "admin" not in response.text


async def test_of_many_requests_with_one_token_the_first_has_it_exchanged(door: Door) -> None:
    caller = grants(door)
    responses = await asyncio.gather(
        *(door.http.get(NOTES, headers=bearing(secret())) for _ in range(50))
    )
    assert {response.status_code for response in responses} == {200}
    assert exchanges(door) == 1
    assert {call.token for call in door.notes.calls} == {caller.token}
    asked = door.auth.calls[-1].request
    assert (asked.secret, asked.client.ip) == (secret(), "127.0.0.1")


async def test_so_many_are_remembered_and_the_newest_is_among_them(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer_tokens, "_REMEMBERED", 3)
    grants(door)
    for number in (0, 1, 2, 3, 4, 4):
        await door.http.get(NOTES, headers=bearing(secret(number)))
    assert exchanges(door) == 5
    await door.http.get(NOTES, headers=bearing(secret(0)))
    assert exchanges(door) == 6
    # As it is with those that are wrong, each of which counts as a guess once.
    door.auth.answers["ExchangeToken"] = InvalidToken()
    for number in (10, 11, 12, 13, 14, 14):
        await door.http.get(NOTES, headers=bearing(secret(number)))
    assert exchanges(door) == 11


async def test_each_token_speaks_for_the_user_who_made_it(door: Door) -> None:
    spoken_for = []
    for number, user in enumerate((door.signer.caller().user_id, door.caller.user_id)):
        caller: Caller = door.signer.caller(user, scope="notes:read")
        spoken_for.append(caller.token)
        door.auth.answers["ExchangeToken"] = auth_pb2.ExchangeTokenResponse(
            access_token=caller.token, expires_in=120
        )
        door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
        assert (await door.http.get(NOTES, headers=bearing(secret(number)))).status_code == 200
    for number in (0, 1, 0):
        assert (await door.http.get(NOTES, headers=bearing(secret(number)))).status_code == 200
    assert exchanges(door) == 2
    ada, eve = spoken_for
    assert [call.token for call in door.notes.calls] == [ada, eve, ada, eve, ada]


async def test_whoever_asked_first_and_hung_up_takes_nobody_else_with_them(door: Door) -> None:
    grants(door)
    answer = door.auth.answers["ExchangeToken"]
    held = door.auth.answers["ExchangeToken"] = asyncio.Event()
    first, second = [
        asyncio.create_task(door.http.get(NOTES, headers=bearing(secret()))) for _ in range(2)
    ]
    await eventually(lambda: exchanges(door))
    first.cancel()
    await asyncio.wait([first])
    assert not second.done()
    assert exchanges(door) == 1
    # What was held fails; the next one is asked anew.
    door.auth.answers["ExchangeToken"] = answer
    held.set()
    assert (await second).status_code == 500
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200


async def test_an_access_token_that_is_nearly_over_is_not_begun_with(door: Door) -> None:
    grants(door, lifetime=29)
    for _ in range(2):
        assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    assert exchanges(door) == 2


async def test_a_deleted_token_is_refused_at_once_and_asked_for_once(door: Door) -> None:
    caller = grants(door)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    door.auth.answers["ExchangeToken"] = InvalidToken()
    revoke(door, caller)

    async def refused() -> bool:
        response = await door.http.get(NOTES, headers=bearing(secret()))
        return bool(response.status_code == 401)

    await eventually(refused, 5)
    for _ in range(20):
        assert await refused()
    assert exchanges(door) == 2


async def test_more_lookups_at_once_than_may_be_are_turned_away(door: Door) -> None:
    held = door.auth.answers["ExchangeToken"] = asyncio.Event()
    waiting = [
        asyncio.create_task(door.http.get(NOTES, headers=bearing(secret(number))))
        for number in range(32)
    ]
    await eventually(lambda: exchanges(door) == 32)
    response = await door.http.get(NOTES, headers=bearing(secret(99)))
    assert (response.status_code, response.json()["reason"]) == (503, "TOO_BUSY")
    assert response.headers["retry-after"]
    held.set()
    await asyncio.wait(waiting)


async def test_while_auth_service_is_away_a_known_token_goes_on_and_others_are_503(
    door: Door,
) -> None:
    grants(door)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    await door.servers["auth"].stop()
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    unknown = await door.http.get(NOTES, headers=bearing(secret(1)))
    assert unknown.status_code == 503


def scopes_of(method: str, path: str) -> list[str]:
    """The scopes each of which opens an operation, by the contract rather than by the code."""
    if path == "/api/v1/search":
        return ["chat:read", "notes:read"]
    if path.startswith(("/api/v1/files", "/api/v1/shares")):
        # They are what is said in chats.
        return ["chat:read" if method == "get" else "chat:write"]
    for subject in ("chat", "keys", "notes"):
        if path.startswith(f"/api/v1/{subject}"):
            return [f"{subject}:read" if method == "get" else f"{subject}:write"]
    return []


async def test_each_route_is_opened_by_its_scopes_alone_and_the_rest_by_none(door: Door) -> None:
    callers = {
        scope: door.signer.caller(scope=scope)
        for scope in (
            "chat:read",
            "chat:write",
            "keys:read",
            "keys:write",
            "notes:read",
            "notes:write",
            "completions",
        )
    }
    every = door.signer.caller(scope=" ".join(callers))
    services = (door.auth, door.apikey, door.chat, door.notes)

    def calls() -> int:
        asked = [call.method for service in services for call in service.calls]
        return len([method for method in asked if not method.startswith("Watch")])

    document = (await door.http.get("/openapi.json")).json()
    looked_at = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            security = operation.get("security", [])
            if {"AccessToken": []} not in security:
                continue
            looked_at += 1
            address = path.replace("{", "").replace("}", "")

            async def refused(caller: Caller, method: str = method, address: str = address) -> bool:
                """And nobody is asked by who is."""
                before = calls()
                response = await door.http.request(
                    method.upper(), address, headers=bearing(caller.token)
                )
                is_refused = b"INSUFFICIENT_SCOPE" in response.content
                assert not is_refused or calls() == before
                return is_refused

            opens = scopes_of(method, path)
            told = [one["PersonalAccessToken"] for one in security if "PersonalAccessToken" in one]
            assert told == [[scope] for scope in opens]
            assert ("Personal access tokens need" in operation["description"]) == bool(told)
            for scope, caller in callers.items():
                assert await refused(caller) == (scope not in opens), (method, path, scope)
            assert await refused(every) == (not opens)
    assert looked_at >= 25
