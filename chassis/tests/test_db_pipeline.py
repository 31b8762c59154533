import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from chassis.db.engine import Database, RowOwner
from chassis.db.pipeline import driver_of
from chassis.db.statement import Statement, pooled_of
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, ServiceDatabase, eventually

LEDGER = Path(__file__).parent / "ledger"

ADD = Statement(text("INSERT INTO entries VALUES (:id, :tenant_id, :user_id, :words)"))
TEXTS = Statement(text("SELECT text FROM entries ORDER BY text"))
DIVIDE = Statement(text("SELECT 1 / CAST(:by AS integer) AS quotient"))
ABSENT = Statement(text("SELECT id FROM absent"))


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("ledger", LEDGER)


@pytest_asyncio.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    yield database
    await database.stop()


def somebody() -> RowOwner:
    return RowOwner(tenant_id=new_id(), user_id=new_id())


def entry(whose: RowOwner, words: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant_id": whose.tenant_id,
        "user_id": whose.user_id,
        "words": words,
    }


async def texts(database: Database, whose: RowOwner) -> list[str]:
    async with database.transaction(whose) as connection:
        return [row.text for row in await TEXTS.all(connection)]


async def test_a_transaction_that_asks_nothing_asks_the_server_nothing(database: Database) -> None:
    async with database.transaction(somebody()) as connection:
        driver = driver_of(pooled_of(connection))
        assert driver.pgconn.transaction_status == TransactionStatus.IDLE
    assert driver.pgconn.transaction_status == TransactionStatus.IDLE
    assert await database.first(None, TEXTS) is None


async def test_statements_and_sqlalchemy_share_a_transaction_in_the_order_they_stand_in(
    database: Database,
) -> None:
    ann = somebody()
    async with database.transaction(ann) as connection:
        await ADD.run(connection, **entry(ann, "first"))
        assert [row.text for row in await TEXTS.all(connection)] == ["first"]
        await ADD.run(connection, **entry(ann, "second"))
        count = await connection.scalar(text("SELECT count(*) FROM entries"))
        assert count == 2
    assert await texts(database, ann) == ["first", "second"]


async def test_what_was_written_by_a_transaction_that_failed_is_never_seen(
    database: Database,
) -> None:
    ann = somebody()

    async def add_and_fail() -> None:
        async with database.transaction(ann) as connection:
            await ADD.run(connection, **entry(ann, "never"))
            raise KeyError

    with pytest.raises(KeyError):
        await add_and_fail()
    assert await texts(database, ann) == []


async def test_nothing_is_written_behind_a_statement_that_failed(database: Database) -> None:
    ann = somebody()

    async def add_behind_an_error() -> None:
        async with database.transaction(ann) as connection:
            await ADD.run(connection, **entry(ann, "before it"))
            await DIVIDE.first(connection, by=0)
            await ADD.run(connection, **entry(ann, "unwritten"))

    for _ in range(3):
        with pytest.raises(DBAPIError, match="division by zero"):
            await add_behind_an_error()
    assert await texts(database, ann) == []


async def test_a_statement_that_could_not_be_prepared_leaves_the_connection_usable(
    database: Database,
) -> None:
    ann = somebody()

    async def add_and_fail() -> None:
        async with database.transaction(ann) as connection:
            await ADD.run(connection, **entry(ann, "unwritten"))
            await ABSENT.all(connection)

    for _ in range(3):
        with pytest.raises(ProgrammingError, match="absent"):
            await database.first(ann, ABSENT)
        with pytest.raises(ProgrammingError, match="absent"):
            await add_and_fail()
    row = await database.first(ann, DIVIDE, by=1)
    assert row is not None
    assert row.quotient == 1
    assert await texts(database, ann) == []


async def test_prepared_statements_outlive_rollbacks_of_any_kind(database: Database) -> None:
    ann = somebody()
    for number in range(8):
        async with database.transaction(ann) as connection:
            with pytest.raises(DBAPIError):
                async with connection.begin_nested():
                    await DIVIDE.first(connection, by=0)
            await ADD.run(connection, **entry(ann, f"{number}"))
            for _ in range(8):  # so often that psycopg would prepare it by itself
                await connection.execute(text("SELECT count(*) FROM entries"))
    assert await texts(database, ann) == [f"{number}" for number in range(8)]


async def test_a_single_read_has_its_scope_and_leaves_none_behind(database: Database) -> None:
    ann, bob = somebody(), somebody()
    for whose in (ann, bob):
        async with database.transaction(whose) as connection:
            await ADD.run(connection, **entry(whose, f"of {whose.user_id}"))
    one = await database.first(bob, TEXTS)
    assert one is not None
    assert one.text == f"of {bob.user_id}"
    assert await database.first(None, TEXTS) is None
    assert await database.first(somebody(), TEXTS) is None


async def test_values_larger_than_every_buffer_go_both_ways(database: Database) -> None:
    echo = Statement(text("SELECT CAST(:words AS text) AS words, CAST(:others AS text) AS others"))
    words, others = "x" * 8_000_000, "ü" * 4_000_000
    row = await database.first(None, echo, words=words, others=others)
    assert row is not None
    assert (row.words, row.others) == (words, others)


@pytest.mark.parametrize("value", ["a\0b", object()], ids=["NUL", "no type of PostgreSQL's"])
async def test_a_value_that_cannot_be_sent_harms_nobody(database: Database, value: object) -> None:
    ann = somebody()
    with pytest.raises(Exception, match=r"NUL|adapt"):
        async with database.transaction(ann) as connection:
            await ADD.run(connection, **{**entry(ann, ""), "words": value})
    async with database.transaction(ann) as connection:
        await ADD.run(connection, **entry(ann, "good"))
    assert await texts(database, ann) == ["good"]


@pytest.mark.parametrize("by_itself", [True, False])
async def test_a_cancelled_round_trip_is_stopped_and_its_connection_fit_for_use(
    database: Database, urls: DatabaseUrls, by_itself: bool
) -> None:
    sleep = Statement(text("SELECT pg_sleep(20)"))

    async def dawdle() -> None:
        if by_itself:
            await database.first(somebody(), sleep)
            return
        async with database.transaction(somebody()) as connection:
            await sleep.first(connection)

    task = asyncio.create_task(dawdle())
    await eventually(_sleeper_in(urls))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: not _sleeper_in(urls)())
    await database.ping()
    assert await database.first(None, TEXTS) is None


def _sleeper_in(urls: DatabaseUrls) -> Callable[[], bool]:
    def is_there() -> bool:
        with psycopg.connect(urls.admin, autocommit=True) as admin:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'"
                " AND state = 'active'"
            ).fetchone()
        assert row is not None
        return bool(row[0])

    return is_there
