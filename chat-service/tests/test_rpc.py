"""The service over gRPC, as the gateway uses it."""

from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream
from chassis.testing import OpenChannel, Signer, eventually
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2
from parley.events.v1 import events_pb2
from parley.generation.v1 import generation_pb2

from .client import Client
from .vault import Vault


def _text(frames: list[chat_pb2.Frame]) -> str:
    return "".join(orjson.loads(frame.data)["text"] for frame in frames if frame.event == "delta")


async def test_a_question_is_answered_and_both_are_listed(client: Client) -> None:
    accepted, frames = await client.ask("How are you?")
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert (frames[0].event, frames[-1].event) == ("start", "done")
    listed = await client.call(
        "ListMessages", chat_pb2.ListMessagesRequest(session_id=accepted.session_id, count=True)
    )
    question, answer = listed.items
    assert listed.total == 2
    assert (question.id, question.content) == (accepted.question_id, "How are you?")
    assert not question.HasField("run_id")
    assert (answer.id, answer.content) == (accepted.answer_id, _text(frames))
    assert answer.content
    assert (answer.order, answer.run_id, answer.provider) == (2, accepted.run_id, "openai")
    assert answer.status == chat_pb2.RUN_STATUS_COMPLETED
    found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
    assert (found.question, found.answer) == (question, answer)
    assert found.run.last_seq == frames[-1].seq
    session = await client.call("GetSession", chat_pb2.GetSessionRequest(id=accepted.session_id))
    assert (session.session.title, session.session.message_count) == ("How are you?", 2)


async def test_a_run_is_followed_from_any_frame(client: Client) -> None:
    accepted, frames = await client.ask()
    assert await client.follow(accepted.run_id) == frames
    assert await client.follow(accepted.run_id, after=2) == frames[2:]
    assert await client.follow(accepted.run_id, after=frames[-1].seq) == []


async def test_an_answer_is_generated_and_saved_although_its_caller_went(client: Client) -> None:
    request = chat_pb2.StartRunRequest(content="hello")
    accepted = await client.begin(request)
    follower = await client.follow(accepted.run_id)
    assert follower[-1].event == "done"
    found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
    assert found.answer.content == _text(follower)


async def test_sessions_are_made_read_and_listed(client: Client, vault: Vault) -> None:
    made = await client.call(
        "CreateSession", chat_pb2.CreateSessionRequest(title="Mine", model="tokens-20")
    )
    assert (made.session.title, made.session.model) == ("Mine", "tokens-20")
    assert not made.session.HasField("key_id")
    assert not made.session.HasField("last_message_at")
    got = await client.call("GetSession", chat_pb2.GetSessionRequest(id=made.session.id))
    assert got.session == made.session
    listed = await client.call("ListSessions", chat_pb2.ListSessionsRequest(count=True))
    assert list(listed.items) == [made.session]
    assert (listed.next_cursor, listed.total) == ("", 1)


async def test_a_session_keeps_to_its_own_key(client: Client, vault: Vault, caller: Caller) -> None:
    await client.ask()
    request = chat_pb2.CreateSessionRequest(key_id=vault.keys[caller.user_id])
    made = await client.call("CreateSession", request)
    assert made.session.key_id == vault.keys[caller.user_id]
    _, frames = await client.ask(session_id=made.session.id)
    assert frames[-1].event == "done"


async def _refused(client: Client, method: str, request: Any) -> tuple[Kind, str]:
    with pytest.raises(RemoteError) as refused:
        await client.call(method, request)
    return refused.value.kind, refused.value.reason


async def _refused_question(client: Client, **request: Any) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await client.ask(**request)
    return refused.value


async def test_what_is_somebody_elses_is_as_if_absent(
    client: Client, strange_client: Client
) -> None:
    accepted, _ = await client.ask()
    session, run = (Kind.NOT_FOUND, "SESSION_NOT_FOUND"), (Kind.NOT_FOUND, "RUN_NOT_FOUND")
    for session_id in (accepted.session_id, str(new_id()), "x", accepted.session_id.upper(), ""):
        get = chat_pb2.GetSessionRequest(id=session_id)
        assert await _refused(strange_client, "GetSession", get) == session
        messages = chat_pb2.ListMessagesRequest(session_id=session_id)
        assert await _refused(strange_client, "ListMessages", messages) == session
        question = await _refused_question(strange_client, session_id=session_id)
        assert (question.kind, question.reason) == session
    for run_id in (accepted.run_id, str(new_id()), "x", ""):
        get_run = chat_pb2.GetRunRequest(run_id=run_id)
        assert await _refused(strange_client, "GetRun", get_run) == run
        with pytest.raises(RemoteError) as refused:
            await strange_client.follow(run_id)
        assert (refused.value.kind, refused.value.reason) == run


async def test_somebody_elses_key_is_as_if_absent(
    client: Client, strange_client: Client, vault: Vault, caller: Caller
) -> None:
    await client.ask()
    for key_id in (vault.keys[caller.user_id], str(new_id()), "x"):
        refused = await _refused_question(strange_client, key_id=key_id)
        assert (refused.kind, refused.reason) == (Kind.NOT_FOUND, "KEY_NOT_FOUND")
        create = chat_pb2.CreateSessionRequest(key_id=key_id)
        kind, reason = await _refused(strange_client, "CreateSession", create)
        assert (kind, reason) == (Kind.NOT_FOUND, "KEY_NOT_FOUND")


