"""What has no room among the answers that are kept, and what is left of those that made room."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
import redis.asyncio

from chassis.ids import new_id
from chat_service.streaming.cache.answers import AnswerCache, Kept
from chat_service.streaming.cache.bounds import CacheBounds


@pytest_asyncio.fixture
async def cache(redis_url: str, redis_prefix: str) -> AsyncIterator[AnswerCache]:
    # Each counts as a thousand bytes more: of a user's there is room for two of a thousand.
    bounds = CacheBounds(answer_bytes=20_000, user_bytes=5_000, all_bytes=9_000)
    cache = AnswerCache(redis_url, prefix=redis_prefix, bounds=bounds, patience=20.0)
    yield cache
    await cache.stop()


async def keep(cache: AnswerCache, user: Any, asked: bytes, characters: int) -> None:
    place = await cache.find(user, asked)
    assert place is not None
    await cache.keep(place, Kept("x" * characters, ""))


async def has(cache: AnswerCache, user: Any, asked: bytes) -> bool:
    place = await cache.find(user, asked)
    assert place is not None
    return place.found is not None


async def test_what_is_more_than_a_user_may_have_takes_nothing_away(cache: AnswerCache) -> None:
    user = new_id()
    await keep(cache, user, b"small", 1_000)
    await keep(cache, user, b"large", 6_000)
    assert (await has(cache, user, b"small"), await has(cache, user, b"large")) == (True, False)


async def test_what_made_room_for_others_takes_up_none_of_its_users(
    cache: AnswerCache, redis_url: str, redis_prefix: str
) -> None:
    first, *others = (new_id() for _ in range(3))
    for user in (first, *others):
        for asked in (b"one", b"two"):
            await keep(cache, user, asked, 1_000)
    assert not await has(cache, first, b"one")
    assert not await has(cache, first, b"two")
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.zcard(f"{{{redis_prefix}}}:answers:list:{first}") == 0
