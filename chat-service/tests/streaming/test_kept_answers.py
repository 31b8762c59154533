"""By what names answers are kept and for how long, and what there is room for."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
import redis.asyncio

from chassis.ids import new_id
from chat_service.streaming.cache.answers import AnswerCache, Kept
from chat_service.streaming.cache.bounds import CacheBounds

# Each counts as a thousand bytes more: of a user's there is room for two of a thousand.
BOUNDS = CacheBounds(answer_bytes=20_000, user_bytes=5_000, all_bytes=9_000)


@pytest_asyncio.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield client


@pytest_asyncio.fixture
async def cache(redis_url: str, redis_prefix: str) -> AsyncIterator[AnswerCache]:
    cache = AnswerCache(redis_url, prefix=redis_prefix, bounds=BOUNDS, patience=20.0)
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
    cache: AnswerCache, client: Any, redis_prefix: str
) -> None:
    first, *others = (new_id() for _ in range(3))
    for user in (first, *others):
        for asked in (b"one", b"two"):
            await keep(cache, user, asked, 1_000)
    assert not await has(cache, first, b"one")
    assert not await has(cache, first, b"two")
    assert await client.zcard(f"{{{redis_prefix}}}:answers:list:{first}") == 0


async def test_what_has_expired_takes_up_no_room(
    cache: AnswerCache, client: Any, redis_prefix: str
) -> None:
    user, every = new_id(), f"{{{redis_prefix}}}:answers:all"
    await keep(cache, user, b"one", 1_000)
    (member,) = await client.zrange(every, 0, -1)
    # Long ago, as its own key has gone by then.
    await client.zadd(every, {member: 1})
    await keep(cache, new_id(), b"two", 1_000)
    assert member not in await client.zrange(every, 0, -1)
    assert await client.zcard(f"{{{redis_prefix}}}:answers:list:{user}") == 0


async def test_no_name_tells_what_was_asked(cache: AnswerCache) -> None:
    """Of the same question it is another for each user, and once they have had all forgotten."""
    user = new_id()
    names = [await cache.find(one, b"the same") for one in (user, new_id(), user)]
    await cache.forget(user)
    names.append(await cache.find(user, b"the same"))
    first, others, again, anew = (name.digest for name in names if name is not None)
    assert first == again
    assert len({first, others, anew}) == 3


async def test_a_secret_outlives_each_answer_that_is_found_by_it(
    cache: AnswerCache, client: Any, redis_prefix: str
) -> None:
    user = new_id()
    secret = f"{{{redis_prefix}}}:answers:secret:{user}"
    assert await cache.find(user, b"one") is not None
    await client.expire(secret, 5)
    # Whoever has just looked may keep an answer a while later, for as long as one is kept.
    assert await cache.find(user, b"two") is not None
    assert await client.ttl(secret) > 1.5 * BOUNDS.seconds
