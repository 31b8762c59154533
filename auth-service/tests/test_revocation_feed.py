"""WatchRevocations: what the other services know of keys and revocations, and when."""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta

import psycopg
import pytest
from annotated_types import Le

from auth_service.domain.trust import VerificationKey
from auth_service.settings import Settings
from auth_service.store.transactions import system_transactions
from auth_service.usecases import revocation_feed
from auth_service.usecases.revocation_feed import RevocationFeed
from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.errors import Unauthenticated
from chassis.grpc import trust_feed
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.trust import TrustStore
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]
Messages = AsyncGenerator[auth_pb2.WatchRevocationsResponse, None]


def _watch(channel: Channel) -> Messages:
    return channel.stream(
        channel.stub(AuthServiceStub).WatchRevocations, auth_pb2.WatchRevocationsRequest()
    )


async def _news(messages: Messages) -> auth_pb2.Revocation:
    """The next revocation, signs of life passed over."""
    async with asyncio.timeout(60):
        async for message in messages:
            if message.revocations:
                assert not message.snapshot
                [revocation] = message.revocations
                return revocation
    raise AssertionError("the stream has ended")


async def _log_out(auth: Channel, token: str) -> None:
    stub = auth.stub(AuthServiceStub)
    await auth.unary(stub.LogOut, auth_pb2.LogOutRequest(), timeout=30, token=token)


async def _delete(auth: Channel, token: str) -> None:
    request = auth_pb2.DeleteMeRequest(password="correct horse")
    await auth.unary(auth.stub(AuthServiceStub).DeleteMe, request, timeout=30, token=token)


# What was revoked before would be in the first message of a service that others have used.
@pytest.mark.usefixtures("serve")
async def test_whoever_watches_can_verify_tokens_and_refuses_what_was_revoked_since(
    auth: Channel, register: Register, auth_port: int, grpc_channel: OpenChannel
) -> None:
    notes = await grpc_channel(auth_port, "auth-service", as_name="notes-service")
    trust = TrustStore()
    verifier = TokenVerifier(trust)
    leaving, deleted, staying = [await register(name) for name in ("leaving", "deleted", "staying")]

    async with aclosing(_watch(notes)) as messages:
        first = await anext(messages)
        assert first.snapshot
        [key] = first.keys
        assert len(key.public_key) == 32
        assert not first.revocations
        trust.apply(first)
        for grant in (leaving, deleted, staying):
            assert str(verifier.verify(grant.access_token).user_id) == grant.user.id

        await _log_out(auth, leaving.access_token)
        revocation = await _news(messages)
        assert (revocation.user_id, bool(revocation.sid)) == ("", True)
        trust.apply(auth_pb2.WatchRevocationsResponse(revocations=[revocation]))

        await _delete(auth, deleted.access_token)
        revocation = await _news(messages)
        assert (revocation.user_id, revocation.sid) == (deleted.user.id, "")
        trust.apply(auth_pb2.WatchRevocationsResponse(revocations=[revocation]))

    for grant in (leaving, deleted):
        with pytest.raises(Unauthenticated):
            verifier.verify(grant.access_token)
    assert str(verifier.verify(staying.access_token).user_id) == staying.user.id


async def test_a_revocation_by_another_replica_arrives_as_well(
    serve: Serve, auth: Channel, register: Register, grpc_channel: OpenChannel
) -> None:
    grant = await register("ada")
    _, port = await serve()
    elsewhere = await grpc_channel(port, "auth-service")

    async with aclosing(_watch(elsewhere)) as messages:
        await anext(messages)
        began = time.monotonic()
        await _delete(auth, grant.access_token)
        assert (await _news(messages)).user_id == grant.user.id
        assert time.monotonic() - began < 12


async def test_the_first_message_holds_what_was_revoked_before_and_nothing_expired(
    auth: Channel,
    register: Register,
    database: DatabaseUrls,
    serve: Serve,
    grpc_channel: OpenChannel,
) -> None:
    old, recent = await register("old"), await register("recent")
    await _delete(auth, old.access_token)
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE revocations SET expires_at = now() - interval '1 second'")
    await _delete(auth, recent.access_token)

    _, port = await serve()
    async with aclosing(_watch(await grpc_channel(port, "auth-service"))) as messages:
        first = await anext(messages)

    assert [revocation.user_id for revocation in first.revocations] == [recent.user.id]
    assert len(first.keys) == 1


async def test_the_stream_ends_at_once_when_the_service_drains(
    serve: Serve, grpc_channel: OpenChannel
) -> None:
    service, port = await serve()
    async with aclosing(_watch(await grpc_channel(port, "auth-service"))) as messages:
        await anext(messages)
        began = time.monotonic()
        stopping = asyncio.create_task(service.stop())
        async with asyncio.timeout(12):
            assert [message async for message in messages] == []
            await stopping
        assert time.monotonic() - began < 12


def _feed(database: Database, *, heartbeat: float) -> RevocationFeed:
    return RevocationFeed(
        open_system=system_transactions(database),
        keys=[VerificationKey("kid", bytes(32))],
        heartbeat=heartbeat,
    )


