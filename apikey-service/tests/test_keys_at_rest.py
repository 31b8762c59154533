"""What lies in the table itself, and what row-level security holds beneath the queries."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from apikey_service.background import NotedUses
from apikey_service.domain.errors import KeyUnreadable
from apikey_service.domain.key import Key, Provider
from apikey_service.domain.secret import Secret
from apikey_service.operators.addresses import LoggedAddressRules
from apikey_service.operators.connections import ConnectionsInForce
from apikey_service.settings import Settings
from apikey_service.store.sealed_keys import SealedKeys
from apikey_service.store.uses import Uses
from apikey_service.usecases.create import CreateKey, NewKey
from apikey_service.usecases.resolve import ResolveKey
from apikey_service.vault.envelope import EnvelopeVault
from apikey_service.wiring import ring_of
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chassis.testing import DatabaseUrls, Signer

PLAIN = "sk-proj-0123456789abcdefwxyz"


@dataclass(frozen=True)
class Store:
    """The use cases over the real table, in the service's own role."""

    app: Database
    create_key: CreateKey
    resolve_key: ResolveKey

    async def create(self, caller: Caller, name: str, api_key: str = PLAIN) -> Key:
        headers = (("api-key", Secret(f"{api_key}-in-a-header")),)
        new = NewKey(
            name, Secret(api_key), "gpt-5", "https://example.com", Provider.OPENAI, headers
        )
        return await self.create_key(caller, new)

    async def reveal(self, caller: Caller, key_id: UUID) -> str:
        found = await self.resolve_key(caller, str(key_id))
        ((_, value),) = found.headers
        assert value.reveal() == f"{found.api_key.reveal()}-in-a-header"
        return found.api_key.reveal()


@pytest_asyncio.fixture(loop_scope="session")
async def store(settings: Settings) -> AsyncIterator[Store]:
    app = Database(settings.database_url.get_secret_value(), application_name="test")
    vault, rules, uses = (
        EnvelopeVault(ring_of(settings)),
        LoggedAddressRules((), setting="X"),
        Uses(app),
    )
    operators = ConnectionsInForce(None, rules, uses)
    yield Store(
        app,
        CreateKey(transactions(app), vault, rules, operators, most=100),
        ResolveKey(SealedKeys(app), vault, operators, NotedUses(uses)),
    )
    await app.stop()


async def test_no_table_holds_the_key_or_its_beginning_in_any_form(
    store: Store, signer: Signer, database: DatabaseUrls
) -> None:
    await store.create(signer.caller(), "work")

    with psycopg.connect(database.admin) as admin:
        tables = admin.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        rows = [
            row
            for (table,) in tables
            for row in admin.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
        ]

    assert any("work" in row for row in rows)
    # All but the four characters that the mask shows.
    secret = PLAIN[:-4].encode()
    forms = (secret, base64.b64encode(secret)[:20], secret.hex().encode(), secret[::-1])
    for row in rows:
        for value in row:
            stored = value if isinstance(value, bytes) else str(value).encode()
            assert not any(form in stored for form in forms)


@pytest.mark.parametrize(
    "columns",
    [
        "ciphertext, wrapped_key, kek_id",
        "ciphertext",
        "headers_ciphertext, headers_wrapped_key, headers_kek_id",
        "headers_ciphertext",
    ],
)
async def test_a_ciphertext_that_was_moved_to_another_row_does_not_open(
    store: Store, signer: Signer, database: DatabaseUrls, columns: str
) -> None:
    alice, bob = signer.caller(), signer.caller()
    of_alice = await store.create(alice, "work")
    also_of_alice = await store.create(alice, "home", "sk-another-of-alices-keys")
    of_bob = await store.create(bob, "work", "sk-0123456789-of-bob")

    with psycopg.connect(database.worker, autocommit=True) as worker:
        for target in (also_of_alice, of_bob):
            moved = worker.execute(
                f"""UPDATE keys SET ({columns}) = ROW(
                        {", ".join(f"source.{column}" for column in columns.split(", "))})
                    FROM keys AS source WHERE source.id = %s AND keys.id = %s""",
                (of_alice.id, target.id),
            )
            assert moved.rowcount == 1

    assert await store.reveal(alice, of_alice.id) == PLAIN
    for caller, key in ((alice, also_of_alice), (bob, of_bob)):
        with pytest.raises(KeyUnreadable):
            await store.reveal(caller, key.id)


async def test_a_row_that_was_given_to_another_user_does_not_open(
    store: Store, signer: Signer, database: DatabaseUrls
) -> None:
    alice, bob = signer.caller(), signer.caller()
    key = await store.create(alice, "work")

    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("UPDATE keys SET user_id = %s, tenant_id = %s", (bob.user_id, bob.tenant_id))

    with pytest.raises(KeyUnreadable):
        await store.reveal(bob, key.id)


async def test_a_query_without_its_where_returns_nothing_of_others(
    store: Store, signer: Signer
) -> None:
    alice, bob = signer.caller(), signer.caller()
    await store.create(alice, "Alice's")
    await store.create(bob, "Bob's")

    async with store.app.transaction(alice) as connection:
        assert (await connection.scalars(text("SELECT name FROM keys"))).all() == ["Alice's"]
    async with store.app.transaction() as connection:
        assert (await connection.scalars(text("SELECT name FROM keys"))).all() == []


async def test_headers_do_not_open_as_the_key_nor_the_key_as_headers(
    store: Store, signer: Signer, database: DatabaseUrls
) -> None:
    alice = signer.caller()
    key = await store.create(alice, "work")
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute(
            """UPDATE keys SET ciphertext = headers_ciphertext, wrapped_key = headers_wrapped_key,
                   headers_ciphertext = ciphertext, headers_wrapped_key = wrapped_key"""
        )

    with pytest.raises(KeyUnreadable):
        await store.reveal(alice, key.id)


async def test_a_change_without_its_where_changes_nothing_of_others(
    store: Store, signer: Signer, database: DatabaseUrls
) -> None:
    alice, bob = signer.caller(), signer.caller()
    await store.create(alice, "Alice's")
    await store.create(bob, "Bob's")

    async with store.app.transaction(alice) as connection:
        await connection.execute(text("UPDATE keys SET model = 'changed'"))
        await connection.execute(
            text(
                "INSERT INTO default_keys (user_id, tenant_id, key_id)"
                f" VALUES ('{alice.user_id}', '{alice.tenant_id}', '{alice.user_id}')"
            )
        )
    async with store.app.transaction(bob) as connection:
        await connection.execute(text("DELETE FROM default_keys"))
        await connection.execute(text("DELETE FROM keys"))
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT name, model FROM keys").fetchall() == [("Alice's", "changed")]
        assert worker.execute("SELECT user_id FROM default_keys").fetchall() == [(alice.user_id,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM outbox",
        "UPDATE owners SET erased_at = NULL",
        "UPDATE keys SET user_id = gen_random_uuid()",
        "UPDATE keys SET tenant_id = gen_random_uuid()",
        "UPDATE keys SET last_used_at = now()",
        "UPDATE default_keys SET user_id = gen_random_uuid()",
        "SELECT key_id FROM operator_keys",
    ],
)
async def test_the_app_role_may_not(store: Store, signer: Signer, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with store.app.transaction(signer.caller()) as connection:
            await connection.execute(text(statement))
