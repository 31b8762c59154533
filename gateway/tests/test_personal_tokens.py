"""Personal access tokens at the door: exchanged, remembered, bound, and ended."""

import asyncio
import time
from typing import Any

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chassis.caller import Caller
from chassis.errors import AppError, Kind
from chassis.testing import eventually
from gateway.identity import bearer_tokens
from gateway.identity.rate_limit import GuessRateLimit, TooManyGuesses
from parley.auth.v1 import auth_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

NOTES = "/api/v1/notes"
ID = "01900000-0000-7000-8000-000000000009"


class InvalidToken(AppError):
    kind = Kind.UNAUTHENTICATED
    reason = "INVALID_TOKEN"
    detail = "The personal access token is not valid."


def secret(number: int = 0) -> str:
    return "parley_pat_" + f"{number:043d}"


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def grants(door: Door, *, scope: str = "notes:read", lifetime: float = 120.0) -> Caller:
    """From now on each exchange succeeds, with this caller's token."""
    caller: Caller = door.signer.caller(door.caller.user_id, scope=scope, lifetime=lifetime)
    door.auth.answers["ExchangeToken"] = auth_pb2.ExchangeTokenResponse(
        access_token=caller.token, expires_in=int(lifetime)
    )
    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
    return caller


async def handshake(door: Door, token: str) -> tuple[int, str]:
    """Status and reason of a handshake with this token, which is refused."""
    url = f"ws://127.0.0.1:{door.port}/api/v1/ws"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, proxy=None, additional_headers=bearing(token))
    response = refused.value.response
    return response.status_code, orjson.loads(response.body or b"")["reason"]


def exchanges(door: Door) -> int:
    return len([call for call in door.auth.calls if call.method == "ExchangeToken"])


def revoke(door: Door, caller: Caller) -> None:
    later = Timestamp(seconds=int(time.time()) + 600)
    door.auth.publish(auth_pb2.Revocation(sid=caller.sid, revoked_at=later, expires_at=later))


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


async def test_a_wrong_token_is_refused_like_any_other(door: Door) -> None:
    door.auth.answers["ExchangeToken"] = InvalidToken()
    same = {"x-request-id": "same"}
    absent = await door.http.get(NOTES, headers=same)
    for token in (secret(), secret()[:-1], f"{secret()}0", "parley_pat_", "parley_pat_*"):
        response = await door.http.get(NOTES, headers={**same, **bearing(token)})
        assert (response.status_code, response.text) == (401, absent.text)
    # What has not even the shape of one is not asked for.
    assert exchanges(door) == 1


async def test_who_guesses_has_to_wait_and_a_good_token_goes_on(open_door: Any) -> None:
    door = await open_door(trusted_proxies=("127.0.0.0/8",))
    guesser = {"x-forwarded-for": "192.0.2.7"}
    grants(door)
    good = {**bearing(secret()), **guesser}
    assert (await door.http.get(NOTES, headers=good)).status_code == 200
    door.auth.answers["ExchangeToken"] = InvalidToken()
    for number in range(1, 31):
        headers = {**bearing(secret(number)), **guesser}
        assert (await door.http.get(NOTES, headers=headers)).status_code == 401
    assert exchanges(door) == 31

    for number in range(31, 40):
        response = await door.http.get(NOTES, headers={**bearing(secret(number)), **guesser})
        assert (response.status_code, response.json()["reason"]) == (429, "TOO_MANY_ATTEMPTS")
        assert 1 <= int(response.headers["retry-after"]) <= 61
    assert exchanges(door) == 31
    assert (await door.http.get(NOTES, headers=good)).status_code == 200
    elsewhere = {**bearing(secret(99)), "x-forwarded-for": "192.0.2.8"}
    assert (await door.http.get(NOTES, headers=elsewhere)).status_code == 401


async def test_dead_tokens_that_are_polled_are_one_guess_each(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer_tokens, "_REFUSED_SECONDS", 0.0)
    door.auth.answers["ExchangeToken"] = InvalidToken()
    for _ in range(15):
        for number in (1, 2, 3):
            response = await door.http.get(NOTES, headers=bearing(secret(number)))
            assert response.status_code == 401
    assert exchanges(door) == 45

    grants(door)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200