async def test_a_reader_hears_a_sign_of_life_only_while_the_table_can_be_read(
    database: DatabaseUrls,
) -> None:
    worker = Database(database.worker, application_name="test")
    feed = _feed(worker, heartbeat=0.0)

    async with aclosing(feed.subscribe()) as updates:
        first = asyncio.ensure_future(anext(updates))
        await asyncio.sleep(0)
        assert not first.done()
        await feed.poll()
        assert (await first).snapshot

        second = asyncio.ensure_future(anext(updates))
        await asyncio.sleep(0)
        assert not second.done()
        await feed.poll()
        update = await second
        assert (update.snapshot, update.keys, update.revocations) == (False, (), ())
    await worker.stop()


async def test_a_revocation_is_heard_of_however_late_its_transaction_ends(
    database: DatabaseUrls,
) -> None:
    worker = Database(database.worker, application_name="test")
    feed = _feed(worker, heartbeat=0.0)
    user = str(new_id())
    async with aclosing(feed.subscribe()) as updates:
        await feed.poll()
        await anext(updates)
        with psycopg.connect(database.worker) as other:
            # It waited for a lock, for its statement and idly, each for as long as it may (chassis.db.engine).
            other.execute(
                "INSERT INTO revocations (id, tenant_id, user_id, sid, revoked_at, expires_at, stored_at)"
                " VALUES (gen_random_uuid(), gen_random_uuid(), %s, '', now(), now() + interval '1 hour',"
                " now() - interval '45 seconds')",
                [user],
            )
        heard: list[str] = []
        # Once, however often the table tells it.
        for _ in range(2):
            await feed.poll()
            heard += [str(one.user_id) for one in (await anext(updates)).revocations]
    assert heard == [user]
    await worker.stop()


async def test_what_has_expired_is_forgotten_while_the_service_runs(
    database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Database(database.worker, application_name="test")
    feed = _feed(worker, heartbeat=0.0)
    users = [str(new_id()), str(new_id())]
    for user, hours in zip(users, (1, 3), strict=True):
        with psycopg.connect(database.worker) as other:
            other.execute(
                "INSERT INTO revocations (id, tenant_id, user_id, sid, revoked_at, expires_at)"
                " VALUES (gen_random_uuid(), gen_random_uuid(), %s, '', now(), now() + %s)",
                [user, timedelta(hours=hours)],
            )

    async def known() -> set[str]:
        await feed.poll()
        async with aclosing(feed.subscribe()) as updates:
            return {str(one.user_id) for one in (await anext(updates)).revocations}

    assert await known() == set(users)
    later = utc_now() + timedelta(hours=2)
    monkeypatch.setattr(revocation_feed, "utc_now", lambda: later)
    with psycopg.connect(database.worker) as other:
        other.execute("DELETE FROM revocations WHERE user_id = %s", [users[0]])
    assert await known() == {users[1]}
    await worker.stop()


# Of what was revoked just before, a service that others have used could tell.
@pytest.mark.usefixtures("serve")
async def test_a_message_comes_every_few_seconds(auth: Channel) -> None:
    async with aclosing(_watch(auth)) as messages:
        await anext(messages)
        async with asyncio.timeout(10):
            message = await anext(messages)
    assert (message.snapshot, len(message.keys), len(message.revocations)) == (False, 0, 0)


# What was revoked before would be in the first message of a service that others have used.
@pytest.mark.usefixtures("serve")
async def test_many_readers_each_hear_each_revocation_once(
    auth: Channel, register: Register
) -> None:
    grants = [await register(f"user{number}") for number in range(5)]
    heard: list[list[str]] = [[] for _ in range(10)]

    async def listen(into: list[str]) -> None:
        async with aclosing(_watch(auth)) as messages:
            async for message in messages:
                into += [revocation.user_id for revocation in message.revocations]

    listeners = [asyncio.create_task(listen(into)) for into in heard]
    await asyncio.gather(*(_delete(auth, grant.access_token) for grant in grants))
    users = sorted(grant.user.id for grant in grants)
    await eventually(lambda: all(sorted(into) == users for into in heard))
    for listener in listeners:
        listener.cancel()
    await asyncio.wait(listeners)
    assert all(sorted(into) == users for into in heard)


async def test_what_is_more_than_a_message_holds_comes_in_pieces_and_the_keys_behind_them(
    auth: Channel,
    register: Register,
    database: DatabaseUrls,
    serve: Serve,
    grpc_channel: OpenChannel,
) -> None:
    user = (await register("ada")).user
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "INSERT INTO revocations (id, tenant_id, user_id, sid, revoked_at, expires_at)"
            " SELECT gen_random_uuid(), gen_random_uuid(), %s, 'login ' || number, now(),"
            " now() + interval '1 hour' FROM generate_series(1, 5000) AS number",
            [user.id],
        )
    _, port = await serve()
    trust = TrustStore()
    pieces = []
    async with aclosing(_watch(await grpc_channel(port, "auth-service"))) as messages:
        async for message in messages:
            trust.apply(message)
            pieces.append(len(message.revocations))
            if message.keys:
                break
    assert pieces == [2000, 2000, 1000]
    assert all(trust.is_revoked(f"login {number}", "", 0) for number in range(1, 5001))


def test_a_sign_of_life_comes_before_the_watch_is_taken_for_dead() -> None:
    # It is sent behind a poll alone, the first one behind the heartbeat; and one of them may be lost.
    heartbeat = inspect.signature(RevocationFeed).parameters["heartbeat"].default
    poll = Settings.model_fields["revocation_poll_seconds"]
    [longest] = [float(str(bound.le)) for bound in poll.metadata if isinstance(bound, Le)]
    assert 2 * (heartbeat + longest) < trust_feed._SILENCE_SECONDS
