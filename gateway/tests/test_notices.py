"""Notices over the socket: of one's own, each once, as fast as the client reads."""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, Kind
from chassis.testing import eventually
from gateway.streams.notices import Listener, NoticeFeeds
from parley.auth.v1 import auth_pb2

from .door import Door
from .sockets import Dial

READ_AGAIN = {"type": "notice", "topic": "all", "change": "read_again"}


class Away(AppError):
    kind = Kind.UNAVAILABLE
    reason = "NOTICES_UNAVAILABLE"
    detail = "Not now."


def notice(number: int, **facts: Any) -> Any:
    return {"type": "notice", "cursor": f"7-{number}", **facts}


async def subscribed(client: Any, after: str | None = None) -> Any:
    frame = {} if after is None else {"after": after}
    said = await client.ask(type="subscribe", ref="s", **frame)
    assert (said["type"], said["ref"]) == ("ack", "s"), said
    return said


async def test_a_subscriber_hears_what_is_told_from_then_on(door: Door, dial: Dial) -> None:
    client, user = await dial(door), door.caller.user_id
    door.chat.notices.tell(user, topic="sessions", change="created", session_id="before")
    assert await subscribed(client) == {"type": "ack", "ref": "s", "cursor": "7-2"}
    for number in range(3, 6):
        door.chat.notices.tell(user, topic="runs", change="started", run_id=f"r{number}")
    for number in range(3, 6):
        told = notice(number, topic="runs", change="started", run_id=f"r{number}")
        assert await client.hear() == told


async def test_a_subscription_that_is_replaced_before_it_begins_is_told_so_and_leaves_nothing_behind(
    door: Door, dial: Dial
) -> None:
    client = await dial(door)
    client.say_at_once(*({"type": "subscribe", "ref": ref} for ref in ("one", "two", "three")))
    heard = {said["ref"]: said for said in [await client.hear() for _ in range(3)]}
    assert heard["three"] == {"type": "ack", "ref": "three", "cursor": "7-1"}
    for ref in ("one", "two"):
        assert (heard[ref]["status"], heard[ref]["reason"]) == (409, "SUPERSEDED")
    # A coroutine that nobody awaits says so when it is collected, and fails the test.
    gc.collect()


async def test_behind_a_cursor_exactly_what_was_missed_comes_first(door: Door, dial: Dial) -> None:
    user = door.caller.user_id
    for number in range(2, 6):
        door.chat.notices.tell(user, n=number)
    client = await dial(door)
    assert await subscribed(client, "7-3") == {"type": "ack", "ref": "s"}
    door.chat.notices.tell(user, n=6)
    assert [await client.hear() for _ in range(3)] == [notice(n, n=n) for n in (4, 5, 6)]
    # The newest subscription takes the place of the one before.
    await subscribed(client, "7-6")
    door.chat.notices.tell(user, n=7)
    assert await client.hear() == notice(7, n=7)
    assert await client.ask(type="ping") == {"type": "pong"}


async def test_a_cursor_that_is_not_known_is_told_to_read_again(door: Door, dial: Dial) -> None:
    client = await dial(door)
    await subscribed(client, "6-3")
    assert await client.hear() == {**READ_AGAIN, "cursor": "7-1"}
    door.chat.notices.tell(door.caller.user_id, n=2)
    assert await client.hear() == notice(2, n=2)


async def test_the_sockets_of_a_user_share_one_stream_which_ends_with_the_last(
    door: Door, dial: Dial
) -> None:
    clients = [await dial(door) for _ in range(3)]
    for client in clients:
        await subscribed(client)
    await eventually(lambda: len(door.chat.notices.watching) == 1)
    assert door.gateway.held["notice feeds"] == 1
    door.chat.notices.tell(door.caller.user_id, n=2)
    assert [await client.hear() for client in clients] == [notice(2, n=2)] * 3
    for client in clients[:2]:
        await client.connection.close()
    door.chat.notices.tell(door.caller.user_id, n=3)
    assert await clients[2].hear() == notice(3, n=3)
    await clients[2].connection.close()
    await eventually(lambda: not door.chat.notices.watching)
    assert door.gateway.held["notice feeds"] == 0


