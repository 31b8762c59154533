"""Conversations deleted, restored, deleted for good and cleared, and what becomes of their runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.errors import Kind, RemoteError
from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .client import Client

ACTIVE, DELETED = chat_pb2.SESSION_STATE_ACTIVE, chat_pb2.SESSION_STATE_DELETED
ABSENT = (Kind.NOT_FOUND, "SESSION_NOT_FOUND")
NO_RUN = (Kind.NOT_FOUND, "RUN_NOT_FOUND")


async def make(client: Client, **fields: Any) -> str:
    made = await client.call("CreateSession", chat_pb2.CreateSessionRequest(**fields))
    session_id: str = made.session.id
    return session_id


async def delete(client: Client, session_id: str, *, permanent: bool = False) -> None:
    request = chat_pb2.DeleteSessionRequest(id=session_id, permanent=permanent)
    await client.call("DeleteSession", request)


async def restore(client: Client, session_id: str) -> chat_pb2.Session:
    answer = await client.call("RestoreSession", chat_pb2.RestoreSessionRequest(id=session_id))
    session: chat_pb2.Session = answer.session
    return session


async def clear(client: Client, session_id: str) -> None:
    await client.call("ClearSession", chat_pb2.ClearSessionRequest(id=session_id))


async def read(client: Client, session_id: str) -> chat_pb2.Session:
    answer = await client.call("GetSession", chat_pb2.GetSessionRequest(id=session_id))
    session: chat_pb2.Session = answer.session
    return session


async def listed(client: Client, state: chat_pb2.SessionState.ValueType = ACTIVE) -> list[str]:
    request = chat_pb2.ListSessionsRequest(state=state, count=True)
    answer = await client.call("ListSessions", request)
    assert answer.total == len(answer.items)
    return [session.id for session in answer.items]


async def messages(client: Client, session_id: str) -> list[chat_pb2.Message]:
    request = chat_pb2.ListMessagesRequest(session_id=session_id, count=True)
    answer = await client.call("ListMessages", request)
    assert answer.total == len(answer.items)
    return list(answer.items)


async def refused(client: Client, method: str, request: Any) -> tuple[Kind, str]:
    with pytest.raises(RemoteError) as error:
        await client.call(method, request)
    return error.value.kind, error.value.reason


async def is_out_of_sight(client: Client, accepted: chat_pb2.RunAccepted) -> None:
    """Of the session and of its run nothing is to be had any more."""
    session_id, run_id = accepted.session_id, accepted.run_id
    requests: list[tuple[str, Any]] = [
        ("GetSession", chat_pb2.GetSessionRequest(id=session_id)),
        ("UpdateSession", chat_pb2.UpdateSessionRequest(id=session_id, title="x")),
        ("ListMessages", chat_pb2.ListMessagesRequest(session_id=session_id)),
        ("StartRun", chat_pb2.StartRunRequest(session_id=session_id, content="hello")),
        ("ClearSession", chat_pb2.ClearSessionRequest(id=session_id)),
        (
            "DeleteMessage",
            chat_pb2.DeleteMessageRequest(session_id=session_id, message_id=accepted.question_id),
        ),
    ]
    for method, request in requests:
        assert await refused(client, method, request) == ABSENT, method
    of_the_run: list[tuple[str, Any]] = [
        ("GetRun", chat_pb2.GetRunRequest(run_id=run_id)),
        ("CancelRun", chat_pb2.CancelRunRequest(run_id=run_id)),
        ("ContinueRun", chat_pb2.ContinueRunRequest(run_id=run_id)),
        ("RecoverRun", chat_pb2.RecoverRunRequest(session_id=session_id)),
    ]
    for method, request in of_the_run:
        assert await refused(client, method, request) == NO_RUN, method
    with pytest.raises(RemoteError) as error:
        await client.follow(run_id)
    assert (error.value.kind, error.value.reason) == NO_RUN
    assert session_id not in await listed(client)


@asynccontextmanager
async def answering(client: Client, session_id: str) -> AsyncIterator[tuple[Any, list[Any]]]:
    """A run that has begun to speak, and would go on for ever; then all frames of it."""
    frames: list[chat_pb2.Frame] = []
    request = chat_pb2.StartRunRequest(
        session_id=session_id,
        content="hello",
        parameters=generation_pb2.GenerationParameters(model="endless-at-50"),
    )
    async with client.start(request) as (accepted, responses):
        while not any(frame.event == "delta" for frame in frames):
            frames += (await anext(responses)).frames
        yield accepted, frames
        async with asyncio.timeout(20):
            async for response in responses:
                frames += response.frames


class Traces:
    """What there is of a user's in the tables, and of runs in Redis."""

    def __init__(self, settings: Settings, caller: Caller) -> None:
        self._worker = Database(
            settings.worker_database_url.get_secret_value(), application_name="test"
        )
        self._redis = Redis.from_url(settings.redis_url.get_secret_value())
        self._prefix = settings.redis_prefix
        self._caller = caller

    async def rows(self) -> dict[str, int]:
        counts = {}
        async with self._worker.transaction() as connection:
            for table in ("sessions", "messages", "runs", "run_frames"):
                query = text(f"SELECT count(*) FROM {table} WHERE user_id = :id")
                counts[table] = await connection.scalar(query, {"id": self._caller.user_id}) or 0
        return counts

    async def logs(self) -> int:
        return len(await self._redis.keys(f"*{self._prefix}*:run:*"))

    async def are_gone(self) -> bool:
        return not any((await self.rows()).values()) and not await self.logs()

    async def stop(self) -> None:
        await self._worker.stop()
        await self._redis.aclose()


