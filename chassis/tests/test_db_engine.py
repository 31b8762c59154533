import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
import uvloop
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from chassis.db.connect import connect_whole
from chassis.db.engine import Database, Scope
from chassis.db.errors import DatabaseBusy, DatabaseUnavailable
from chassis.db.pipeline import driver_of
from chassis.db.statement import Asked, Statement, pooled_of
from chassis.embedded import EmbeddedPostgres, free_port
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, ServiceDatabase, eventually

LEDGER = Path(__file__).parent / "ledger"

INSERT = text("INSERT INTO entries VALUES (:id, :tenant_id, :user_id, :text)")


@pytest.fixture(autouse=True)
def _new_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here is also how they are made, and that they end."""
    monkeypatch.setattr("chassis.db.engine.connect_whole", connect_whole)


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("ledger", LEDGER)


@pytest_asyncio.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(urls.app, pool_size=4, application_name="test-app")
    yield database
    await database.stop()


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


def somebody() -> Scope:
    return Scope(tenant_id=new_id(), user_id=new_id())


async def add_entry(database: Database, scope: Scope, words: str = "mine") -> UUID:
    entry_id = new_id()
    async with database.transaction(scope) as connection:
        await connection.execute(
            INSERT,
            {
                "id": entry_id,
                "tenant_id": scope.tenant_id,
                "user_id": scope.user_id,
                "text": words,
            },
        )
    return entry_id


async def count_entries(database: Database, scope: Scope | None) -> int:
    async with database.transaction(scope) as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM entries")) or 0)


async def test_a_query_without_where_shows_the_scopes_rows_alone(database: Database) -> None:
    ann, bob = somebody(), somebody()
    await add_entry(database, ann)
    await add_entry(database, bob)
    assert await count_entries(database, ann) == 1
    assert await count_entries(database, Scope(tenant_id=ann.tenant_id, user_id=bob.user_id)) == 0


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
    scope = Scope(tenant_id="', true); DROP TABLE entries; --", user_id=new_id())  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        async with database.transaction(scope):
            pass


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


async def test_more_work_than_connections_waits_its_turn(database: Database) -> None:
    ann = somebody()
    await asyncio.gather(*(add_entry(database, ann) for _ in range(60)))
    assert await count_entries(database, ann) == 60
    async with database.transaction() as connection:
        open_now = await connection.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test-app'")
        )
    assert open_now <= 4


async def test_who_waits_longer_than_three_seconds_is_told_that_it_is_busy(
    urls: DatabaseUrls,
) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    async with database.transaction():
        began = time.monotonic()
        with pytest.raises(DatabaseBusy) as caught:
            await database.ping()
        assert 2.5 < time.monotonic() - began < 12
    assert caught.value.reason == "DATABASE_BUSY"
    await database.ping()
    await database.stop()


async def test_a_statement_that_takes_too_long_is_ended(urls: DatabaseUrls) -> None:
    database = Database(urls.app, application_name="test-app", statement_seconds=0.2)
    with pytest.raises(DatabaseBusy):
        async with database.transaction() as connection:
            await connection.execute(text("SELECT pg_sleep(10)"))
    await database.ping()
    await database.stop()


async def test_a_cancelled_statement_is_stopped_in_the_server(urls: DatabaseUrls) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")

    async def dawdle() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT pg_sleep(8)"))

    task = asyncio.create_task(dawdle())
    with psycopg.connect(urls.admin, autocommit=True) as admin:

        def sleepers() -> int:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'"
            ).fetchone()
            assert row is not None
            return int(row[0])

        await eventually(lambda: sleepers() == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: sleepers() == 0, 20)
    # And its place in the pool is free again.
    await database.ping()
    await database.stop()


async def test_nobody_listening_is_unavailable_at_once() -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/nothing"
    database = Database(url, application_name="test-app")
    await database.start()
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.ping()
    # Nobody waits for an address that refuses: for one that is silent, 3 s.
    assert time.monotonic() - began < 2.5
    assert caught.value.reason == "DATABASE_UNAVAILABLE"
    await database.stop()


async def test_a_connection_that_is_well_is_used_again_and_again(urls: DatabaseUrls) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    backends = set()
    for _ in range(5):
        async with database.transaction() as connection:
            backends.add(await connection.scalar(text("SELECT pg_backend_pid()")))
    await database.stop()
    assert len(backends) == 1


async def test_connections_that_died_while_idle_are_replaced_unnoticed(
    database: Database, urls: DatabaseUrls
) -> None:
    ann = somebody()
    await asyncio.gather(*(add_entry(database, ann) for _ in range(20)))
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'test-app'"
        )
    await asyncio.gather(*(add_entry(database, ann) for _ in range(20)))
    assert await count_entries(database, ann) == 40


async def test_a_connection_given_back_in_a_transaction_is_not_used_again(
    urls: DatabaseUrls,
) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    ann = somebody()
    await add_entry(database, ann)
    # It opens a transaction that nobody ends, in which the scope stays set.
    await database.run(ann, Statement(text("BEGIN")))
    every = Statement(text("SELECT text FROM entries"))
    assert await database.all(None, every) == []
    await database.run(ann, Statement(text("BEGIN")))
    assert await count_entries(database, None) == 0
    await database.stop()


async def test_a_connection_in_use_when_the_database_stops_is_closed_when_it_comes_back(
    urls: DatabaseUrls,
) -> None:
    database = Database(urls.app, pool_size=2, application_name="test-stop")
    await asyncio.gather(database.ping(), database.ping())
    with psycopg.connect(urls.admin, autocommit=True) as admin:

        def connections() -> int:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test-stop'"
            ).fetchone()
            assert row is not None
            return int(row[0])

        async with database.transaction() as connection:
            await database.stop()
            await eventually(lambda: connections() == 1)
            assert await connection.scalar(text("SELECT 1")) == 1
        await eventually(lambda: connections() == 0)


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


async def test_a_dead_idle_connection_does_not_spin_the_event_loop(
    urls: DatabaseUrls,
) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    await database.ping()
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'test-app'"
        )
    before = time.thread_time()
    await asyncio.sleep(0.5)
    # A loop that spins takes all the CPU there is; one that sleeps a millisecond or so.
    assert time.thread_time() - before < 0.1
    await database.ping()
    await database.stop()


def test_dead_connections_are_noticed_on_uvloop_as_well(urls: DatabaseUrls) -> None:
    # It drops a descriptor whose socket has an error, and says so to nobody.
    async def lose_connections() -> None:
        database = Database(urls.app, pool_size=4, application_name="test-app")
        for _ in range(5):
            await asyncio.gather(*(database.ping() for _ in range(20)))
            # Without giving the event loop a chance to see it.
            with psycopg.connect(urls.admin, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE application_name = 'test-app'"
                )
            async with asyncio.timeout(5):
                await asyncio.gather(*(database.ping() for _ in range(20)))

        async def dawdle() -> None:
            async with database.transaction() as connection:
                await connection.execute(text("SELECT pg_sleep(8)"))

        task = asyncio.create_task(dawdle())
        await asyncio.sleep(0.3)  # for the statement to be on its way
        with psycopg.connect(urls.admin, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'test-app'"
            )
        with pytest.raises(DatabaseUnavailable):
            async with asyncio.timeout(5):
                await task
        await database.stop()

    uvloop.run(lose_connections())


async def test_large_values_go_through(database: Database) -> None:
    ann = somebody()
    words = "x" * 20_000_000
    entry_id = await add_entry(database, ann, words)
    async with database.transaction(ann) as connection:
        stored = await connection.scalar(
            text("SELECT text FROM entries WHERE id = :id"), {"id": entry_id}
        )
    assert stored == words


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

    def entry(whose: Scope, said: str) -> Asked:
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
