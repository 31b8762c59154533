"""A connection that fails before its first word, and the one that goes on, on real servers."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import Unavailable
from chassis.grpc.deadline import set_deadline
from chassis.ids import new_id
from chassis.testing import ModelServer, eventually, sample
from chat_service.answer.domain.ending import FellBack, RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.answer.domain.reducer import Answer, replay
from chat_service.prompt.context import Why
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.domain.use import Use
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.context import get_context
from chat_service.runs.usecases.recover import recover_run
from chat_service.streaming.timings import Timings
from chat_service.streaming.write.alternatives import Alternatives
from chat_service.streaming.write.means import Bounds
from chat_service.streaming.write.reports import UseReports
from parley_local.model_server.texts import text_of
from servicekit.generation_parameters import GenerationParameters

# Fixtures of conftest.py, which a test module has no names for.
Rig = Any

WISHES = GenerationParameters(temperature=0.3)


def connection(server: ModelServer, model: str, **other: Any) -> Connection:
    return Connection(
        **{
            "key_id": new_id(),
            "name": f"to {model}",
            "api_key": "sk-very-secret-key",
            "model": model,
            "base_url": server.base_url,
            "provider": "openai",
            **other,
        }
    )


def chained(*connections: Connection) -> list[Connection]:
    """Each falls back to the next."""
    behind = [one.key_id for one in connections[1:]]
    return [
        replace(one, fallback_key_id=key_id)
        for one, key_id in zip(connections, [*behind, connections[-1].fallback_key_id], strict=True)
    ]


async def used(rig: Rig, caller: Caller, key_id: UUID) -> int:
    """Tokens of a connection, by the ledger."""
    query = text(
        "SELECT sum(prompt_tokens + completion_tokens)::bigint FROM usage_days WHERE key_id = :id"
    )
    async with rig.chat.app.transaction(caller) as connection:
        return await connection.scalar(query, {"id": key_id}) or 0


async def begin(rig: Rig, caller: Caller, connections: Sequence[Connection]) -> Run:
    """A question to the first of these; the others can be resolved."""
    first = connections[0]
    rig.connections |= {one.key_id: one for one in connections[1:]}
    chat = replace(rig.chat, connection=first)
    accepted = await chat.accept(caller, None, "a question", model=first.model)
    rig.engine.begin(accepted.run, first, accepted.prompt, wishes=WISHES)
    run: Run = accepted.run
    return run


def events(frames: Sequence[Frame], event: str) -> list[dict[str, Any]]:
    return [orjson.loads(frame.data) for frame in frames if frame.event == event]


MENDED = ["status-500", "status-503", "status-429", "status-401", "status-402", "status-403"]


@pytest.mark.parametrize("failing", MENDED)
async def test_another_connection_answers_and_everything_says_so(
    rig: Rig, caller: Caller, model_server: ModelServer, failing: str
) -> None:
    first, second = chained(
        connection(model_server, failing), connection(model_server, "tokens-20")
    )
    second = replace(second, parameters=GenerationParameters(top_p=0.5))
    run = await begin(rig, caller, [first, second])
    frames = await rig.follow(run)
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert rig.joined(frames) == text_of("tokens-20")
    (told,) = events(frames, "fallback")
    assert told == {
        "from_key_id": str(first.key_id),
        "reason": told["reason"],
        "key_id": str(second.key_id),
        "key_name": "to tokens-20",
        "owner": "user",
        "provider": "openai",
        "model": "tokens-20",
    }
    kinds = [frame.event for frame in frames]
    assert kinds.index("fallback") < kinds.index("delta")
    found = await rig.ended(run)
    fell_back = FellBack(first.key_id, told["reason"])
    assert (found.run.status, found.run.model) == (RunStatus.COMPLETED, "tokens-20")
    assert (found.run.fell_back, found.answer.fell_back) == (fell_back, fell_back)
    assert (found.run.key_id, found.answer.model) == (second.key_id, "tokens-20")
    # The second one's own parameters, and what the question wished for.
    asked = model_server.counters()["last_request"]
    assert asked["parameters"]["temperature"] == 0.3
    assert asked["parameters"]["top_p"] == 0.5
    assert "max_tokens" not in asked["parameters"]
    # A replay of the log comes to the same, and so does one of a snapshot.
    assert replay(frames).fallbacks[0].key_id == second.key_id


async def test_while_it_is_live_the_run_says_who_answers_wherever_it_is_asked_for(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    first = connection(model_server, "status-503", owner="operator")
    second = connection(
        model_server, "tokens-1000-at-20", parameters=GenerationParameters(top_p=0.5)
    )
    chain = chained(first, second)
    run = await begin(rig, caller, chain)
    async with aclosing(rig.followers.follow(run, 0)) as batches:
        async for frames in batches:
            if events(frames, "delta"):
                break
    found = await rig.find(run)
    recovered = await recover_run(
        rig.chat.open_transaction, rig.followers, rig.followers.recall, caller, run.session_id
    )
    for shown in (found.run, recovered.run, rig.followers.find(run.id)):
        assert (shown.status, shown.model) == (RunStatus.RUNNING, second.model)
        assert (shown.key_id, shown.metered) == (second.key_id, False)
        assert shown.fell_back == FellBack(first.key_id, "PROVIDER_OVERLOADED")
        assert shown.parameters == GenerationParameters(temperature=0.3, top_p=0.5)
    assert rig.engine.cancel(run.id)
    answer = (await rig.ended(run)).answer
    assert answer.parameters == GenerationParameters(temperature=0.3, top_p=0.5)


async def test_a_run_that_somebody_else_has_by_now_is_not_changed(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.chat.accept(caller, None)).run
    other = replace(run, model="another", fell_back=FellBack(None, "X"))
    for late in (replace(other, epoch=2), replace(other, user_id=new_id())):
        await rig.chat.turns.note_fallback(late)
        assert (await rig.find(run)).run == run


async def test_a_server_that_is_not_there_is_gone_past(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    first = connection(model_server, "m", base_url=f"http://127.0.0.1:{port}/v1")
    run = await begin(rig, caller, chained(first, connection(model_server, "tokens-20")))
    frames = await rig.follow(run)
    assert rig.joined(frames) == text_of("tokens-20")
    assert events(frames, "fallback")[0]["reason"] == "PROVIDER_REFUSED_CONNECTION"


@pytest.mark.parametrize("failing", ["status-400", "status-404", "no-such-model"])
async def test_what_is_of_the_request_is_told_and_nobody_else_is_asked(
    rig: Rig, caller: Caller, model_server: ModelServer, failing: str
) -> None:
    chain = chained(connection(model_server, failing), connection(model_server, "tokens-20"))
    run = await begin(rig, caller, chain)
    frames = await rig.follow(run)
    assert rig.end(frames)["reason"].startswith("PROVIDER_")
    assert (rig.resolved, events(frames, "fallback")) == ([], [])


async def test_after_the_first_word_nobody_else_is_asked(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    chain = chained(
        connection(model_server, "error-after-5"), connection(model_server, "tokens-20")
    )
    run = await begin(rig, caller, chain)
    frames = await rig.follow(run)
    assert rig.joined(frames) == text_of("tokens-5")
    assert rig.resolved == []


async def test_three_are_asked_at_most_and_the_last_failure_is_the_runs(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    chain = chained(
        connection(model_server, "status-500"),
        connection(model_server, "status-429"),
        connection(model_server, "status-503"),
        connection(model_server, "tokens-20"),
    )
    run = await begin(rig, caller, chain)
    frames = await rig.follow(run)
    assert rig.resolved == [chain[1].key_id, chain[2].key_id]
    assert len(events(frames, "fallback")) == 2
    found = await rig.ended(run)
    assert (found.run.status, found.run.reason) == (RunStatus.FAILED, "PROVIDER_OVERLOADED")
    assert found.run.fell_back == FellBack(chain[0].key_id, "PROVIDER_FAILED")
    await eventually(lambda: len(rig.uses) == 3)
    assert {use.key_id: use.error_reason for use in rig.uses} == {
        chain[0].key_id: "PROVIDER_FAILED",
        chain[1].key_id: "PROVIDER_RATE_LIMITED",
        chain[2].key_id: "PROVIDER_OVERLOADED",
    }


async def test_a_circle_ends(rig: Rig, caller: Caller, model_server: ModelServer) -> None:
    first = connection(model_server, "status-500")
    second = connection(model_server, "status-503", fallback_key_id=first.key_id)
    chain = chained(first, second)
    rig.connections[first.key_id] = chain[0]
    run = await begin(rig, caller, chain)
    assert rig.end(await rig.follow(run))["reason"] == "PROVIDER_OVERLOADED"
    assert rig.resolved == [second.key_id]


async def test_one_that_cannot_be_opened_leaves_the_first_failure(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    first = connection(model_server, "status-500", fallback_key_id=new_id())
    run = await begin(rig, caller, [first])
    assert rig.end(await rig.follow(run))["reason"] == "PROVIDER_FAILED"
    assert rig.resolved == [first.fallback_key_id]


async def test_a_model_that_does_not_begin_in_time_is_left_and_another_answers(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    bounds = Bounds(
        first_token_seconds=1.0, idle_seconds=20, total_seconds=60, answer_bytes=1024 * 1024
    )
    rig = await make_rig(redis_url, bounds=bounds)
    chain = chained(connection(model_server, "silent"), connection(model_server, "tokens-20"))
    run = await begin(rig, caller, chain)
    frames = await rig.follow(run)
    assert rig.joined(frames) == text_of("tokens-20")
    assert events(frames, "fallback")[0]["reason"] == "FIRST_TOKEN_TIMEOUT"


async def test_a_model_that_does_not_begin_either_is_left_as_well(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    bounds = Bounds(
        first_token_seconds=0.2, idle_seconds=20, total_seconds=30, answer_bytes=1024 * 1024
    )
    rig = await make_rig(redis_url, bounds=bounds, timings=Timings(append=20.0, watch=0.05))
    chain = chained(connection(model_server, "silent"), connection(model_server, "silent"))
    run = await begin(rig, caller, chain)
    assert rig.end(await rig.follow(run))["reason"] == "FIRST_TOKEN_TIMEOUT"
    await eventually(lambda: len(rig.uses) == 2)
    assert {use.key_id: use.error_reason for use in rig.uses} == dict.fromkeys(
        (one.key_id for one in chain), "FIRST_TOKEN_TIMEOUT"
    )


async def test_a_run_has_its_time_and_no_more_though_the_next_one_is_never_resolved(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    bounds = Bounds(
        first_token_seconds=0.2, idle_seconds=20, total_seconds=0.8, answer_bytes=1024 * 1024
    )
    rig = await make_rig(redis_url, bounds=bounds, timings=Timings(append=20.0, watch=0.05))

    async def never(key_id: UUID | None) -> Connection:
        await asyncio.Event().wait()
        raise AssertionError("nobody has let it go")

    rig.goes_on(
        Alternatives(never, rig.chat.turns.may_use, rig.chat.turns.note_fallback, ModelMemory())
    )
    chain = chained(connection(model_server, "silent"), connection(model_server, "tokens-20"))
    frames = await rig.follow(await begin(rig, caller, chain))
    assert rig.end(frames)["reason"] == "TOTAL_TIMEOUT"


async def test_the_call_that_began_a_run_may_be_over_when_another_is_resolved_and_told_of(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    chain = chained(connection(model_server, "status-503"), connection(model_server, "tokens-20"))

    async def in_a_call_that_is_over() -> Run:
        set_deadline(0.0)
        return await begin(rig, caller, chain)

    run = await asyncio.create_task(in_a_call_that_is_over())
    assert rig.joined(await rig.follow(run)) == text_of("tokens-20")
    await eventually(lambda: rig.uses)
    assert rig.left == [5.0, 5.0]


async def test_who_cancels_while_the_next_one_is_resolved_is_heard(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    chain = chained(connection(model_server, "status-500"), connection(model_server, "tokens-20"))
    asked = asyncio.Event()

    async def never(key_id: UUID | None) -> Connection:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody has let it go")

    rig.goes_on(
        Alternatives(never, rig.chat.turns.may_use, rig.chat.turns.note_fallback, ModelMemory())
    )
    run = await begin(rig, caller, chain)
    await asked.wait()
    assert rig.engine.cancel(run.id)
    assert rig.end(await rig.follow(run))["status"] == "cancelled"


async def test_who_pays_is_who_answered(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    chain = chained(
        connection(model_server, "status-503"),
        connection(model_server, "tokens-20", owner="operator", daily_tokens=10_000),
    )
    run = await begin(rig, caller, chain)
    await rig.follow(run)
    found = await rig.ended(run)
    assert found.run.usage is not None
    spent = found.run.usage.prompt_tokens + found.run.usage.completion_tokens
    assert await used(rig, caller, chain[1].key_id) == spent > 0
    assert found.run.metered


async def test_one_whose_tokens_are_used_up_is_passed_over(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    chain = chained(
        connection(model_server, "status-503"),
        connection(model_server, "tokens-30", owner="operator", daily_tokens=0),
        connection(model_server, "tokens-20"),
    )
    run = await begin(rig, caller, chain)
    frames = await rig.follow(run)
    assert rig.joined(frames) == text_of("tokens-20")
    (told,) = events(frames, "fallback")
    assert told["key_id"] == str(chain[2].key_id)


async def test_a_run_that_was_taken_over_says_and_counts_who_was_answering(
    rig: Rig, make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    chain = chained(
        connection(model_server, "status-503"),
        connection(model_server, "stall-after-5", owner="operator"),
    )
    run = await begin(rig, caller, chain)
    window = rig.followers.window_of(run.id)

    async def shown() -> bool:
        return any(frame.event == "delta" for frame in window.frames)

    await eventually(shown)
    taker = (await make_rig(redis_url)).heartbeat("replica-2")
    await taker.start()
    found = await rig.ended(run)
    await taker.stop()
    assert (found.run.status, found.run.model) == (RunStatus.INTERRUPTED, "stall-after-5")
    assert found.run.reason == "OWNER_LOST"
    assert found.run.fell_back == FellBack(chain[0].key_id, "PROVIDER_OVERLOADED")
    # Its server has not said how many tokens these were: a quarter of the bytes.
    texts = len(b"a question") + len(found.answer.content.encode())
    assert await used(rig, caller, chain[1].key_id) == (texts + 3) // 4


def test_a_snapshot_stands_for_the_fallback_before_it() -> None:
    told = {
        "from_key_id": str(new_id()),
        "reason": "PROVIDER_BUSY",
        "key_id": str(new_id()),
        "key_name": "b",
        "owner": "operator",
        "provider": "anthropic",
        "model": "m",
    }
    answer = Answer()
    answer.take(1, "start", {})
    answer.take(2, "fallback", told)
    answer.take(3, "delta", {"text": "a"})
    snapshot = answer.snapshot_before(4)
    assert "fallbacks" not in answer.snapshot_before(2)
    again = Answer()
    again.take(3, "snapshot", snapshot)
    again.take(4, "delta", {"text": "b"})
    assert (again.text, again.fallbacks) == ("ab", answer.fallbacks)
    assert again.fallbacks[0].metered
    assert again.snapshot_before(5) == {**snapshot, "text": "ab"}


# Reports


async def test_a_connection_that_works_after_an_error_is_told_and_others_are_not(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    await rig.follow(await begin(rig, caller, [connection(model_server, "tokens-20")]))
    mended = connection(model_server, "tokens-20", has_error=True)
    await rig.follow(await begin(rig, caller, [mended]))
    await eventually(lambda: rig.uses)
    assert rig.uses == [Use(mended.key_id, ok=True)]


async def test_reports_that_cannot_be_told_are_counted_and_hold_nobody() -> None:
    def dropped(why: str) -> float:
        return sample("chat_use_reports_dropped_total", why=why) or 0.0

    before = {why: dropped(why) for why in ("busy", "failed", "stopped")}
    gate = asyncio.Event()

    async def report(use: Use) -> None:
        if use.ok:
            raise Unavailable()
        await gate.wait()

    reports = UseReports(report)
    reports.tell(Use(new_id(), ok=True))
    await eventually(lambda: dropped("failed") == before["failed"] + 1)
    for _ in range(70):
        reports.tell(Use(new_id(), error_reason="PROVIDER_FAILED"))
    assert reports.held == {"reports of use": 64}
    assert dropped("busy") == before["busy"] + 6
    await reports.stop()
    assert dropped("stopped") == before["stopped"] + 64
    assert reports.held == {"reports of use": 0}


async def test_a_model_that_takes_less_is_given_less_and_the_account_says_so(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    first, second = chained(
        connection(model_server, "status-500"), connection(model_server, "tokens-3#small")
    )
    memory = ModelMemory()
    memory.note_list(second, "tokens-3#small", [Model("tokens-3#small", context_tokens=2_000)])
    rig.goes_on(
        Alternatives(rig._resolve, rig.chat.turns.may_use, rig.chat.turns.note_fallback, memory)
    )
    rig.connections |= {second.key_id: second}
    chat = replace(rig.chat, connection=first)
    window = ContextWindow(10, 100_000)
    session = await chat.session(caller)
    for _ in range(3):
        run = (await chat.accept(caller, session.id, "word " * 500, window=window)).run
        assert await chat.finish(run)
    accepted = await chat.accept(
        caller, session.id, "word " * 500, model=first.model, window=window
    )
    assert len(accepted.prompt) == 7
    rig.engine.begin(accepted.run, first, accepted.prompt)
    await rig.follow(accepted.run)
    asked = model_server.counters()["last_request"]
    # Of 2,000 tokens a hundred are the answer's, and of the others a tenth is left free.
    assert (asked["model"], asked["messages"]) == ("tokens-3#small", 5)
    await rig.ended(accepted.run)
    answer = (await chat.messages(caller, session.id))[-1]
    told = await get_context(chat.open_transaction, caller, session.id, answer.id)
    assert told.context.budget is not None
    assert (told.context.budget.context, len(told.context.parts)) == (2_000, 5)
    assert [one.why for one in told.left_out] == [Why.BEYOND_BUDGET] * 2
