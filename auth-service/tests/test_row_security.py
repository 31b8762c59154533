"""What row-level security holds beneath the queries, asked with the service's own role."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from auth_service.domain.trust import permanent_revocation
from auth_service.store.revocations import Revocations
from auth_service.store.transactions import NO_EFFECTS, admin_transactions, caller_transactions
from auth_service.store.users import Users
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, Signer
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]

OWNED = (
    "users",
    "logins",
    "refresh_tokens",
    "tokens",
    "revocations",
    "erasures",
    "service_erasures",
)


@pytest_asyncio.fixture(loop_scope="session")
async def app(database: DatabaseUrls) -> AsyncIterator[Database]:
    connected = Database(database.app, application_name="test")
    yield connected
    await connected.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def populated(auth: Channel, register: Register, signer: Signer) -> list[Caller]:
    """Two users, each with rows in every table that is a user's; the second one is deleted."""
    callers = []
    stub = auth.stub(AuthServiceStub)
    for name in ("alice", "bob"):
        grant = await register(name)
        again = (
            await auth.unary(
                stub.LogIn,
                auth_pb2.LogInRequest(username=name, password="correct horse"),
                timeout=30,
            )
        ).grant
        await auth.unary(
            stub.LogOut, auth_pb2.LogOutRequest(), timeout=30, token=again.access_token
        )
        await auth.unary(
            stub.CreateToken,
            auth_pb2.CreateTokenRequest(name="mine", scopes=["notes:read"]),
            timeout=30,
            token=grant.access_token,
        )
        if name == "bob":
            await auth.unary(
                stub.DeleteMe,
                auth_pb2.DeleteMeRequest(password="correct horse"),
                timeout=30,
                token=grant.access_token,
            )
        callers.append(signer.caller(UUID(grant.user.id), UUID(grant.user.tenant_id)))
    return callers


async def _owners(app: Database, caller: Caller | None, table: str) -> set[UUID]:
    column = "id" if table == "users" else "user_id"
    async with app.transaction(caller) as connection:
        return set((await connection.scalars(text(f"SELECT {column} FROM {table}"))).all())


@pytest.mark.parametrize("table", OWNED)
async def test_a_query_without_its_where_returns_nothing_of_others(
    app: Database, populated: list[Caller], signer: Signer, database: DatabaseUrls, table: str
) -> None:
    alice, bob = populated
    worker = Database(database.worker, application_name="test")
    everybody = await _owners(worker, None, table)
    await worker.stop()

    assert everybody
    for caller in (alice, bob):
        assert await _owners(app, caller, table) == everybody & {caller.user_id}
    # Nor does the right user in another tenant, another user in this one, or nobody at all.
    elsewhere = signer.caller(alice.user_id, new_id())
    neighbour = signer.caller(new_id(), alice.tenant_id)
    for caller_or_none in (elsewhere, neighbour, None):
        assert await _owners(app, caller_or_none, table) == set()


async def test_a_statement_without_its_where_changes_nothing_of_others(
    app: Database, populated: list[Caller], database: DatabaseUrls
) -> None:
    alice, bob = populated

    async with app.transaction(bob) as connection:
        for statement in (
            "UPDATE users SET last_login_at = NULL",
            "DELETE FROM logins",
            "DELETE FROM refresh_tokens",
            "DELETE FROM tokens",
        ):
            await connection.execute(text(statement))

    assert await _owners(app, alice, "logins") == {alice.user_id}
    assert await _owners(app, alice, "tokens") == {alice.user_id}
    async with app.transaction(alice) as connection:
        assert await connection.scalar(text("SELECT last_login_at IS NOT NULL FROM users"))


