"""A user who is gone, on a real database: everything goes, and nothing comes back."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.owners import OwnerErased
from chassis.testing import DatabaseUrls, limit_deletes
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.usecases.sessions import update_session
from chat_service.personas.domain.persona import Told, WantedChange
from chat_service.personas.operators.personas import PersonasInForce
from chat_service.personas.store.erasure import delete_personas
from chat_service.personas.usecases.write import WritePersonas
from chat_service.runs.store.deleted import forget_deleted_runs
from chat_service.runs.store.erasure import DeleteConversations, end_live_runs, end_runs_of
from chat_service.runs.usecases.cancel import cancel_run
from chat_service.shares.store.erasure import delete_shares
from chat_service.streaming.store.answers_to_forget import forget_wish
from chat_service.usage.domain.spent import Purpose, Tokens
from chat_service.usage.store.erasure import forget_usage
from chat_service.usage.usecases.meter import Meter
from servicekit.erasure import erase_user, forget_repetitions

from .chat import Chat

TABLES = ("sessions", "messages", "runs")


# A user who has `much` of everything: messages in one session, and sessions without any.
FILL = """
INSERT INTO sessions (id, tenant_id, user_id, title, created_at, updated_at)
SELECT gen_random_uuid(), %(tenant_id)s, %(user_id)s, '', now(), now()
FROM generate_series(1, %(much)s);

INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
SELECT gen_random_uuid(), (SELECT id FROM sessions WHERE user_id = %(user_id)s LIMIT 1),
    %(tenant_id)s, %(user_id)s, 'user', 'a question', number, now()
FROM generate_series(1, %(much)s) AS number;

INSERT INTO search_texts (id, tenant_id, user_id, session_id, role, at, filter, size)
SELECT id, tenant_id, user_id, session_id, role, created_at, repeat('1', 128)::bit varying, 0
FROM messages
WHERE user_id = %(user_id)s;

INSERT INTO runs (id, session_id, tenant_id, user_id, question_id, answer_id, question_order,
    answer_order, provider, model, temperature, max_tokens, owner, epoch, status, created_at,
    ended_at)
SELECT gen_random_uuid(), id, tenant_id, user_id, gen_random_uuid(), gen_random_uuid(), 1, 2, '',
    '', 0, 1, '', 1, 'completed', now(), now()
FROM sessions WHERE user_id = %(user_id)s;

INSERT INTO idempotency_keys (user_id, tenant_id, key, request_hash, answer)
SELECT %(user_id)s, %(tenant_id)s, number, '', '' FROM generate_series(1, %(much)s) AS number;

INSERT INTO token_usage (user_id, tenant_id, key_id, day, tokens)
SELECT %(user_id)s, %(tenant_id)s, gen_random_uuid(), current_date, number
FROM generate_series(1, %(much)s) AS number;

INSERT INTO usage_days (user_id, tenant_id, key_id, day, provider, model, purpose, currency, metered,
    failed)
SELECT %(user_id)s, %(tenant_id)s, gen_random_uuid(), current_date, '', '', 'answer', '', true, 1
FROM generate_series(1, %(much)s) AS number;

INSERT INTO shares (id, tenant_id, user_id, session_id, token_hash, opening_key, audience,
    include_reasoning, title, message_count, refreshed_at, created_at)
SELECT gen_random_uuid(), %(tenant_id)s, %(user_id)s, gen_random_uuid(),
    sha256(convert_to(gen_random_uuid()::text, 'UTF8')), '', 'link', false, '', 1, now(), now()
FROM generate_series(1, %(much)s);

INSERT INTO share_messages (share_id, position, tenant_id, user_id, role, content, created_at)
SELECT id, 1, tenant_id, user_id, 'user', 'a question', now()
FROM shares WHERE user_id = %(user_id)s;

INSERT INTO share_files (id, share_id, revision, position, number, tenant_id, user_id, file_id, name,
    kind, size)