async def test_a_second_question_names_the_run_that_is_live(client: Client) -> None:
    request = chat_pb2.StartRunRequest(
        content="hello", parameters=generation_pb2.GenerationParameters(model="endless-at-50")
    )
    accepted = await client.begin(request)
    refused = await _refused_question(client, session_id=accepted.session_id)
    assert (refused.kind, refused.reason) == (Kind.CONFLICT, "RUN_IN_PROGRESS")
    assert refused.metadata == {"run_id": accepted.run_id}


async def test_a_question_out_of_bounds_is_refused(client: Client) -> None:
    refused = await _refused_question(client, content="a\0", temperature=3.0, max_tokens=-1)
    assert (refused.kind, refused.reason) == (Kind.INVALID, "VALIDATION")
    assert refused.fields == (
        FieldError("content", "INVALID_CHARACTER"),
        FieldError("temperature", "TOO_LARGE", maximum=2),
        FieldError("max_tokens", "TOO_SMALL", minimum=1),
    )
    with pytest.raises(RemoteError) as negative:
        await client.follow(str(new_id()), after=-1)
    assert negative.value.reason == "VALIDATION"


async def _kept_answers(settings: Settings) -> int:
    worker = Database(settings.worker_database_url.get_secret_value(), application_name="test")
    async with worker.transaction() as connection:
        kept = await connection.scalar(text("SELECT count(*) FROM idempotency_keys"))
    await worker.stop()
    return kept or 0


async def test_an_event_erases_the_user_and_is_confirmed(
    client: Client, events: JetStream, settings: Settings, caller: Caller
) -> None:
    made = await client.call("CreateSession", chat_pb2.CreateSessionRequest(), "k")
    accepted, frames = await client.ask(session_id=made.session.id, key="k")
    assert await client.follow(accepted.run_id) == frames
    assert await _kept_answers(settings) == 1
    heard: list[events_pb2.UserErased] = []

    async def hear(payload: bytes) -> None:
        heard.append(events_pb2.UserErased.FromString(payload))

    listener = Consumer(events, durable="tester", handler=hear)
    await listener.start()
    deleted = events_pb2.UserDeleted(
        erasure_id=str(new_id()), user_id=str(caller.user_id), tenant_id=str(caller.tenant_id)
    )
    for attempt in ("first", "second"):
        await events.publish(
            events.subject("user.deleted"), deleted.SerializeToString(), msg_id=attempt
        )
    await eventually(lambda: len(heard) == 2)
    first, second = heard
    await listener.stop()
    assert first == second
    assert (first.erasure_id, first.service) == (deleted.erasure_id, "chat-service")
    assert first.user_id == str(caller.user_id)
    listed = await client.call("ListSessions", chat_pb2.ListSessionsRequest())
    assert list(listed.items) == []
    assert await _kept_answers(settings) == 0
    refused = await _refused_question(client)
    assert (refused.kind, refused.reason) == (Kind.UNAUTHENTICATED, "ACCOUNT_DELETED")
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    assert await redis.keys(f"{settings.redis_prefix}*{accepted.run_id}*") == []
    await redis.aclose()


async def test_an_event_that_cannot_be_read_is_set_aside(
    client: Client, events: JetStream, settings: Settings
) -> None:
    await events.publish(events.subject("user.deleted"), b"\xff", msg_id="poison")
    worker = Database(settings.worker_database_url.get_secret_value(), application_name="test")

    async def set_aside() -> bool:
        async with worker.transaction() as connection:
            query = text("SELECT payload FROM dead_letters WHERE set_aside_at IS NOT NULL")
            return (await connection.scalars(query)).all() == [b"\xff"]

    await eventually(set_aside)
    await worker.stop()


async def test_only_the_gateway_is_let_in(
    client: Client, settings: Settings, grpc_channel: OpenChannel
) -> None:
    for name in ("tester", "apikey-service", "chat-service"):
        other = client.over(await grpc_channel(settings.grpc_port, "chat-service", name))
        kind, _ = await _refused(other, "ListSessions", chat_pb2.ListSessionsRequest())
        assert kind is Kind.FORBIDDEN


async def test_what_was_begun_is_seen_to_its_end_although_its_token_has_expired(
    client: Client, channel: Channel, caller: Caller, signer: Signer
) -> None:
    accepted, frames = await client.ask()
    expired = signer.caller(caller.user_id, caller.tenant_id, lifetime=-1.0)
    late = type(client)(channel, expired)
    assert await late.follow(accepted.run_id) == frames
    found = await late.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
    assert found.answer.content == _text(frames)
    # Nothing begins with such a token, and nobody else's run is seen.
    begins: list[tuple[str, Any]] = [
        ("StartRun", chat_pb2.StartRunRequest(content="hello")),
        ("ContinueRun", chat_pb2.ContinueRunRequest(run_id=accepted.run_id)),
        ("CancelRun", chat_pb2.CancelRunRequest(run_id=accepted.run_id)),
        ("RecoverRun", chat_pb2.RecoverRunRequest(session_id=accepted.session_id)),
        ("ListMessages", chat_pb2.ListMessagesRequest(session_id=accepted.session_id)),
        ("ListSessions", chat_pb2.ListSessionsRequest()),
    ]
    for method, request in begins:
        kind, _ = await _refused(late, method, request)
        assert kind is Kind.UNAUTHENTICATED, method
    other = type(client)(channel, signer.caller(tenant_id=caller.tenant_id, lifetime=-1.0))
    kind, _ = await _refused(other, "GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
    assert kind is Kind.NOT_FOUND
