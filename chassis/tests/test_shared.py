"""Tests that share a service find it as good as new, and the one that would spoil it for others fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from chassis.db.engine import Database
from chassis.testing import DatabaseUrls, eventually, shared
from chassis.testing.databases import DatabaseFactory
from chassis.testing.shared import LONGEST_STANDSTILL, SharedService

MIGRATION = '''
"""Things."""
from alembic import op

revision = "0001"
down_revision = None

def upgrade():
    op.execute("CREATE TABLE things (number int GENERATED ALWAYS AS IDENTITY, name text)")
    op.execute("GRANT SELECT, INSERT ON things TO parley_things_app")
'''


@dataclass(frozen=True)
class Running:
    """A database with a pool on it, and what goes on in the background."""

    number: int
    database: DatabaseUrls
    pool: Database
    background: asyncio.Task[bool] = field(hash=False)

    #: What the service does behind its answers.
    behind: list[Callable[[], Awaitable[None]]] = field(default_factory=list, hash=False)

    async def settle(self) -> None:
        while self.behind:
            await self.behind[0]()
            del self.behind[0]

    def run(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database.admin, autocommit=True) as admin:
            cursor = admin.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def migrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    versions = tmp_path_factory.mktemp("migrations") / "versions"
    versions.mkdir()
    (versions / "0001_things.py").write_text(MIGRATION)
    return versions.parent


@pytest.fixture
def run(
    database_factory: DatabaseFactory, migrations: Path
) -> Callable[[], AbstractAsyncContextManager[Running]]:
    numbers = count()

    @asynccontextmanager
    async def run() -> AsyncIterator[Running]:
        with database_factory.session() as make:
            database = make("things", migrations)
            pool = Database(database.app, application_name="test")
            await pool.ping()
            background = asyncio.create_task(asyncio.Event().wait())
            yield Running(next(numbers), database, pool, background)
            background.cancel()
            await pool.stop()

    return run


@pytest.fixture
async def service(
    database_factory: DatabaseFactory, run: Callable[[], AbstractAsyncContextManager[Running]]
) -> AsyncIterator[SharedService[Running]]:
    one = SharedService(database_factory, run)
    yield one
    await one.stop()


@pytest.fixture
async def impatient(
    database_factory: DatabaseFactory, run: Callable[[], AbstractAsyncContextManager[Running]]
) -> AsyncIterator[SharedService[Running]]:
    one = SharedService(database_factory, run, patience=0.01)
    yield one
    await one.stop()


async def test_it_goes_on_without_the_rows_and_connections_of_a_test(
    service: SharedService[Running],
) -> None:
    async with service.lent() as first:
        first.run("INSERT INTO things (name) VALUES ('mine')")
        left = psycopg.connect(first.database.app)
        begun = asyncio.create_task(asyncio.sleep(0.01))
    assert begun.done()
    with left, pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")

    async with service.lent() as second:
        assert second is first
        assert not second.background.done()
        await second.pool.ping()
        assert second.run("SELECT * FROM things") == []
        # Whoever has read up to a number finds what is new behind it.
        assert second.run("INSERT INTO things (name) VALUES ('x') RETURNING number") == [(2,)]


async def test_what_it_does_behind_its_answers_is_put_back_as_well(
    service: SharedService[Running],
) -> None:
    writing = AsyncExitStack()
    committing: list[asyncio.Task[None]] = []

    async def write() -> None:
        connection = await writing.enter_async_context(first.pool.transaction())
        await connection.execute(text("INSERT INTO things (name) VALUES ('late')"))

    async def commit_once_it_is_waited_for() -> None:
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'things'::regclass"
        await eventually(lambda: asyncio.to_thread(first.run, waits))
        await writing.aclose()

    async def go_on() -> None:
        committing.append(asyncio.create_task(commit_once_it_is_waited_for()))

    async with service.lent() as first:
        first.behind.extend([write, go_on])
    await committing[0]
    async with service.lent() as second:
        assert second is first
        assert second.run("SELECT * FROM things") == []


async def test_there_is_another_one_once_it_cannot_be_used_again(
    impatient: SharedService[Running],
) -> None:
    async with impatient.lent() as running:
        running.run("ALTER TABLE things ADD COLUMN other text")
    async with impatient.lent() as running:
        assert running.number == 1
        running.behind.append(asyncio.Event().wait)  # type: ignore[arg-type]  # it returns nothing, ever
    async with impatient.lent() as running:
        assert running.number == 2


async def test_what_a_test_leaves_going_on_is_its_failure_and_not_the_next_ones(
    impatient: SharedService[Running],
) -> None:
    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="wait_for_ever"):
        async with impatient.lent() as first:
            begun = asyncio.create_task(wait_for_ever())
    await asyncio.wait([begun])
    assert begun.cancelled()
    assert first.background.cancelled()
    async with impatient.lent() as second:
        assert second.number == 1


def test_what_stands_is_stopped_between_tests_on_its_loop(
    database_factory: DatabaseFactory, migrations: Path
) -> None:
    stopped = list[asyncio.AbstractEventLoop]()

    @asynccontextmanager
    async def run() -> AsyncIterator[Running]:
        with database_factory.session() as make:
            database = make("things", migrations)
            pool = Database(database.app, application_name="test")
            background = asyncio.create_task(asyncio.Event().wait())
            yield Running(0, database, pool, background)
            background.cancel()
            await pool.stop()
            stopped.append(asyncio.get_running_loop())

    service = SharedService(database_factory, run)

    async def lend() -> None:
        async with service.lent():
            pass

    loop = asyncio.new_event_loop()
    loop.run_until_complete(lend())
    assert stopped == []
    shared.stop_what_is_kept()
    assert stopped == [loop]
    # There is another one for the next stay, which ends with it.
    loop.run_until_complete(lend())
    shared.stop_what_is_kept()
    shared.stop_what_is_kept()
    assert stopped == [loop, loop]
    loop.close()


@dataclass
class Item:
    """What the root conftest.py looks at of a test."""

    nodeid: str
    loop_scope: str
    session: SimpleNamespace

    def get_closest_marker(self, name: str) -> pytest.Mark:
        assert name == "asyncio"
        return pytest.Mark(name, (), {"loop_scope": self.loop_scope}, _ispytest=True)


def test_what_is_shared_ends_with_each_stay_in_a_room_and_when_its_loop_stood_still(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = request.config.pluginmanager
    root: Any = plugins.get_plugin(str(request.config.rootpath / "conftest.py"))
    session, now, stopped = SimpleNamespace(stash=pytest.Stash()), 0.0, 0

    def stop() -> None:
        nonlocal stopped
        stopped += 1

    monkeypatch.setattr(root, "stop_what_is_kept", stop)
    monkeypatch.setattr(root, "time", SimpleNamespace(monotonic=lambda: now))
    first = Item("gateway/tests/test_a.py::test_one", "session", session)
    again = Item("gateway/tests/test_b.py::test_two", "session", session)
    aside = Item("chassis/tests/test_c.py::test_three", "function", session)
    other = Item("notes-service/tests/test_a.py::test_one", "session", session)
    for item, nextitem in [(aside, first), (first, again), (again, aside), (aside, first)]:
        root._leave_room(item, nextitem)
    assert stopped == 0
    # It is the last test on that loop that counts, whatever came between.
    root._leave_room(first, aside)
    root._leave_room(aside, other)
    assert stopped == 1
    root._leave_room(other, aside)
    now += LONGEST_STANDSTILL
    root._leave_room(aside, other)
    assert stopped == 1
    now += 0.1
    root._leave_room(aside, other)
    assert stopped == 2
