"""Ends that the database refuses, and readers of runs that live elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import redis.asyncio
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.errors import Unavailable
from chassis.ids import new_id
from chassis.testing import ModelServer, eventually, sample
from chat_service.answer.domain.ending import RunStatus
from chat_service.notices.domain.notice import run_ended
from chat_service.streaming.timings import SHIPPED
from parley_local.model_server.texts import text_of


@pytest_asyncio.fixture
async def owner_database(chat: Any) -> AsyncIterator[Database]:
    database = Database(chat.urls.owner, pool_size=1, application_name="test owner")
    yield database
    await database.stop()


async def alter(database: Database, statement: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(statement))


def alerts() -> float:
    return sample("chat_save_failures_total") or 0.0


async def test_a_save_that_is_refused_for_good_ends_the_stream_and_is_tried_again_ever_later(
    rig: Any,
    chat: Any,
    caller: Caller,
    model_server: ModelServer,
    owner_database: Database,
) -> None:
    before = alerts()
    await alter(
        owner_database,
        "ALTER TABLE messages ADD CONSTRAINT refused CHECK (role <> 'assistant') NOT VALID",
    )
    run = (await rig.ask(caller, model_server, "tokens-20")).run
    frames = await rig.follow(run)
    assert rig.joined(frames) == text_of("tokens-20")
    assert frames[-1].event == "done"
    assert rig.end(frames)["saved"] is False
    assert await rig.log.read(run.id, 0) == frames
    recalled = await rig.followers.recall(run)
    assert (recalled.text, recalled.ended) == (text_of("tokens-20"), True)

    owner = rig.heartbeat(run.owner, first_pause=0.2)
    await owner.start()
    try:
        # Each try raises the epoch; the pauses between them double.
        await eventually(
            lambda: owner._takeover._pauses and owner._takeover._pauses[run.id].seconds >= 0.8
        )
        found = await rig.find(run)
        assert found.run.status is RunStatus.RUNNING
        assert found.run.epoch <= 5
        assert alerts() == before + 1
        assert await rig.log.read(run.id, 0) == frames
        await alter(owner_database, "ALTER TABLE messages DROP CONSTRAINT refused")

        async def saved() -> bool:
            found = await rig.find(run)
            return bool(found.run.status is RunStatus.COMPLETED)

        await eventually(saved)
    finally:
        await owner.stop()
    answer = await rig.answer(caller, run)
    assert answer.content == text_of("tokens-20")
    # Of what is saved nothing is remembered.
    assert rig.finaliser._refused == set()


async def test_all_readers_of_remote_runs_share_one_look_at_their_logs(
    rig: Any,
    make_rig: Any,
    caller: Caller,
    model_server: ModelServer,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = await make_rig(redis_url)
    look, read = elsewhere.log.read_many, elsewhere.log.read_some
    looks: list[set[UUID]] = []
    looking = most_at_once = reads = 0

    async def counted_look(places: Mapping[UUID, Any]) -> Any:
        nonlocal looking, most_at_once
        looks.append(set(places))
        looking += 1
        most_at_once = max(most_at_once, looking)
        try:
            return await look(places)
        finally:
            looking -= 1

    async def counted_read(run_id: UUID, after: int, most_bytes: int) -> Any:
        nonlocal reads
        reads += 1
        return await read(run_id, after, most_bytes)

    monkeypatch.setattr(elsewhere.log, "read_many", counted_look)
    monkeypatch.setattr(elsewhere.log, "read_some", counted_read)
    runs = [(await rig.ask(caller, model_server, "stall-after-60")).run for _ in range(3)]
    began = asyncio.get_running_loop().time()
    following = [asyncio.create_task(elsewhere.follow(run)) for run in runs * 20]
    remote = elsewhere.followers._remote
    # They live until all of them have been seen at once, and looked at time and again.
    await eventually(lambda: [one.readers for one in remote._runs.values()] == [20] * 3)
    before = len(looks)
    await eventually(lambda: len(looks) > before + 5)

    # And have said all that they say before they stall: on a busy machine that may come later.
    async def said() -> bool:
        texts = [rig.joined(await rig.log.read(run.id, 0)) for run in runs]
        return texts == [text_of("stall-after-60")] * 3

    await eventually(said)
    for run in runs:
        rig.engine.cancel(run.id)
    for frames in await asyncio.gather(*following):
        assert rig.joined(frames) == text_of("stall-after-60")
        assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    took = asyncio.get_running_loop().time() - began
    assert most_at_once == 1
    assert {run.id for run in runs} in looks
    # With the pause of a flush between two, which in a rig is 20 ms.
    assert len(looks) <= took / 0.02 + 2
    # None of them reads a log by itself, but where the look has not come in time for its end.
    assert reads <= 60
    await eventually(remote._task.done)
    assert remote._runs == {}


async def test_a_reader_who_asks_for_more_than_there_will_be_is_not_kept_for_ever(
    rig: Any, make_rig: Any, caller: Caller, model_server: ModelServer, redis_url: str
) -> None:
    elsewhere = await make_rig(redis_url)
    run = (await rig.ask(caller, model_server, "tokens-60-at-100")).run
    greedy = asyncio.create_task(elsewhere.follow(run, 1_000_000))
    await eventually(lambda: elsewhere.followers._remote._runs)
    frames = await elsewhere.follow(run)
    assert rig.joined(frames) == text_of("tokens-60-at-100")
    assert await greedy == []


async def test_a_log_expires_and_the_end_is_told_although_the_answer_to_the_commit_got_lost(
    rig: Any, caller: Caller, model_server: ModelServer, redis_url: str, redis_prefix: str
) -> None:
    save = rig.finaliser._save_run
    tries = 0

    async def loses_its_answer(run: Any, ending: Any) -> bool:
        nonlocal tries
        tries += 1
        saved: bool = await save(run, ending)
        if tries == 1:
            raise Unavailable()
        return saved

    rig.finaliser._save_run = loses_its_answer
    run = (await rig.ask(caller, model_server, "tokens-20")).run
    frames = await rig.follow(run)
    assert rig.end(frames)["saved"] is True
    assert tries == 2
    _, *behind_its_start = rig.told
    ended = run_ended(run.user_id, run.id, run.session_id, "completed", None)
    assert behind_its_start == [ended]
    async with redis.asyncio.Redis.from_url(redis_url) as client:

        async def expires() -> bool:
            return bool(
                0 < await client.ttl(f"{{{redis_prefix}}}:run:{run.id}") <= SHIPPED.log_kept
            )

        await eventually(expires)


async def test_the_log_of_a_run_expires_from_its_last_frame_on(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    # Nothing else lets it go: who is killed right behind that frame leaves no log for ever.
    rig.log.let_go = None
    run = (await rig.ask(caller, model_server, "tokens-5")).run
    assert rig.end(await rig.follow(run))["saved"] is True
    assert 0 < await rig.log._redis.ttl(rig.log._key(run.id)) <= SHIPPED.log_kept


async def test_the_log_of_a_run_that_is_gone_goes_at_once(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    await eventually(lambda: rig.log.read(run.id, 0))
    assert await rig.execute("DELETE FROM runs WHERE id = :id", run) == 1
    rig.engine.cancel(run.id)

    async def is_gone() -> bool:
        return not await rig.log.read(run.id, 0)

    # Not in the ten minutes that the log of a saved run stays.
    await eventually(is_gone)
    await eventually(lambda: not rig.engine.generates(run.id))


async def test_a_drain_waits_for_a_save_that_began_at_its_very_end(
    rig: Any, chat: Any, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    async with chat.holding(run.session_id):
        draining = asyncio.gather(*(part.drain() for part in rig.parts))
        frames = await rig.follow(run)
        assert rig.end(frames)["saved"] is False
        await eventually(lambda: not rig.engine.generates(run.id))
        done, _ = await asyncio.wait({draining}, timeout=0.3)
        assert not done
    await draining
    assert (await rig.answer(caller, run)).content == rig.joined(frames)


async def test_the_log_of_a_run_that_is_saved_late_expires_from_then_on(
    rig: Any,
    chat: Any,
    caller: Caller,
    model_server: ModelServer,
    redis_url: str,
    redis_prefix: str,
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        key = f"{{{redis_prefix}}}:run:{run.id}"
        async with chat.holding(run.session_id):
            rig.engine.cancel(run.id)
            frames = await rig.follow(run)
            assert rig.end(frames)["saved"] is False
            assert await client.ttl(key) == -1
        await rig.ended(run)

        async def expires() -> bool:
            return bool(0 < await client.ttl(key) <= SHIPPED.log_kept)

        await eventually(expires)


async def test_of_the_runs_in_memory_the_one_that_is_not_saved_is_found_by_its_own_session(
    make_rig: Any, redis_url: str, chat: Any, caller: Caller, model_server: ModelServer
) -> None:
    # The first is to be there when the other has been saved.
    rig = await make_rig(redis_url, linger=5.0)
    first, second = [(await rig.ask(caller, model_server, "endless-at-100")).run for _ in range(2)]
    for run in (first, second):
        assert rig.followers.find_unsaved(run.session_id).id == run.id
    assert rig.followers.find_unsaved(new_id()) is None
    rig.engine.cancel(second.id)
    await rig.ended(second)
    async with chat.holding(first.session_id):
        rig.engine.cancel(first.id)
        assert rig.end(await rig.follow(first))["saved"] is False
        assert rig.followers.find_unsaved(first.session_id).id == first.id
        assert rig.followers.find_unsaved(second.session_id) is None


async def test_what_is_still_being_saved_when_the_process_must_go_is_left_to_another(
    rig: Any, chat: Any, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    async with chat.holding(run.session_id):
        rig.engine.cancel(run.id)
        frames = await rig.follow(run)
        assert rig.end(frames)["saved"] is False
        assert rig.finaliser.is_saving(run.id)
        await rig.finaliser.stop()
        await eventually(lambda: not rig.finaliser.is_saving(run.id), 20)
    assert (await rig.find(run)).run.status is RunStatus.RUNNING
