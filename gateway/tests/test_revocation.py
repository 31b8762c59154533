"""What is open when a login or a user is revoked ends, and nothing else does."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest

from chassis.caller import Caller
from chassis.grpc.caller import LONGEST_SECONDS
from chassis.testing import eventually
from gateway.ws.credential import Credential
from gateway.ws.socket_limit import SocketLimit
from parley.auth.v1 import auth_pb2
from parley.notes.v1 import notes_pb2

from .door import Door
from .revocations import FAREWELL, revocation

ASK = "/api/v1/chat/sessions/01900000-0000-7000-8000-000000000002/messages"
EVENTS = {"accept": "text/event-stream"}
QUESTION = {"content": "How are you?"}


class Stream:
    """An event stream of ``caller``, read to its end in a task of its own."""

    def __init__(self, door: Door, caller: Caller, *, after: int | None = None) -> None:
        self._door = door
        self._caller = caller
        self._after = after
        self.body = b""
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        headers = {**EVENTS, "authorization": f"Bearer {self._caller.token}"}
        how: dict[str, Any] = {"method": "POST", "url": ASK, "json": QUESTION}
        if self._after is not None:
            url = f"/api/v1/chat/runs/{self._door.chat.run_id}/events?after={self._after}"
            how = {"method": "GET", "url": url}
        async with self._door.http.stream(**how, headers=headers) as response:
            assert response.status_code == 200
            async for chunk in response.aiter_bytes():
                self.body += chunk

    async def ended(self) -> bytes:
        """What it brought, once its body has ended cleanly."""
        async with asyncio.timeout(30):
            await self.task
        return self.body


@pytest.fixture
def unending(door: Door, make_frame: Any) -> Door:
    """The door; each run's first frame comes, and nothing after it."""
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    return door


async def _known(door: Door, caller: Caller) -> None:
    """Once the gateway has heard of the caller's revocation."""

    async def refused() -> bool:
        headers = {"authorization": f"Bearer {caller.token}"}
        response = await door.http.get("/api/v1/notes", headers=headers)
        return bool(response.status_code == 401)

    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
    await eventually(refused)


@pytest.mark.parametrize("by", ["sid", "user"])
@pytest.mark.parametrize("after", [None, 0])
async def test_a_stream_ends_with_a_comment_and_a_clean_body_and_its_run_goes_on(
    unending: Door, by: str, after: int | None
) -> None:
    door, caller = unending, unending.caller
    stream = Stream(door, caller, after=after)
    await eventually(lambda: stream.body)
    subject: Any = caller.sid if by == "sid" else caller.user_id

    door.auth.publish(revocation(**{by: subject}))

    assert (await stream.ended()).endswith(b"data: {}\n\n" + FAREWELL)
    await asyncio.wait_for(door.chat.ended.wait(), 30)
    assert {call.method for call in door.chat.calls} <= {"StartRun", "FollowRun"}
    assert len(door.gateway.requests) == 0


async def test_a_waiting_request_is_401_and_its_run_goes_on(unending: Door) -> None:
    door = unending
    waiting = asyncio.create_task(door.http.post(ASK, json=QUESTION, headers=door.bearer))
    await eventually(lambda: door.chat.sent)

    door.auth.publish(revocation(sid=door.caller.sid))

    response = await asyncio.wait_for(waiting, 30)
    assert (response.status_code, response.json()["reason"]) == (401, "UNAUTHENTICATED")
    assert not [call for call in door.chat.calls if call.method == "CancelRun"]


async def test_streams_of_other_logins_and_users_and_of_later_tokens_go_on(
    unending: Door,
) -> None:
    door = unending
    here, elsewhere = door.caller, door.signer.caller(door.caller.user_id, door.caller.tenant_id)
    stranger = door.signer.caller()
    streams = [Stream(door, caller) for caller in (here, elsewhere, stranger)]
    await eventually(lambda: all(stream.body for stream in streams))

    # Of before these tokens were issued: what a login's end an hour ago has to say.
    door.auth.publish(revocation(user=here.user_id, at=time.time() - 60))
    door.auth.publish(revocation(sid=here.sid))

    await streams[0].ended()
    assert not streams[1].task.done()
    assert not streams[2].task.done()
    door.auth.publish(revocation(user=here.user_id))
    await streams[1].ended()
    assert not streams[2].task.done()
    door.auth.publish(revocation(user=stranger.user_id))
    await streams[2].ended()


async def test_a_stream_whose_token_has_expired_meanwhile_ends_with_its_login(
    unending: Door,
) -> None:
    door, brief = unending, unending.signer.caller(lifetime=2)
    stream = Stream(door, brief)
    await eventually(lambda: stream.body)
    await _known(door, brief)
    assert not stream.task.done()

    door.auth.publish(revocation(sid=brief.sid))

    assert (await stream.ended()).endswith(FAREWELL)


async def test_what_is_revoked_while_its_question_is_accepted_does_not_begin(
    unending: Door,
) -> None:
    door = unending
    accept = door.chat.refusal = asyncio.Event()
    stream = Stream(door, door.caller)
    await eventually(lambda: door.chat.asked)
    door.auth.publish(revocation(sid=door.caller.sid))
    await _known(door, door.caller)

    accept.set()

    assert (await stream.ended()).endswith(FAREWELL)