@pytest.fixture
async def traces(settings: Settings, caller: Caller) -> AsyncIterator[Traces]:
    traces = Traces(settings, caller)
    yield traces
    await traces.stop()


async def test_what_is_deleted_is_out_of_sight_until_it_is_restored_whole(client: Client) -> None:
    session_id = await make(client, title="Mine", folder="Work")
    accepted, frames = await client.ask(session_id=session_id)
    before, said = await read(client, session_id), await messages(client, session_id)
    await delete(client, session_id)
    await is_out_of_sight(client, accepted)
    (deleted,) = (
        await client.call("ListSessions", chat_pb2.ListSessionsRequest(state=DELETED))
    ).items
    assert (deleted.id, deleted.title, deleted.HasField("deleted_at")) == (session_id, "Mine", True)
    assert not (await client.call("ListFolders", chat_pb2.ListFoldersRequest())).items
    # Once more: nothing changes, not even since when it is.
    await delete(client, session_id)
    again = await client.call("ListSessions", chat_pb2.ListSessionsRequest(state=DELETED))
    assert list(again.items) == [deleted]
    restored = await restore(client, session_id)
    # That is a change, for whoever takes what has changed.
    assert restored.updated_at.ToDatetime() > before.updated_at.ToDatetime()
    before.updated_at.CopyFrom(restored.updated_at)
    assert restored == await restore(client, session_id) == before
    assert await listed(client, DELETED) == []
    assert await read(client, session_id) == before
    assert await messages(client, session_id) == said
    assert await client.follow(accepted.run_id) == frames
    _, more = await client.ask(session_id=session_id)
    assert more[-1].event == "done"


@pytest.mark.parametrize("here", [pytest.param(True, marks=pytest.mark.slow), False])
async def test_a_live_run_of_what_is_deleted_ends_with_what_was_shown_wherever_it_is(
    client: Client, client_elsewhere: Client, *, here: bool
) -> None:
    session_id = await make(client)
    async with answering(client, session_id) as (accepted, frames):
        await delete(client if here else client_elsewhere, session_id)
        await is_out_of_sight(client, accepted)
        await is_out_of_sight(client_elsewhere, accepted)
    assert orjson.loads(frames[-1].data)["status"] == "cancelled"
    shown = "".join(orjson.loads(one.data)["text"] for one in frames if one.event == "delta")
    await restore(client, session_id)
    _, answer = await messages(client, session_id)
    assert answer.content == shown
    assert answer.status == chat_pb2.RUN_STATUS_CANCELLED
    assert (await read(client, session_id)).message_count == 2


