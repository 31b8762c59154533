"""JetStream as services come to it, and servers to try it on."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client

from chassis.embedded import EmbeddedNats
from chassis.jetstream import JetStream

Connect = Callable[..., Awaitable[JetStream]]


@pytest_asyncio.fixture
async def connect(nats_url: str, events_prefix: str) -> AsyncIterator[Connect]:
    """Starts JetStream components that are stopped after the test."""
    started: list[JetStream] = []

    async def make(
        url: str = nats_url,
        prefix: str = events_prefix,
        keeps: Mapping[str, str] | None = {},
        **other: Any,
    ) -> JetStream:
        js = JetStream(url, prefix=prefix, name="test", keeps=keeps, **other)
        started.append(js)
        await js.start()
        return js

    yield make
    for js in started:
        await js.stop()


@pytest_asyncio.fixture
async def observer(nats_url: str) -> AsyncIterator[Client]:
    """A plain client of nats-py."""
    client = await nats.connect(nats_url, allow_reconnect=False)
    yield client
    await client.close()


@pytest.fixture(scope="module")
def mortal_nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNats]:
    """A server that tests may kill."""
    server = EmbeddedNats(tmp_path_factory.mktemp("mortal"))
    server.start()
    yield server
    server.stop()
