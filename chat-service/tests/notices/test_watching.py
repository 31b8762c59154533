"""What a user's screens are told: across replicas, in order, each notice once."""

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio

from chassis.caller import Caller
from chassis.ids import new_id
from chassis.service import Service
from chat_service.notices.domain.notice import SessionChange, session_notice
from chat_service.notices.log import NoticeLog, Standing
from chat_service.notices.publisher import Publisher
from chat_service.notices.watchers import Watchers
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2

# Of the conftests, which a test module has no names for.
Client = Any
OpenScreen = Any


async def created(client: Client) -> str:
    made = await client.call("CreateSession", chat_pb2.CreateSessionRequest(title="a title"))
    session_id: str = made.session.id
    return session_id


async def test_what_happens_at_one_replica_is_told_at_another(
    client: Client, client_elsewhere: Client, open_screen: OpenScreen
) -> None:
    screen = await open_screen(client_elsewhere)
    session_id = await created(client)
    # Twice, the second time without any change; and what is nothing at all.
    change = chat_pb2.UpdateSessionRequest(id=session_id, pinned=True)
    for request in (change, change, chat_pb2.UpdateSessionRequest(id=session_id, read_order=9)):
        await client.call("UpdateSession", request)
    await client.call("RestoreSession", chat_pb2.RestoreSessionRequest(id=session_id))
    first, _ = await client.ask(session_id=session_id)
    edited = await client.call(
        "EditAnswer",
        chat_pb2.EditAnswerRequest(
            session_id=session_id, message_id=first.answer_id, content="my own words"
        ),
    )
    choose = chat_pb2.ChooseMessageRequest(session_id=session_id, message_id=first.answer_id)
    for _ in range(2):
        await client.call("ChooseMessage", choose)
    fork = chat_pb2.ForkSessionRequest(session_id=session_id)
    forked = await client.call("ForkSession", fork)
    assert edited.message.id != first.answer_id
    about = {"topic": "sessions", "session_id": session_id}
    assert await screen.hear(7) == [
        {**about, "change": "created"},
        {**about, "change": "changed"},
        {
            "topic": "runs",
            "change": "started",
            "run_id": first.run_id,
            "session_id": session_id,
            "question_id": first.question_id,
            "answer_id": first.answer_id,
        },
        {
            "topic": "runs",
            "change": "ended",
            "run_id": first.run_id,
            "session_id": session_id,
            "status": "completed",
        },
        {**about, "change": "path"},
        {**about, "change": "path"},
        {"topic": "sessions", "change": "created", "session_id": forked.session.id},
    ]
    numbers = [int(cursor.partition("-")[2]) for cursor in screen.cursors]
    assert numbers == list(range(numbers[0], numbers[0] + 7))
    assert screen.read_again == 0


async def test_a_question_without_a_session_tells_of_the_session_then_of_the_run(
    client: Client, open_screen: OpenScreen
) -> None:
    screen = await open_screen(client)
    accepted, _ = await client.ask()
    made, started, _ = await screen.hear(3)
    assert made == {"topic": "sessions", "change": "created", "session_id": accepted.session_id}
    assert (started["change"], started["run_id"]) == ("started", accepted.run_id)


async def test_behind_a_cursor_comes_exactly_what_was_missed_at_any_replica(
    client: Client, client_elsewhere: Client, open_screen: OpenScreen
) -> None:
    screen = await open_screen(client)
    begun = screen.cursor
    sessions = [await created(client) for _ in range(5)]
    await screen.hear(5)
    sessions += [await created(client_elsewhere) for _ in range(5)]
    await screen.hear(10)
    for after, missed in ((begun, 10), (screen.cursors[4], 5), (screen.cursors[9], 0)):
        for replica in (client, client_elsewhere):
            again = await open_screen(replica, after)
            assert [one["session_id"] for one in again.told] == sessions[10 - missed :]
            assert (again.cursor, again.read_again) == (screen.cursors[9], 0)


@pytest.mark.parametrize(
    "after",
    [
        "",
        "1-1",
        "99-99999",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("x", "0-0", "1-1-1", "-", "１-１")),
    ],
)
async def test_a_cursor_that_is_not_known_means_to_read_again(
    client: Client, open_screen: OpenScreen, after: str
) -> None:
    first = await open_screen(client)
    await created(client)
    await first.hear(1)
    screen = await open_screen(client, after)
    assert (screen.read_again, screen.told) == (1, [])
    session_id = await created(client)
    (told,) = await screen.hear(1)
    assert told["session_id"] == session_id


async def test_a_gap_that_is_too_long_means_to_read_again(
    client: Client, open_screen: OpenScreen
) -> None:
    screen = await open_screen(client)
    begun = screen.cursor
    session_id = await created(client)
    for first in range(0, 256, 8):
        updates = [
            chat_pb2.UpdateSessionRequest(id=session_id, title=f"title {n}")
            for n in range(first, first + 8)
        ]
        await asyncio.gather(*(client.call("UpdateSession", update) for update in updates))
    await screen.hear(257)
    assert screen.read_again == 0
    again = await open_screen(client, begun)
    assert (again.read_again, again.told, again.cursor) == (1, [], screen.cursor)
    all_but_one = await open_screen(client, screen.cursors[0])
    assert (all_but_one.read_again, len(all_but_one.told)) == (0, 256)


async def test_nothing_is_told_of_others(
    client: Client, strange_client: Client, open_screen: OpenScreen
) -> None:
    mine, theirs = await open_screen(client), await open_screen(strange_client)
    my_session, their_session = await created(client), await created(strange_client)
    assert [one["session_id"] for one in await mine.hear(1)] == [my_session]
    assert [one["session_id"] for one in await theirs.hear(1)] == [their_session]
    # Another's cursor is one that is not known.
    stolen = await open_screen(strange_client, mine.cursor)
    assert (stolen.read_again, stolen.told) == (1, [])


