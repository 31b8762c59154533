"""Redis is away, full, silent or empty: streams go on, and nothing that was shown is lost."""

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import redis.asyncio
from sqlalchemy import make_url

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.embedded import EmbeddedValkey, free_port
from chassis.testing import ModelServer, eventually
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.runs.domain.run import Run
from chat_service.streaming.domain import FallbackFrames
from chat_service.streaming.log.redis import Append
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings
from parley_local.model_server.texts import text_of


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Redis of this test's own, to be broken."""
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def rig(make_rig: Any, valkey: EmbeddedValkey) -> Any:
    """It takes a slow Redis for one that is there: the log of a run that ends while it is away lacks its end."""
    return await make_rig(valkey.url, timings=Timings(append=5.0, save_patience=20.0))


class Reader:
    """Follows a run in the background and remembers when each batch came."""

    def __init__(self, rig: Any, run: Run, after: int = 0) -> None:
        self.frames: list[Frame] = []
        self.longest_pause = 0.0
        self._task = asyncio.create_task(self._read(rig.followers.follow(run, after)))

    async def _read(self, batches: AsyncIterator[Sequence[Frame]]) -> None:
        last = None
        async for batch in batches:
            self.frames += batch
            now = time.monotonic()
            if last is not None:
                self.longest_pause = max(self.longest_pause, now - last)
            last = now

    async def until(self, seq: int) -> None:
        await eventually(lambda: self.frames and self.frames[-1].seq >= seq)

    async def more(self, frames: int = 5) -> None:
        """Return once so many frames more have come, while the run is still live."""
        await self.until(self.frames[-1].seq + frames)
        assert not self._task.done()

    async def to_the_end(self) -> list[Frame]:
        async with asyncio.timeout(30):
            await self._task
        return self.frames


async def assert_nothing_is_lost(rig: Any, caller: Caller, run: Run, frames: list[Frame]) -> None:
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    assert frames[-1].event == "done"
    assert rig.end(frames)["saved"] is True
    answer = await rig.answer(caller, run)
    assert answer.content == rig.joined(frames)


async def logged_again(rig: Any, run: Run, frames: list[Frame]) -> None:
    async def alike() -> bool:
        return bool(await rig.log.read(run.id, 0) == frames)

    await eventually(alike)
    assert await rig.fallback.read(run.id, 0) == []


async def cancelled_once_logged(rig: Any, run: Run, reader: Reader) -> list[Frame]:
    """All frames of an endless run that is cancelled when its log is there again, and not before."""

    async def is_logged_again() -> bool:
        logged = await rig.log.read(run.id, 0)
        is_begun = bool(logged) and not rig.engine._flusher._writer.degraded
        return is_begun and await rig.fallback.read(run.id, 0) == []

    await eventually(is_logged_again)
    rig.engine.cancel(run.id)
    return await reader.to_the_end()


