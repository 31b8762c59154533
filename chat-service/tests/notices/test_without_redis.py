"""Redis goes: no request notices, and who watches learns either what was missed or to read again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from chassis.embedded import EmbeddedValkey, free_port
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.notices.domain.errors import NoticesUnavailable
from chat_service.notices.domain.notice import Notice, SessionChange, session_notice
from chat_service.notices.log import NoticeLog
from chat_service.notices.publisher import Publisher
from chat_service.notices.watchers import News, Watchers
from chat_service.redis_client import REDIS_ERRORS


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Redis of this test's own, to be killed."""
    server = EmbeddedValkey(tmp_path / "valkey", port=free_port())
    server.start()
    yield server
    server.stop()


class Replica:
    """One that tells and hears."""

    def __init__(self, url: str) -> None:
        self.log = NoticeLog(url, prefix="test")
        self.publisher, self.watchers = Publisher(self.log), Watchers(self.log)

    def tell(self, user: UUID) -> UUID:
        session_id = new_id()
        self.publisher.tell(session_notice(user, SessionChange.CHANGED, session_id))
        return session_id


class Ear:
    """All that one user hears at a replica."""

    def __init__(self, replica: Replica, user: UUID, after: str | None = None) -> None:
        self.cursor = ""
        self.heard: list[str] = []
        self.read_again = 0
        self.task = asyncio.create_task(self._listen(replica, user, after))

    async def _listen(self, replica: Replica, user: UUID, after: str | None) -> None:
        while True:
            try:
                async with aclosing(replica.watchers.watch(user, after)) as all_news:
                    async for news in all_news:
                        self._take(news)
                return
            except NoticesUnavailable:
                # As a gateway does, when a replica does not hear yet.
                assert not self.cursor
                await asyncio.sleep(0.1)

    def _take(self, news: News) -> None:
        self.cursor = news.cursor
        self.read_again += news.read_again
        self.heard += [entry.data.decode() for entry in news.entries]

    async def begun(self) -> None:
        await eventually(lambda: self.cursor, timeout=30)

    async def is_up_to_date(self, replica: Replica, user: UUID) -> None:
        async def stands_there() -> bool:
            return (await replica.log.look(user=str(user), after="")).newest == self.cursor

        await eventually(stands_there, timeout=30, ignoring=REDIS_ERRORS)

    async def has(self, *sessions: UUID) -> None:
        def all_heard() -> bool:
            return len(self.heard) >= len(sessions)

        await eventually(all_heard, timeout=30)
        assert [one.partition('"session_id":"')[2][:36] for one in self.heard] == [
            str(session) for session in sessions
        ]


@pytest_asyncio.fixture
async def replicas(own_redis: EmbeddedValkey) -> AsyncIterator[list[Replica]]:
    replicas = [Replica(own_redis.url) for _ in range(2)]
    for replica in replicas:
        await replica.publisher.start()
        await replica.watchers.start()
    yield replicas
    for replica in replicas:
        await replica.watchers.drain()
        for part in (replica.watchers, replica.publisher, replica.log):
            await part.stop()


async def test_who_lost_a_notice_while_redis_was_away_is_told_to_read_again_and_nobody_else_is(
    own_redis: EmbeddedValkey, replicas: list[Replica]
) -> None:
    here, there = replicas
    unlucky, lucky = new_id(), new_id()
    ears = [Ear(there, unlucky), Ear(there, lucky)]
    for ear in ears:
        await ear.begun()
    first = here.tell(unlucky), here.tell(lucky)
    await ears[0].has(first[0])
    await ears[1].has(first[1])

    own_redis.kill()
    here.tell(unlucky)
    # Nobody waits for it, and nothing is kept of it but whose it was.
    await eventually(
        lambda: here.publisher.held == {"notices": 0, "users to restart": 1}, timeout=30
    )
    with pytest.raises(NoticesUnavailable):
        async with aclosing(there.watchers.watch(lucky, None)) as refused:
            await anext(refused)
    own_redis.start()

    await eventually(lambda: ears[0].read_again, timeout=30)
    await eventually(lambda: not here.publisher.held["users to restart"], timeout=30)
    # A log may have been ended twice, if Redis was slow to say that it had been.
    for ear, user in zip(ears, (unlucky, lucky), strict=True):
        await ear.is_up_to_date(here, user)
    last = here.tell(unlucky), here.tell(lucky)
    await ears[0].has(first[0], last[0])
    await ears[1].has(first[1], last[1])
    assert ears[0].read_again
    assert ears[1].read_again == 0
    for ear in ears:
        ear.task.cancel()


