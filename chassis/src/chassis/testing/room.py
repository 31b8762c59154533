"""Fixtures of a room whose tests share a service; its conftest.py imports them.

The room itself gives ``shared``, a `SharedService`; ``own``, a service for one test; ``own_database``, for
that one or for a test without a service; and ``shares``, which of the two a test has.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis.testing.databases import DatabaseUrls
from chassis.testing.plugin import StartProcess, start_processes
from chassis.testing.rpc import OpenChannel, open_channels
from chassis.testing.shared import SharedService

__all__ = ["database", "grpc_channel", "lent", "running", "shares_a_service", "start_process"]


def shares_a_service(request: pytest.FixtureRequest, *others: str) -> bool:
    """Who asks for settings or events of a service has one of its own; who asks for ``others`` as well."""
    asked = set(request.fixturenames)
    return "running" in asked and not {"settings", "events_prefix", *others} & asked


@pytest_asyncio.fixture(loop_scope="session")
async def lent(shared: SharedService[Any]) -> AsyncIterator[Any]:
    async with shared.lent() as running:
        yield running


@pytest.fixture
def running(request: pytest.FixtureRequest, shares: bool) -> Any:
    return request.getfixturevalue("lent" if shares else "own")


@pytest.fixture
def database(request: pytest.FixtureRequest, shares: bool) -> DatabaseUrls:
    """The running service's."""
    database: DatabaseUrls = (
        request.getfixturevalue("lent").database
        if shares
        else request.getfixturevalue("own_database")
    )
    return database


@pytest_asyncio.fixture(loop_scope="session")
async def grpc_channel(certificates: Path) -> AsyncIterator[OpenChannel]:
    async with open_channels(certificates) as make:
        yield make


@pytest_asyncio.fixture(loop_scope="session")
async def start_process() -> AsyncIterator[StartProcess]:
    async with start_processes() as start:
        yield start
