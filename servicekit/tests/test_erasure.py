"""Erasure as a list of steps, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.engine import Database, RowOwner
from chassis.db.owners import OwnerErased, lock_owner
from chassis.ids import new_id
from chassis.jetstream import Unreadable
from chassis.testing import DatabaseUrls, ServiceDatabase
from parley.events.v1 import events_pb2
from servicekit.erasure import BATCH, Erasing, Step, UserDeletedHandler, in_batches

SHELF = Path(__file__).parent / "shelf"


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("shelf", SHELF)


@pytest_asyncio.fixture
async def worker(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(urls.worker, application_name="shelf worker")
    yield database
    await database.stop()


@pytest.fixture
def user() -> RowOwner:
    return RowOwner(tenant_id=new_id(), user_id=new_id())


def fill(urls: DatabaseUrls, user: RowOwner, books: int) -> None:
    with psycopg.connect(urls.admin) as admin:
        admin.execute(
            "INSERT INTO books SELECT gen_random_uuid(), %s, %s FROM generate_series(1, %s)",
            [user.tenant_id, user.user_id, books],
        )
        admin.execute(
            "INSERT INTO idempotency_keys (user_id, tenant_id, key, request_hash, answer)"
            " SELECT %s, %s, number, '', '' FROM generate_series(1, %s) AS number",
            [user.user_id, user.tenant_id, books],
        )


def count(urls: DatabaseUrls, table: str) -> int:
    with psycopg.connect(urls.admin) as admin:
        row = admin.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


class Books:
    """The step that deletes books, and how many at a time; it fails once when told to."""

    def __init__(self) -> None:
        self.deleted: list[int] = []
        self.fails_behind: int | None = None

    async def __call__(self, connection: AsyncConnection, user_id: UUID) -> int:
        if self.fails_behind == len(self.deleted):
            self.fails_behind = None
            raise ConnectionError("killed")
        done = await connection.execute(
            text(
                "DELETE FROM books WHERE id IN"
                " (SELECT id FROM books WHERE user_id = :user_id LIMIT :most)"
            ),
            {"user_id": user_id, "most": BATCH},
        )
        self.deleted.append(done.rowcount)
        return done.rowcount


def event(user: RowOwner, erasure_id: UUID) -> bytes:
    return events_pb2.UserDeleted(
        erasure_id=str(erasure_id), user_id=str(user.user_id), tenant_id=str(user.tenant_id)
    ).SerializeToString()


def handler(worker: Database, *steps: Step) -> tuple[UserDeletedHandler, list[None]]:
    announced: list[None] = []
    made = UserDeletedHandler(
        "notes-service",
        worker,
        steps,
        subject="test.{}".format,
        announce=lambda: announced.append(None),
    )
    return made, announced


def confirmations(urls: DatabaseUrls) -> list[tuple[str, events_pb2.UserErased]]:
    with psycopg.connect(urls.admin) as admin:
        rows = admin.execute("SELECT subject, payload FROM outbox ORDER BY id").fetchall()
    return [(subject, events_pb2.UserErased.FromString(payload)) for subject, payload in rows]


async def test_every_step_is_taken_to_its_end_and_then_that_is_confirmed_where_we_alone_can(
    urls: DatabaseUrls, worker: Database, user: RowOwner
) -> None:
    stranger = RowOwner(tenant_id=user.tenant_id, user_id=new_id())
    fill(urls, user, 2 * BATCH + 1)
    fill(urls, stranger, 1)
    books, erasure_id = Books(), new_id()
    handle, announced = handler(worker, in_batches(books))
    began = datetime.now(UTC)
    await handle(event(user, erasure_id))
    assert books.deleted == [BATCH, BATCH, 1, 0]
    assert (count(urls, "books"), count(urls, "idempotency_keys")) == (1, 1)
    [(subject, erased)] = confirmations(urls)
    assert subject == "test.user.erased.notes-service"
    assert (erased.erasure_id, erased.user_id) == (str(erasure_id), str(user.user_id))
    assert erased.service == "notes-service"
    assert erased.erased_at.ToDatetime(tzinfo=UTC) >= began
    assert announced == [None]


async def test_what_failed_half_way_confirms_nothing_and_is_begun_again(
    urls: DatabaseUrls, worker: Database, user: RowOwner
) -> None:
    fill(urls, user, BATCH + 1)
    books = Books()
    books.fails_behind = 1
    handle, announced = handler(worker, in_batches(books))
    with pytest.raises(ConnectionError):
        await handle(event(user, new_id()))
    assert (count(urls, "books"), confirmations(urls), announced) == (1, [], [])
    await handle(event(user, new_id()))
    assert (count(urls, "books"), len(confirmations(urls))) == (0, 1)


async def test_to_erase_again_confirms_again_with_the_first_moment(
    urls: DatabaseUrls, worker: Database, user: RowOwner
) -> None:
    handle, _ = handler(worker, in_batches(Books()))
    erasure_id = new_id()
    for _ in range(2):
        await handle(event(user, erasure_id))
    first, second = confirmations(urls)
    assert first == second


async def test_nobody_writes_for_a_user_from_the_first_transaction_on(
    urls: DatabaseUrls, worker: Database, user: RowOwner
) -> None:
    async with Erasing(worker, user).transaction() as (_, erased_at):
        assert erased_at is not None
    app = Database(urls.app, application_name="shelf")
    try:
        with pytest.raises(OwnerErased):
            async with app.transaction(user) as connection:
                await lock_owner(connection, user)
    finally:
        await app.stop()


async def test_of_two_at_once_neither_confirms_what_the_other_still_deletes(
    urls: DatabaseUrls, worker: Database, user: RowOwner
) -> None:
    fill(urls, user, 3 * BATCH)
    with psycopg.connect(urls.admin) as admin:
        admin.execute(
            "CREATE FUNCTION be_honest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF EXISTS (SELECT FROM books) THEN RAISE 'confirmed too early'; END IF;"
            " RETURN NEW; END $$"
        )
        admin.execute(
            "CREATE TRIGGER be_honest BEFORE INSERT ON outbox"
            " FOR EACH ROW EXECUTE FUNCTION be_honest()"
        )
    handle, _ = handler(worker, in_batches(Books()))
    await asyncio.gather(*(handle(event(user, new_id())) for _ in range(2)))
    assert (count(urls, "books"), len(confirmations(urls))) == (0, 2)


CUT = event(RowOwner(tenant_id=UUID(int=1), user_id=UUID(int=2)), UUID(int=3))[:20]


@pytest.mark.parametrize("payload", [b"\xff", b"", CUT], ids=["garbage", "empty", "cut"])
async def test_what_is_no_deletion_is_unreadable(worker: Database, payload: bytes) -> None:
    handle, announced = handler(worker)
    with pytest.raises(Unreadable):
        await handle(payload)
    assert announced == []
