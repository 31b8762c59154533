"""Whose rows a transaction sees and writes."""

import pytest
from sqlalchemy.exc import ProgrammingError

from chassis.db.engine import Database, RowOwner
from chassis.ids import new_id
from chassis.testing import DatabaseUrls

from .entries import INSERT, add_entry, count_entries, somebody


async def test_a_query_without_where_shows_the_scopes_rows_alone(database: Database) -> None:
    ann, bob = somebody(), somebody()
    await add_entry(database, ann)
    await add_entry(database, bob)
    assert await count_entries(database, ann) == 1
    assert (
        await count_entries(database, RowOwner(tenant_id=ann.tenant_id, user_id=bob.user_id)) == 0
    )


async def test_a_transaction_without_a_scope_sees_nothing_of_the_one_before(
    urls: DatabaseUrls,
) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    await add_entry(database, somebody())
    assert await count_entries(database, None) == 0
    await database.stop()


async def test_nobody_writes_a_row_of_another(database: Database) -> None:
    ann, bob = somebody(), somebody()
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.transaction(ann) as connection:
            await connection.execute(
                INSERT,
                {"id": new_id(), "tenant_id": bob.tenant_id, "user_id": bob.user_id, "text": "x"},
            )


async def test_a_scope_of_something_else_than_uuids_is_refused(database: Database) -> None:
    owner = RowOwner(tenant_id="', true); DROP TABLE entries; --", user_id=new_id())  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        async with database.transaction(owner):
            pass