async def test_of_users_whom_nobody_watches_redis_keeps_nothing(
    client: Client, strange_client: Client, open_screen: OpenScreen, settings: Settings
) -> None:
    screen = await open_screen(strange_client)
    await created(client)
    await created(strange_client)
    # They are told in order: hers was before it.
    await screen.hear(1)
    async with redis.asyncio.Redis.from_url(settings.redis_url.get_secret_value()) as store:
        keys = [key async for key in store.scan_iter(f"{{{settings.redis_prefix}}}:notices:*")]
        assert len(keys) == 1
        assert 0 < await store.ttl(keys[0]) <= 900


async def test_a_stream_that_is_gone_means_to_read_again(
    client: Client, strange_client: Client, open_screen: OpenScreen, settings: Settings
) -> None:
    screen, others = await open_screen(client), await open_screen(strange_client)
    await created(client)
    await screen.hear(1)
    log = f"{{{settings.redis_prefix}}}:notices:{client.user_id}"
    async with redis.asyncio.Redis.from_url(settings.redis_url.get_secret_value()) as store:
        assert await store.delete(log) == 1
    # This one is lost. They are told in order: it was before the other's.
    await created(client)
    await created(strange_client)
    await others.hear(1)
    again = await open_screen(client, screen.cursor)
    assert (again.read_again, again.told) == (1, [])
    # Who was there all the time finds another log in what they hear.
    await created(client)
    await screen.is_told_to_read_again()
    await again.hear(1)
    assert (len(screen.told), again.read_again) == (1, 1)


async def test_a_user_who_is_erased_leaves_no_notices(
    client: Client, open_screen: OpenScreen, settings: Settings, caller: Caller, log: NoticeLog
) -> None:
    screen = await open_screen(client)
    await created(client)
    await screen.hear(1)
    await log.erase(caller.user_id)
    # Who still watches does not have it made again.
    with pytest.raises(StopAsyncIteration):
        await open_screen(client, screen.cursor)
    async with redis.asyncio.Redis.from_url(settings.redis_url.get_secret_value()) as store:
        keys = [key async for key in store.scan_iter(f"*{caller.user_id}*")]
        assert [await store.type(key) for key in keys] == [b"string"]
        assert 0 < await store.ttl(keys[0]) <= 30


async def test_watching_ends_when_the_replica_drains(
    client: Client, client_elsewhere: Client, open_screen: OpenScreen, service: Service
) -> None:
    screen = await open_screen(client)
    await created(client_elsewhere)
    await screen.hear(1)
    stopping = asyncio.create_task(service.stop())
    await screen.ends()
    await stopping
    session_id = await created(client_elsewhere)
    moved = await open_screen(client_elsewhere, screen.cursor)
    assert [one["session_id"] for one in await moved.hear(1)] == [session_id]
    assert moved.read_again == 0


async def test_what_was_said_last_is_told_before_a_replica_stops(
    replica: tuple[Publisher, Watchers], log: NoticeLog
) -> None:
    publisher, _ = replica
    user = new_id()
    begun = await log.look(str(user), "")
    said = [session_notice(user, SessionChange.CHANGED, new_id()) for _ in range(2)]
    for notice in said:
        publisher.tell(notice)
    await publisher.stop()
    told = await log.look(str(user), begun.newest)
    assert [entry.data for entry in told.entries] == [notice.data for notice in said]


async def test_where_too_many_users_have_lost_a_notice_everybody_reads_again(
    log: NoticeLog,
) -> None:
    publisher = Publisher(log, most_waiting=0, most_lost=1)
    users = [new_id() for _ in range(3)]
    begun = [(await log.look(str(user), "")).newest for user in users]
    for user in users[:2]:
        publisher.tell(session_notice(user, SessionChange.CHANGED, new_id()))
    assert publisher.held == {"notices": 0, "users to restart": 1}
    # All that it has to say goes out with it.
    await publisher.stop()
    looks = [await log.look(str(user), after) for user, after in zip(users, begun, strict=True)]
    assert [look.standing for look in looks] == [Standing.UNKNOWN] * 3


async def test_nobody_begins_to_watch_at_a_replica_that_drains(
    replica: tuple[Publisher, Watchers],
) -> None:
    _, watchers = replica
    await watchers.drain()
    async with asyncio.timeout(30):
        assert [news async for news in watchers.watch(new_id(), None)] == []


async def test_two_hundred_users_hear_each_of_their_own(
    replica: tuple[Publisher, Watchers],
) -> None:
    publisher, watchers = replica
    users = [new_id() for _ in range(200)]
    heard: dict[UUID, list[bytes]] = {user: [] for user in users}
    begun = asyncio.Semaphore(0)

    async def watch(user: UUID) -> None:
        async with aclosing(watchers.watch(user, None)) as all_news:
            async for news in all_news:
                begun.release()
                assert not news.read_again
                heard[user] += [entry.data for entry in news.entries]
                if len(heard[user]) == 20:
                    return

    watching = [asyncio.create_task(watch(user)) for user in users]
    for _ in users:
        await begun.acquire()
    said: dict[UUID, list[bytes]] = {user: [] for user in users}
    for _ in range(20):
        for user in users:
            notice = session_notice(user, SessionChange.CHANGED, new_id())
            said[user].append(notice.data)
            publisher.tell(notice)
    async with asyncio.timeout(60):
        await asyncio.gather(*watching)
    assert heard == said
    assert watchers.held == {"watched users": 0}