async def test_a_row_cannot_be_written_in_another_users_name(
    app: Database, populated: list[Caller]
) -> None:
    alice, bob = populated
    revocation = permanent_revocation(
        new_id(), tenant_id=bob.tenant_id, user_id=bob.user_id, sid=None, now=utc_now()
    )

    with pytest.raises(DBAPIError, match="row-level security"):
        async with caller_transactions(app, NO_EFFECTS)(alice) as transaction:
            await Revocations(transaction).add(revocation)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET role = 'operator'",
        "UPDATE users SET tenant_id = id",
        "DELETE FROM users",
        "UPDATE tokens SET scopes = '{completions}'",
        "SELECT * FROM outbox",
        "SELECT * FROM codes",
        "DELETE FROM codes",
        "SELECT * FROM counters",
        "DELETE FROM counters",
        "INSERT INTO counters VALUES ('login', '', '{}', now())",
        "UPDATE tenants SET name = 'mine'",
        "UPDATE audit SET event = 'nothing'",
        "DELETE FROM audit",
        "SELECT * FROM dead_letters",
        "TRUNCATE logins",
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
    ],
)
async def test_the_app_role_may_not(app: Database, populated: list[Caller], statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with app.transaction(populated[0]) as connection:
            await connection.execute(text(statement))


async def test_every_table_of_users_is_protected_even_from_its_owner(
    app: Database, populated: list[Caller]
) -> None:
    query = text(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'public' AND relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
    )
    async with app.transaction() as connection:
        assert set((await connection.scalars(query)).all()) == {
            *OWNED,
            "audit",
            "codes",
            "counters",
            "dead_letters",
            "idempotency_keys",
            "outbox",
            "tenants",
            "user_settings",
        }


async def _in_charge(app: Database, caller: Caller, role: str, statement: str) -> Sequence[Any]:
    """What ``statement`` returns in an admin's transaction of that role."""
    async with admin_transactions(app, NO_EFFECTS)(replace(caller, role=role)) as transaction:
        return (await transaction.connection.execute(text(statement))).scalars().all()


async def test_a_role_opens_the_users_of_its_tenant_or_of_all_and_nothing_of_their_own(
    app: Database, populated: list[Caller], signer: Signer
) -> None:
    alice, bob = populated
    everybody = {alice.user_id, bob.user_id}
    inside, outside = signer.caller(new_id(), alice.tenant_id), signer.caller()

    for caller, role, seen in (
        (inside, "tenant_admin", everybody),
        (outside, "tenant_admin", set()),
        (outside, "operator", everybody),
        (inside, "user", set()),
        (inside, "", set()),
    ):
        assert set(await _in_charge(app, caller, role, "SELECT id FROM users")) == seen
        told = await _in_charge(app, caller, role, "SELECT subject_id FROM audit")
        assert set(told) == seen
        # Logins, tokens, revocations are the user's own.
        for table in ("logins", "refresh_tokens", "revocations", "erasures"):
            assert await _in_charge(app, caller, role, f"SELECT user_id FROM {table}") == []
        tenants = await _in_charge(app, caller, role, "SELECT id FROM tenants")
        assert bool(tenants) == (role == "operator")


async def test_no_statement_raises_a_role_beyond_the_one_that_acts(
    app: Database, populated: list[Caller], database: DatabaseUrls
) -> None:
    alice, _ = populated
    alone = f"WHERE id = '{alice.user_id}' RETURNING role"
    change = "UPDATE users SET role = '{}' " + alone

    for role in ("user", ""):
        with pytest.raises(DBAPIError, match="permission denied"):
            await _in_charge(app, alice, role, change.format("tenant_admin"))
    with pytest.raises(DBAPIError, match="permission denied"):
        await _in_charge(app, alice, "tenant_admin", change.format("operator"))
    assert await _in_charge(app, alice, "tenant_admin", change.format("tenant_admin"))
    assert await _in_charge(app, alice, "operator", change.format("operator")) == ["operator"]
    # Nor does a tenant admin touch an operator in any way.
    for statement in (change.format("user"), f"UPDATE users SET status = 'disabled' {alone}"):
        with pytest.raises(DBAPIError, match="permission denied"):
            await _in_charge(app, alice, "tenant_admin", statement)


async def test_an_admins_role_ends_with_the_transaction_it_was_set_for(
    app: Database, populated: list[Caller]
) -> None:
    alice, _ = populated
    for _ in range(10):
        assert len(await _in_charge(app, alice, "operator", "SELECT id FROM users")) == 2
        assert await _owners(app, alice, "users") == {alice.user_id}


async def test_whom_an_admin_acts_for_is_forgotten_with_the_transaction(
    app: Database, populated: list[Caller]
) -> None:
    alice, bob = populated
    operator = replace(bob, role="operator")
    async with admin_transactions(app, NO_EFFECTS)(operator) as transaction:
        user = await Users(transaction).find(alice.user_id)
        assert user is not None
        await transaction.act_for(user)
        owners = await transaction.connection.scalars(text("SELECT user_id FROM logins"))
        assert set(owners) == {alice.user_id}
    # Of nobody's transaction: any other says whose it is.
    assert await _owners(app, None, "logins") == set()
