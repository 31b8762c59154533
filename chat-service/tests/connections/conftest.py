"""A model server that says what a test wants it to, path by path, and who asks model servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from chassis.address_policy import AddressPolicy
from chassis.ids import new_id
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.trying import ModelServers

ANSWERS = (
    b'data: {"choices":[{"delta":{"content":"OK"}}]}\n\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
# What a TLS client says first: as servers do that speak none, it is hung up on.
_TLS = b"\x16"
NOT_FOUND = (404, "application/json", b'{"detail":"Not Found"}')


@dataclass
class Told:
    """A server of one port: by path what it answers, and what it was asked."""

    port: int = 0
    pages: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self, path: str) -> None:
        self.pages[path] = (200, "text/event-stream", ANSWERS)

    def lists(self, path: str, body: bytes, status: int = 200) -> None:
        self.pages[path] = (status, "application/json", body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (first := await reader.readexactly(1)) != _TLS:
                rest = await reader.readuntil(b"\r\n\r\n")
                head = (first + rest).decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:-2])
                await reader.readexactly(int(headers.get("content-length", 0)))
                path = head[0].split(" ")[1]
                self.asked.append((path, headers))
                status, kind, body = self.pages.get(path, NOT_FOUND)
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


MakeTold = Callable[[], Awaitable[Told]]


@pytest_asyncio.fixture
async def make_told() -> AsyncIterator[MakeTold]:
    async with AsyncExitStack() as stack:

        async def make() -> Told:
            told = Told()
            server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            # Before it is waited for: who is connected keeps it up.
            stack.callback(server.close)
            told.port = server.sockets[0].getsockname()[1]
            return told

        yield make


@pytest_asyncio.fixture
async def told(make_told: MakeTold) -> Told:
    return await make_told()


MakeServers = Callable[..., Awaitable[ModelServers]]


@pytest_asyncio.fixture
async def make_servers() -> AsyncIterator[MakeServers]:
    """``await make_servers("127.0.0.0/8")``: model servers under a policy that opens these."""
    providers: list[ModelClient] = []

    async def make(*allowed: str) -> ModelServers:
        policy = AddressPolicy(allowed)
        provider = ModelClient(policy, streams=100, per_host=100)
        await provider.start()
        providers.append(provider)
        return ModelServers(provider, policy)

    yield make
    for provider in providers:
        await provider.stop()


@pytest_asyncio.fixture
async def servers(make_servers: MakeServers) -> ModelServers:
    return await make_servers("127.0.0.0/8")


def connected(base_url: str, provider: str = "openai", **other: object) -> Connection:
    return Connection(
        **{
            "key_id": new_id(),
            "name": "tried",
            "api_key": "sk-very-secret-canary",
            "model": "tokens-20",
            "base_url": base_url,
            "provider": provider,
            **other,
        }  # type: ignore[arg-type]  # a test gives what the fields are
    )


@pytest.fixture
def connect() -> Callable[..., Connection]:
    return connected