def issued_before(door: Door, seconds: float) -> Caller:
    """The door's caller, by a token that is good for a minute, issued so long ago."""
    caller: Caller = door.caller
    claims = jwt.decode(caller.token, options={"verify_signature": False})
    now = int(time.time())
    token = door.signer.sign({**claims, "iat": now - seconds, "exp": now + 60})
    return replace(caller, token=token)


async def test_nothing_outlives_its_token_by_so_much_that_a_revocation_could_be_forgotten(
    unending: Door,
) -> None:
    door = unending
    stream = Stream(door, issued_before(door, LONGEST_SECONDS - 4))
    later = Stream(door, issued_before(door, LONGEST_SECONDS - 60))
    await eventually(lambda: stream.body and later.body)
    bearer = {"authorization": f"Bearer {issued_before(door, LONGEST_SECONDS - 4).token}"}
    response = await asyncio.wait_for(door.http.post(ASK, json=QUESTION, headers=bearer), 30)

    assert (await stream.ended()).endswith(b"data: {}\n\n: go on with a new token\n\n")
    assert (response.status_code, response.json()["reason"]) == (503, "TOKEN_OUTLIVED")
    assert response.json()["run_id"] == door.chat.run_id
    assert response.headers["retry-after"] == "1"
    assert not later.task.done()
    assert not [call for call in door.chat.calls if call.method == "CancelRun"]
    again = Stream(door, door.caller, after=0)
    await eventually(lambda: again.body)
    door.auth.publish(revocation(user=door.caller.user_id))
    await later.ended()
    await again.ended()


async def test_of_many_streams_all_of_the_users_end_and_none_is_remembered(
    unending: Door,
) -> None:
    door = unending
    callers = [door.signer.caller(door.caller.user_id) for _ in range(20)]
    streams = [Stream(door, caller) for caller in callers]
    others = [Stream(door, door.signer.caller()) for _ in range(20)]
    await eventually(lambda: all(stream.body for stream in streams + others))

    began = time.monotonic()
    door.auth.publish(revocation(user=door.caller.user_id))
    for stream in streams:
        assert (await stream.ended()).endswith(FAREWELL)

    assert time.monotonic() - began < 15
    assert not any(stream.task.done() for stream in others)
    for stream in others:
        stream.task.cancel()
    await asyncio.wait([stream.task for stream in others])
    requests = door.gateway.requests
    await eventually(lambda: not len(requests))
    assert not requests._of


@pytest.mark.parametrize("end", ["revoked", "closing"])
async def test_a_reader_who_does_not_read_holds_up_no_end(
    door: Door, call_raw: Any, make_frame: Any, end: str
) -> None:
    door.chat.script = [[make_frame(number, "delta", b"x" * 65536)] for number in range(1, 2000)]
    await call_raw(
        door,
        f"POST {ASK} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n"
        f"authorization: {door.bearer['authorization']}\r\n"
        "content-type: application/json\r\ncontent-length: 15\r\n\r\n"
        '{"content":"x"}'.encode(),
        limit=1024,
    )
    connections = door.gateway.http._server.server_state.connections
    # More than the kernel takes.
    await eventually(lambda: any(one.transport.get_write_buffer_size() for one in connections))
    assert door.gateway.requests.held["users with event streams"] == 1

    if end == "revoked":
        door.auth.publish(revocation(user=door.caller.user_id))
    else:
        door.gateway.requests.end()

    # Long before the client is given up for not reading.
    assert door.settings.unread_seconds >= 60
    await eventually(lambda: not any(door.gateway.requests.held.values()))


async def test_a_socket_to_which_a_good_token_is_sent_in_time_stays(
    unending: Door, dial: Any
) -> None:
    door = unending
    again = door.signer.caller(door.caller.user_id, door.caller.tenant_id)
    staying, leaving = await dial(door), await dial(door)
    await staying.ask(type="send", ref="q", content="x")
    door.auth.publish(revocation(sid=door.caller.sid))
    await _known(door, door.caller)

    said = await _answer(staying, "again", type="auth", token=again.token)

    assert said["type"] == "ack"
    assert await leaving.closed(5) == 4401
    assert (await _answer(staying, "p", type="ping"))["type"] == "pong"
    door.auth.publish(revocation(user=door.caller.user_id))
    assert await staying.closed(5) == 4401


async def _answer(client: Any, ref: str, **frame: Any) -> Any:
    await client.say(ref=ref, **frame)
    while (said := await client.hear()).get("ref") != ref:
        assert said["type"] == "event"
    return said


async def test_each_token_of_a_socket_has_its_second_of_grace(door: Door) -> None:
    bearers, client = door.gateway.bearers, auth_pb2.Client()
    callers = [door.caller, door.signer.caller(door.caller.user_id, door.caller.tenant_id)]
    credential = Credential(
        bearers,
        SocketLimit(1),
        admitted=bearers.verifier.inspect(door.caller.token),
        personal=None,
        client=client,
    )
    for caller, now in zip(callers, (10.0, 100.0), strict=True):
        await credential.take(caller.token)
        assert not credential.is_over(now)
        door.auth.publish(revocation(sid=caller.sid))
        await _known(door, caller)
        assert [credential.is_over(now + more) for more in (0, 0.9, 1)] == [False, False, True]
