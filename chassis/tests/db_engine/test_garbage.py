"""What an error holds is gone with the error: callers' frames, and so whatever they were about."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from chassis.db.engine import Database
from chassis.db.errors import DatabaseBusy, DatabaseUnavailable
from chassis.db.statement import Statement
from chassis.embedded import free_port
from chassis.testing import DatabaseUrls, collector_at_rest

_REFUSED = Statement(text("SELECT 1 / 0"))


class _Matter:
    """Something large that a caller is about."""


async def _ping(database: Database) -> None:
    await database.ping()


async def _transact(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1"))


async def _fail(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1 / 0"))


async def _fail_at_once(database: Database) -> None:
    await database.run(None, _REFUSED)


async def _wait_in_vain(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("SELECT pg_sleep(60)"))


async def _wait_for_its_turn(database: Database) -> None:
    async with database.transaction(), database.transaction():
        pass


def _away(urls: DatabaseUrls) -> Database:
    return Database(
        f"postgresql://role:word@127.0.0.1:{free_port()}/name", application_name="test-app"
    )


def _there(urls: DatabaseUrls) -> Database:
    return Database(
        urls.app, pool_size=1, application_name="test-app", wait_seconds=0.1, statement_seconds=0.1
    )


def _patient(urls: DatabaseUrls) -> Database:
    return Database(urls.app, pool_size=1, application_name="test-app")


@pytest.mark.parametrize(
    ("of", "does", "seconds", "is_told"),
    [
        pytest.param(_away, _ping, None, DatabaseUnavailable, id="it is away"),
        pytest.param(_away, _transact, None, DatabaseUnavailable, id="a transaction on none"),
        pytest.param(_there, _wait_for_its_turn, None, DatabaseBusy, id="too many at once"),
        pytest.param(_there, _wait_in_vain, None, DatabaseBusy, id="the server gives it up"),
        pytest.param(_there, _fail, None, Exception, id="a statement fails"),
        pytest.param(_there, _fail_at_once, None, Exception, id="a lone statement fails"),
        # Nobody is connected yet, so that this is where it waits.
        pytest.param(_patient, _ping, 0.0, TimeoutError, id="cancelled as it connects"),
        pytest.param(_patient, _wait_in_vain, 0.2, TimeoutError, id="cancelled as it waits"),
        pytest.param(_patient, _wait_for_its_turn, 0.2, TimeoutError, id="cancelled in the queue"),
    ],
)
async def test_an_error_leaves_nothing_to_the_garbage_collector(
    urls: DatabaseUrls,
    of: Callable[[DatabaseUrls], Database],
    does: Callable[[Database], Awaitable[None]],
    seconds: float | None,
    is_told: type[Exception],
) -> None:
    database = of(urls)

    async def caller() -> weakref.ref[_Matter]:
        matter = _Matter()
        try:
            async with asyncio.timeout(seconds):
                await does(database)
        except is_told:
            return weakref.ref(matter)
        raise AssertionError("nothing failed")

    with collector_at_rest():
        assert (await caller())() is None
    await database.stop()