async def test_a_stream_that_breaks_is_begun_again_behind_its_last_notice(
    door: Door, dial: Dial
) -> None:
    client, user = await dial(door), door.caller.user_id
    await subscribed(client)
    door.chat.notices.tell(user, n=2)
    assert await client.hear() == notice(2, n=2)
    await eventually(lambda: len(door.chat.notices.watching) == 1)
    door.chat.notices.end(Away())
    await eventually(lambda: not door.chat.notices.watching)
    door.chat.notices.tell(user, n=3)
    door.chat.notices.tell(user, n=4)
    assert [await client.hear() for _ in range(2)] == [notice(n, n=n) for n in (3, 4)]
    # Another log: what was told between the two is not known.
    await eventually(lambda: len(door.chat.notices.watching) == 1)
    door.chat.notices.end(Away())
    door.chat.notices.log = 8
    assert await client.hear() == {**READ_AGAIN, "cursor": "8-4"}


async def test_a_stream_that_was_answered_may_be_silent_for_as_long_as_it_likes(door: Door) -> None:
    feeds = NoticeFeeds(door.gateway.notice_feeds._service, open_seconds=0.3)
    user, listener = str(door.caller.user_id), Listener(lambda: door.caller)
    loop = asyncio.get_running_loop()
    with feeds.listen(user, listener):
        async with asyncio.timeout(30):
            await feeds._feeds[user].opened.wait()
        answered_at, calls = loop.time(), len(door.chat.calls)
        await eventually(lambda: loop.time() > answered_at + 0.5)
        door.chat.notices.tell(user, n=2)
        (told,) = await listener.next_behind("7-1")
        assert (told.cursor, len(door.chat.calls)) == ("7-2", calls)
    await eventually(lambda: not door.chat.notices.watching)