async def test_a_killed_redis_stalls_a_stream_for_a_moment_and_gets_its_log_again(
    rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(5)
    valkey.kill()
    await reader.more()
    assert await rig.fallback.read(run.id, 0) != []
    await asyncio.to_thread(valkey.start)
    frames = await cancelled_once_logged(rig, run, reader)
    assert reader.longest_pause < 5
    assert text_of("tokens-9000").startswith(rig.joined(frames))
    await assert_nothing_is_lost(rig, caller, run, frames)
    await logged_again(rig, run, frames)


async def test_a_run_that_begins_and_ends_without_redis_is_streamed_and_saved(
    rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    valkey.kill()
    run = (await rig.ask(caller, model_server, "tokens-100-at-100")).run
    frames = await rig.follow(run)
    assert rig.joined(frames) == text_of("tokens-100-at-100")
    await assert_nothing_is_lost(rig, caller, run, frames)
    assert await rig.execute("DELETE FROM run_frames WHERE run_id = :id", run) > 0


async def test_a_silent_redis_is_not_waited_for(
    make_rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    rig = await make_rig(valkey.url, timings=SHIPPED)
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(5)
    assert valkey._process is not None
    valkey._process.send_signal(signal.SIGSTOP)
    await reader.more(8)
    assert rig.engine._flusher._writer.degraded
    valkey._process.send_signal(signal.SIGCONT)
    frames = await cancelled_once_logged(rig, run, reader)
    assert reader.longest_pause < 10
    await assert_nothing_is_lost(rig, caller, run, frames)
    await logged_again(rig, run, frames)


async def test_the_log_of_a_run_whose_end_redis_did_not_take_is_there_for_late_readers(
    make_rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    rig = await make_rig(valkey.url, timings=Timings(append=5.0))
    elsewhere = await make_rig(valkey.url)
    save = rig.finaliser._save_run

    async def saves_and_kills(run: Run, ending: Any) -> bool:
        saved: bool = await save(run, ending)
        valkey.kill()
        return saved

    rig.finaliser._save_run = saves_and_kills
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(20)
    rig.engine.cancel(run.id)
    frames = await reader.to_the_end()
    assert rig.engine._flusher._writer.degraded
    await asyncio.to_thread(valkey.start)
    await eventually(lambda: not rig.streaming.held["logs to let go"])
    assert (await rig.log.read(run.id, 0)) == frames[:-1]
    assert await elsewhere.follow(run) == frames
    assert await elsewhere.follow(run, after=frames[-1].seq - 1) == frames[-1:]
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        assert 0 < await client.ttl(rig.log._key(run.id)) <= SHIPPED.log_kept


async def test_late_readers_at_once_behind_a_restart_of_redis_are_shown_every_event(
    rig: Any, make_rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    """Each by a connection that idled when Redis went."""
    run = (await rig.ask(caller, model_server, "tokens-50")).run
    frames = await rig.follow(run)
    ended = (await rig.ended(run)).run
    elsewhere = await make_rig(valkey.url)

    async def read_at_once() -> Any:
        return await asyncio.gather(*(elsewhere.follow(ended) for _ in range(6)))

    assert await read_at_once() == [frames] * 6
    valkey.kill()
    await asyncio.to_thread(valkey.start)
    assert await read_at_once() == [frames] * 6


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("maxmemory", "1", "0"),
        ("min-replicas-to-write", "3", "0"),
    ],
)
async def test_a_redis_that_refuses_writes_is_done_without(
    rig: Any,
    caller: Caller,
    model_server: ModelServer,
    valkey: EmbeddedValkey,
    name: str,
    bad: str,
    good: str,
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(5)
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        await client.config_set(name, bad)
        await reader.more()
        await client.config_set(name, good)
    frames = await cancelled_once_logged(rig, run, reader)
    assert reader.longest_pause < 10
    await assert_nothing_is_lost(rig, caller, run, frames)
    await logged_again(rig, run, frames)


async def emptied(valkey: EmbeddedValkey) -> None:
    valkey.kill()
    shutil.rmtree(valkey.directory / "data")
    await asyncio.to_thread(valkey.start)


async def test_an_emptied_redis_gets_the_log_again(
    rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(5)
    await emptied(valkey)
    frames = await cancelled_once_logged(rig, run, reader)
    await assert_nothing_is_lost(rig, caller, run, frames)
    await logged_again(rig, run, frames)


async def test_what_is_not_in_memory_any_more_goes_to_an_emptied_redis_as_one_snapshot(
    make_rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    rig = await make_rig(valkey.url, timings=Timings(append=5.0, window_bytes=100))
    run = (await rig.ask(caller, model_server, "tokens-400-at-100", prefix="what was: ")).run
    reader = Reader(rig, run)
    await reader.until(10)
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        await client.flushall()
    await eventually(lambda: rig.log.read(run.id, 0))
    first, *rest = await rig.log.read(run.id, 0)
    assert first.event == "snapshot"
    assert [f.seq for f in rest] == list(range(first.seq + 1, first.seq + 1 + len(rest)))
    seen = [f for f in reader.frames if f.seq <= first.seq]
    assert orjson.loads(first.data)["text"] == "what was: " + rig.joined(seen)
    elsewhere = await make_rig(valkey.url)
    recalled = await elsewhere.followers.recall(run)
    assert recalled.text.startswith(orjson.loads(first.data)["text"])
    frames = await reader.to_the_end()
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    answer = await rig.answer(caller, run)
    assert answer.content == "what was: " + text_of("tokens-400-at-100")
    late = await elsewhere.follow(run)
    assert late[0].event == "snapshot"
    text = orjson.loads(late[0].data)["text"] + rig.joined(late)
    assert text == answer.content


async def test_a_reader_of_another_replica_sees_everything_while_redis_comes_and_goes(
    rig: Any,
    make_rig: Any,
    caller: Caller,
    model_server: ModelServer,
    valkey: EmbeddedValkey,
) -> None:
    elsewhere = await make_rig(valkey.url)
    run = (await rig.ask(caller, model_server, "tokens-500-at-100")).run
    reader = Reader(elsewhere, run)
    await reader.until(5)
    valkey.kill()
    await reader.more()
    late = Reader(elsewhere, run, after=0)
    await asyncio.to_thread(valkey.start)
    frames = await reader.to_the_end()
    assert reader.longest_pause < 3
    await assert_nothing_is_lost(rig, caller, run, frames)
    assert await late.to_the_end() == frames


async def test_what_readers_elsewhere_may_not_have_seen_yet_goes_to_postgresql_as_well(
    rig: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(20)
    valkey.kill()
    shown = reader.frames[-1].seq
    await reader.more()
    kept = await rig.fallback.read(run.id, 0)
    assert kept[0].seq < shown
    assert [frame.seq for frame in kept] == list(range(kept[0].seq, kept[-1].seq + 1))
    rig.engine.cancel(run.id)
    await reader.to_the_end()


async def test_what_was_shown_is_recalled_while_redis_is_away(
    rig: Any,
    make_rig: Any,
    caller: Caller,
    model_server: ModelServer,
    valkey: EmbeddedValkey,
) -> None:
    valkey.kill()
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(5)
    elsewhere = await make_rig(valkey.url)
    recalled = await elsewhere.followers.recall(run)
    await reader.until(recalled.seq)
    assert recalled.text == rig.joined([f for f in reader.frames if f.seq <= recalled.seq])
    rig.engine.cancel(run.id)
    await reader.to_the_end()


async def test_while_both_are_away_nothing_is_shown_and_all_goes_on_when_one_is_back(
    rig: Any, chat: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    nowhere = make_url(chat.urls.worker).set(port=free_port())
    away = Database(
        nowhere.render_as_string(hide_password=False), pool_size=1, application_name="test"
    )
    rig.engine._flusher._writer._fallback = FallbackLog(away)
    run = (await rig.ask(caller, model_server, "tokens-300-at-100")).run
    reader = Reader(rig, run)
    await reader.until(5)
    valkey.kill()
    writer = rig.engine._flusher._writer
    await eventually(lambda: writer.degraded)
    shown = reader.frames[-1].seq
    generation = rig.engine._generations[run.id]
    grown = generation.live.text_bytes + 100
    await eventually(lambda: generation.live.text_bytes > grown)
    assert reader.frames[-1].seq == shown
    await asyncio.to_thread(valkey.start)
    frames = await reader.to_the_end()
    await assert_nothing_is_lost(rig, caller, run, frames)
    await away.stop()


async def test_an_owner_that_lost_its_run_while_redis_is_away_shows_nothing_more(
    rig: Any, chat: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    valkey.kill()
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    reader = Reader(rig, run)
    await reader.until(5)
    taken = await Replicas(chat.worker).take_over(run, "replica-2")
    assert taken is not None
    kept = await rig.fallback.read(run.id, 0)
    await eventually(lambda: not rig.engine.generates(run.id))
    assert reader.frames == kept
    assert await rig.fallback.read(run.id, 0) == kept
    ending = replace(chat.ending, last_seq=reader.frames[-1].seq + 1)
    assert await chat.finish(taken, ending)
    # It follows on where the new owner writes: here the end, from the database.
    frames = await reader.to_the_end()
    assert frames[-1].is_terminal


async def test_an_owner_whose_run_was_ended_without_redis_shows_nothing_when_redis_is_back(
    rig: Any, chat: Any, caller: Caller, model_server: ModelServer, valkey: EmbeddedValkey
) -> None:
    """Redis has every frame of it, and no mark of the taker."""
    run = (await rig.ask(caller, model_server, "endless-at-20")).run
    reader = Reader(rig, run)
    await reader.until(3)
    live = rig.engine._generations[run.id].live
    taken = await Replicas(chat.worker).take_over(run, "replica-2")
    # As when an append seemed to fail, and PostgreSQL did not answer since. Not before the
    # takeover has committed: a claim that is verified before it is good, and what is shown on the
    # strength of it is in the log when the taker reads it.
    live.in_fallback = True
    shown = live.window.last
    await eventually(lambda: not rig.engine.generates(run.id))
    assert live.window.last == shown
    assert await chat.finish(taken)
    await reader.to_the_end()


async def test_an_owner_that_was_frozen_shows_nothing_of_a_run_whose_log_and_mark_are_gone(
    rig: Any, chat: Any, caller: Caller, model_server: ModelServer
) -> None:
    """An empty log takes a first frame of anybody."""
    rig.engine._flush_seconds = 3600  # nothing of it is in the log until it speaks
    run = (await rig.ask(caller, model_server, "stall-first")).run
    live = rig.engine._generations[run.id].live
    await eventually(lambda: rig.engine._writer._noted < inf)
    taken = await Replicas(chat.worker).take_over(run, "replica-2")
    assert await chat.finish(taken)
    rig.engine._writer._noted -= 60
    live.add_text("nobody will find this")
    rig.engine._flusher.mark(live, urgent=True)
    await eventually(lambda: not rig.engine.generates(run.id))
    assert live.window.last == 0


START = Frame(1, "start", b"{}")


def delta(seq: int, text: str) -> Frame:
    return Frame(seq, "delta", orjson.dumps({"text": text}))


@pytest.mark.parametrize("first", [1, 3])
async def test_a_taker_waits_for_redis_even_if_postgresql_has_the_run_from_its_beginning(
    rig: Any,
    chat: Any,
    caller: Caller,
    valkey: EmbeddedValkey,
    first: int,
) -> None:
    """The log may be ahead, and somebody may have seen it there."""
    run = (await chat.accept(caller, None)).run
    frames = [START, delta(2, "in both, "), delta(3, "in both, "), delta(4, "in Redis")]
    await rig.fallback.append([FallbackFrames(run.id, 1, frames[first - 1 : 3])])
    await rig.log.append([Append(run.id, 1, frames)])
    valkey.kill()
    taker = rig.heartbeat("replica-2")
    await taker.start()
    try:

        async def taken() -> bool:
            found = await rig.find(run)
            return bool(found.run.epoch == 2)

        await eventually(taken)
        await eventually(lambda: taker._takeover._taking)
        found = await rig.find(run)
        assert found.run.status is RunStatus.RUNNING
        await asyncio.to_thread(valkey.start)
        frames = await rig.follow(run)
    finally:
        await taker.stop()
    assert [f.seq for f in frames] == [1, 2, 3, 4, 5]
    answer = await rig.answer(caller, run)
    assert answer.content == "in both, in both, in Redis"


async def test_a_taker_that_must_go_waits_for_redis_no_longer(
    rig: Any, chat: Any, caller: Caller, valkey: EmbeddedValkey
) -> None:
    await chat.accept(caller, None)
    valkey.kill()
    taker = rig.heartbeat("replica-2")
    await taker.start()
    await eventually(lambda: taker._takeover._taking)
    await taker.stop()
    await eventually(lambda: not taker._takeover._taking, 20)
