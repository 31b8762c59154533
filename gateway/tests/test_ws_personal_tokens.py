"""Personal access tokens on sockets: bound to a connection, renewed, and ended with it."""

import asyncio
import time
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chassis.testing import eventually
from parley.auth.v1 import auth_pb2

from .door import Door
from .personal_tokens import InvalidToken, bearing, exchanges, grants, revoke, secret


@pytest.fixture
def door(own_door: Door) -> Door:
    """It remembers tokens, and who guessed."""
    return own_door


async def handshake(door: Door, token: str) -> tuple[int, str]:
    """Status and reason of a handshake with this token, which is refused."""
    url = f"ws://127.0.0.1:{door.port}/api/v1/ws"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, proxy=None, additional_headers=bearing(token))
    response = refused.value.response
    return response.status_code, orjson.loads(response.body or b"")["reason"]


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


@pytest.mark.parametrize("moment", ["before", "while"])
async def test_a_socket_that_was_given_a_log_ins_token_never_goes_back_to_its_personal_one(
    door: Door, dial: Any, moment: str
) -> None:
    brief = grants(door, scope="chat:write", lifetime=120 if moment == "before" else 30)
    client = await dial(door, auth=False, additional_headers=bearing(secret()))
    assert (await client.ask(type="ping"))["type"] == "pong"
    (session,) = door.gateway.sockets._open
    credential = session._credential
    gate = asyncio.Event()
    door.auth.answers["ExchangeToken"] = (gate, door.auth.answers["ExchangeToken"])
    if moment == "while":
        await eventually(lambda: exchanges(door) == 2)
    log_in = door.signer.caller(door.caller.user_id, lifetime=25)
    assert (await client.ask(type="auth", token=log_in.token))["type"] == "ack"
    gate.set()
    credential.renew_in_time()
    await eventually(lambda: credential._renewing is None)
    assert log_in.token != brief.token
    assert credential.verified is not None
    assert credential.verified.caller.token == log_in.token
    assert exchanges(door) == (2 if moment == "while" else 1)


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