SELECT gen_random_uuid(), id, 0, 1, 0, tenant_id, user_id, gen_random_uuid(), '', '', 1
FROM shares WHERE user_id = %(user_id)s;

INSERT INTO deleted_runs (id, tenant_id, user_id, epoch)
SELECT gen_random_uuid(), %(tenant_id)s, %(user_id)s, 1 FROM generate_series(1, %(much)s);

INSERT INTO answers_to_forget (user_id, tenant_id, wish)
VALUES (%(user_id)s, %(tenant_id)s, gen_random_uuid());

INSERT INTO personas (id, tenant_id, user_id, name, name_folded, title, description, prompt,
    parameters, starters, created_at, updated_at)
SELECT gen_random_uuid(), %(tenant_id)s, %(user_id)s, number, number, '', '', '', '{}', '{}', now(),
    now()
FROM generate_series(1, %(much)s) AS number;
"""

# No confirmation leaves while there is something to confirm.
HONEST = """
CREATE FUNCTION be_honest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM sessions) OR EXISTS (SELECT FROM messages) OR EXISTS (SELECT FROM runs)
        OR EXISTS (SELECT FROM idempotency_keys) OR EXISTS (SELECT FROM token_usage)
        OR EXISTS (SELECT FROM usage_days) OR EXISTS (SELECT FROM personas) OR EXISTS (SELECT FROM search_texts)
        OR EXISTS (SELECT FROM shares) OR EXISTS (SELECT FROM share_messages)
        OR EXISTS (SELECT FROM share_files)
        OR EXISTS (SELECT FROM deleted_runs) OR EXISTS (SELECT FROM answers_to_forget)
        OR EXISTS (SELECT FROM files) OR EXISTS (SELECT FROM message_files)
        OR EXISTS (SELECT FROM imports) OR EXISTS (SELECT FROM import_pieces)
        OR EXISTS (SELECT FROM imported)
    THEN
        RAISE 'confirmed too early';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER be_honest BEFORE INSERT ON outbox
    FOR EACH ROW EXECUTE FUNCTION be_honest();