@pytest.mark.parametrize("here", [pytest.param(True, marks=pytest.mark.slow), False])
async def test_what_is_deleted_for_good_is_gone_at_once_with_its_live_run(
    client: Client, client_elsewhere: Client, traces: Traces, *, here: bool
) -> None:
    session_id = await make(client)
    await client.ask(session_id=session_id)
    async with answering(client, session_id) as (accepted, frames):
        await delete(client if here else client_elsewhere, session_id, permanent=True)
        for one in (client, client_elsewhere):
            await is_out_of_sight(one, accepted)
            assert await listed(one, DELETED) == []
            for method, request in (
                ("RestoreSession", chat_pb2.RestoreSessionRequest(id=session_id)),
                ("DeleteSession", chat_pb2.DeleteSessionRequest(id=session_id, permanent=True)),
            ):
                assert await refused(one, method, request) == ABSENT
    # Its reader is let go; nothing of it is stored, then or later.
    assert all(frame.event != "error" for frame in frames)
    await eventually(traces.are_gone, timeout=30)


async def test_what_is_in_the_list_of_deleted_ones_can_be_deleted_for_good(
    client: Client, traces: Traces
) -> None:
    session_id = await make(client)
    await client.ask(session_id=session_id)
    await delete(client, session_id)
    await delete(client, session_id, permanent=True)
    assert await listed(client, DELETED) == []
    await eventually(traces.are_gone, timeout=30)


async def test_all_are_deleted_and_all_for_good(client: Client, traces: Traces) -> None:
    kept = [await make(client), await make(client, temporary=True)]
    archived = await make(client)
    await client.call(
        "UpdateSession", chat_pb2.UpdateSessionRequest(id=archived, archived=True, pinned=True)
    )
    async with answering(client, kept[0]) as (accepted, frames):
        await client.call("DeleteSessions", chat_pb2.DeleteSessionsRequest())
        await is_out_of_sight(client, accepted)
    assert orjson.loads(frames[-1].data)["status"] == "cancelled"
    assert await listed(client) == []
    assert await listed(client, chat_pb2.SESSION_STATE_ARCHIVED) == []
    assert await listed(client, DELETED) == [archived, kept[0]]
    await client.call("DeleteSessions", chat_pb2.DeleteSessionsRequest())
    await restore(client, archived)
    assert await listed(client, chat_pb2.SESSION_STATE_ARCHIVED) == [archived]
    for _ in range(2):
        await client.call("DeleteSessions", chat_pb2.DeleteSessionsRequest(permanent=True))
        assert await listed(client, DELETED) == []
    await eventually(traces.are_gone, timeout=30)


