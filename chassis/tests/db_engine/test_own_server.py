"""What needs a server of its own: it is away, dies or is started again, a connection or a commit fails."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from chassis.db.engine import Database
from chassis.db.errors import DatabaseUnavailable
from chassis.db.statement import Statement
from chassis.embedded import EmbeddedPostgres, free_port
from chassis.testing import eventually


@pytest.fixture(scope="module")
def mortal_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server that tests may kill."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("mortal"), fast=True)
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def mortal_database(mortal_postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    if not mortal_postgres.running:
        mortal_postgres.start()
    database = Database(mortal_postgres.admin_url, pool_size=3, application_name="test-mortal")
    yield database
    await database.stop()


async def test_a_connection_cancelled_while_it_is_made_does_not_stay(
    mortal_postgres: EmbeddedPostgres,
) -> None:
    # Closed, that is, and not only as soon as the garbage collector comes by.
    gc.disable()
    try:
        for milliseconds in range(30):
            database = Database(mortal_postgres.admin_url, application_name="test-half")
            task = asyncio.create_task(database.ping())
            await asyncio.sleep(milliseconds / 1000)
            task.cancel()
            await asyncio.wait([task])
            await database.stop()
        with psycopg.connect(mortal_postgres.admin_url, autocommit=True) as admin:

            def strangers() -> int:
                row = admin.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchone()
                assert row is not None
                return int(row[0])

            await eventually(lambda: strangers() == 0)
    finally:
        gc.enable()


async def test_nobody_listening_is_unavailable_at_once() -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/nothing"
    database = Database(url, application_name="test-app")
    await database.start()
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.ping()
    # Nobody waits for an address that refuses: one that is silent is given up behind 3 s.
    assert "refused" in str(caught.value.__cause__)
    assert caught.value.reason == "DATABASE_UNAVAILABLE"
    await database.stop()


async def test_a_server_that_dies_in_mid_statement_is_unavailable_and_heals(
    mortal_postgres: EmbeddedPostgres, mortal_database: Database
) -> None:
    entered = asyncio.Event()

    async def dawdle() -> None:
        async with mortal_database.transaction() as connection:
            entered.set()
            await connection.execute(text("SELECT pg_sleep(30)"))

    # The others are idle in the pool when it happens.
    await asyncio.gather(*(mortal_database.ping() for _ in range(3)))
    task = asyncio.create_task(dawdle())
    await entered.wait()
    await asyncio.sleep(0.1)  # for the statement to be on its way
    await asyncio.to_thread(mortal_postgres.kill)
    with pytest.raises(DatabaseUnavailable):
        await task
    with pytest.raises(DatabaseUnavailable):
        await mortal_database.ping()
    await asyncio.to_thread(mortal_postgres.start)
    await asyncio.gather(*(mortal_database.ping() for _ in range(10)))


async def test_a_restart_between_two_transactions_is_not_noticed(
    mortal_postgres: EmbeddedPostgres, mortal_database: Database
) -> None:
    await asyncio.gather(*(mortal_database.ping() for _ in range(3)))
    await asyncio.to_thread(mortal_postgres.restart)
    await asyncio.gather(*(mortal_database.ping() for _ in range(10)))


async def test_a_commit_that_the_server_does_not_survive_is_unavailable(
    mortal_postgres: EmbeddedPostgres, mortal_database: Database
) -> None:

    async def commit_into_the_void() -> None:
        async with mortal_database.transaction() as connection:
            backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await asyncio.to_thread(mortal_postgres.kill)
            # It ends by itself when it notices, and commits until then.
            await eventually(lambda: not Path(f"/proc/{backend}").exists())

    with pytest.raises(DatabaseUnavailable):
        await commit_into_the_void()
    await asyncio.to_thread(mortal_postgres.start)
    await mortal_database.ping()


async def test_what_fails_only_when_it_is_committed_fails_a_statement_by_itself(
    mortal_database: Database,
) -> None:
    async with mortal_database.transaction() as connection:
        await connection.execute(text("CREATE TABLE tops (id int PRIMARY KEY)"))
        await connection.execute(
            text(
                "CREATE TABLE leaves (top int REFERENCES tops DEFERRABLE INITIALLY DEFERRED)",
            )
        )
    orphan = Statement(text("INSERT INTO leaves VALUES (1)"))
    with pytest.raises(IntegrityError):
        await mortal_database.run(None, orphan)
    # The connection is as good as before.
    count = Statement(text("SELECT count(*) AS n FROM leaves"))
    assert [row.n for row in await mortal_database.all(None, count)] == [0]
    async with mortal_database.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM leaves")) == 0
