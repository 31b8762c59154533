"""A deleted user's keys go, whenever and however often the event comes."""

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.jetstream import Consumer, JetStream
from chassis.testing import DatabaseUrls, Signer, eventually, limit_deletes
from parley.apikey.v1 import apikey_pb2
from parley.apikey.v1.apikey_pb2_grpc import ApiKeyServiceStub
from parley.events.v1 import events_pb2


async def _create(keys: Channel, caller: Caller, name: str) -> None:
    await keys.unary(
        keys.stub(ApiKeyServiceStub).CreateKey,
        apikey_pb2.CreateKeyRequest(
            name=name, api_key="sk-x", model="gpt-5", base_url="https://example.com"
        ),
        timeout=30,
        token=caller.token,
        idempotency_key=name.replace(" ", "-"),
    )


async def _publish(events: JetStream, caller: Caller) -> str:
    """Says that the user has been deleted, as auth-service does; returns the erasure's id."""
    deleted = events_pb2.UserDeleted(
        erasure_id=str(new_id()), user_id=str(caller.user_id), tenant_id=str(caller.tenant_id)
    )
    deleted.deleted_at.FromDatetime(utc_now())
    await events.publish(
        events.subject("user.deleted"), deleted.SerializeToString(), msg_id=str(new_id())
    )
    return deleted.erasure_id


def _users(database: DatabaseUrls) -> set[object]:
    """Of whom there is anything left."""
    query = (
        "SELECT user_id FROM keys UNION SELECT user_id FROM idempotency_keys"
        " UNION SELECT user_id FROM default_keys"
    )
    with psycopg.connect(database.worker) as worker:
        return {user_id for (user_id,) in worker.execute(query)}


@pytest_asyncio.fixture(loop_scope="session")
async def confirmed(events: JetStream) -> AsyncIterator[list[events_pb2.UserErased]]:
    """The confirmations that have been published so far."""
    seen: list[events_pb2.UserErased] = []

    async def see(payload: bytes) -> None:
        seen.append(events_pb2.UserErased.FromString(payload))

    consumer = Consumer(events, durable="tester", handler=see)
    await consumer.start()
    yield seen
    await consumer.drain()
    await consumer.stop()


async def test_every_time_the_event_comes_the_keys_are_gone_and_it_is_confirmed(
    keys: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    alice, bob = signer.caller(), signer.caller()
    for caller, name in ((alice, "one"), (alice, "two"), (bob, "one")):
        await _create(keys, caller, name)

    first = await _publish(events, alice)
    second = await _publish(events, alice)

    await eventually(lambda: {erased.erasure_id for erased in confirmed} == {first, second})
    assert {erased.user_id for erased in confirmed} == {str(alice.user_id)}
    assert {erased.service for erased in confirmed} == {"apikey-service"}
    assert _users(database) == {bob.user_id}


# More than one transaction's worth of everything.
MUCH = """
INSERT INTO keys (id, tenant_id, user_id, name, name_folded, masked_key, model, base_url, provider,
    ciphertext, wrapped_key, kek_id, created_at, updated_at)
SELECT gen_random_uuid(), %(tenant_id)s, %(user_id)s, number, number, '', '', '', '', '', '', '',
    now(), now()
FROM generate_series(1, 1200) AS number;

INSERT INTO idempotency_keys (user_id, tenant_id, key, request_hash, answer)
SELECT %(user_id)s, %(tenant_id)s, number, '', '' FROM generate_series(1, 1200) AS number;

-- Each falls back to the one before it: what is deleted is let go of elsewhere.
UPDATE keys SET fallback_key_id = earlier.id FROM keys AS earlier
WHERE keys.user_id = %(user_id)s AND earlier.user_id = %(user_id)s
    AND keys.name::int = earlier.name::int + 1;

INSERT INTO default_keys (user_id, tenant_id, key_id)
SELECT %(user_id)s, %(tenant_id)s, id FROM keys WHERE name = '700';
"""


async def test_however_much_there_is_no_statement_deletes_much_of_it(
    keys: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    alice = signer.caller()
    with psycopg.connect(database.admin, cursor_factory=psycopg.ClientCursor) as admin:
        admin.execute(MUCH, {"tenant_id": alice.tenant_id, "user_id": alice.user_id})
    limit_deletes(database, 500, "keys", "idempotency_keys")

    await _publish(events, alice)

    await eventually(lambda: confirmed)
    assert _users(database) == set()


async def test_who_was_erased_stores_no_key_any_more(
    keys: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    alice = signer.caller()
    await _publish(events, alice)
    await eventually(lambda: confirmed)

    with pytest.raises(RemoteError) as refused:
        await _create(keys, alice, "too late")

    assert (refused.value.kind, refused.value.reason) == (Kind.UNAUTHENTICATED, "ACCOUNT_DELETED")
    assert _users(database) == set()


async def test_an_event_that_cannot_be_read_is_set_aside_and_holds_up_no_other(
    keys: Channel,
    events: JetStream,
    confirmed: list[events_pb2.UserErased],
    database: DatabaseUrls,
    signer: Signer,
) -> None:
    await events.publish(events.subject("user.deleted"), b"\xff", msg_id=str(new_id()))
    erasure_id = await _publish(events, signer.caller())

    await eventually(lambda: [erased.erasure_id for erased in confirmed] == [erasure_id])
    with psycopg.connect(database.worker) as worker:
        rows = worker.execute("SELECT payload FROM dead_letters WHERE set_aside_at IS NOT NULL")
        assert rows.fetchall() == [(b"\xff",)]
