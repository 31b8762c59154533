"""The pool: waiting for a connection, and what becomes of one that is given back, cancelled or dead."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.connect import connect_whole
from chassis.db.engine import Database
from chassis.db.errors import DatabaseBusy, DatabaseUnavailable
from chassis.db.pipeline import driver_of
from chassis.db.statement import Statement, pooled_of
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, eventually

from .entries import INSERT, add_entry, count_entries, somebody


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

    async def works() -> bool:
        await database.ping()
        return True

    # On a busy machine a ping takes its 0.2 s as well.
    await eventually(works, ignoring=(DatabaseBusy,))
    await database.stop()


def _sleepers(admin: psycopg.Connection) -> int:
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'"
    ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_cancelled_statement_is_stopped_in_the_server(urls: DatabaseUrls) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")

    async def dawdle() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT pg_sleep(8)"))

    task = asyncio.create_task(dawdle())
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        await eventually(lambda: _sleepers(admin) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: _sleepers(admin) == 0, 20)
    # And its place in the pool is free again.
    await database.ping()
    await database.stop()


async def test_a_connection_that_is_well_is_used_again_and_again(urls: DatabaseUrls) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    backends = set()
    for _ in range(5):
        async with database.transaction() as connection:
            backends.add(await connection.scalar(text("SELECT pg_backend_pid()")))
    await database.stop()
    assert len(backends) == 1


async def test_a_connection_to_a_server_that_writes_nothing_any_more_is_not_used_again(
    urls: DatabaseUrls,
) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    ann = somebody()
    async with database.transaction() as connection:
        # As to who connected to a standby.
        await connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
    with pytest.raises(DatabaseUnavailable):
        await add_entry(database, ann)
    await add_entry(database, ann)
    assert await count_entries(database, ann) == 1
    await database.stop()


async def test_a_connection_of_half_an_hour_is_made_anew(urls: DatabaseUrls) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    backends = []
    for minutes in (29, 2, 0):
        async with database.transaction() as connection:
            backends.append(await connection.scalar(text("SELECT pg_backend_pid()")))
            # The pool's own record of it, as it would be so much later.
            record = (await connection.get_raw_connection())._connection_record
            assert record is not None
            record.starttime -= minutes * 60
    await database.stop()
    assert backends[0] == backends[1] != backends[2]


async def test_a_server_that_vanishes_is_given_up_within_seconds(urls: DatabaseUrls) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    async with database.transaction() as connection:
        given = driver_of(pooled_of(connection)).info.get_parameters()
    await database.stop()
    # What libpq does by them would take a network that drops packets, and these seconds.
    assert given["connect_timeout"] == "3"
    assert given["tcp_user_timeout"] == "10000"
    idle, pause, times = (int(given[f"keepalives_{n}"]) for n in ("idle", "interval", "count"))
    assert idle + pause * times <= 11


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


async def test_where_an_idle_connection_and_the_one_in_its_place_are_ended_it_is_an_outage(
    urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error of ours, and no place in the pool is lost by it."""
    made: list[int] = []

    def end_the_newest() -> None:
        with psycopg.connect(urls.admin, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", made[-1:])

    async def connect_and_be_ended(*told: Any, **options: Any) -> psycopg.AsyncConnection[Any]:
        connection = await connect_whole(*told, **options)
        made.append(connection.info.backend_pid)
        if len(made) == 2:
            end_the_newest()
        return connection

    monkeypatch.setattr("chassis.db.engine.connect_whole", connect_and_be_ended)
    database = Database(urls.app, pool_size=1, application_name="test-app")
    await database.ping()
    end_the_newest()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    assert len(made) == 2
    await database.ping()
    await database.stop()


_ASK = Statement(text("SELECT 1 AS one"))


async def _ask(connection: AsyncConnection) -> None:
    await _ASK.first(connection)


async def _ask_as_sqlalchemy(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 2"))


async def _commit(_: AsyncConnection) -> None:
    """Nothing more: the commit is what meets it."""


@pytest.mark.parametrize("go_on", [_ask, _ask_as_sqlalchemy, _commit])
async def test_a_transaction_that_the_server_has_ended_meanwhile_is_an_outage_and_keeps_nothing(
    database: Database,
    urls: DatabaseUrls,
    go_on: Callable[[AsyncConnection], Awaitable[None]],
) -> None:
    """As it finds a process that was frozen in it for half a minute."""
    ann = somebody()

    with psycopg.connect(urls.admin, autocommit=True) as admin:

        def is_gone(backend: int) -> bool:
            found = admin.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [backend])
            return found.fetchone() is None

        async def be_frozen_in_it() -> None:
            async with database.transaction(ann) as connection:
                await connection.execute(
                    INSERT,
                    {
                        "id": new_id(),
                        "tenant_id": ann.tenant_id,
                        "user_id": ann.user_id,
                        "text": "",
                    },
                )
                backend = await connection.scalar(text("SELECT pg_backend_pid()"))
                await connection.execute(text("SET idle_in_transaction_session_timeout = 1"))
                await eventually(lambda: is_gone(backend))
                await go_on(connection)

        with pytest.raises(DatabaseUnavailable):
            await be_frozen_in_it()
    assert await count_entries(database, ann) == 0


async def test_a_connection_given_back_in_a_transaction_is_not_used_again(
    urls: DatabaseUrls,
) -> None:
    database = Database(urls.app, pool_size=1, application_name="test-app")
    ann = somebody()
    await add_entry(database, ann)
    # It opens a transaction that nobody ends, in which the owner stays set.
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
            async with asyncio.timeout(30):
                await asyncio.gather(*(database.ping() for _ in range(20)))

        async def dawdle() -> None:
            async with database.transaction() as connection:
                await connection.execute(text("SELECT pg_sleep(600)"))

        task = asyncio.create_task(dawdle())
        with psycopg.connect(urls.admin, autocommit=True) as admin:
            await eventually(lambda: _sleepers(admin) == 1)
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'test-app'"
            )
        with pytest.raises(DatabaseUnavailable):
            async with asyncio.timeout(60):
                await task
        await database.stop()

    uvloop.run(lose_connections())
