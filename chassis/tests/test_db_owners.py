import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from chassis.clock import utc_now
from chassis.db.engine import Database, RowOwner
from chassis.db.owners import OwnerErased, erase_owner, lock_owner
from chassis.errors import Kind
from chassis.ids import new_id
from chassis.testing import ServiceDatabase

LEDGER = Path(__file__).parent / "ledger"

INSERT = text("INSERT INTO entries VALUES (:id, :tenant_id, :user_id, 'x')")


@pytest_asyncio.fixture
async def databases(
    service_database: ServiceDatabase,
) -> AsyncIterator[tuple[Database, Database]]:
    """In the app role and in the worker role."""
    urls = service_database("ledger", LEDGER)
    app = Database(urls.app, pool_size=12, application_name="test-app")
    worker = Database(urls.worker, pool_size=4, application_name="test-worker")
    yield app, worker
    await app.stop()
    await worker.stop()


def somebody() -> RowOwner:
    return RowOwner(tenant_id=new_id(), user_id=new_id())


async def write(app: Database, owner: RowOwner, pause: float = 0.0) -> None:
    async with app.transaction(owner) as connection:
        await lock_owner(connection, owner)
        await connection.execute(
            INSERT, {"id": new_id(), "tenant_id": owner.tenant_id, "user_id": owner.user_id}
        )
        await asyncio.sleep(pause)


async def erase(worker: Database, owner: RowOwner) -> None:
    async with worker.transaction() as connection:
        await erase_owner(connection, owner, utc_now())
        await connection.execute(
            text("DELETE FROM entries WHERE user_id = :user"), {"user": owner.user_id}
        )


async def rows_of(worker: Database, owner: RowOwner) -> int:
    async with worker.transaction() as connection:
        count = await connection.scalar(
            text("SELECT count(*) FROM entries WHERE user_id = :user"), {"user": owner.user_id}
        )
    return int(count or 0)


async def test_a_writer_is_let_in_until_the_user_is_erased(
    databases: tuple[Database, Database],
) -> None:
    app, worker = databases
    ann = somebody()
    await write(app, ann)
    await write(app, ann)
    await erase(worker, ann)
    with pytest.raises(OwnerErased) as caught:
        await write(app, ann)
    assert (caught.value.kind, caught.value.reason) == (Kind.UNAUTHENTICATED, "ACCOUNT_DELETED")
    assert await rows_of(worker, ann) == 0


async def test_a_user_who_never_wrote_can_be_erased_beforehand(
    databases: tuple[Database, Database],
) -> None:
    app, worker = databases
    ann = somebody()
    await erase(worker, ann)
    with pytest.raises(OwnerErased):
        await write(app, ann)


async def test_a_second_erasure_reports_the_first_ones_time(
    databases: tuple[Database, Database],
) -> None:
    _, worker = databases
    ann, at = somebody(), utc_now()
    async with worker.transaction() as connection:
        assert await erase_owner(connection, ann, at) == at
    async with worker.transaction() as connection:
        assert await erase_owner(connection, ann, at + timedelta(days=1)) == at


async def test_the_eraser_waits_for_a_save_in_flight_and_deletes_it(
    databases: tuple[Database, Database],
) -> None:
    app, worker = databases
    ann = somebody()
    locked, finish = asyncio.Event(), asyncio.Event()

    async def save() -> None:
        async with app.transaction(ann) as connection:
            await lock_owner(connection, ann)
            await connection.execute(
                INSERT, {"id": new_id(), "tenant_id": ann.tenant_id, "user_id": ann.user_id}
            )
            locked.set()
            await finish.wait()

    saving = asyncio.create_task(save())
    await locked.wait()
    erasing = asyncio.create_task(erase(worker, ann))
    done, _ = await asyncio.wait([erasing], timeout=0.3)
    assert not done
    finish.set()
    await saving
    await erasing
    assert await rows_of(worker, ann) == 0


@pytest.mark.parametrize("known", [True, False], ids=["known owner", "first write"])
async def test_no_row_survives_and_none_rises_again_however_they_race(
    databases: tuple[Database, Database], known: bool
) -> None:
    app, worker = databases
    for round_number in range(15):
        ann = somebody()
        if known:
            await write(app, ann)

        async def writer(delay: float, owner: RowOwner = ann) -> str:
            await asyncio.sleep(delay)
            try:
                await write(app, owner, pause=0.002)
            except OwnerErased:
                return "refused"
            return "written"

        async def eraser(delay: float, owner: RowOwner = ann) -> None:
            await asyncio.sleep(delay)
            await erase(worker, owner)

        _, *outcomes = await asyncio.gather(
            eraser(0.001 * round_number), *(writer(0.002 * number) for number in range(10))
        )
        assert await rows_of(worker, ann) == 0, outcomes
        assert await writer(0) == "refused"


async def test_two_first_writes_at_once_are_both_let_in(
    databases: tuple[Database, Database],
) -> None:
    app, worker = databases
    ann = somebody()
    await asyncio.gather(*(write(app, ann) for _ in range(8)))
    assert await rows_of(worker, ann) == 8


async def test_the_owner_of_another_tenant_is_refused(
    databases: tuple[Database, Database],
) -> None:
    app, _ = databases
    ann = somebody()
    await write(app, ann)
    with pytest.raises(OwnerErased):
        await write(app, RowOwner(tenant_id=new_id(), user_id=ann.user_id))


async def test_the_app_role_can_neither_erase_nor_revive(
    databases: tuple[Database, Database],
) -> None:
    app, worker = databases
    ann = somebody()
    await erase(worker, ann)
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with app.transaction(ann) as connection:
            await connection.execute(text("UPDATE owners SET erased_at = NULL"))
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with app.transaction(ann) as connection:
            await connection.execute(
                text("UPDATE owners SET tenant_id = :tenant WHERE user_id = :user"),
                {"tenant": new_id(), "user": ann.user_id},
            )