async def test_a_token_that_was_good_is_asked_for_again_whatever_its_neighbours_guess(
    door: Door,
) -> None:
    # What it is exchanged for is over too soon to be begun with a second time.
    grants(door, lifetime=29)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    granted = door.auth.answers["ExchangeToken"]
    door.auth.answers["ExchangeToken"] = InvalidToken()
    guesses = [
        await door.http.get(NOTES, headers=bearing(secret(number))) for number in range(1, 32)
    ]
    assert guesses[-1].status_code == 429

    door.auth.answers["ExchangeToken"] = granted
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    # Once it is refused it is like any other.
    door.auth.answers["ExchangeToken"] = InvalidToken()
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 401


async def test_what_was_granted_and_is_revoked_here_is_no_guess_and_soon_good_again(
    door: Door,
) -> None:
    revoked = grants(door)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    revoke(door, revoked)

    async def refused() -> bool:
        response = await door.http.get(NOTES, headers=bearing(secret()))
        return bool(response.status_code == 401)

    await eventually(refused, 5)
    for _ in range(40):
        assert await refused()
    grants(door)
    assert not await refused()
    assert (await door.http.get(NOTES, headers=bearing(secret(1)))).status_code == 200


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
    document = (await door.http.get("/openapi.json")).json()
    looked_at = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            security = operation.get("security", [])
            if {"AccessToken": []} not in security:
                continue
            looked_at += 1
            # No id has this form: whoever gets past the door is told so, and nobody is asked.
            address = path.replace("{", "").replace("}", "")

            async def reason(caller: Caller, method: str = method, address: str = address) -> Any:
                body: dict[str, Any] = {"headers": bearing(caller.token)}
                response = await door.http.request(method.upper(), address, **body)
                return response.json().get("reason")

            opens = scopes_of(method, path)
            told = [one["PersonalAccessToken"] for one in security if "PersonalAccessToken" in one]
            assert told == [[scope] for scope in opens]
            assert ("Personal access tokens need" in operation["description"]) == bool(told)
            for scope, caller in callers.items():
                refused = await reason(caller) == "INSUFFICIENT_SCOPE"
                assert refused == (scope not in opens), (method, path, scope)
            assert (await reason(every) == "INSUFFICIENT_SCOPE") == (not opens)
    assert looked_at >= 25
    # Who names no id is answered.
    asked = ("List", "Watch", "GetDefaultKey", "GetKeyByName")
    for fake in (door.auth, door.apikey, door.notes):
        assert not [call for call in fake.calls if not call.method.startswith(asked)]


async def test_a_socket_takes_a_personal_token_in_a_frame_and_with_the_handshake(
    door: Door, dial: Any, make_frame: Any
) -> None:
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    caller = grants(door, scope="chat:write")
    by_frame = await dial(door, auth=False)
    said = await by_frame.ask(type="auth", ref="a", token=secret())
    assert said == {"type": "ack", "ref": "a"}
    by_header = await dial(door, auth=False, additional_headers=bearing(secret()))
    for client in (by_frame, by_header):
        assert (await client.ask(type="send", ref="s", content="x"))["type"] == "ack"
        assert (await client.hear())["event"] == "done"
        told = await client.ask(type="follow", ref="f", run_id="r")
        assert (told["ref"], told["status"], told["reason"]) == ("f", 403, "INSUFFICIENT_SCOPE")
    assert {call.token for call in door.chat.asked} == {caller.token}
    assert exchanges(door) == 1
    revoke(door, caller)
    door.auth.answers["ExchangeToken"] = InvalidToken()
    for client in (by_frame, by_header):
        assert await client.closed(5) == 4401


async def test_a_sockets_client_is_named_to_auth_service_as_a_requests_is(
    door: Door, dial: Any
) -> None:
    grants(door, scope="chat:read")
    agent = "a script/" + "1" * 300
    by_frame = await dial(door, auth=False, user_agent_header=agent)
    await by_frame.ask(type="auth", ref="a", token=secret())
    by_header = await dial(
        door, auth=False, user_agent_header=agent, additional_headers=bearing(secret(1))
    )
    assert (await by_header.ask(type="ping"))["type"] == "pong"
    asked = [call.request.client for call in door.auth.calls if call.method == "ExchangeToken"]
    assert asked == [auth_pb2.Client(ip="127.0.0.1", user_agent=agent[:256])] * 2


