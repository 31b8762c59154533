"""Runs that belong to no conversation: nothing but their end is kept, and it goes with its user."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.testing import ModelServer
from chat_service.answer.domain.ending import Ending, RunStatus
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.errors import RunNotContinuable, TooManyRuns
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.store.erasure import DeleteConversations, end_live_runs
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.read import get_run_with_messages
from parley_local.model_server.texts import text_of
from servicekit.generation_parameters import GenerationParameters

# Fixtures of the conftest above; a test module cannot import their classes by name.
Chat = Any

_INSERT = text("""
INSERT INTO runs (id, tenant_id, user_id, provider, model, parameters, temperature, max_tokens,
                  owner, epoch, status, created_at)
VALUES (:id, :tenant_id, :user_id, 'openai', :model, CAST(:parameters AS jsonb), 0.7, 100,
        'replica-1', 1, 'running', :created_at)
""")


async def lone_run(chat: Chat, caller: Caller, model: str = "m") -> Run:
    run = Run(
        id=new_id(),
        user_id=caller.user_id,
        tenant_id=caller.tenant_id,
        turn=None,
        provider="openai",
        model=model,
        parameters=GenerationParameters(temperature=0.2),
        owner="replica-1",
        created_at=utc_now(),
    )
    async with chat.worker.transaction() as connection:
        await connection.execute(
            _INSERT,
            {
                "id": run.id,
                "tenant_id": run.tenant_id,
                "user_id": run.user_id,
                "model": run.model,
                "parameters": orjson.dumps(run.parameters.said()).decode(),
                "created_at": run.created_at,
            },
        )
    return run


async def test_it_ends_and_no_message_is_made_of_it(chat: Chat, caller: Caller) -> None:
    run = await lone_run(chat, caller)
    assert await chat.finish(run)
    assert not await chat.finish(run)
    found = await get_run_with_messages(chat.open_transaction, caller, run.id)
    assert (found.question, found.answer) == (None, None)
    assert (found.run.turn, found.run.status) == (None, RunStatus.COMPLETED)
    assert found.run.parameters == GenerationParameters(temperature=0.2)
    async with chat.worker.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM messages")) == 0


async def test_what_reads_a_place_in_a_conversation_of_it_says_that_it_has_none(
    chat: Chat, caller: Caller
) -> None:
    run = await lone_run(chat, caller)
    with pytest.raises(LookupError, match=str(run.id)):
        _ = run.session_id


async def test_it_cannot_be_continued(chat: Chat, caller: Caller) -> None:
    run = await lone_run(chat, caller)
    await chat.finish(run, chat.ending)

    class NoGenerator:
        draining = False

        def begin(self, *_: object) -> None:
            raise AssertionError

    continue_run = ContinueRun(chat.means(NoGenerator()))
    with pytest.raises(RunNotContinuable):
        await continue_run(caller, run.id, None)


async def test_it_counts_among_those_that_a_user_has_generated_at_once(
    chat: Chat, caller: Caller
) -> None:
    await lone_run(chat, caller)
    session = await chat.session(caller)
    for session_id in (session.id, None):
        with pytest.raises(TooManyRuns):
            await chat.accept(caller, session_id, limits=Limits(runs_per_user=1))


async def test_its_user_takes_it_along(chat: Chat, caller: Caller, stranger: Caller) -> None:
    mine, theirs = await lone_run(chat, caller), await lone_run(chat, stranger)
    forgotten: list[Any] = []

    async def forget(run_ids: Any) -> None:
        forgotten.extend(run_ids)

    erasing = chat.erasing(caller)
    await end_live_runs(erasing)
    await DeleteConversations(forget)(erasing)
    assert forgotten == [mine.id]
    async with chat.worker.transaction() as connection:
        assert list(await connection.scalars(text("SELECT id FROM runs"))) == [theirs.id]


async def test_its_answer_is_streamed_and_its_log_stays_for_late_readers(
    rig: Any, chat: Chat, caller: Caller, model_server: ModelServer
) -> None:
    run = await lone_run(chat, caller, "tokens-20")
    connection = Connection(
        key_id=new_id(),
        name="scripted",
        api_key="sk-secret",
        model="tokens-20",
        base_url=model_server.base_url,
        provider="openai",
    )
    rig.engine.begin(run, connection, [PromptMessage("user", "hello")])
    frames = await rig.follow(run)
    assert set(orjson.loads(frames[0].data)) == {"run_id", "model"}
    assert rig.joined(frames) == text_of("tokens-20")
    assert rig.end(frames) == {"status": "completed", "finish_reason": "stop", "saved": True}
    assert await rig.log.read(run.id, 0) == frames


async def test_a_dead_owners_is_taken_over_with_all_that_was_shown(
    rig: Any, chat: Chat, caller: Caller
) -> None:
    run = await lone_run(chat, caller)
    taker = rig.heartbeat("replica-2")
    await taker.start()
    try:
        frames = await rig.follow(run)
        found = await rig.ended(run)
    finally:
        await taker.stop()
    assert rig.end(frames)["status"] == "interrupted"
    assert found.run.status is RunStatus.INTERRUPTED
    assert rig.end(frames)["reason"] == found.run.reason == "OWNER_LOST"


async def test_who_comes_between_its_end_in_the_database_and_in_the_log_is_told_that_it_has_ended(
    rig: Any, chat: Chat, caller: Caller
) -> None:
    run = await lone_run(chat, caller)
    ending = Ending(RunStatus.INTERRUPTED, "OWNER_LOST", None, "", "", None, last_seq=1)
    assert await chat.finish(run, ending)
    (told,) = await rig.follow(run)
    assert (told.seq, told.event) == (1, "done")
    assert rig.end([told])["reason"] == "OWNER_LOST"
    # Of one whose log is gone nothing can be shown, and its end alone would say that nothing was said.
    run = await lone_run(chat, caller)
    assert await chat.finish(run, replace(ending, last_seq=5))
    assert await rig.follow(run) == []
