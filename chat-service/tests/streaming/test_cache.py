"""Answers that are kept: found by the same question of the same user alone, and forgotten with them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy import text

from chassis.caller import Caller
from chassis.embedded.ports import free_port
from chassis.ids import new_id
from chassis.testing import ModelServer, eventually
from chat_service.answer.domain.ending import Adapted, CacheState, RunStatus, Usage
from chat_service.answer.domain.frame import Frame
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import Picture, PromptMessage
from chat_service.redis_client import connect
from chat_service.runs.domain.run import Run
from chat_service.runs.store.ends import RunEnds
from chat_service.shares.store.shares import end_shares_of
from chat_service.streaming.cache.answers import AnswerCache, Kept
from chat_service.streaming.cache.asked import asked_of
from chat_service.streaming.cache.bounds import CacheBounds
from chat_service.streaming.cache.forgetting import Forgetting
from chat_service.streaming.store.answers_to_forget import AnswersToForget
from chat_service.streaming.timings import Timings
from chat_service.streaming.write.means import Bounds
from chat_service.words.domain.word_filter import Action, Rule, WordFilter
from parley_local.model_server.texts import reasoning_of, text_of
from servicekit.generation_parameters import GenerationParameters

# Of conftest.py, which a test module has no name for.
Rig = Any

KEPT = Kept("text", "thought", (Adapted("temperature", None),))


# What a test has kept is there, however busy its machine.
_PATIENCE = 20.0


@pytest_asyncio.fixture
async def cache(redis_url: str, redis_prefix: str) -> AsyncIterator[AnswerCache]:
    cache = AnswerCache(redis_url, prefix=redis_prefix, patience=_PATIENCE)
    yield cache
    await cache.stop()


@pytest_asyncio.fixture
async def cached_rig(make_rig: Any, redis_url: str, cache: AnswerCache) -> Rig:
    return await make_rig(redis_url, cache=cache)


def connection(server: ModelServer, model: str) -> Connection:
    return Connection(
        key_id=new_id(),
        name="scripted",
        api_key="sk-secret",
        model=model,
        base_url=server.base_url,
        provider="openai",
    )


async def ask(
    rig: Rig, caller: Caller, connection: Connection, content: str = "a question", **change: Any
) -> tuple[Run, list[Frame]]:
    accepted = await rig.chat.accept(caller, None, content, model=connection.model)
    run = replace(accepted.run, **{"cache": CacheState.MISS, **change})
    rig.engine.begin(run, connection, accepted.prompt)
    return run, await rig.follow(run)


def state(frames: list[Frame]) -> str:
    told = [orjson.loads(frame.data) for frame in frames if frame.event == "cache"]
    end = orjson.loads(frames[-1].data)
    assert [one["state"] for one in told] == [end["cache"]]
    return str(end["cache"])


async def keys_of(redis_url: str, prefix: str) -> list[bytes]:
    redis = connect(redis_url, connections=1, timeout=_PATIENCE)
    try:
        return sorted([key async for key in redis.scan_iter(match=f"{{{prefix}}}:answers*")])
    finally:
        await redis.aclose()


async def kept_count(redis_url: str, prefix: str) -> int:
    return sum(b":answers:of:" in key for key in await keys_of(redis_url, prefix))


async def test_the_same_question_gets_the_answer_it_had_and_no_model_is_asked(
    cached_rig: Rig,
    make_rig: Any,
    redis_url: str,
    cache: AnswerCache,
    caller: Caller,
    model_server: ModelServer,
) -> None:
    model = "reasoning-30#kept"
    of_it = connection(model_server, model)
    _, first = await ask(cached_rig, caller, of_it)
    assert state(first) == "miss"
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    # On another replica.
    elsewhere = await make_rig(redis_url, cache=cache)
    run, frames = await ask(elsewhere, caller, of_it)
    assert state(frames) == "hit"
    assert model_server.counters()["calls"][model] == 1
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert joined(frames) == (text_of(model), reasoning_of(model))
    answer = await elsewhere.answer(caller, run)
    assert (answer.content, answer.reasoning) == (text_of(model), reasoning_of(model))
    assert (answer.cached, answer.usage) == (True, Usage(0, 0))
    found = await elsewhere.ended(run)
    assert (found.run.cache, found.run.finish_reason) == (CacheState.HIT, "stop")
    assert found.run.status is RunStatus.COMPLETED


def joined(frames: list[Frame]) -> tuple[str, str]:
    said = {"delta": "", "reasoning": ""}
    for frame in frames:
        if frame.event in said:
            said[frame.event] += orjson.loads(frame.data)["text"]
    return said["delta"], said["reasoning"]


async def test_who_does_not_ask_for_it_gets_an_answer_of_their_own(
    cached_rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    model = "tokens-20#asked"
    of_it = connection(model_server, model)
    await ask(cached_rig, caller, of_it)
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    run, frames = await ask(cached_rig, caller, of_it, cache=CacheState.OFF)
    assert "cache" not in orjson.loads(frames[-1].data)
    assert model_server.counters()["calls"][model] == 2
    assert (await cached_rig.ended(run)).run.cache is CacheState.OFF
    assert not (await cached_rig.answer(caller, run)).cached


async def test_nothing_of_another_user_or_of_another_question_is_found(
    cached_rig: Rig, caller: Caller, stranger: Caller, model_server: ModelServer
) -> None:
    model = "tokens-20#others"
    of_it = connection(model_server, model)
    await ask(cached_rig, caller, of_it)
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    for who, which, change in (
        (stranger, of_it, {}),
        (caller, replace(of_it, key_id=new_id()), {}),
        (caller, replace(of_it, base_url=of_it.base_url + "/"), {}),
        (caller, of_it, {"content": "a question."}),
        (caller, of_it, {"parameters": GenerationParameters(temperature=0.1)}),
    ):
        _, frames = await ask(cached_rig, who, which, **change)
        assert state(frames) == "miss"
    _, frames = await ask(cached_rig, caller, of_it)
    assert state(frames) == "hit"


async def test_an_answer_that_is_not_whole_is_not_kept(
    cached_rig: Rig,
    redis_url: str,
    redis_prefix: str,
    cache: AnswerCache,
    caller: Caller,
    model_server: ModelServer,
) -> None:
    for model in ("cut-after-30", "no-finish-reason", "status-500", "length-20"):
        _, frames = await ask(cached_rig, caller, connection(model_server, model))
        assert state(frames) == "miss"
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    assert await kept_count(redis_url, redis_prefix) == 0


async def test_what_another_connection_answered_is_not_kept_as_the_first_ones(
    cached_rig: Rig,
    redis_url: str,
    redis_prefix: str,
    cache: AnswerCache,
    caller: Caller,
    model_server: ModelServer,
) -> None:
    second = connection(model_server, "tokens-20#elsewhere")
    cached_rig.connections[second.key_id] = second
    first = replace(connection(model_server, "status-503"), fallback_key_id=second.key_id)
    run, frames = await ask(cached_rig, caller, first)
    assert cached_rig.joined(frames) == text_of("tokens-20")
    assert (await cached_rig.ended(run)).run.status is RunStatus.COMPLETED
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    assert await kept_count(redis_url, redis_prefix) == 0


async def test_what_is_kept_passes_the_words_of_today(
    make_rig: Any, redis_url: str, cache: AnswerCache, caller: Caller, model_server: ModelServer
) -> None:
    words: WordFilter | None = None
    rig = await make_rig(redis_url, cache=cache, in_force=lambda: words)
    of_it = connection(model_server, "tokens-20#words")
    await ask(rig, caller, of_it)
    await eventually(lambda: not rig.streaming.held["tasks of runs"])
    words = WordFilter([Rule(text_of("tokens-20")[4:9], Action.MASK)])
    _, frames = await ask(rig, caller, of_it)
    assert state(frames) == "hit"
    assert rig.joined(frames) == words.masked(text_of("tokens-20"))


async def test_a_user_who_is_gone_leaves_nothing_also_of_what_is_being_answered(
    cache: AnswerCache, redis_url: str, redis_prefix: str
) -> None:
    user, other = new_id(), new_id()
    place = await cache.find(user, b"asked")
    under_way = await cache.find(user, b"asked meanwhile")
    others = await cache.find(other, b"asked")
    assert place
    assert under_way
    assert others
    await cache.keep(place, KEPT)
    await cache.keep(others, KEPT)
    found = await cache.find(user, b"asked")
    assert found is not None
    assert found.found == KEPT
    await cache.forget(user, for_good=True)
    await cache.keep(under_way, KEPT)
    assert await cache.find(user, b"asked") is None
    left = [key for key in await keys_of(redis_url, redis_prefix) if str(user).encode() in key]
    # That nothing is looked for: for half a minute.
    assert left == [f"{{{redis_prefix}}}:answers:secret:{user}".encode()]
    still = await cache.find(other, b"asked")
    assert still is not None
    assert still.found == KEPT


async def test_an_answer_that_is_not_saved_is_not_kept(
    cached_rig: Rig, redis_url: str, redis_prefix: str, caller: Caller, model_server: ModelServer
) -> None:
    # Of a user who is gone none is saved, and nobody looks for what is kept behind their erasure.
    of_it = connection(model_server, "tokens-5#unsaved")
    accepted = await cached_rig.chat.accept(caller, None, model=of_it.model)
    run = replace(accepted.run, cache=CacheState.MISS)

    async def is_gone(*_: object) -> None:
        return None

    cached_rig.finaliser._save_run = cached_rig.finaliser._find_run = is_gone
    cached_rig.engine.begin(run, of_it, accepted.prompt)
    await eventually(lambda: not cached_rig.engine.held["tasks of runs"])
    assert model_server.counters()["calls"][of_it.model] == 1
    assert await kept_count(redis_url, redis_prefix) == 0


async def test_who_has_deleted_everything_begins_anew(cache: AnswerCache) -> None:
    user = new_id()
    place = await cache.find(user, b"asked")
    under_way = await cache.find(user, b"asked meanwhile")
    assert place
    assert under_way
    await cache.keep(place, KEPT)
    await cache.forget(user)
    await cache.keep(under_way, KEPT)
    for asked in (b"asked", b"asked meanwhile"):
        again = await cache.find(user, asked)
        assert again is not None
        assert again.found is None
        await cache.keep(again, KEPT)
    found = await cache.find(user, b"asked")
    assert found is not None
    assert found.found == KEPT


def ending(chat: Any) -> EndSessions:
    """Of a replica that is killed behind its commit: nobody hears of it."""
    return EndSessions(
        chat.open_transaction,
        RunEnds(),
        cancel_here=lambda _: None,
        drop=lambda _: None,
        purge=lambda: None,
        unshare=end_shares_of,
    )


async def test_what_was_deleted_is_forgotten_though_a_kill_and_an_outage_come_between(
    chat: Any, cache: AnswerCache, caller: Caller
) -> None:
    async def keep() -> UUID:
        session_id: UUID = (await chat.session(caller)).id
        await _keep(cache, caller.user_id, b"asked", KEPT)
        return session_id

    away = AnswerCache(f"redis://127.0.0.1:{free_port()}/0", prefix="away")
    wishes = AnswersToForget(chat.worker)
    forgetting = Forgetting(wishes, cache)
    try:
        for how in ("all", "cleared", "for good"):
            session_id = await keep()
            match how:
                case "all":
                    await ending(chat).delete_all(caller, permanent=False)
                case "cleared":
                    await ending(chat).clear(caller, session_id)
                case _:
                    await ending(chat).delete(caller, session_id, permanent=True)
            with pytest.raises(RedisAway):
                await Forgetting(wishes, away).forget()
            await forgetting.forget()
            assert not await _has(cache, caller.user_id, b"asked")
    finally:
        await away.stop()
    # What can be restored leaves them; and each wish is met once.
    await ending(chat).delete(caller, await keep(), permanent=False)
    await forgetting.forget()
    assert await _has(cache, caller.user_id, b"asked")


@pytest.mark.parametrize("how", ["all", "cleared", "for good"])
async def test_no_answer_is_given_again_behind_a_deletion_though_it_is_yet_to_be_forgotten(
    cached_rig: Rig, cache: AnswerCache, caller: Caller, model_server: ModelServer, how: str
) -> None:
    chat, of_it = cached_rig.chat, connection(model_server, f"tokens-20#behind {how}")
    run, _ = await ask(cached_rig, caller, of_it)
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    match how:
        case "all":
            await ending(chat).delete_all(caller, permanent=False)
        case "cleared":
            await ending(chat).clear(caller, run.session_id)
        case _:
            await ending(chat).delete(caller, run.session_id, permanent=True)
    _, frames = await ask(cached_rig, caller, of_it)
    assert state(frames) == "miss"
    # It is there still: who asked it alone would have found it.
    asked = asked_of(run, of_it, (await chat.accept(caller, None, "a question")).prompt)
    assert await _has(cache, caller.user_id, asked)
    await Forgetting(AnswersToForget(chat.worker), cache).forget()
    await ask(cached_rig, caller, of_it)
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    _, frames = await ask(cached_rig, caller, of_it)
    assert state(frames) == "hit"


async def test_an_answer_that_was_begun_before_its_deletion_is_kept_no_more(
    cached_rig: Rig,
    redis_url: str,
    redis_prefix: str,
    cache: AnswerCache,
    caller: Caller,
    model_server: ModelServer,
) -> None:
    """Its model is asked once all is forgotten, and it is saved: nobody has told its owner yet to end it."""
    chat, of_it = cached_rig.chat, connection(model_server, "tokens-20#begun before")
    accepted = await chat.accept(caller, None, "a question", model=of_it.model)
    run = replace(accepted.run, cache=CacheState.MISS)
    await ending(chat).delete_all(caller, permanent=False)
    await Forgetting(AnswersToForget(chat.worker), cache).forget()
    cached_rig.engine.begin(run, of_it, accepted.prompt)
    await cached_rig.follow(run)
    assert (await cached_rig.ended(run)).run.status is RunStatus.COMPLETED
    await eventually(lambda: not cached_rig.streaming.held["tasks of runs"])
    assert await kept_count(redis_url, redis_prefix) == 0


async def _keep(cache: AnswerCache, user: UUID, asked: bytes, kept: Kept) -> None:
    place = await cache.find(user, asked)
    assert place is not None
    await cache.keep(place, kept)


async def _has(cache: AnswerCache, user: UUID, asked: bytes) -> bool:
    place = await cache.find(user, asked)
    return place is not None and place.found is not None


async def test_the_oldest_make_room_of_a_user_and_of_all(redis_url: str, redis_prefix: str) -> None:
    bounds = CacheBounds(answer_bytes=3000, user_bytes=8000, all_bytes=16_000)
    cache = AnswerCache(redis_url, prefix=redis_prefix, bounds=bounds, patience=_PATIENCE)
    users = [new_id() for _ in range(3)]
    two_thousand = Kept("x" * 1900, "")
    try:
        await _keep(cache, users[0], b"too long", Kept("x" * 3000, ""))
        assert not await _has(cache, users[0], b"too long")
        for number in range(4):
            await _keep(cache, users[0], b"%d" % number, two_thousand)
        # Each counts as some three thousand bytes: two have room.
        assert [await _has(cache, users[0], b"%d" % n) for n in range(4)] == [False] * 2 + [
            True
        ] * 2
        for user in users[1:]:
            for number in range(2):
                await _keep(cache, user, b"%d" % number, two_thousand)
        assert [await _has(cache, users[0], b"%d" % n) for n in range(2, 4)] == [False, True]
        assert [await _has(cache, users[2], b"%d" % n) for n in range(2)] == [True, True]
        for user in users:
            await cache.forget(user)
        assert await keys_of(redis_url, redis_prefix) == []
    finally:
        await cache.stop()


async def test_what_was_kept_for_longer_is_forgotten_once_less_is_set(
    redis_url: str, redis_prefix: str, cache: AnswerCache
) -> None:
    user = new_id()
    await _keep(cache, user, b"for a day", KEPT)
    bounds = CacheBounds(seconds=60)
    shorter = AnswerCache(redis_url, prefix=redis_prefix, bounds=bounds, patience=_PATIENCE)
    redis = connect(redis_url, connections=1, timeout=_PATIENCE)
    try:
        await _keep(shorter, user, b"for a minute", KEPT)
        lists = [k for k in await keys_of(redis_url, redis_prefix) if b":answers:list:" in k]
        assert [await redis.ttl(key) > 60 for key in lists] == [True]
        await shorter.forget(user)
        assert await keys_of(redis_url, redis_prefix) == []
    finally:
        await redis.aclose()
        await shorter.stop()


async def test_without_redis_nothing_is_found_and_nothing_breaks(
    cache: AnswerCache, redis_prefix: str
) -> None:
    away = AnswerCache(f"redis://127.0.0.1:{free_port()}", prefix=redis_prefix)
    place = await cache.find(new_id(), b"asked")
    assert place is not None
    assert await away.find(new_id(), b"asked") is None
    await away.keep(place, KEPT)
    await away.stop()
    assert (await cache.find(place.user_id, b"asked")).found is None  # type: ignore[union-attr]


async def test_a_look_that_takes_too_long_leaves_the_model_as_long_to_begin_as_ever(
    make_rig: Any, redis_url: str, cache: AnswerCache, caller: Caller, model_server: ModelServer
) -> None:
    bounds = Bounds(
        first_token_seconds=0.2, idle_seconds=20, total_seconds=30, answer_bytes=1024 * 1024
    )
    timings = Timings(append=20.0, watch=0.05)
    rig = await make_rig(redis_url, cache=cache, bounds=bounds, timings=timings)
    of_it = connection(model_server, "silent#looked for")
    accepted = await rig.chat.accept(caller, None, "a question", model=of_it.model)
    run = replace(accepted.run, cache=CacheState.MISS)
    async with rig.chat.worker.transaction() as transaction:
        await transaction.execute(text("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE"))
        rig.engine.begin(run, of_it, accepted.prompt)
        live = rig.engine._generations[run.id].live
        # On a busy machine its time may be over before it has heard that it is asked.
        await eventually(lambda: live.ending or model_server.counters()["calls"].get(of_it.model))
    assert rig.end(await rig.follow(run))["reason"] == "FIRST_TOKEN_TIMEOUT"


async def test_where_nothing_is_to_be_kept_nothing_is_looked_for(
    make_rig: Any, redis_url: str, redis_prefix: str, caller: Caller, model_server: ModelServer
) -> None:
    cache = AnswerCache(redis_url, prefix=redis_prefix, bounds=CacheBounds(seconds=0))
    assert await cache.find(new_id(), b"asked") is None
    # And nothing is said of it, as where nobody has asked.
    rig = await make_rig(redis_url, cache=cache)
    run, frames = await ask(rig, caller, connection(model_server, "tokens-30"))
    assert not [frame for frame in frames if frame.event == "cache"]
    assert "cache" not in orjson.loads(frames[-1].data)
    assert (await rig.ended(run)).run.cache is CacheState.OFF
    assert await keys_of(redis_url, redis_prefix) == []
    await cache.stop()


async def test_where_a_message_stands_is_no_part_of_a_question_and_all_else_is(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.chat.accept(caller, None)).run
    of_it = connection(model_server, "m")
    asked = asked_of(run, of_it, [PromptMessage("user", "a", (1,))])
    assert asked == asked_of(run, of_it, [PromptMessage("user", "a", (7,))])
    assert asked == asked_of(replace(run, id=new_id()), of_it, [PromptMessage("user", "a")])
    others = {
        asked_of(run, of_it, [PromptMessage("user", "b")]),
        asked_of(run, of_it, [PromptMessage("assistant", "a")]),
        asked_of(run, of_it, [PromptMessage("user", "a"), PromptMessage("user", "")]),
        asked_of(replace(run, model="other"), of_it, [PromptMessage("user", "a")]),
        asked_of(run, replace(of_it, headers=(("x", "y"),)), [PromptMessage("user", "a")]),
        asked_of(replace(run, user_id=new_id()), of_it, [PromptMessage("user", "a")]),
        *(
            asked_of(run, of_it, [PromptMessage("user", "a", (1,), (Picture(*shown),))])
            for shown in (("image/png", b"one"), ("image/png", b"other"), ("image/gif", b"one"))
        ),
    }
    assert len(others) == 9
    assert asked not in others
    with_settings = replace(run, parameters=GenerationParameters(max_tokens=7))
    assert asked_of(with_settings, of_it, [PromptMessage("user", "a")]) not in {asked, *others}
