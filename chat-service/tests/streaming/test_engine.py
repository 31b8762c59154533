"""The engine on a real Redis, a real PostgreSQL and the scripted model server."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
import pytest

from chassis.caller import Caller
from chassis.embedded.ports import free_port
from chassis.errors import Kind
from chassis.ids import new_id
from chassis.telemetry.redaction import REDACTED, redact_text
from chassis.testing.eventually import eventually
from chassis.testing.model_server import ModelServer
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.conversations.domain.message import Role
from chat_service.redis_client import connect
from chat_service.runs.store.erasure import DeleteConversations, end_live_runs
from chat_service.runs.usecases.read import find_run
from chat_service.streaming.log.history import RunLogUnavailable
from chat_service.streaming.log.redis import Append, Appended
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.write.means import Bounds
from parley_local.model_server.texts import reasoning_of, text_of

# `chat` is conftest's fixture; a test module cannot import its class by name.
Chat = Any

REQUEST_CANCEL = "UPDATE runs SET cancel_requested = true WHERE id = :id"


async def test_an_answer_is_streamed_logged_and_saved_alike(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "tokens-500")
    run = accepted.run
    frames = await rig.follow(run, 0)
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    assert frames[0].event == "start"
    assert orjson.loads(frames[0].data)["run_id"] == str(run.id)
    assert rig.joined(frames, "delta") == text_of("tokens-500")
    assert [f.event for f in frames[-2:]] == ["usage", "done"]
    assert rig.end(frames) == {
        "status": "completed",
        "finish_reason": "stop",
        "message_id": str(run.answer_id),
        "order": 2,
        "saved": True,
    }
    assert await rig.log.read(run.id, 0) == frames
    question, answer = await rig.chat.messages(caller, run.session_id)
    assert question.role is Role.USER
    assert answer.content == text_of("tokens-500")
    assert answer.status is RunStatus.COMPLETED
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 500


async def test_no_log_of_a_run_shows_the_key_it_is_asked_with(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    key = "of-no-shape-that-is-known"
    logged: list[str] = []

    def breaks(connection: Any, *_: Any, **__: Any) -> Any:
        logged.append(redact_text(f"{connection.api_key} is wrong"))
        raise ZeroDivisionError

    rig.provider.stream = breaks
    run = (await rig.ask(caller, model_server, "tokens-5", api_key=key)).run
    assert rig.end(await rig.follow(run))["reason"] == "INTERNAL"
    assert logged == [f"{REDACTED} is wrong"]
    # This task has not been told of it: what is hidden above is hidden by the run itself.
    assert key in redact_text(key)


async def test_a_paced_answer_comes_in_ticks_not_in_tokens(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "tokens-200-at-400")
    frames = await rig.follow(accepted.run, 0)
    deltas = [f for f in frames if f.event == "delta"]
    assert rig.joined(frames, "delta") == text_of("tokens-200-at-400")
    # 0.5 s at a tick of 20 ms: 25 and the first token's own, on a machine that keeps up.
    assert 3 <= len(deltas) <= 30


async def test_thinking_is_kept_apart_from_the_answer(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "reasoning-40")
    frames = await rig.follow(accepted.run, 0)
    assert rig.joined(frames, "reasoning") == reasoning_of("reasoning-40")
    assert rig.joined(frames, "delta") == text_of("reasoning-40")
    _, answer = await rig.chat.messages(caller, accepted.run.session_id)
    assert answer.reasoning == reasoning_of("reasoning-40")


async def test_nobody_listening_changes_nothing(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "tokens-100-at-500")

    async def saved() -> bool:
        return len(await rig.chat.messages(caller, accepted.run.session_id)) == 2

    await eventually(saved)
    _, answer = await rig.chat.messages(caller, accepted.run.session_id)
    assert answer.content == text_of("tokens-100-at-500")


async def test_readers_attach_anywhere_and_each_sees_exactly_the_rest(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "tokens-150-at-500")
    followers = [asyncio.create_task(rig.follow(accepted.run, after)) for after in (0, 1, 2, 5)]
    whole, *rests = await asyncio.gather(*followers)
    for after, rest in zip((1, 2, 5), rests, strict=True):
        assert rest == whole[after:]


async def test_a_run_that_ended_is_read_from_the_log_then_from_the_database(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "reasoning-30")
    run = accepted.run
    live = await rig.follow(run, 0)
    rig.engine._followers._lives.clear()
    assert await rig.follow(run, 0) == live
    assert await rig.follow(run, 3) == live[3:]
    await rig.log.delete([run.id])
    snapshot, terminal = await rig.follow(run, 2)
    assert orjson.loads(snapshot.data) == {
        "text": text_of("reasoning-30"),
        "reasoning": reasoning_of("reasoning-30"),
    }
    assert (snapshot.seq, terminal.seq) == (len(live) - 1, len(live))
    assert orjson.loads(terminal.data) == orjson.loads(live[-1].data)
    assert await rig.follow(run, len(live)) == []
    assert await rig.follow(run, len(live) - 1) == [terminal]


@pytest.mark.parametrize(
    ("model", "status", "reason", "kept"),
    [
        ("status-401", "failed", "PROVIDER_UNAUTHORIZED", False),
        ("status-429", "failed", "PROVIDER_RATE_LIMITED", False),
        ("status-500", "failed", "PROVIDER_FAILED", False),
        ("redirect", "failed", "PROVIDER_REDIRECTED", False),
        ("garbage-after-30", "failed", "PROVIDER_GARBLED", True),
        ("error-after-30", "failed", "PROVIDER_FAILED", True),
        ("cut-after-30", "failed", "PROVIDER_BROKE", True),
        ("no-finish-reason", "interrupted", "PROVIDER_ENDED_EARLY", True),
    ],
)
async def test_a_failing_provider_is_a_typed_end_that_keeps_what_came(
    rig: Any,
    caller: Caller,
    model_server: ModelServer,
    capsys: pytest.CaptureFixture[str],
    model: str,
    status: str,
    reason: str,
    kept: bool,
) -> None:
    calls = model_server.counters()["calls"].get(model, 0)
    accepted = await rig.ask(caller, model_server, model)
    frames = await rig.follow(accepted.run, 0)
    assert rig.joined(frames, "delta") == (text_of(model) if kept else "")
    if status == "failed":
        assert frames[-1].event == "error"
        assert rig.end(frames)["reason"] == reason
    else:
        assert frames[-1].event == "done"
        assert rig.end(frames)["status"] == status
    assert rig.end(frames)["saved"] is True
    assert b"sk-very-secret-key" not in b"".join(f.data for f in frames)
    assert "sk-very-secret-key" not in capsys.readouterr().out
    _, answer = await rig.chat.messages(caller, accepted.run.session_id)
    assert answer.status == status
    assert answer.content == rig.joined(frames, "delta")
    found = await find_run(rig.chat.open_transaction, accepted.run, accepted.run.id)
    assert found is not None
    assert found.run.reason == reason
    assert model_server.counters()["calls"][model] == calls + 1


async def test_a_text_that_postgresql_would_refuse_is_made_storable_before_it_is_shown(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "nul-and-surrogates")
    frames = await rig.follow(accepted.run, 0)
    shown = rig.joined(frames, "delta")
    assert shown.startswith("before \ufffd \ufffd \ufffd")
    assert shown.endswith(" after")
    _, answer = await rig.chat.messages(caller, accepted.run.session_id)
    assert answer.content == shown


@pytest.mark.parametrize(
    ("bounds", "model", "status"),
    [
        (Bounds(0.3, 20, 60, 1 << 20), "stall-first", "failed"),
        (Bounds(0.3, 20, 60, 1 << 20), "stall-with-comments", "failed"),
        (Bounds(20, 0.3, 60, 1 << 20), "stall-after-20", "interrupted"),
        (Bounds(20, 20, 0.7, 1 << 20), "endless-at-50", "interrupted"),
        (Bounds(20, 20, 60, 20_000), "endless", "interrupted"),
    ],
)
async def test_a_model_that_does_not_end_is_ended_and_its_connection_closed(
    rig: Any, caller: Caller, model_server: ModelServer, model: str, status: str
) -> None:
    closed = model_server.counters()["closed_by_client"]
    accepted = await rig.ask(caller, model_server, model)
    frames = await rig.follow(accepted.run, 0)
    assert (rig.end(frames).get("status") or "failed") == status
    await eventually(lambda: model_server.counters()["closed_by_client"] > closed)


async def test_an_address_that_is_not_open_is_refused_without_a_connection(
    make_rig: Any, caller: Caller, redis_url: str, model_server: ModelServer
) -> None:
    rig = await make_rig(redis_url, allowed_hosts=())
    connections = model_server.counters()["calls"].get("echo", 0)
    accepted = await rig.ask(caller, model_server, "echo")
    frames = await rig.follow(accepted.run)
    assert rig.end(frames)["reason"] == "PROVIDER_ADDRESS_FORBIDDEN"
    assert model_server.counters()["calls"].get("echo", 0) == connections


async def test_a_drain_lets_short_runs_finish_and_saves_long_ones_as_they_are(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    short = await rig.ask(caller, model_server, "tokens-20-at-200")
    long = await rig.ask(caller, model_server, "endless-at-100")
    following = [asyncio.create_task(rig.follow(accepted.run, 0)) for accepted in (short, long)]
    await rig.engine.drain()
    finished, cut = await asyncio.gather(*following)
    assert rig.joined(finished, "delta") == text_of("tokens-20-at-200")
    assert rig.end(cut)["status"] == "interrupted"
    _, answer = await rig.chat.messages(caller, long.run.session_id)
    assert answer.content == rig.joined(cut, "delta")
    assert answer.content


async def test_to_forget_while_redis_is_away_is_an_outage_and_no_fault_of_the_event(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = connect(f"redis://127.0.0.1:{free_port()}", connections=1, timeout=1.0)
    with monkeypatch.context() as patch:
        patch.setattr(rig.log, "_redis", nowhere)
        with pytest.raises(RunLogUnavailable) as away:
            await rig.engine.forget([new_id()])
    assert away.value.kind is Kind.UNAVAILABLE


async def test_a_forgotten_run_stops_and_leaves_no_log(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "endless-at-100")
    following = asyncio.create_task(rig.follow(accepted.run, 0))
    await eventually(lambda: rig.log.read(accepted.run.id, 2))
    erasing = rig.chat.erasing(accepted.run)
    await end_live_runs(erasing)
    await DeleteConversations(rig.engine.forget)(erasing)
    frames = await following
    assert frames[0].event == "start"
    assert not frames[-1].is_terminal

    async def gone() -> bool:
        return not rig.engine._generations and not await rig.log.read(accepted.run.id, 0)

    await eventually(gone)


async def test_what_is_on_its_way_to_redis_is_deleted_with_the_log_of_a_forgotten_run(
    rig: Any, caller: Caller, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = (await rig.ask(caller, model_server, "endless-at-100")).run
    await eventually(lambda: rig.log.read(run.id, 2))
    on_its_way, arrives = asyncio.Event(), asyncio.Event()
    append, delete = rig.log.append, rig.log.delete
    done: list[str] = []

    async def append_slowly(appends: Sequence[Append]) -> Sequence[Appended]:
        on_its_way.set()
        await arrives.wait()
        appended: Sequence[Appended] = await append(appends)
        done.append("appended")
        return appended

    async def delete_at_once(run_ids: Sequence[UUID]) -> None:
        done.append("deleted")
        await delete(run_ids)

    monkeypatch.setattr(rig.log, "append", append_slowly)
    monkeypatch.setattr(rig.log, "delete", delete_at_once)
    await on_its_way.wait()
    forgetting = asyncio.create_task(rig.engine.forget([run.id]))
    # A way to Redis and back: what does not wait has deleted it by then.
    await rig.log.probe()
    arrives.set()
    await forgetting
    await eventually(lambda: "appended" in done)
    assert done == ["appended", "deleted"]
    assert await rig.log.read(run.id, 0) == []


async def test_a_dead_owners_run_is_taken_over_with_all_that_was_logged(
    rig: Any, caller: Caller
) -> None:
    accepted = await rig.chat.accept(caller, None)
    run = accepted.run
    shown = [
        Frame(1, "start", b"{}"),
        Frame(2, "delta", b'{"text":"what was "}'),
        Frame(3, "delta", b'{"text":"shown"}'),
    ]
    await rig.log.append([Append(run.id, run.epoch, shown)])
    taker = rig.heartbeat("replica-2")
    await taker.start()
    try:
        frames = await rig.follow(run, 0)
    finally:
        await taker.stop()
    assert frames[:3] == shown
    assert rig.end(frames)["status"] == "interrupted"
    _, answer = await rig.chat.messages(caller, run.session_id)
    assert answer.content == "what was shown"
    assert answer.status is RunStatus.INTERRUPTED
    zombie = await rig.log.append([Append(run.id, run.epoch, [Frame(5, "delta", b"{}")])])
    assert zombie[0].outcome.value == "FENCED"
    assert not await rig.chat.finish(run)


async def test_a_beating_owner_keeps_its_run(rig: Any, caller: Caller) -> None:
    replicas = Replicas(rig.chat.worker)
    accepted = await rig.chat.accept(caller, None)
    owner = rig.heartbeat(accepted.run.owner, generates=lambda _: True)
    peer = rig.heartbeat("replica-2")
    await owner.start()
    await peer.start()

    async def heartbeats() -> int:
        live = await replicas.list_running()
        return live[0].heartbeat or 0

    # Long after the peer would have taken a silent owner's run, this one is still its own.
    await eventually(lambda: _at_least(heartbeats, 15))
    found = await find_run(rig.chat.open_transaction, accepted.run, accepted.run.id)
    await peer.stop()
    await owner.stop()
    assert found is not None
    assert found.run.owner == accepted.run.owner
    assert found.run.status is RunStatus.RUNNING


async def _at_least(heartbeats: Any, number: int) -> bool:
    return bool(await heartbeats() >= number)


async def test_a_run_of_ones_own_that_nobody_generates_is_ended(rig: Any, caller: Caller) -> None:
    """As after a commit whose answer got lost."""
    accepted = await rig.chat.accept(caller, None)
    owner = rig.heartbeat(accepted.run.owner)
    await owner.start()
    try:
        frames = await rig.follow(accepted.run, 0)
    finally:
        await owner.stop()
    assert rig.end(frames)["status"] == "interrupted"
    assert len(await rig.chat.messages(caller, accepted.run.session_id)) == 2


async def test_a_cancelled_run_ends_at_once_with_what_there_is_and_hangs_up_on_the_model(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    closed = model_server.counters()["closed_by_client"]
    accepted = await rig.ask(caller, model_server, "endless-at-100")
    following = asyncio.create_task(rig.follow(accepted.run, 0))
    await eventually(lambda: rig.log.read(accepted.run.id, 2))
    assert rig.engine.cancel(accepted.run.id)
    frames = await following
    assert rig.end(frames)["status"] == "cancelled"
    assert rig.end(frames)["saved"] is True
    await eventually(lambda: model_server.counters()["closed_by_client"] > closed)
    _, answer = await rig.chat.messages(caller, accepted.run.session_id)
    assert answer.content == rig.joined(frames, "delta")
    found = await rig.find(accepted.run)
    assert found is not None
    assert found.run.reason == "CANCELLED_BY_USER"
    await eventually(lambda: not rig.engine.generates(accepted.run.id))
    assert not rig.engine.cancel(accepted.run.id)


async def test_a_run_that_is_cancelled_before_it_begins_calls_no_model(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    calls = model_server.counters()["calls"].get("tokens-20", 0)
    accepted = await rig.ask(caller, model_server, "tokens-20")
    assert rig.engine.cancel(accepted.run.id)
    frames = await rig.follow(accepted.run, 0)
    assert rig.end(frames)["status"] == "cancelled"
    assert model_server.counters()["calls"].get("tokens-20", 0) == calls


async def test_an_owner_sees_with_its_heartbeat_that_a_run_is_to_be_cancelled(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "endless-at-100")
    await rig.execute(REQUEST_CANCEL, accepted.run)
    owner = rig.heartbeat(accepted.run.owner)
    await owner.start()
    try:
        frames = await rig.follow(accepted.run, 0)
    finally:
        await owner.stop()
    assert rig.end(frames)["status"] == "cancelled"


async def test_a_dead_owners_run_that_was_to_be_cancelled_is_cancelled_by_its_taker(
    rig: Any, caller: Caller
) -> None:
    run = (await rig.chat.accept(caller, None)).run
    await rig.log.append([Append(run.id, run.epoch, [Frame(1, "start", b"{}")])])
    await rig.execute(REQUEST_CANCEL, run)
    taker = rig.heartbeat("replica-2")
    await taker.start()
    try:
        frames = await rig.follow(run, 0)
    finally:
        await taker.stop()
    assert rig.end(frames)["status"] == "cancelled"
    found = await rig.find(run)
    assert found is not None
    assert (found.run.status, found.run.reason) == ("cancelled", "CANCELLED_BY_USER")


async def test_a_dead_owners_run_ends_as_its_readers_were_told_whatever_was_wished_behind_that(
    rig: Any, caller: Caller
) -> None:
    run = (await rig.chat.accept(caller, None)).run
    told = [
        Frame(1, "start", b"{}"),
        Frame(2, "delta", b'{"text":"all of it"}'),
        Frame(3, "done", b'{"status":"completed","finish_reason":"stop"}'),
    ]
    await rig.log.append([Append(run.id, run.epoch, told)])
    await rig.execute(REQUEST_CANCEL, run)
    taker = rig.heartbeat("replica-2")
    await taker.start()
    try:
        found = await rig.ended(run)
    finally:
        await taker.stop()
    assert (found.run.status, found.run.reason) == (RunStatus.COMPLETED, None)
    assert (found.answer.status, found.answer.content) == (RunStatus.COMPLETED, "all of it")


async def test_an_answer_that_goes_on_shows_its_prefix_and_is_saved_with_it(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "tokens-20", prefix="what there was, ")
    frames = await rig.follow(accepted.run, 0)
    assert [f.event for f in frames[:2]] == ["start", "snapshot"]
    assert orjson.loads(frames[1].data) == {"text": "what there was, ", "reasoning": ""}
    _, answer = await rig.chat.messages(caller, accepted.run.session_id)
    assert answer.content == "what there was, " + text_of("tokens-20")


async def test_what_readers_may_have_seen_is_recalled_from_memory_and_from_the_log(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    accepted = await rig.ask(caller, model_server, "endless-at-100", prefix="before ")
    await eventually(lambda: rig.log.read(accepted.run.id, 3))
    recalled = await rig.followers.recall(accepted.run)
    assert recalled is not None
    frames = await rig.log.read(accepted.run.id, 0)
    shown = "before " + rig.joined(frames[: recalled.seq], "delta")
    assert (recalled.text, recalled.reasoning) == (shown, "")
    rig.engine.cancel(accepted.run.id)
    whole = await rig.follow(accepted.run, 0)
    rig.engine._followers._lives.clear()
    recalled = await rig.followers.recall(accepted.run)
    assert recalled is not None
    assert recalled.text == "before " + rig.joined(whole, "delta")
    assert recalled.seq == len(whole)
    await rig.log.delete([accepted.run.id])
    assert await rig.followers.recall(accepted.run) is None
