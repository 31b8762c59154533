"""One service on the wire for many tests.

Those that only ask and look share one: to start it, with its database and whom it asks, takes five times the
CPU of such a test. They are marked as being on the event loop of the session, where it is, and so are
asynchronous fixtures of theirs. A test of settings, of definitions in the database, of outages or of events has
a service of its own (`loop_scope="function"`).
"""

import asyncio
import contextvars
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CoroutineType
from typing import Any

import pytest

from chassis.errors import RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, Signer, eventually
from chassis.testing.databases import DatabaseFactory
from chassis.testing.shared import SharedService
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2

from .client import Client
from .fake_auth import Audit, Preferences
from .vault import Vault

#: What a service is set up with beyond the usual; files that it reads are for that folder.
SetUp = Callable[[Settings, Path], Settings]


def as_usual(settings: Settings, _folder: Path) -> Settings:
    return settings


def is_shared(request: pytest.FixtureRequest) -> bool:
    """Whether the test shares a service with others."""
    marker = request.node.get_closest_marker("asyncio")
    return marker is not None and marker.kwargs.get("loop_scope") == "session"


async def answers(client: Client) -> None:
    """Returns once it does: the keys that verify tokens arrive over the watch, a moment after the start."""

    async def ready() -> bool:
        await client.call("ListSessions", chat_pb2.ListSessionsRequest())
        return True

    await eventually(ready, ignoring=(RemoteError,))


def _tasks() -> Counter[str]:
    """All of the loop but this one, by what they run; but for the client of NATS, which is up in its own time."""
    running = (task.get_coro() for task in asyncio.all_tasks() - {asyncio.current_task()})
    return Counter(
        one.__qualname__
        for one in running
        if isinstance(one, CoroutineType) and "/nats/" not in one.cr_code.co_filename
    )


@dataclass
class Running:
    """A service that is up, and whom it asks."""

    database: DatabaseUrls
    settings: Settings
    service: Service
    channel: Channel
    signer: Signer
    vault: Vault
    preferences: Preferences
    audit: Audit
    open_second: Callable[[], Coroutine[Any, Any, Channel]]
    _second: Channel | None = None
    _model_server: str = field(init=False)
    # What went on, in it and in others, before a test had it.
    _before: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self._model_server = self.vault.base_url
        self.notice()

    async def second(self) -> Channel:
        """The channel to a second replica of it, which goes on as this one does."""
        if self._second is None:
            # It is no part of the test that asks for it first.
            opening = asyncio.create_task(self.open_second(), context=contextvars.Context())
            self._second = await opening
            self.notice()
        return self._second

    def notice(self) -> None:
        """That what goes on now is no test's doing."""
        self._before = _tasks()

    async def is_as_before(self) -> None:
        """Forgets what a test has told those around it. AssertionError where the service goes on with something of it."""

        def rests() -> bool:
            going_on = _tasks() - self._before
            assert not going_on, f"the test is over, and this goes on: {going_on}"
            return True

        await eventually(rests, timeout=10)
        vars(self.vault).update(vars(Vault(self._model_server)))
        vars(self.audit).update(vars(Audit()))
        # The numbers of changes go on, as the service has taken those.
        vars(self.preferences).update(vars(Preferences(newest=self.preferences.newest)))


class SharedServices:
    """One for each way of setting it up, from the first test that wants it on."""

    def __init__(
        self,
        databases: DatabaseFactory,
        run: Callable[[SetUp], AbstractAsyncContextManager[Running]],
    ) -> None:
        self._databases = databases
        self._run = run
        self._services: dict[SetUp, SharedService[Running]] = {}

    @asynccontextmanager
    async def lent(self, set_up: SetUp) -> AsyncIterator[Running]:
        """To one test; one behind which anything goes on fails, and the next has a new service."""
        if set_up not in self._services:
            self._services[set_up] = SharedService(self._databases, lambda: self._run(set_up))
        service = self._services[set_up]
        try:
            async with service.lent() as running:
                running.notice()
                yield running
                await running.is_as_before()
        except BaseException:
            await service.stop()
            raise

    async def stop(self) -> None:
        for service in self._services.values():
            await service.stop()
