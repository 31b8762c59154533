"""Deleting an account: what is left at once, what the others are told, what the receipt says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from auth_service.domain.erasures import ERASING_SERVICES
from auth_service.store.erasures import Erasures
from auth_service.store.transactions import system_transactions
from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.embedded.ports import free_port
from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub
from parley.events import rights
from parley.events.v1 import events_pb2

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]

OTHERS = ["apikey-service", "chat-service", "notes-service"]
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def deletions(events: JetStream) -> AsyncIterator[list[events_pb2.UserDeleted]]:
    """What another service hears of deletions, as it comes."""
    heard: list[events_pb2.UserDeleted] = []

    async def hear(payload: bytes) -> None:
        heard.append(events_pb2.UserDeleted.FromString(payload))

    consumer = Consumer(events, durable="tester-user-deleted", handler=hear)
    await consumer.start()
    yield heard
    await consumer.drain()
    await consumer.stop()


async def _delete(auth: Channel, token: str, password: str = "correct horse") -> str:
    request = auth_pb2.DeleteMeRequest(password=password)
    stub = auth.stub(AuthServiceStub)
    return (await auth.unary(stub.DeleteMe, request, timeout=30, token=token)).erasure_id


async def _receipt(auth: Channel, erasure_id: str) -> auth_pb2.GetErasureResponse:
    request = auth_pb2.GetErasureRequest(erasure_id=erasure_id)
    return await auth.unary(auth.stub(AuthServiceStub).GetErasure, request, timeout=30)


async def _confirmed(auth: Channel, erasure_id: str) -> set[str]:
    receipt = await _receipt(auth, erasure_id)
    return {service.name for service in receipt.services if service.HasField("erased_at")}


async def _confirm(
    events: JetStream,
    service: str,
    erasure_id: str,
    at: datetime = WHEN,
    *,
    where: str | None = None,
) -> bytes:
    """Confirm for ``service``, where only it can, or at another subject; the payload."""
    event = events_pb2.UserErased(erasure_id=erasure_id, user_id=str(new_id()), service=service)
    event.erased_at.FromDatetime(at)
    payload = event.SerializeToString()
    subject = f"user.erased.{service}" if where is None else where
    await events.publish(events.subject(subject), payload, msg_id=str(new_id()))
    return payload


async def _log_in(auth: Channel, username: str) -> auth_pb2.Grant:
    request = auth_pb2.LogInRequest(username=username, password="correct horse")
    return (await auth.unary(auth.stub(AuthServiceStub).LogIn, request, timeout=30)).grant


async def _refresh(auth: Channel, refresh_token: str) -> auth_pb2.Grant:
    request = auth_pb2.RefreshRequest(refresh_token=refresh_token)
    return (await auth.unary(auth.stub(AuthServiceStub).Refresh, request, timeout=30)).grant


async def _me(auth: Channel, token: str) -> auth_pb2.User:
    stub = auth.stub(AuthServiceStub)
    return (await auth.unary(stub.GetMe, auth_pb2.GetMeRequest(), timeout=30, token=token)).user


async def _refused(attempt: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await attempt
    return refused.value


def _dump(database: DatabaseUrls) -> str:
    """Everything in the database, as text."""
    with psycopg.connect(database.admin) as admin:
        tables = admin.execute(
            "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'"
        ).fetchall()
        return "\n".join(
            f"{name}: {row}"
            for (name,) in tables
            for row in admin.execute(f'SELECT to_jsonb(t) FROM "{name}" t').fetchall()
        )


async def test_a_wrong_password_deletes_nothing(
    auth: Channel, register: Register, deletions: list[events_pb2.UserDeleted]
) -> None:
    grant = await register("ada")

    for password in ("wrong horse", "", "correct\0horse", "p" * 100_000):
        error = await _refused(_delete(auth, grant.access_token, password))
        assert (error.kind, error.reason) == (Kind.FORBIDDEN, "WRONG_PASSWORD")

    assert await _me(auth, grant.access_token) == grant.user
    assert deletions == []


async def test_a_deleted_account_leaves_nothing_personal_and_all_services_are_told(
    auth: Channel,
    register: Register,
    database: DatabaseUrls,
    deletions: list[events_pb2.UserDeleted],
) -> None:
    grant = await register("ada")
    bystander = await register("bystander")
    assert "ada@example.org" in _dump(database)

    erasure_id = await _delete(auth, grant.access_token)

    left = _dump(database)
    assert grant.user.id in left
    assert "bystander@example.org" in left
    with psycopg.connect(database.admin) as admin:
        recorded = admin.execute("SELECT fields FROM audit WHERE event = 'user.deleted'")
        assert recorded.fetchall() == [({"erasure_id": erasure_id},)]
    assert not any(
        personal in left for personal in ("ada@example.org", '"ada"', "'ada'", grant.refresh_token)
    )
    await eventually(lambda: deletions)
    [event] = deletions
    assert (event.erasure_id, event.user_id, event.tenant_id) == (
        erasure_id,
        grant.user.id,
        grant.user.tenant_id,
    )
    assert await _me(auth, bystander.access_token) == bystander.user


async def test_access_ends_with_the_account_and_the_name_is_free_again(
    auth: Channel, register: Register
) -> None:
    first = await register("ada")
    other_login = await _log_in(auth, "ada")

    await _delete(auth, first.access_token)

    for grant in (first, other_login):
        error = await _refused(_refresh(auth, grant.refresh_token))
        assert error.reason == "INVALID_REFRESH_TOKEN"
        # From the first moment on, whether the revocation has arrived yet or not.
        for attempt in (_me(auth, grant.access_token), _delete(auth, grant.access_token)):
            assert (await _refused(attempt)).kind is Kind.UNAUTHENTICATED
    assert (await _refused(_log_in(auth, "ada"))).reason == "INVALID_CREDENTIALS"

    newcomer = await register("ada")
    assert newcomer.user.id != first.user.id
    assert await _me(auth, newcomer.access_token) == newcomer.user


async def test_of_many_deletions_at_once_one_is_done(
    auth: Channel,
    register: Register,
    deletions: list[events_pb2.UserDeleted],
    database: DatabaseUrls,
) -> None:
    grant = await register("ada")

    outcomes = await asyncio.gather(
        *(_delete(auth, grant.access_token) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT count(*) FROM erasures").fetchone() == (1,)


async def test_no_log_in_outlives_a_deletion_that_it_raced(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    for turn in range(5):
        grant = await register(f"ada{turn}")
        await asyncio.gather(
            *(_log_in(auth, f"ada{turn}") for _ in range(4)),
            _delete(auth, grant.access_token),
            *(_log_in(auth, f"ada{turn}") for _ in range(4)),
            return_exceptions=True,
        )

    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT count(*) FROM logins").fetchone() == (0,)
        assert worker.execute("SELECT count(*) FROM refresh_tokens").fetchone() == (0,)


async def test_the_receipt_is_complete_once_every_service_has_confirmed(
    auth: Channel, register: Register, events: JetStream
) -> None:
    erasure_id = await _delete(auth, (await register("ada")).access_token)

    begun = await _receipt(auth, erasure_id)
    assert begun.status == auth_pb2.ERASURE_STATUS_PENDING
    assert [service.name for service in begun.services] == sorted([*OTHERS, "auth-service"])
    assert await _confirmed(auth, erasure_id) == {"auth-service"}

    for service in OTHERS:
        assert (await _receipt(auth, erasure_id)).status == auth_pb2.ERASURE_STATUS_PENDING
        await _confirm(events, service, erasure_id)

        async def has_arrived(service: str = service) -> bool:
            return service in await _confirmed(auth, erasure_id)

        await eventually(has_arrived)

    done = await _receipt(auth, erasure_id)
    assert done.status == auth_pb2.ERASURE_STATUS_COMPLETED
    times = {service.name: service.erased_at.ToDatetime(tzinfo=UTC) for service in done.services}
    assert times["notes-service"] == WHEN


async def test_the_first_confirmation_counts_and_strange_ones_keep_nobody_waiting(
    auth: Channel, register: Register, events: JetStream
) -> None:
    erasure_id = await _delete(auth, (await register("ada")).access_token)

    await _confirm(events, "notes-service", erasure_id)
    await _confirm(events, "notes-service", erasure_id, datetime(2027, 1, 1, tzinfo=UTC))
    await _confirm(events, "unheard-of-service", erasure_id)
    await _confirm(events, "chat-service", str(new_id()))
    await _confirm(events, "apikey-service", erasure_id)

    async def both() -> bool:
        return await _confirmed(auth, erasure_id) == {
            "auth-service",
            "notes-service",
            "apikey-service",
        }

    await eventually(both)
    receipt = await _receipt(auth, erasure_id)
    [notes] = [service for service in receipt.services if service.name == "notes-service"]
    assert notes.erased_at.ToDatetime(tzinfo=UTC) == WHEN


async def test_a_confirmation_that_cannot_be_read_is_set_aside_and_holds_up_no_other(
    auth: Channel, register: Register, events: JetStream, database: DatabaseUrls
) -> None:
    erasure_id = await _delete(auth, (await register("ada")).access_token)
    outlandish = events_pb2.UserErased(erasure_id=str(new_id()), service="notes-service")
    outlandish.erased_at.seconds = 10**15
    unreadable = [b"", b"\xff", outlandish.SerializeToString()]
    for payload in unreadable:
        await events.publish(
            events.subject("user.erased.notes-service"), payload, msg_id=str(new_id())
        )
    await _confirm(events, "notes-service", erasure_id)

    async def confirmed() -> bool:
        return "notes-service" in await _confirmed(auth, erasure_id)

    await eventually(confirmed)
    with psycopg.connect(database.worker) as worker:
        rows = worker.execute("SELECT payload FROM dead_letters WHERE set_aside_at IS NOT NULL")
        assert sorted(payload for (payload,) in rows) == sorted(unreadable)


async def test_no_service_confirms_for_another_and_who_tries_is_told_of(
    auth: Channel,
    register: Register,
    events: JetStream,
    database: DatabaseUrls,
    deletions: list[events_pb2.UserDeleted],
) -> None:
    erasure_id = await _delete(auth, (await register("ada")).access_token)
    await eventually(lambda: deletions)

    forged = [
        await _confirm(events, name, erasure_id, where="user.erased.notes-service")
        for name in ("chat-service", "apikey-service", "auth-service", "")
    ]
    # The event of the deletion itself can be read as a confirmation, of a service named like the
    # tenant.
    forged.append(deletions[0].SerializeToString())
    await events.publish(
        events.subject("user.erased.notes-service"), forged[-1], msg_id=str(new_id())
    )
    await _confirm(events, "notes-service", erasure_id)

    async def confirmed() -> bool:
        return "notes-service" in await _confirmed(auth, erasure_id)

    await eventually(confirmed)
    assert await _confirmed(auth, erasure_id) == {"auth-service", "notes-service"}
    with psycopg.connect(database.worker) as worker:
        rows = worker.execute("SELECT payload FROM dead_letters WHERE set_aside_at IS NOT NULL")
        assert sorted(payload for (payload,) in rows) == sorted(forged)


async def test_a_confirmation_from_before_each_had_its_subject_counts(
    auth: Channel, register: Register, events: JetStream
) -> None:
    erasure_id = await _delete(auth, (await register("ada")).access_token)
    await _confirm(events, "notes-service", erasure_id, where="user.erased")

    async def confirmed() -> bool:
        return "notes-service" in await _confirmed(auth, erasure_id)

    await eventually(confirmed)


def test_all_who_have_to_erase_have_the_right_to_hear_of_it_and_to_confirm() -> None:
    assert (rights.OWNER, *rights.ERASERS) == ERASING_SERVICES


async def test_an_unknown_receipt_is_not_found(auth: Channel) -> None:
    for erasure_id in ("", "7", "\0", "x" * 5000, str(new_id())):
        error = await _refused(_receipt(auth, erasure_id))
        assert (error.kind, error.reason) == (Kind.NOT_FOUND, "ERASURE_NOT_FOUND")


async def test_a_deletion_while_nats_is_away_is_told_once_it_is_back(
    serve: Serve, grpc_channel: OpenChannel, database: DatabaseUrls, events_prefix: str
) -> None:
    _, port = await serve(nats_url=SecretStr(f"nats://127.0.0.1:{free_port()}"))
    cut_off = await grpc_channel(port, "auth-service")
    request = auth_pb2.RegisterRequest(
        username="ada", email="ada@example.org", password="correct horse"
    )
    stub = cut_off.stub(AuthServiceStub)
    grant = (await cut_off.unary(stub.Register, request, timeout=30)).grant

    await _delete(cut_off, grant.access_token)

    waiting = "SELECT subject, published_at IS NOT NULL FROM outbox"
    with psycopg.connect(database.worker, autocommit=True) as worker:
        subject = f"{events_prefix}.user.deleted"
        assert worker.execute(waiting).fetchall() == [(subject, False)]
        # Another replica, which reaches NATS, takes it on.
        await serve()
        await eventually(lambda: worker.execute(waiting).fetchall() == [(subject, True)])


async def test_an_event_is_not_repeated_before_its_time(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    erasure_id = await _delete(auth, (await register("ada")).access_token)
    worker = Database(database.worker, application_name="test")

    async def is_claimed(sent_before: datetime) -> bool:
        async with system_transactions(worker)() as transaction:
            claimed = await Erasures(transaction).claim_unconfirmed(
                sent_before=sent_before, at=utc_now(), limit=1000
            )
        return erasure_id in {str(one.id) for one in claimed}

    assert not await is_claimed(utc_now() - timedelta(minutes=1))
    assert await is_claimed(utc_now() + timedelta(minutes=1))
    await worker.stop()


async def test_the_event_is_repeated_until_every_service_has_confirmed(
    serve: Serve,
    auth: Channel,
    register: Register,
    events: JetStream,
    deletions: list[events_pb2.UserDeleted],
) -> None:
    await serve(erasure_sweep_seconds=0.2)
    erasure_id = await _delete(auth, (await register("ada")).access_token)

    await eventually(lambda: len(deletions) >= 3)
    assert {event.erasure_id for event in deletions} == {erasure_id}
    assert len({event.SerializeToString() for event in deletions}) == 1

    for service in OTHERS:
        await _confirm(events, service, erasure_id)

    async def completed() -> bool:
        receipt = await _receipt(auth, erasure_id)
        return receipt.status == auth_pb2.ERASURE_STATUS_COMPLETED

    await eventually(completed)

    # One may have been on its way; then there is silence for many turns of the sweep.
    async def silent() -> bool:
        before = len(deletions)
        await asyncio.sleep(1)
        return len(deletions) == before

    await eventually(silent)