async def test_a_wrong_personal_token_ends_a_socket(door: Door, dial: Any) -> None:
    door.auth.answers["ExchangeToken"] = InvalidToken()
    client = await dial(door, auth=False)
    told = await client.ask(type="auth", token=secret())
    assert (told["type"], told["reason"]) == ("problem", "UNAUTHENTICATED")
    assert await client.closed() == 4401


async def test_a_wrong_personal_token_is_refused_before_the_upgrade(door: Door) -> None:
    door.auth.answers["ExchangeToken"] = InvalidToken()
    assert await handshake(door, secret()) == (401, "UNAUTHENTICATED")
    assert exchanges(door) == 1
    # Not even shaped like one: nobody is asked.
    assert await handshake(door, "parley_pat_short") == (401, "UNAUTHENTICATED")
    assert exchanges(door) == 1
    assert len(door.gateway.sockets) == 0


async def test_a_handshake_is_answered_although_nothing_comes_of_the_look_up(
    open_door: Any,
) -> None:
    door = await open_door(auth_deadline_seconds=0.2)
    door.auth.answers["ExchangeToken"] = asyncio.Event()
    assert await handshake(door, secret()) == (504, "DEADLINE_EXCEEDED")


async def test_a_client_that_goes_while_its_token_is_looked_up_leaves_nothing_behind(
    open_door: Any,
) -> None:
    door = await open_door(sockets_per_user=1)
    grants(door)
    gate = asyncio.Event()
    door.auth.answers["ExchangeToken"] = (gate, door.auth.answers["ExchangeToken"])
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(
        b"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"authorization: Bearer " + secret().encode() + b"\r\n\r\n"
    )
    await eventually(lambda: exchanges(door))
    writer.transport.abort()
    gate.set()

    async def has_a_place() -> bool:
        url = f"ws://127.0.0.1:{door.port}/api/v1/ws"
        async with connect(url, proxy=None, additional_headers=bearing(secret())) as client:
            await client.send('{"type":"ping"}')
            return await client.recv() == '{"type":"pong"}'

    assert await eventually(has_a_place, ignoring=(InvalidStatus,))
    await eventually(lambda: len(door.gateway.sockets) == 0)


async def test_a_socket_outlives_what_its_personal_token_was_exchanged_for(
    door: Door, dial: Any
) -> None:
    brief = grants(door, scope="chat:write", lifetime=3)
    client = await dial(door, auth=False, additional_headers=bearing(secret()))
    assert (await client.ask(type="ping", ref="p"))["type"] == "pong"
    lasting = grants(door, scope="chat:write")
    await eventually(lambda: time.time() > brief.expires_at + 1, 10)
    assert (await client.ask(type="ping", ref="p"))["type"] == "pong"
    assert 2 <= exchanges(door) <= 5
    revoke(door, lasting)
    door.auth.answers["ExchangeToken"] = InvalidToken()
    assert await client.closed(5) == 4401


async def test_a_socket_that_closes_while_its_token_is_renewed_leaves_no_renewal_behind(
    door: Door, dial: Any
) -> None:
    grants(door, scope="chat:write", lifetime=30)
    client = await dial(door, auth=False, additional_headers=bearing(secret()))
    assert (await client.ask(type="ping", ref="p"))["type"] == "pong"
    gate = asyncio.Event()
    door.auth.answers["ExchangeToken"] = (gate, door.auth.answers["ExchangeToken"])
    await eventually(lambda: exchanges(door) == 2)
    await client.connection.close()
    await eventually(lambda: len(door.gateway.sockets) == 0)
    assert "socket-renewal" not in {task.get_name() for task in asyncio.all_tasks()}
    gate.set()


def test_of_an_ipv6_network_all_addresses_are_one() -> None:
    guesses = GuessRateLimit()
    for number in range(30):
        guesses.check("2001:db8::ffff")
        guesses.note(f"2001:db8::{number:x}")
    with pytest.raises(TooManyGuesses):
        guesses.check("2001:db8::ffff")
    for other in ("2001:db8:0:1::1", "192.0.2.1", "unix", ""):
        guesses.check(other)
