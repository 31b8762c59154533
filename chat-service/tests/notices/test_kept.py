"""A user's stream is kept for as long as somebody watches, whether or not there is anything to tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest_asyncio
import redis.asyncio

from chassis.ids import new_id
from chat_service.notices import watchers
from chat_service.notices.log import KEPT_SECONDS, NoticeLog


@pytest_asyncio.fixture
async def impatient(log: NoticeLog) -> AsyncIterator[watchers.Watchers]:
    """Those who watch here look time and again."""
    watching = watchers.Watchers(log, look_seconds=0.05)
    await watching.start()
    yield watching
    await watching.stop()


async def test_who_hears_nothing_looks_and_each_look_keeps_the_stream(
    impatient: watchers.Watchers, redis_url: str, redis_prefix: str
) -> None:
    user = new_id()
    key = f"{{{redis_prefix}}}:notices:{user}"
    async with (
        redis.asyncio.Redis.from_url(redis_url) as store,
        aclosing(impatient.watch(user, None)) as all_news,
        asyncio.timeout(60),
    ):
        begun = await anext(all_news)
        # The first look may be for what was missed before the watcher heard anything.
        for _ in range(2):
            assert await store.expire(key, 100)
            news = await anext(all_news)
            assert (news.cursor, news.entries, news.read_again) == (begun.cursor, [], False)
            assert 100 < await store.ttl(key) <= KEPT_SECONDS


def test_a_look_comes_well_before_the_stream_would_go() -> None:
    # It may come while Redis is away, or late, time and again.
    assert 3 * watchers._LOOK_SECONDS <= KEPT_SECONDS
