"""The engine on a real PostgreSQL, with connections made as in production."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.db.connect import connect_whole
from chassis.db.engine import Database
from chassis.testing import DatabaseUrls, ServiceDatabase

LEDGER = Path(__file__).parents[1] / "ledger"


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
