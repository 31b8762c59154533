"""The run log on a real Redis: what an append promises, and what a fence does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import redis.asyncio

from chassis.ids import new_id
from chassis.testing.eventually import eventually
from chat_service.answer.domain.frame import Frame
from chat_service.streaming.log.redis import Append, Outcome, RunLog, place_behind
from chat_service.streaming.timings import SHIPPED


def frames(first: int, last: int) -> list[Frame]:
    return [Frame(seq, "delta", b'{"text":"%d"}' % seq) for seq in range(first, last + 1)]


@pytest_asyncio.fixture
async def log(redis_url: str, redis_prefix: str) -> AsyncIterator[RunLog]:
    # What a busy machine appends takes longer than what is waited for in production.
    log = RunLog(redis_url, prefix=redis_prefix, timings=replace(SHIPPED, append=20.0))
    await log.start()
    yield log
    await log.stop()


@pytest_asyncio.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    client = redis.asyncio.Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def append(log: RunLog, run_id: Any, epoch: int, first: int, last: int) -> Any:
    (appended,) = await log.append([Append(run_id, epoch, frames(first, last))])
    return appended


async def test_frames_are_read_as_they_were_appended(log: RunLog) -> None:
    run_id = new_id()
    assert (await append(log, run_id, 1, 1, 3)).outcome is Outcome.OK
    assert (await append(log, run_id, 1, 4, 4)).last_seq == 4
    assert await log.read(run_id, 0) == frames(1, 4)
    assert await log.read(run_id, 2) == frames(3, 4)
    assert await log.read(run_id, 4) == []


async def test_some_are_read_at_a_time_and_one_at_least(log: RunLog) -> None:
    run_id = new_id()
    assert await log.read_some(run_id, 0, 100) == []
    # More than the script looks at in one go.
    await append(log, run_id, 1, 1, 250)
    size = len(frames(1, 1)[0].data)
    assert await log.read_some(run_id, 0, 3 * size) == frames(1, 3)
    assert await log.read_some(run_id, 3, 3 * size - 1) == frames(4, 5)
    assert await log.read_some(run_id, 5, 1) == frames(6, 6)
    assert await log.read_some(run_id, 2, 1_000_000) == frames(3, 250)
    assert await log.read_some(run_id, 250, 1_000_000) == []


async def test_some_of_a_run_that_was_taken_over_are_its_frames_alone(log: RunLog) -> None:
    run_id = new_id()
    await append(log, run_id, 1, 1, 4)
    await log.fence(run_id, 2)
    await append(log, run_id, 2, 5, 6)
    assert await log.read_some(run_id, 0, 1_000_000) == frames(1, 6)
    assert await log.read_some(run_id, 5, 1_000_000) == frames(6, 6)
    # The second owner's own are more than the script looks at in one go.
    await append(log, run_id, 2, 7, 350)
    await log.fence(run_id, 3)
    await append(log, run_id, 3, 351, 353)
    for after in (0, 4, 6, 200, 350, 352, 353):
        assert await log.read_some(run_id, after, 1_000_000) == frames(after + 1, 353), after
    assert await log.read_some(run_id, 349, 1) == frames(350, 350)


async def test_appending_again_changes_nothing(log: RunLog) -> None:
    run_id = new_id()
    await append(log, run_id, 1, 1, 3)
    again = await append(log, run_id, 1, 1, 3)
    assert (again.outcome, again.last_seq) == (Outcome.OK, 3)
    overlapping = await append(log, run_id, 1, 2, 5)
    assert (overlapping.outcome, overlapping.last_seq) == (Outcome.OK, 5)
    assert await log.read(run_id, 0) == frames(1, 5)


async def test_a_missing_frame_is_a_gap_and_nothing_is_written(log: RunLog) -> None:
    run_id = new_id()
    assert (await append(log, run_id, 1, 2, 2)).last_seq == 0
    await append(log, run_id, 1, 1, 2)
    gap = await append(log, run_id, 1, 4, 6)
    assert (gap.outcome, gap.last_seq) == (Outcome.GAP, 2)
    assert await log.read(run_id, 0) == frames(1, 2)


async def test_an_emptied_log_is_a_gap(log: RunLog, client: Any, redis_prefix: str) -> None:
    run_id = new_id()
    await append(log, run_id, 1, 1, 3)
    assert await client.delete(f"{{{redis_prefix}}}:run:{run_id}") == 1
    gap = await append(log, run_id, 1, 4, 4)
    assert (gap.outcome, gap.last_seq) == (Outcome.GAP, 0)


async def test_a_fence_shuts_out_the_owner_before_and_lets_the_next_go_on(log: RunLog) -> None:
    run_id = new_id()
    await append(log, run_id, 1, 1, 3)
    assert await log.fence(run_id, 2) == frames(1, 3)
    zombie = await append(log, run_id, 1, 4, 5)
    assert (zombie.outcome, zombie.last_seq) == (Outcome.FENCED, 2)
    assert (await append(log, run_id, 2, 4, 4)).outcome is Outcome.OK
    assert await log.read(run_id, 0) == frames(1, 4)
    assert await log.read(run_id, 3) == frames(4, 4)
    assert await log.fence(run_id, 2) == frames(1, 4)


async def test_a_fence_on_an_empty_log_shuts_out_the_first_frame_too(log: RunLog) -> None:
    run_id = new_id()
    assert await log.fence(run_id, 2) == []
    assert (await append(log, run_id, 1, 1, 1)).outcome is Outcome.FENCED
    assert (await append(log, run_id, 2, 1, 1)).outcome is Outcome.OK


async def test_many_runs_go_in_one_call_and_each_has_its_own_outcome(log: RunLog) -> None:
    runs = [new_id() for _ in range(50)]
    await append(log, runs[7], 1, 1, 1)
    await log.fence(runs[8], 5)
    outcomes = await log.append([Append(run_id, 1, frames(2, 2)) for run_id in runs])
    assert outcomes[7].outcome is Outcome.OK
    assert outcomes[8].outcome is Outcome.FENCED
    assert {outcome.outcome for outcome in outcomes[9:]} == {Outcome.GAP}


async def test_the_script_is_loaded_again_after_redis_forgot_it(log: RunLog, client: Any) -> None:
    run_id = new_id()
    await append(log, run_id, 1, 1, 1)
    await client.script_flush()
    assert (await append(log, run_id, 1, 2, 2)).outcome is Outcome.OK


async def test_a_saved_runs_log_expires_and_a_deleted_ones_is_gone(
    log: RunLog, client: Any, redis_prefix: str
) -> None:
    saved, at_once, deleted = new_id(), new_id(), new_id()
    await append(log, saved, 1, 1, 1)
    await append(log, deleted, 1, 1, 1)
    assert await client.ttl(f"{{{redis_prefix}}}:run:{saved}") == -1
    log.let_go(saved)

    async def expires() -> bool:
        return bool(0 < await client.ttl(f"{{{redis_prefix}}}:run:{saved}") <= SHIPPED.log_kept)

    await eventually(expires)
    await log.append([Append(at_once, 1, frames(1, 2), saved=True)])
    assert 0 < await client.ttl(f"{{{redis_prefix}}}:run:{at_once}") <= SHIPPED.log_kept
    await log.delete([deleted])
    assert await log.read(deleted, 0) == []
    log.let_go(at_once, now=True)

    async def gone() -> bool:
        return await log.read(at_once, 0) == []

    await eventually(gone)


async def test_a_log_that_is_to_go_at_once_goes_although_it_is_just_told_to_expire(
    log: RunLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_id()
    await append(log, run_id, 1, 1, 1)
    asked, answered = asyncio.Event(), asyncio.Event()
    expire = log._redis.expire

    async def expire_slowly(*arguments: Any) -> Any:
        asked.set()
        await answered.wait()
        return await expire(*arguments)

    monkeypatch.setattr(log._redis, "expire", expire_slowly)
    log.let_go(run_id)
    await asked.wait()
    # Its conversation is deleted for good before Redis has answered.
    log.let_go(run_id, now=True)
    answered.set()
    await eventually(lambda: not log.held["logs to let go"])
    assert await log.read(run_id, 0) == []


async def test_of_all_logs_those_are_found_that_would_stay_for_ever(log: RunLog) -> None:
    lasting, leaving = new_id(), new_id()
    await log.append(
        [Append(lasting, 1, frames(1, 1)), Append(leaving, 1, frames(1, 1), saved=True)]
    )
    found: list[UUID] = []
    cursor = -1
    while cursor:
        cursor, some = await log.find_lasting(max(cursor, 0))
        found += some
    # One that is about to go would stay if it were told to go again and again.
    assert set(found) == {lasting}


async def test_a_snapshot_stands_for_what_is_missing_before_it(log: RunLog) -> None:
    run_id = new_id()
    snapshot = Frame(7, "snapshot", b'{"text":"","reasoning":""}')
    (appended,) = await log.append([Append(run_id, 1, [snapshot, *frames(8, 9)])])
    assert (appended.outcome, appended.last_seq) == (Outcome.OK, 9)
    assert (await append(log, run_id, 1, 10, 10)).outcome is Outcome.OK
    assert await log.read(run_id, 3) == [snapshot, *frames(8, 10)]


async def test_the_news_of_many_logs_come_in_one_look(log: RunLog) -> None:
    first, second, silent = new_id(), new_id(), new_id()
    await append(log, first, 1, 1, 3)
    await append(log, second, 1, 1, 2)
    await log.fence(second, 2)
    places = {first: place_behind(1), second: place_behind(0), silent: place_behind(0)}
    news = await log.read_many(places)
    assert set(news) == {first, second}
    assert [entry.frame for entry in news[first]] == frames(2, 3)
    assert [entry.frame for entry in news[second]] == [*frames(1, 2), None]
    assert await log.read_many({first: news[first][-1].place, second: news[second][-1].place}) == {}


async def test_readers_who_have_all_their_connections_keep_no_append_waiting(log: RunLog) -> None:
    """As when Redis is silent, and each of them waits for it for longer than an append does."""
    pool: Any = log._redis.connection_pool
    lent = [await pool.get_connection() for _ in range(pool.max_connections)]
    try:
        assert (await append(log, new_id(), 1, 1, 1)).outcome is Outcome.OK
    finally:
        for connection in lent:
            await pool.release(connection)
