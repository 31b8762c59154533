"""What row-level security holds beneath the queries, asked with the service's own role."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.engine import Database, RowOwner
from chassis.db.transactions import Transaction, transactions
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, Signer
from notes_service.domain.note import Note
from notes_service.store.notes import Lexemes, Notes

NOTHING = Lexemes((), (), ())


@pytest_asyncio.fixture(loop_scope="session")
async def app(database: DatabaseUrls) -> AsyncIterator[Database]:
    connected = Database(database.app, application_name="test")
    yield connected
    await connected.stop()


async def _write(app: Database, caller: Caller, title: str) -> Note:
    now = utc_now()
    note = Note(new_id(), title, "", now, now)
    async with transactions(app)(caller) as transaction:
        await transaction.lock_owner()
        await Notes(transaction).insert(note, NOTHING)
    return note


async def test_a_query_without_its_where_returns_nothing_of_others(
    app: Database, signer: Signer
) -> None:
    alice, bob = signer.caller(), signer.caller()
    await _write(app, alice, "Alice's")
    await _write(app, bob, "Bob's")

    async with app.transaction(alice) as connection:
        titles = (await connection.scalars(text("SELECT title FROM notes"))).all()
        owners = (await connection.scalars(text("SELECT user_id FROM owners"))).all()
        deleted = (await connection.execute(text("DELETE FROM notes"))).rowcount

    assert titles == ["Alice's"]
    assert owners == [alice.user_id]
    assert deleted == 1
    async with app.transaction(bob) as connection:
        assert (await connection.scalars(text("SELECT title FROM notes"))).all() == ["Bob's"]


async def test_without_a_user_there_is_nothing_to_see_also_after_one_was_there(
    app: Database, signer: Signer
) -> None:
    await _write(app, signer.caller(), "somebody's")

    async with app.transaction() as connection:
        assert (await connection.scalars(text("SELECT id FROM notes"))).all() == []


async def test_a_row_cannot_be_written_in_another_users_name(app: Database, signer: Signer) -> None:
    alice, bob = signer.caller(), signer.caller()
    now = utc_now()
    as_bob = RowOwner(bob.tenant_id, bob.user_id)

    with pytest.raises(DBAPIError, match="row-level security"):
        async with app.transaction(alice) as connection:
            await Notes(Transaction(connection, as_bob)).insert(
                Note(new_id(), "x", "", now, now), NOTHING
            )


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM outbox", "UPDATE owners SET erased_at = NULL", "TRUNCATE notes"],
)
async def test_the_app_role_may_not(app: Database, signer: Signer, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with app.transaction(signer.caller()) as connection:
            await connection.execute(text(statement))
