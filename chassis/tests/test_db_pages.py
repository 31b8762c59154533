"""Rows in pages, of which three were made at the same moment."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from chassis.db.engine import Database
from chassis.db.pages import Pages
from chassis.paging import Position
from chassis.testing import ServiceDatabase

LEDGER = Path(__file__).parent / "ledger"
MADE = "SELECT made.created_at, made.id FROM (VALUES {}) AS made (created_at, id) WHERE made.id IS NOT NULL"
# In the order in which they were made.
ROWS = [
    Position(datetime(2026, 1, day, tzinfo=UTC), UUID(int=number))
    for day, number in ((1, 7), (2, 1), (2, 4), (2, 9), (3, 2))
]
SELECT = MADE.format(
    ", ".join(
        f"(CAST('{row.at.isoformat()}' AS timestamptz), CAST('{row.id}' AS uuid))"
        for row in (ROWS[3], ROWS[0], ROWS[4], ROWS[2], ROWS[1])
    )
)


@pytest_asyncio.fixture
async def database(service_database: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(service_database("ledger", LEDGER).app, application_name="test")
    await database.start()
    yield database
    await database.stop()


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_behind_each_other_show_every_row_once_and_in_order(
    database: Database, limit: int, newest_first: bool
) -> None:
    pages = Pages(SELECT, "made", newest_first=newest_first)
    shown: list[Position] = []
    async with database.transaction() as connection:
        while rows := await pages.read(connection, shown[-1] if shown else None, limit):
            assert len(rows) <= limit
            shown += [Position(row.created_at, row.id) for row in rows]
    assert shown == (ROWS[::-1] if newest_first else ROWS)