async def test_where_a_replica_died_with_what_it_had_to_tell_everybody_reads_again(
    replicas: list[Replica],
) -> None:
    here, there = replicas
    users = [new_id() for _ in range(3)]
    ears = [Ear(there, user) for user in users]
    for ear in ears:
        await ear.begun()
    # Another has noticed it; what comes behind that is told as ever.
    here.publisher.doubt()
    for ear, user in zip(ears, users, strict=True):
        await eventually(partial(getattr, ear, "read_again"), timeout=30)
        await ear.is_up_to_date(here, user)
        await ear.has(*[here.tell(user)])
        assert ear.read_again == 1
        ear.task.cancel()


def _die(here: Replica, _user: UUID) -> None:
    here.publisher.doubt()


def _overflow(here: Replica, user: UUID) -> None:
    other = new_id()
    for _ in range(10_000):
        here.tell(other)
    here.tell(user)


@pytest.mark.parametrize("lose", [_die, _overflow])
async def test_what_is_lost_while_logs_are_ended_ends_them_once_more(
    replicas: list[Replica],
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[Replica, UUID], None],
) -> None:
    here, there = replicas
    user = new_id()
    ear = Ear(there, user)
    await ear.begun()
    restart = here.log.restart

    async def restart_and_lose(users: Sequence[UUID]) -> None:
        await restart(users)
        if ear.read_again == 0:
            # Redis has done it, and the user has read again, before the answer is here.
            await eventually(lambda: ear.read_again, timeout=30)
            lose(here, user)

    monkeypatch.setattr(here.log, "restart", restart_and_lose)
    here.publisher.doubt()
    await eventually(lambda: ear.read_again == 2, timeout=30)
    await ear.is_up_to_date(here, user)
    await ear.has(here.tell(user))
    assert not here.publisher.held["users to restart"]
    ear.task.cancel()


async def test_a_redis_that_comes_back_empty_means_to_read_again(
    own_redis: EmbeddedValkey, replicas: list[Replica]
) -> None:
    here, there = replicas
    user = new_id()
    ear = Ear(there, user)
    await ear.begun()
    first = here.tell(user)
    await ear.has(first)
    before = ear.cursor

    own_redis.kill()
    for kept in (own_redis.directory / "data").rglob("*"):
        if kept.is_file():
            kept.unlink()
    own_redis.start()

    await eventually(lambda: ear.read_again, timeout=30)
    again = Ear(here, user, before)
    await again.begun()
    await ear.is_up_to_date(there, user)
    second = there.tell(user)
    await ear.has(first, second)
    await again.has(second)
    assert (ear.read_again, again.read_again) == (1, 1)
    for one in (ear, again):
        one.task.cancel()


async def test_more_than_can_wait_is_given_up_and_its_user_reads_again(
    replicas: list[Replica],
) -> None:
    here, there = replicas
    user, other = new_id(), new_id()
    ears = [Ear(there, user), Ear(there, other)]
    for ear in ears:
        await ear.begun()
    # At once, before any of it can be told.
    kept = [here.tell(other) for _ in range(10)]
    for _ in range(10_000):
        here.tell(user)
    assert here.publisher.held == {"notices": 10_000, "users to restart": 1}
    await ears[1].has(*kept)
    await eventually(lambda: ears[0].read_again, timeout=30)
    await eventually(lambda: here.publisher.held["notices"] == 0, timeout=30)
    assert ears[1].read_again == 0
    for ear in ears:
        ear.task.cancel()


async def test_what_is_under_way_to_redis_when_a_replica_stops_is_read_again(
    replicas: list[Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = replicas
    user, other = new_id(), new_id()
    ears = [Ear(there, user), Ear(there, other)]
    for ear in ears:
        await ear.begun()
    under_way = asyncio.Event()

    async def never(_: Sequence[Notice]) -> int:
        under_way.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody has let it go")

    with monkeypatch.context() as patch:
        patch.setattr(here.log, "tell", never)
        here.tell(user)
        await under_way.wait()
    # This one is not under way yet, and goes out with what is said last.
    waiting = here.tell(other)
    await here.publisher.stop()
    await eventually(lambda: ears[0].read_again, timeout=30)
    await ears[1].has(waiting)
    assert [ear.read_again for ear in ears] == [1, 0]
    for ear in ears:
        ear.task.cancel()
