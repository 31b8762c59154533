"""An answer that was cut short, and gone on with."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy

from chassis.caller import Caller
from chassis.errors import Kind
from chassis.idempotency import IdempotencyKeyReused, RequestKey
from chassis.ids import new_id
from chassis.testing import Signer
from chat_service.answer.domain.ending import (
    Adapted,
    CacheState,
    Ending,
    Fallback,
    FellBack,
    RunStatus,
    Usage,
)
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.errors import (
    RunInProgress,
    RunNotContinuable,
    RunNotFound,
    ShuttingDown,
    TooManyRuns,
)
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.read import get_run_with_messages
from servicekit.generation_parameters import GenerationParameters

from .chat import Chat
from .generations import Generations

CUT = Ending(RunStatus.INTERRUPTED, "OWNER_LOST", None, "Once upon", "hm", Usage(3, 2), 7)
LIMITS = Limits(runs_per_user=3, answer_bytes=100)
WHOLE = Ending(RunStatus.COMPLETED, None, "stop", "Once upon a time", "so", Usage(9, 4), 6)


@pytest.fixture
def go_on(chat: Chat, generations: Generations) -> ContinueRun:
    return ContinueRun(chat.means(generations, limits=LIMITS))


async def _cut(chat: Chat, caller: Caller, session_id: UUID, ending: Ending = CUT) -> Run:
    run: Run = (await chat.accept(caller, session_id, model="the model")).run
    assert await chat.finish(run, ending)
    return run


async def test_a_continuation_is_a_new_run_with_the_same_question_and_answer(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id, "first")
    cut = await _cut(chat, caller, session.id)
    run = await go_on(caller, cut.id, None)
    assert run.id != cut.id
    assert (run.continues, run.status, run.model) == (cut.id, RunStatus.RUNNING, "the model")
    assert (run.question_id, run.answer_id) == (cut.question_id, cut.answer_id)
    (begun,) = generations.begun
    assert (begun.run, begun.prefix) == (run, "Once upon")
    assert begun.prompt[:-1] == [
        ("user", "first"),
        ("assistant", "an answer"),
        ("user", "a question"),
        ("assistant", "Once upon"),
    ]
    role, words = begun.prompt[-1]
    assert role == "user"
    assert "without repeating" in words
    # Until it ends, the answer stays as it was, and is not this run's.
    found = await get_run_with_messages(chat.open_transaction, caller, run.id)
    assert (found.question is None, found.answer) == (False, None)
    assert (await chat.messages(caller, session.id))[-1].content == "Once upon"


async def test_its_end_is_the_end_of_the_same_message(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    session = await chat.session(caller)
    cut = await _cut(chat, caller, session.id)
    before = (await chat.messages(caller, session.id))[-1]
    run = await go_on(caller, cut.id, None)
    assert await chat.finish(run, WHOLE)
    assert not await chat.finish(run, WHOLE)
    _, answer = await chat.messages(caller, session.id)
    assert answer == replace(
        before,
        content="Once upon a time",
        reasoning="hm\n\nso",
        status=RunStatus.COMPLETED,
        run_id=run.id,
        usage=Usage(12, 6),
        finish_reason="stop",
        reason=None,
    )
    assert (await chat.read_session(caller, session.id)).message_count == 2
    found = await get_run_with_messages(chat.open_transaction, caller, run.id)
    assert (found.run.status, found.run.usage) == (RunStatus.COMPLETED, Usage(9, 4))
    assert found.answer == answer
    assert (await chat.accept(caller, session.id)).run.question_order == 3


async def test_an_answer_that_another_connection_goes_on_with_says_so_and_counts_both(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    session = await chat.session(caller)
    at_first = replace(
        CUT,
        usage=Usage(3, 2, 1, 1),
        adapted=(Adapted("temperature", "1"),),
        cache=CacheState.HIT,
    )
    cut = await _cut(chat, caller, session.id, at_first)
    before = (await chat.messages(caller, session.id))[-1]
    assert (before.model, before.cached) == ("the model", True)
    run = await go_on(caller, cut.id, None)
    first, parameters = new_id(), GenerationParameters(top_p=0.5)
    other = Fallback(first, "PROVIDER_BUSY", new_id(), "anthropic", "another", metered=False)
    await chat.turns.note_fallback(
        replace(run, provider=other.provider, model=other.model, parameters=parameters)
    )
    ending = replace(
        WHOLE,
        usage=Usage(9, 4, 2, 3),
        fallbacks=(other,),
        adapted=(Adapted("top_p"),),
    )
    assert await chat.finish(run, ending)
    _, answer = await chat.messages(caller, session.id)
    assert answer == replace(
        before,
        content="Once upon a time",
        reasoning="hm\n\nso",
        status=RunStatus.COMPLETED,
        run_id=run.id,
        provider="anthropic",
        model="another",
        usage=Usage(12, 6, 3, 4),
        fell_back=FellBack(first, "PROVIDER_BUSY"),
        finish_reason="stop",
        reason=None,
        parameters=parameters,
        adapted=(Adapted("top_p"),),
        cached=False,
    )


async def test_it_is_continued_as_often_as_it_is_cut_short(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    session = await chat.session(caller)
    first = await _cut(chat, caller, session.id)
    second = await go_on(caller, first.id, None)
    cancelled = replace(
        CUT, status=RunStatus.CANCELLED, reason="CANCELLED_BY_USER", text="Once upon a"
    )
    assert await chat.finish(second, cancelled)
    assert (await chat.messages(caller, session.id))[-1].reason == "CANCELLED_BY_USER"
    with pytest.raises(RunNotContinuable):
        await go_on(caller, first.id, None)
    third = await go_on(caller, second.id, None)
    assert generations.begun[-1].prefix == "Once upon a"
    # A continuation that failed may be tried again: the answer is still cut short.
    failed = replace(CUT, status=RunStatus.FAILED, text="Once upon a", usage=None)
    assert await chat.finish(third, failed)
    assert (await go_on(caller, third.id, None)).continues == third.id


async def test_it_goes_on_by_the_connections_own_model_where_that_is_not_open_for_the_first_one(
    chat: Chat, caller: Caller
) -> None:
    for models, goes_on_by in (((), "the model"), (("another",), chat.connection.model)):
        cut = await _cut(chat, caller, (await chat.session(caller)).id)
        opened = replace(chat, connection=replace(chat.connection, models=models))
        run = await ContinueRun(opened.means(Generations()))(caller, cut.id, None)
        assert run.model == goes_on_by


@pytest.mark.parametrize("text", ["", " a time"])
async def test_what_was_said_stays_although_the_end_does_not_know_it(
    chat: Chat, caller: Caller, go_on: ContinueRun, text: str
) -> None:
    session = await chat.session(caller)
    cut = await _cut(chat, caller, session.id)
    run = await go_on(caller, cut.id, None)
    assert await chat.finish(run, replace(CUT, text=text, reasoning="", usage=None))
    answer = (await chat.messages(caller, session.id))[-1]
    assert (answer.content, answer.reasoning) == (f"Once upon{text}", "hm")
    assert answer.usage == Usage(3, 2)


async def test_token_counts_that_no_column_holds_do_not_keep_an_end_from_being_saved(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    most = Usage(2**31 - 1, 2**31 - 1)
    session = await chat.session(caller)
    cut = await _cut(chat, caller, session.id, replace(CUT, usage=most))
    run = await go_on(caller, cut.id, None)
    assert await chat.finish(run, replace(WHOLE, usage=most))
    answer = (await chat.messages(caller, session.id))[-1]
    assert (answer.content, answer.usage) == ("Once upon a time", most)


async def test_an_answer_that_had_not_begun_is_begun(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    cut = await _cut(chat, caller, (await chat.session(caller)).id, replace(CUT, text=""))
    await go_on(caller, cut.id, None)
    assert generations.begun[0].prompt == [("user", "a question")]
    assert generations.begun[0].prefix == ""


# Of an answer that ended so, whether it can be gone on with.
ENDS = (
    (replace(WHOLE, finish_reason="length"), True),
    (replace(CUT, status=RunStatus.FAILED, reason="PROVIDER_BROKE"), True),
    (replace(CUT, status=RunStatus.CANCELLED), True),
    (CUT, True),
    (replace(CUT, text=""), True),
    (replace(CUT, status=RunStatus.FAILED, text=""), False),
    (replace(CUT, status=RunStatus.FAILED, text=" \n"), False),
    (WHOLE, False),
    (replace(WHOLE, finish_reason=None), False),
    (replace(WHOLE, finish_reason="content_filter"), False),
    (replace(WHOLE, finish_reason="other"), False),
)


@pytest.mark.parametrize(("ending", "can"), ENDS)
async def test_what_can_go_on_is_continued_and_said_to_be_so_and_nothing_else(
    chat: Chat,
    caller: Caller,
    go_on: ContinueRun,
    generations: Generations,
    ending: Ending,
    can: bool,
) -> None:
    session = await chat.session(caller)
    run = await _cut(chat, caller, session.id, ending)
    found = await get_run_with_messages(chat.open_transaction, caller, run.id)
    (_, answer) = await chat.messages(caller, session.id)
    assert (found.can_continue, answer.can_continue) == (can, can)
    if not can:
        with pytest.raises(RunNotContinuable) as refused:
            await go_on(caller, run.id, None)
        assert refused.value.kind is Kind.CONFLICT
        assert generations.begun == []
        return
    second = await go_on(caller, run.id, None)
    assert (second.continues, generations.begun[0].prefix) == (run.id, ending.text)
    # Only what nobody goes on with.
    found = await get_run_with_messages(chat.open_transaction, caller, run.id)
    assert not found.can_continue
    assert await chat.finish(second, replace(ending, text=ending.text + " more"))
    for run_id, again in ((run.id, False), (second.id, True)):
        found = await get_run_with_messages(chat.open_transaction, caller, run_id)
        assert found.can_continue is again


async def test_what_an_answer_says_of_its_end_is_that_of_the_last_run_to_go_on_with_it(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    session = await chat.session(caller)
    cut = await _cut(chat, caller, session.id, replace(CUT, finish_reason="length"))
    _, answer = await chat.messages(caller, session.id)
    assert (answer.finish_reason, answer.reason) == ("length", "OWNER_LOST")
    assert answer.parameters == cut.parameters != GenerationParameters()
    run = await go_on(caller, cut.id, None)
    assert run.parameters == cut.parameters
    assert await chat.finish(run, WHOLE)
    _, answer = await chat.messages(caller, session.id)
    assert (answer.finish_reason, answer.reason, answer.parameters) == (
        "stop",
        None,
        cut.parameters,
    )
    question, _ = await chat.messages(caller, session.id)
    assert (question.finish_reason, question.reason, question.parameters) == (None, None, None)


async def test_an_answer_that_an_older_version_wrote_says_nothing_of_it_and_is_continued(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    session = await chat.session(caller)
    cut = await _cut(chat, caller, session.id, replace(WHOLE, finish_reason="length"))
    forget = "UPDATE messages SET finish_reason = NULL, reason = NULL, parameters = NULL"
    async with chat.worker.transaction() as connection:
        await connection.execute(sqlalchemy.text(forget))
    _, answer = await chat.messages(caller, session.id)
    assert (answer.finish_reason, answer.reason, answer.parameters) == (None, None, None)
    assert (await go_on(caller, cut.id, None)).continues == cut.id


async def test_what_an_older_version_completes_is_not_said_to_have_been_cut_short(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    session = await chat.session(caller)
    await _cut(chat, caller, session.id)
    # It does not know the column in which the first end was written.
    async with chat.worker.transaction() as connection:
        await connection.execute(
            sqlalchemy.text("UPDATE messages SET status = 'completed' WHERE role <> 'user'")
        )
    _, answer = await chat.messages(caller, session.id)
    assert (answer.status, answer.reason) == (RunStatus.COMPLETED, None)


async def test_of_twenty_continuations_and_questions_at_one_moment_one_is_begun(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    session = await chat.session(caller)
    cut = await _cut(chat, caller, session.id, replace(WHOLE, finish_reason="length"))
    results = await asyncio.gather(
        *(go_on(caller, cut.id, None) for _ in range(10)),
        *(chat.accept(caller, session.id) for _ in range(10)),
        return_exceptions=True,
    )
    (begun,) = [result for result in results if not isinstance(result, BaseException)]
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, RunInProgress) for error in refused), refused
    assert len(generations.begun) == isinstance(begun, Run)


async def test_only_the_newest_run_is_continued(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    session = await chat.session(caller)
    cut = await _cut(chat, caller, session.id)
    live = (await chat.accept(caller, session.id)).run
    for run in (cut, live):
        with pytest.raises(RunInProgress) as refused:
            await go_on(caller, run.id, None)
        assert refused.value.metadata == {"run_id": str(live.id)}
    assert await chat.finish(live, CUT)
    with pytest.raises(RunNotContinuable):
        await go_on(caller, cut.id, None)
    assert (await go_on(caller, live.id, None)).continues == live.id


async def test_of_twenty_simultaneous_continuations_one_is_stored(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    cut = await _cut(chat, caller, (await chat.session(caller)).id)
    results = await asyncio.gather(
        *(go_on(caller, cut.id, None) for _ in range(20)), return_exceptions=True
    )
    (run,) = [result for result in results if isinstance(result, Run)]
    assert sum(isinstance(result, RunInProgress) for result in results) == 19
    assert [begun.run for begun in generations.begun] == [run]


async def test_a_repeated_continuation_gets_its_run_live_or_ended(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    request = RequestKey("k", b"hash")
    cut = await _cut(chat, caller, (await chat.session(caller)).id)
    runs = await asyncio.gather(*(go_on(caller, cut.id, request) for _ in range(20)))
    assert len({run.id for run in runs}) == len(generations.begun) == 1
    assert await chat.finish(runs[0], WHOLE)
    assert (await go_on(caller, cut.id, request)).id == runs[0].id
    with pytest.raises(IdempotencyKeyReused):
        await go_on(caller, cut.id, RequestKey("k", b"another hash"))


async def test_two_users_with_one_key_at_one_moment_each_go_on_with_their_own(
    chat: Chat, caller: Caller, stranger: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    request = RequestKey("k", b"hash")
    cuts = {
        user.user_id: await _cut(chat, user, (await chat.session(user)).id)
        for user in (caller, stranger)
    }
    runs = await asyncio.gather(
        *(
            go_on(user, cuts[user.user_id].id, request)
            for user in (caller, stranger)
            for _ in range(5)
        )
    )
    assert len({run.id for run in runs}) == len(generations.begun) == 2
    assert all(run.continues == cuts[run.user_id].id for run in runs)
    assert [run.user_id for run in runs] == [caller.user_id] * 5 + [stranger.user_id] * 5


async def test_somebody_elses_run_is_absent(
    chat: Chat, caller: Caller, stranger: Caller, go_on: ContinueRun
) -> None:
    cut = await _cut(chat, caller, (await chat.session(caller)).id)
    for run_id in (cut.id, new_id()):
        with pytest.raises(RunNotFound):
            await go_on(stranger, run_id, None)


@pytest.mark.parametrize("summary", [True, False])
@pytest.mark.parametrize("role", ["tenant_admin", "user"])
async def test_it_is_asked_by_who_goes_on_and_summed_up_as_its_conversation_is(
    chat: Chat,
    signer: Signer,
    go_on: ContinueRun,
    generations: Generations,
    role: str,
    summary: bool,
) -> None:
    caller = signer.caller(role=role)
    session = await chat.session(caller, summary=summary)
    accepted = (await chat.accept(caller, session.id)).run
    assert await chat.finish(accepted, CUT)
    await go_on(caller, accepted.id, None)
    # What limits hold for a fallback, and what is done behind it, is by the run as it was begun.
    for run in (accepted, generations.begun[0].run):
        assert (run.role, run.sums_up) == (role, summary)


async def test_it_is_asked_of_the_sessions_own_connection(
    chat: Chat, caller: Caller, generations: Generations
) -> None:
    key_id, asked = new_id(), list[UUID | None]()

    async def resolve_key(key_id: UUID | None) -> Connection:
        asked.append(key_id)
        connection: Connection = await chat.resolve_key(key_id)
        return connection

    session = await chat.session(caller, key_id=key_id)
    run = (await chat.accept(caller, session.id, guessed_key_id=key_id)).run
    assert await chat.finish(run, CUT)
    go_on = ContinueRun(chat.means(generations, resolve_key=resolve_key, limits=LIMITS))
    await go_on(caller, run.id, None)
    assert asked == [key_id]


async def test_an_answer_at_its_bound_is_not_gone_on_with(
    chat: Chat, caller: Caller, go_on: ContinueRun
) -> None:
    for text, reasoning, refused in (
        ("x" * 59, "é" * 20, False),
        ("x" * 60, "é" * 20, True),
        ("", "é" * 50, True),
    ):
        session = await chat.session(caller)
        cut = await _cut(chat, caller, session.id, replace(CUT, text=text, reasoning=reasoning))
        if refused:
            with pytest.raises(RunNotContinuable) as error:
                await go_on(caller, cut.id, None)
            assert error.value.metadata == {"cause": "ANSWER_TOO_LARGE"}
        else:
            assert (await go_on(caller, cut.id, None)).continues == cut.id


async def test_a_continuation_is_one_of_the_runs_that_a_user_may_have_at_once(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    cut = await _cut(chat, caller, (await chat.session(caller)).id)
    live = [(await chat.accept(caller, None)).run for _ in range(LIMITS.runs_per_user)]
    with pytest.raises(TooManyRuns):
        await go_on(caller, cut.id, None)
    await chat.finish(live[0])
    assert (await go_on(caller, cut.id, None)).continues == cut.id
    assert len(generations.begun) == 1


async def test_nothing_is_continued_while_the_service_drains_but_repetitions_get_their_run(
    chat: Chat, caller: Caller, go_on: ContinueRun, generations: Generations
) -> None:
    begun = await _cut(chat, caller, (await chat.session(caller)).id)
    key = RequestKey("k", b"hash")
    run = await go_on(caller, begun.id, key)
    cut = await _cut(chat, caller, (await chat.session(caller)).id)
    generations.draining = True
    assert await go_on(caller, begun.id, key) == run
    with pytest.raises(ShuttingDown):
        await go_on(caller, cut.id, None)
