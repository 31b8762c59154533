"""What is kept of a transaction or of a statement by itself, and what is not."""

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from chassis.db.engine import Database, RowOwner
from chassis.db.pipeline import driver_of
from chassis.db.statement import Asked, Statement, pooled_of
from chassis.ids import new_id

from .entries import INSERT, add_entry, count_entries, somebody


async def test_an_exception_rolls_back(database: Database) -> None:
    ann = somebody()

    async def add_and_fail() -> None:
        async with database.transaction(ann) as connection:
            await connection.execute(
                INSERT,
                {"id": new_id(), "tenant_id": ann.tenant_id, "user_id": ann.user_id, "text": "x"},
            )
            raise KeyError

    with pytest.raises(KeyError):
        await add_and_fail()
    assert await count_entries(database, ann) == 0


async def test_errors_of_statements_pass_and_leave_the_connection_usable(
    database: Database,
) -> None:
    ann = somebody()
    entry_id = await add_entry(database, ann)
    for _ in range(10):
        with pytest.raises(IntegrityError):
            async with database.transaction(ann) as connection:
                await connection.execute(
                    INSERT,
                    {
                        "id": entry_id,
                        "tenant_id": ann.tenant_id,
                        "user_id": ann.user_id,
                        "text": "a secret thought",
                    },
                )
    assert await count_entries(database, ann) == 1


async def test_no_error_text_holds_the_parameters(database: Database) -> None:
    with pytest.raises(ProgrammingError) as caught:
        async with database.transaction(somebody()) as connection:
            await connection.execute(text("SELECT * FROM absent WHERE a = :a"), {"a": "a thought"})
    assert "a thought" not in str(caught.value)


async def test_a_swallowed_error_does_not_pass_for_a_commit(database: Database) -> None:
    ann = somebody()
    entry_id = await add_entry(database, ann)
    duplicate = {
        "id": entry_id,
        "tenant_id": ann.tenant_id,
        "user_id": ann.user_id,
        "text": "again",
    }

    async def swallow() -> None:
        async with database.transaction(ann) as connection:
            with pytest.raises(IntegrityError):
                await connection.execute(INSERT, duplicate)

    with pytest.raises(RuntimeError, match="swallowed"):
        await swallow()
    # A savepoint is the way to survive one.
    async with database.transaction(ann) as connection:
        with pytest.raises(IntegrityError):
            async with connection.begin_nested():
                await connection.execute(INSERT, duplicate)
        await connection.execute(INSERT, duplicate | {"id": new_id()})
    assert await count_entries(database, ann) == 2


async def test_large_values_go_through(database: Database) -> None:
    ann = somebody()
    words = "x" * 20_000_000
    entry_id = await add_entry(database, ann, words)
    async with database.transaction(ann) as connection:
        stored = await connection.scalar(
            text("SELECT text FROM entries WHERE id = :id"), {"id": entry_id}
        )
    assert stored == words


async def test_a_transaction_begins_in_the_round_trip_of_its_first_statement(
    database: Database,
) -> None:
    began = Statement(
        text("SELECT current_setting('parley.user_id', true) AS user_id, now() AS at")
    )
    ann, bob = somebody(), somebody()
    async with database.transaction(ann) as connection:
        driver = driver_of(pooled_of(connection))
        states = [driver.info.transaction_status]
        first = await began.first(connection)
        states.append(driver.info.transaction_status)
        second = await began.first(connection)
    assert first is not None
    assert states == [TransactionStatus.IDLE, TransactionStatus.INTRANS]
    assert (first.user_id, first) == (str(ann.user_id), second)
    # What SQLAlchemy executes begins it as well, a savepoint included, and nothing begins it twice.
    async with database.transaction(bob) as connection:
        async with connection.begin_nested():
            at = await connection.scalar(text("SELECT now()"))
        row = await began.first(connection)
    assert row is not None
    assert (row.user_id, row.at) == (str(bob.user_id), at)


async def test_a_transaction_whose_first_statement_fails_keeps_nothing(database: Database) -> None:
    ann = somebody()
    insert = Statement(INSERT)
    entry_id = await add_entry(database, ann)
    mine = {"tenant_id": ann.tenant_id, "user_id": ann.user_id, "text": "mine"}

    async def go_on_behind_an_error() -> None:
        async with database.transaction(ann) as connection:
            with pytest.raises(IntegrityError):
                await insert.run(connection, id=entry_id, **mine)
            await insert.run(connection, id=new_id(), **mine)

    with pytest.raises(DBAPIError, match="aborted"):
        await go_on_behind_an_error()
    assert await count_entries(database, ann) == 1
    # A value that cannot be sent begins nothing; the next statement does.
    async with database.transaction(ann) as connection:
        with pytest.raises(KeyError):
            await insert.run(connection, id=new_id())
        await insert.run(connection, id=new_id(), **mine)
        await insert.run(connection, id=new_id(), **mine)
    assert await count_entries(database, ann) == 3


async def test_a_statement_by_itself_is_a_transaction_of_its_scope(database: Database) -> None:
    mine, theirs = somebody(), somebody()
    values = {"tenant_id": mine.tenant_id, "user_id": mine.user_id, "text": "by itself"}
    insert = Statement(INSERT)
    assert await database.run(mine, insert, id=new_id(), **values) == 1
    assert (await count_entries(database, mine), await count_entries(database, theirs)) == (1, 0)
    with pytest.raises(ProgrammingError, match="row-level security"):
        await database.run(theirs, insert, id=new_id(), **values)
    every = Statement(text("SELECT text FROM entries"))
    assert [row.text for row in await database.all(mine, every)] == ["by itself"]
    assert await database.all(theirs, every) == []


async def test_what_is_asked_together_is_one_transaction_of_its_scope(database: Database) -> None:
    mine, theirs = somebody(), somebody()
    insert, every = Statement(INSERT), Statement(text("SELECT text FROM entries ORDER BY text"))

    def entry(whose: RowOwner, said: str) -> Asked:
        names = {"tenant_id": whose.tenant_id, "user_id": whose.user_id}
        return insert, {**names, "id": new_id(), "text": said}

    asked = [(every, {}), entry(mine, "a"), (every, {}), entry(mine, "b"), (every, {})]
    none, _, one, _, two = await database.each(mine, *asked)
    assert [[row.text for row in rows] for rows in (none, one, two)] == [[], ["a"], ["a", "b"]]
    with pytest.raises(ProgrammingError, match="row-level security"):
        await database.each(mine, entry(mine, "c"), entry(theirs, "d"))
    assert [[row.text for row in rows] for rows in await database.each(mine, (every, {}))] == [
        ["a", "b"]
    ]
    assert await database.each(theirs, (every, {}), (every, {})) == [[], []]
