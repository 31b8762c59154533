"""Audit logs too long to be anonymised with the deletion: the rest follows it, whoever dies."""

from collections.abc import Awaitable, Callable, Iterator
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from auth_service.domain.audit_log import Event
from auth_service.domain.erasures import Erasure
from auth_service.domain.logins import Client
from auth_service.store.anonymise import anonymise_batch
from auth_service.store.audit_log import AuditLog
from auth_service.store.transactions import system_transactions
from auth_service.usecases.audit_log import entry_about_owner
from chassis.clock import utc_now
from chassis.db.engine import Database, RowOwner
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]

# More than two batches.
LONG = 12_000
LEFT = (
    "SELECT count(*) FROM audit"
    " WHERE (subject_id = %(user)s OR actor_id = %(user)s) AND (ip <> '' OR user_agent <> '')"
)
CONFIRMED = (
    "SELECT count(*) = 1 FROM service_erasures"
    " WHERE user_id = %(user)s AND service = 'auth-service' AND erased_at IS NOT NULL"
)


@pytest.fixture
def admin(database: DatabaseUrls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        yield connection


def _lengthen(admin: psycopg.Connection, user: auth_pb2.User, rows: int = LONG) -> None:
    """Entries of every other kind: about the user by somebody, and by the user about somebody."""
    admin.execute(
        "INSERT INTO audit SELECT gen_random_uuid(), now() - n * interval '1 second', %(tenant)s,"
        " CASE n %% 3 WHEN 0 THEN gen_random_uuid() ELSE %(user)s END,"
        " CASE n %% 3 WHEN 1 THEN gen_random_uuid() ELSE %(user)s END,"
        " 'profile.changed', '192.0.2.7', 'a browser', '{}' FROM generate_series(1, %(rows)s) n",
        {"tenant": user.tenant_id, "user": user.id, "rows": rows},
    )


async def _register(auth: Channel) -> auth_pb2.Grant:
    request = auth_pb2.RegisterRequest(
        username="ada", email="ada@example.org", password="correct horse"
    )
    return (await auth.unary(auth.stub(AuthServiceStub).Register, request, timeout=30)).grant


async def _delete(auth: Channel, grant: auth_pb2.Grant) -> None:
    request = auth_pb2.DeleteMeRequest(password="correct horse")
    stub = auth.stub(AuthServiceStub)
    await auth.unary(stub.DeleteMe, request, timeout=30, token=grant.access_token)


def _one(admin: psycopg.Connection, query: str, grant: auth_pb2.Grant) -> int:
    row = admin.execute(query, {"user": grant.user.id}).fetchone()
    assert row is not None
    value: int = row[0]
    return value


async def test_an_audit_log_of_any_length_is_anonymised_at_once_and_then_confirmed(
    auth: Channel, register: Register, admin: psycopg.Connection
) -> None:
    ada, bystander = await register("ada"), await register("bystander")
    for grant in (ada, bystander):
        _lengthen(admin, grant.user)

    await _delete(auth, ada)

    lies = []

    def done() -> bool:
        # In this order: what is confirmed has been done before.
        confirmed, left = _one(admin, CONFIRMED, ada), _one(admin, LEFT, ada)
        lies.extend([left] if confirmed and left else [])
        return bool(confirmed)

    # Long before the next sweep.
    await eventually(done, 20)
    assert lies == []
    assert _one(admin, LEFT, bystander) == LONG + 1


@pytest.mark.slow
async def test_no_batch_reads_the_whole_audit_log(
    serve: Serve, grpc_channel: OpenChannel, admin: psycopg.Connection
) -> None:
    service, port = await serve()
    auth = await grpc_channel(port, "auth-service")
    ada = await _register(auth)
    rows = 3 * LONG
    _lengthen(admin, ada.user, rows)
    admin.execute("ANALYZE audit")
    admin.execute("SELECT pg_stat_force_next_flush()")
    query = (
        "SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
        " WHERE relname = 'audit') FROM pg_stat_user_tables WHERE relname = 'audit'"
    )
    before = _one(admin, query, ada)

    await _delete(auth, ada)
    await eventually(lambda: _one(admin, CONFIRMED, ada), 30)

    # Who goes away says what they have read.
    await service.stop()
    await eventually(lambda: _one(admin, query, ada) - before >= rows)
    assert _one(admin, query, ada) - before < 4 * rows


async def test_a_usual_audit_log_is_anonymised_and_confirmed_with_the_deletion(
    auth: Channel, register: Register, admin: psycopg.Connection
) -> None:
    ada = await register("ada")
    _lengthen(admin, ada.user, 2_000)

    await _delete(auth, ada)

    assert (_one(admin, LEFT, ada), _one(admin, CONFIRMED, ada)) == (0, True)


async def test_what_a_replica_leaves_when_it_dies_another_goes_on_with(
    serve: Serve,
    grpc_channel: OpenChannel,
    database: DatabaseUrls,
    admin: psycopg.Connection,
) -> None:
    dying, port = await serve()
    auth = await grpc_channel(port, "auth-service")
    ada = await _register(auth)
    _lengthen(admin, ada.user)
    with psycopg.connect(database.admin) as obstacle:
        # The newest: it comes last, and what comes with it cannot be committed.
        obstacle.execute(
            "SELECT FROM audit WHERE at = (SELECT max(at) FROM audit WHERE ip <> '') FOR UPDATE"
        )
        await _delete(auth, ada)
        await eventually(lambda: 0 < _one(admin, LEFT, ada) < LONG // 2)
        await dying.stop()
    assert not _one(admin, CONFIRMED, ada)
    # Nothing comes to what is left, however late.
    left = _one(admin, LEFT, ada)
    await _record_late(database, ada.user)
    assert _one(admin, LEFT, ada) == left
    await serve(erasure_sweep_seconds=0.2)

    await eventually(lambda: _one(admin, CONFIRMED, ada))
    assert _one(admin, LEFT, ada) == 0


async def test_what_another_replica_is_at_is_left_to_it(
    serve: Serve,
    auth: Channel,
    register: Register,
    admin: psycopg.Connection,
    database: DatabaseUrls,
) -> None:
    ada, bob = await register("ada"), await register("bob")
    for grant in (ada, bob):
        await _delete(auth, grant)
    admin.execute("UPDATE service_erasures SET erased_at = NULL WHERE service = 'auth-service'")
    with psycopg.connect(database.admin) as other:
        other.execute(
            "SELECT FROM service_erasures WHERE user_id = %s AND service = 'auth-service' FOR UPDATE",
            [ada.user.id],
        )

        await serve(erasure_sweep_seconds=0.2)

        await eventually(lambda: _one(admin, CONFIRMED, bob))
        assert not _one(admin, CONFIRMED, ada)
    await eventually(lambda: _one(admin, CONFIRMED, ada))


async def test_behind_a_batch_the_planner_goes_by_what_it_prefers_again(
    database: DatabaseUrls,
) -> None:
    worker = Database(database.worker, pool_size=1, application_name="test")
    nobodys = Erasure(new_id(), tenant_id=new_id(), user_id=new_id(), requested_at=utc_now())
    async with worker.transaction() as connection:
        assert await anonymise_batch(connection, nobodys)
    changed = text("SELECT count(*) FROM pg_settings WHERE source = 'session'")
    async with worker.transaction() as connection:
        assert await connection.scalar(changed) == 0
    await worker.stop()


async def _record_late(database: DatabaseUrls, user: auth_pb2.User) -> None:
    """As a refusal does that was under way when the user left."""
    worker = Database(database.worker, application_name="test")
    late = entry_about_owner(
        Event.LOGIN_REFUSED,
        RowOwner(UUID(user.tenant_id), UUID(user.id)),
        Client("198.51.100.9", "a stranger's"),
    )
    async with system_transactions(worker)() as transaction:
        await AuditLog(transaction).record(late)
    await worker.stop()
