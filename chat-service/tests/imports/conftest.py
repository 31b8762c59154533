"""A user's imports over the wire, the database beneath them, and a reader without a service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chassis.grpc.client import Channel
from chat_service.files.domain.terms import Folder, Terms
from chat_service.imports.importing import Importing
from chat_service.settings import Settings

from .jobs import reader_of
from .kept import Kept
from .over_the_wire import Beneath, Imports

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Chat = Any


@pytest.fixture
def imports(channel: Channel, caller: Caller) -> Imports:
    return Imports(channel, caller)


@pytest.fixture
def strange_imports(channel: Channel, stranger: Caller) -> Imports:
    return Imports(channel, stranger)


@pytest_asyncio.fixture
async def beneath(settings: Settings) -> AsyncIterator[Beneath]:
    async with AsyncExitStack() as stack:
        app, worker = (
            Database(url.get_secret_value(), application_name="test")
            for url in (settings.database_url, settings.worker_database_url)
        )
        for database in (app, worker):
            await database.start()
            stack.push_async_callback(database.stop)
        yield Beneath(worker, transactions(app))


@pytest_asyncio.fixture
async def importing(chat: Chat) -> Importing:
    return reader_of(chat, "replica-1")


@pytest.fixture
def kept(chat: Chat, tmp_path: Path) -> Kept:
    return Kept(chat, Terms(place=Folder(tmp_path / "files")))