"""


def fill(urls: DatabaseUrls, user: Caller, much: int) -> None:
    with psycopg.connect(urls.admin, cursor_factory=psycopg.ClientCursor) as admin:
        values = {"tenant_id": user.tenant_id, "user_id": user.user_id, "much": much}
        admin.execute(FILL, values)
        admin.execute(HONEST)


class Logs:
    """Where a test sees which logs were to be forgotten; `failing` stands for Redis away.

    It goes away when the logs of more than `most` runs were forgotten.
    """

    def __init__(self, most: int = 1_000_000) -> None:
        self.forgotten: list[UUID] = []
        self.failing = False
        self._most = most

    async def forget(self, run_ids: Sequence[UUID]) -> None:
        if self.failing or len(self.forgotten) + len(run_ids) > self._most:
            raise ConnectionError("away")
        self.forgotten += run_ids


async def _count(chat: Chat, table: str) -> int:
    async with chat.worker.transaction() as connection:
        return await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0


async def _counts(chat: Chat) -> list[int]:
    return [await _count(chat, table) for table in TABLES]


async def _erase(chat: Chat, user: Caller, logs: Logs) -> None:
    await erase_user(
        chat.erasing(user),
        [
            end_live_runs,
            DeleteConversations(logs.forget),
            forget_deleted_runs,
            forget_usage,
            forget_wish,
            delete_personas,
            delete_shares,
            forget_repetitions,
        ],
        subject="test.user.erased.chat-service",
        receipt=lambda erased_at: erased_at.isoformat().encode(),
    )


async def test_everything_of_the_user_goes_and_nothing_of_others(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    logs = Logs()
    run = await chat.turn(caller, (await chat.session(caller)).id)
    live = await chat.accept(caller, None)
    theirs = await chat.turn(stranger, (await chat.session(stranger)).id)
    await _erase(chat, caller, logs)
    assert await _counts(chat) == [1, 2, 1]
    assert len(await chat.messages(stranger, theirs.session_id)) == 2
    assert sorted(logs.forgotten) == sorted([run.id, live.run.id])
    async with chat.worker.transaction() as connection:
        (event,) = (await connection.execute(text("SELECT subject, payload FROM outbox"))).all()
        erased_at = await connection.scalar(
            text("SELECT erased_at FROM owners WHERE erased_at IS NOT NULL")
        )
    assert event.subject == "test.user.erased.chat-service"
    assert datetime.fromisoformat(event.payload.decode()) == erased_at


class NoRuns:
    """A replica that has none in memory."""

    def find(self, run_id: UUID) -> None:
        return None

    find_unsaved = find


async def test_an_erased_user_writes_nothing_any_more(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    run = (await chat.accept(caller, session.id)).run
    await _erase(chat, caller, Logs())
    with pytest.raises(OwnerErased):
        await update_session(
            chat.open_transaction,
            chat.resolve_key,
            caller,
            session.id,
            SessionChange(pinned=True),
        )
    with pytest.raises(OwnerErased):
        await cancel_run(chat.open_transaction, NoRuns(), lambda _: False, caller, run.id)
    with pytest.raises(OwnerErased):
        await chat.accept(caller, session.id)
    with pytest.raises(OwnerErased):
        await chat.accept(caller, None)
    with pytest.raises(OwnerErased):
        await chat.session(caller)
    assert await _counts(chat) == [0, 0, 0]


async def test_an_erased_user_has_no_personas_and_uses_nothing_any_more(
    chat: Chat, caller: Caller
) -> None:
    """What is under way for them, as an import or a title is, comes too late."""
    write = WritePersonas(chat.open_transaction, PersonasInForce(None), most=10)
    await write.create(caller, Told("mine", "Mine", "", "be kind"))
    meter = Meter(chat.open_transaction)
    counting = (caller, chat.connection, "model", Purpose.TITLE, Tokens(3, 2))
    await meter.count(*counting)
    await _erase(chat, caller, Logs())
    for too_late in (
        write.create(caller, Told("another", "Another", "", "be brief")),
        write.update(caller, "mine", WantedChange(title="Ours")),
        write.delete(caller, "mine"),
        meter.count(*counting),
    ):
        with pytest.raises(OwnerErased):
            await too_late
    assert [await _count(chat, table) for table in ("personas", "usage_days")] == [0, 0]


async def test_a_run_in_flight_saves_nothing_after_the_erasure(chat: Chat, caller: Caller) -> None:
    accepted = await chat.accept(caller, None)
    await _erase(chat, caller, Logs())
    assert not await chat.finish(accepted.run)
    assert await _counts(chat) == [0, 0, 0]


async def test_a_user_who_was_never_seen_is_erased_beforehand(chat: Chat, caller: Caller) -> None:
    await _erase(chat, caller, Logs())
    with pytest.raises(OwnerErased):
        await chat.accept(caller, None)


async def test_an_event_that_comes_twice_is_confirmed_twice(chat: Chat, caller: Caller) -> None:
    await chat.accept(caller, None)
    await _erase(chat, caller, Logs())
    await _erase(chat, caller, Logs())
    assert await _counts(chat) == [0, 0, 0]
    async with chat.worker.transaction() as connection:
        first, second = await connection.scalars(text("SELECT payload FROM outbox"))
    assert first == second


async def test_nothing_is_confirmed_before_the_logs_are_gone(chat: Chat, caller: Caller) -> None:
    logs = Logs()
    accepted = await chat.accept(caller, None)
    logs.failing = True
    with pytest.raises(ConnectionError):
        await _erase(chat, caller, logs)
    assert await _count(chat, "outbox") == 0
    # Already sealed: the run saves nothing, and its id is still known for the next attempt.
    assert not await chat.finish(accepted.run)
    with pytest.raises(OwnerErased):
        await chat.accept(caller, None)
    logs.failing = False
    await _erase(chat, caller, logs)
    assert logs.forgotten == [accepted.run.id]
    assert await _counts(chat) == [0, 0, 0]
    assert await _count(chat, "outbox") == 1


async def test_finishes_and_sends_racing_the_erasure_resurrect_nothing(
    chat: Chat, caller: Caller
) -> None:
    runs = [(await chat.accept(caller, None)).run for _ in range(12)]
    sessions = [(await chat.session(caller)).id for _ in range(12)]

    async def send(session_id: UUID) -> None:
        accepted = await chat.accept(caller, session_id)
        await chat.finish(accepted.run)

    outcomes = await asyncio.gather(
        *(chat.finish(run) for run in runs[:6]),
        *(send(session_id) for session_id in sessions[:6]),
        _erase(chat, caller, Logs()),
        *(chat.finish(run) for run in runs[6:]),
        *(send(session_id) for session_id in sessions[6:]),
        return_exceptions=True,
    )
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert {type(failure) for failure in failures} <= {OwnerErased}
    assert await _counts(chat) == [0, 0, 0]


@pytest.mark.parametrize("seal_first", [True, False])
async def test_an_erasure_waits_for_the_turn_that_holds_the_owner(
    chat: Chat, caller: Caller, seal_first: bool
) -> None:
    accepted = await chat.accept(caller, None)
    if seal_first:
        erasing = chat.erasing(caller)
        async with erasing.transaction() as (connection, at):
            await end_runs_of(connection, erasing.user, at)
            finishing = asyncio.create_task(chat.finish(accepted.run))
            await chat.somebody_waits()
        assert not await finishing
        await _erase(chat, caller, Logs())
    else:
        async with chat.finishing(accepted.run):
            task = asyncio.create_task(_erase(chat, caller, Logs()))
            await chat.somebody_waits()
        await task
    assert await _counts(chat) == [0, 0, 0]


async def test_an_erasure_and_an_end_that_began_before_it_do_not_lock_each_other_out(
    chat: Chat, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    assert run.session_id is not None
    async with chat.holding(run.session_id):
        finishing = asyncio.create_task(chat.finish(run))
        await chat.somebody_waits()
        erasing = asyncio.create_task(_erase(chat, caller, Logs()))
        await chat.somebody_waits(2)
    assert not await finishing
    await erasing
    assert await _counts(chat) == [0, 0, 0]


@pytest.mark.slow
async def test_however_much_there_is_no_statement_deletes_much_of_it(
    chat: Chat, caller: Caller
) -> None:
    fill(chat.urls, caller, 1200)
    limit_deletes(chat.urls, 500, *TABLES, "idempotency_keys", "search_texts")
    logs = Logs()
    await _erase(chat, caller, logs)
    assert await _counts(chat) == [0, 0, 0]
    assert await _count(chat, "idempotency_keys") == 0
    assert len(set(logs.forgotten)) == len(logs.forgotten) == 1200
    assert await _count(chat, "outbox") == 1


async def test_an_erasure_that_ends_half_way_is_taken_up_where_it_was(
    chat: Chat, caller: Caller
) -> None:
    fill(chat.urls, caller, 1200)
    logs = Logs(most=700)
    with pytest.raises(ConnectionError):
        await _erase(chat, caller, logs)
    assert 0 < await _count(chat, "runs") < 1200
    with pytest.raises(OwnerErased):
        await chat.session(caller)
    rest = Logs()
    await _erase(chat, caller, rest)
    assert len(logs.forgotten + rest.forgotten) == 1200
    assert await _counts(chat) == [0, 0, 0]
    assert await _count(chat, "outbox") == 1


async def test_of_two_erasures_at_once_neither_confirms_before_both_are_done(
    chat: Chat, caller: Caller
) -> None:
    fill(chat.urls, caller, 1200)
    await asyncio.gather(*(_erase(chat, caller, Logs()) for _ in range(2)))
    assert await _counts(chat) == [0, 0, 0]
    assert await _count(chat, "outbox") == 2