async def test_what_is_cleared_has_no_messages_and_its_orders_go_on(
    client: Client, traces: Traces
) -> None:
    session_id = await make(client)
    accepted, _ = await client.ask("Remember me.", session_id=session_id)
    before = await read(client, session_id)
    await clear(client, session_id)
    assert await messages(client, session_id) == []
    cleared = await read(client, session_id)
    assert (cleared.message_count, cleared.unread) == (0, False)
    assert cleared.last_message_at == before.last_message_at
    # It was made of what is deleted.
    assert (before.title, cleared.title) == ("Remember me.", "")
    assert await listed(client) == [session_id]
    for method, request in (
        ("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id)),
        ("ContinueRun", chat_pb2.ContinueRunRequest(run_id=accepted.run_id)),
        ("RecoverRun", chat_pb2.RecoverRunRequest(session_id=session_id)),
    ):
        assert await refused(client, method, request) == NO_RUN
    await eventually(lambda: _no_logs(traces))
    await clear(client, session_id)
    # The model sees nothing of what was: it repeats all that it is given.
    _, frames = await client.ask("Anew.", session_id=session_id, model="echo")
    said = await messages(client, session_id)
    assert [message.order for message in said] == [3, 4]
    assert said[1].content == "Anew."
    assert frames[-1].event == "done"
    anew = await read(client, session_id)
    assert (anew.message_count, anew.title) == (2, "Anew.")
    await client.ask("And on.", session_id=session_id)
    assert [message.order for message in await messages(client, session_id)] == [3, 4, 5, 6]


async def test_what_a_user_has_called_it_stays_when_it_is_cleared(client: Client) -> None:
    session_id = await make(client, title="Mine")
    await client.ask(session_id=session_id)
    await clear(client, session_id)
    cleared = await read(client, session_id)
    assert (cleared.title, cleared.title_by) == ("Mine", chat_pb2.TITLE_BY_USER)


async def _no_logs(traces: Traces) -> bool:
    return not await traces.logs()


@pytest.mark.parametrize("here", [pytest.param(True, marks=pytest.mark.slow), False])
@pytest.mark.parametrize("all_of_it", [True, False])
async def test_a_live_run_of_what_is_cleared_or_deleted_stores_nothing_wherever_it_is(
    client: Client, client_elsewhere: Client, traces: Traces, *, here: bool, all_of_it: bool
) -> None:
    session_id = await make(client)
    async with answering(client, session_id) as (accepted, _frames):
        one = client if here else client_elsewhere
        if all_of_it:
            await clear(one, session_id)
        else:
            asked = {"session_id": session_id, "message_id": accepted.question_id}
            measured = await one.call("MeasureMessage", chat_pb2.MeasureMessageRequest(**asked))
            assert measured.messages == 2
            async with client.watch() as notices:
                await anext(notices)
                await one.call("DeleteMessage", chat_pb2.DeleteMessageRequest(**asked))
                deleted = {
                    "topic": "sessions",
                    "change": "messages_deleted",
                    "session_id": session_id,
                    "run_id": accepted.run_id,
                }
                async with asyncio.timeout(30):
                    while deleted not in [
                        orjson.loads(told.data) for told in (await anext(notices)).notices
                    ]:
                        pass
        assert await messages(client, session_id) == []
        # The next question does not wait for it.
        await client.ask(session_id=session_id)
    assert [message.order for message in await messages(client, session_id)] == [3, 4]
    rows = await traces.rows()
    assert (rows["messages"], rows["runs"]) == (2, 1)
    assert (await read(client, session_id)).message_count == 2


async def test_somebody_elses_session_is_as_if_absent(
    client: Client, strange_client: Client
) -> None:
    session_id = await make(client)
    await client.ask(session_id=session_id)
    said = await messages(client, session_id)
    deleted = await make(client)
    await delete(client, deleted)
    for theirs in (session_id, deleted, str(new_id()), "x", ""):
        for method, request in (
            ("DeleteSession", chat_pb2.DeleteSessionRequest(id=theirs)),
            ("DeleteSession", chat_pb2.DeleteSessionRequest(id=theirs, permanent=True)),
            ("RestoreSession", chat_pb2.RestoreSessionRequest(id=theirs)),
            ("ClearSession", chat_pb2.ClearSessionRequest(id=theirs)),
        ):
            assert await refused(strange_client, method, request) == ABSENT
    for permanent in (False, True):
        everything = chat_pb2.DeleteSessionsRequest(permanent=permanent)
        await strange_client.call("DeleteSessions", everything)
    assert await messages(client, session_id) == said
    assert await listed(client) == [session_id]
    assert await listed(client, DELETED) == [deleted]
    assert await listed(strange_client, DELETED) == []


async def test_a_question_that_waits_for_a_deletion_finds_nothing(client: Client) -> None:
    """However they meet: either it is answered and its run is ended, or the session is absent."""
    for _ in range(5):
        session_id = await make(client)
        asked = chat_pb2.StartRunRequest(
            session_id=session_id,
            content="hello",
            parameters=generation_pb2.GenerationParameters(model="endless-at-50"),
        )
        answers: Any = await asyncio.gather(
            client.call("StartRun", asked), delete(client, session_id), return_exceptions=True
        )
        answer = answers[0]
        if isinstance(answer, RemoteError):
            assert (answer.kind, answer.reason) == ABSENT
            continue
        assert isinstance(answer, chat_pb2.StartRunResponse)
        await restore(client, session_id)

        async def has_ended(run_id: str = answer.accepted.run_id) -> bool:
            found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=run_id))
            return bool(found.run.status == chat_pb2.RUN_STATUS_CANCELLED)

        await eventually(has_ended, timeout=20)