async def test_a_listener_has_caught_up_once_its_feed_hears(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds, watch = NoticeFeeds(door.gateway.notice_feeds._service), door.chat.notices.watch
    asked, gate = asyncio.Event(), asyncio.Event()

    async def late(user: str, after: str | None) -> AsyncGenerator[Any, None]:
        if not asked.is_set():
            asked.set()
            await gate.wait()
        async with aclosing(watch(user, after)) as responses:
            async for response in responses:
                yield response

    monkeypatch.setattr(door.chat.notices, "watch", late)
    user, listener = str(door.caller.user_id), Listener(lambda: door.caller)
    with feeds.listen(user, listener):
        async with asyncio.timeout(30):
            await asked.wait()
            catching = asyncio.create_task(feeds.catch_up(user, door.caller, None))
            done, _ = await asyncio.wait([catching], timeout=0.2)
            assert not done
            gate.set()
            missed = await catching
            door.chat.notices.tell(user, n=2)
            (told,) = await listener.next_behind(missed.cursor)
    assert (missed.cursor, told.cursor) == ("7-1", "7-2")
    await eventually(lambda: not door.chat.notices.watching)


async def test_a_client_that_does_not_read_is_told_to_read_again_in_place_of_what_waited(
    door: Door, dial: Dial
) -> None:
    slow, quick, user = await dial(door), await dial(door), door.caller.user_id
    await subscribed(slow)
    await subscribed(quick)
    slow.connection.transport.pause_reading()
    told, heavy = 600, "x" * 20_000
    for number in range(2, told + 2):
        door.chat.notices.tell(user, n=number, heavy=heavy)
        assert (await quick.hear())["n"] == number
    slow.connection.transport.resume_reading()
    heard = [await slow.hear()]
    while heard[-1]["cursor"] != f"7-{told + 1}":
        heard.append(await slow.hear())
    numbers = [int(one["cursor"].partition("-")[2]) for one in heard]
    again = [one for one in heard if one.get("topic") == "all"]
    assert numbers == sorted(set(numbers))
    assert again, "nothing was given up"
    # What is not covered by a call to read again came, each once.
    for before, one in zip([1, *numbers], heard, strict=False):
        assert one.get("topic") == "all" or one["n"] == before + 1
    assert len(heard) < told - 64


async def test_notices_of_others_are_never_heard(door: Door, dial: Dial) -> None:
    mine, me = await dial(door), door.caller
    await subscribed(mine)
    door.caller = stranger = door.signer.caller(tenant_id=me.tenant_id)
    theirs = await dial(door)
    await subscribed(theirs)
    for number in range(2, 12):
        door.chat.notices.tell(me.user_id, mine=number)
        door.chat.notices.tell(stranger.user_id, theirs=number)
    assert [await mine.hear() for _ in range(10)] == [notice(n, mine=n) for n in range(2, 12)]
    assert [await theirs.hear() for _ in range(10)] == [notice(n, theirs=n) for n in range(2, 12)]
    tokens = {call.token for call in door.chat.calls if call.method == "WatchNotices"}
    assert tokens == {me.token, stranger.token}


async def test_a_revoked_token_ends_the_socket_and_its_stream(door: Door, dial: Dial) -> None:
    client = await dial(door)
    await subscribed(client)
    await eventually(lambda: len(door.chat.notices.watching) == 1)
    now = int(time.time())
    door.auth.publish(
        auth_pb2.Revocation(
            sid=door.caller.sid,
            revoked_at=Timestamp(seconds=now + 600),
            expires_at=Timestamp(seconds=now + 600),
        )
    )
    assert await client.closed() == 4401
    await eventually(lambda: not door.chat.notices.watching)


async def test_a_token_without_its_scope_hears_nothing_and_the_socket_goes_on(
    door: Door, dial: Dial
) -> None:
    door.caller = door.signer.caller(scope="chat:write")
    client = await dial(door)
    said = await client.ask(type="subscribe", ref="s")
    assert (said["type"], said["status"], said["reason"]) == (
        "problem",
        403,
        "INSUFFICIENT_SCOPE",
    )
    assert await client.ask(type="ping") == {"type": "pong"}
    assert not door.chat.notices.watching


async def test_while_notices_are_away_a_subscription_is_refused_and_may_be_asked_for_again(
    door: Door, dial: Dial
) -> None:
    client = await dial(door)
    door.chat.refusal = Away()
    said = await client.ask(type="subscribe", ref="s")
    assert (said["type"], said["status"], said["reason"]) == (
        "problem",
        503,
        "NOTICES_UNAVAILABLE",
    )
    door.chat.refusal = None
    assert (await subscribed(client))["cursor"] == "7-1"


@pytest.mark.parametrize("frame", [{"after": 1}, {"after": "x" * 65}, {"other": 1}])
async def test_a_subscription_that_is_not_one_is_refused(
    door: Door, dial: Dial, frame: Any
) -> None:
    client = await dial(door)
    said = await client.ask(type="subscribe", ref="s", **frame)
    assert (said["type"], said["status"], said["ref"]) == ("problem", 422, "s")


async def test_two_hundred_users_hear_each_of_their_own(door: Door, dial: Dial) -> None:
    callers = [door.signer.caller() for _ in range(200)]
    clients = []
    for caller in callers:
        door.caller = caller
        clients.append(await dial(door))
        await subscribed(clients[-1])
    for number in range(2, 7):
        for caller in callers:
            door.chat.notices.tell(caller.user_id, n=number, of=str(caller.user_id))

    async def heard(client: Any) -> list[Any]:
        return [await client.hear() for _ in range(5)]

    for caller, told in zip(callers, await asyncio.gather(*map(heard, clients)), strict=True):
        assert told == [notice(n, n=n, of=str(caller.user_id)) for n in range(2, 7)]
    assert door.gateway.held["notice feeds"] == 200
