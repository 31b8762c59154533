"""A kept connection may close as the next request goes out: that request is sent once more, and no other."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from chassis.address_policy import AddressPolicy
from chat_service.providers.client import ModelClient
from chat_service.providers.errors import (
    ProviderAddressForbidden,
    ProviderError,
    ProviderUnreachable,
)

# Fixtures and classes of conftest.py.
Asker = Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
ANSWER = (
    b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


class Closing:
    """Answers the first request of each connection; at the second it does ``then``, if there is that."""

    def __init__(self) -> None:
        self.then: list[str] = []
        # The number of the connection that each came over.
        self.requests: list[int] = []
        self.requests_before = 0
        self.port = 0
        self.connections = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number, on_this_one = self.connections, 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                self.requests.append(number)
                on_this_one += 1
                if self.then and (on_this_one > 1 or self.then[0] == "close at once"):
                    self._end(self.then.pop(0), writer)
                    return
                writer.write(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _end(self, how: str, writer: asyncio.StreamWriter) -> None:
        if how == "half a status":
            writer.write(b"HTTP/1.1 2")
        elif how == "half a head":
            writer.write(HEAD)
        elif how == "half a body":
            writer.write(HEAD + b"Content-Length: 999\r\n\r\n")
        elif how == "reset":
            there: socket.socket = writer.get_extra_info("socket")
            there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Closing]:
    server = Closing()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server


@asynccontextmanager
async def under(asker: Asker, base_url: str, *allowed: str) -> AsyncIterator[Asker]:
    """The same, who asks what is there under a policy that opens these."""
    client = ModelClient(AddressPolicy(allowed), streams=10, per_host=10)
    await client.start()
    try:
        connection = replace(asker.connection, base_url=base_url)
        yield replace(asker, client=client, connection=connection)
    finally:
        await client.stop()


async def ask_until_it_fails(server: Closing, asker: Asker) -> None:
    """A connection is kept once its body has ended, which an answer does not wait for."""
    while True:
        server.requests_before = len(server.requests)
        await asker.ask()


async def ask_until_it_has_closed(server: Closing, asker: Asker) -> None:
    while server.then:
        assert (await asker.ask())[0] == "hi"


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_request_that_a_kept_connection_lost_is_sent_once_more(
    server: Closing, asker: Asker, how: str
) -> None:
    await asker.ask()
    server.then = [how]
    await ask_until_it_has_closed(server, asker)
    *_, lost, again = server.requests
    assert again == lost + 1


async def test_it_is_sent_over_a_new_connection_though_others_were_kept(
    server: Closing, asker: Asker
) -> None:
    await asyncio.gather(*[asker.ask() for _ in range(5)])
    server.then = ["close"] * 5
    connections = max(server.requests)
    server.requests.clear()
    while len(server.then) == 5:
        assert (await asker.ask())[0] == "hi"
    assert server.requests[-1] > connections


@pytest.mark.parametrize("how", ["half a status", "half a head", "half a body"])
async def test_a_request_whose_answer_had_begun_is_not(
    server: Closing, asker: Asker, how: str
) -> None:
    await asker.ask()
    server.then = [how]
    with pytest.raises(ProviderError):
        await ask_until_it_fails(server, asker)
    assert len(server.requests) == server.requests_before + 1


async def test_a_request_over_a_new_connection_is_not(server: Closing, asker: Asker) -> None:
    server.then = ["close at once"]
    with pytest.raises(ProviderUnreachable):
        await asker.ask()
    assert server.requests == [1]


async def test_it_is_sent_once_more_and_no_oftener(server: Closing, asker: Asker) -> None:
    await asker.ask()
    server.then = ["close", "close at once"]
    with pytest.raises(ProviderUnreachable):
        await ask_until_it_fails(server, asker)
    assert len(server.requests) == server.requests_before + 2


async def test_to_a_host_that_is_open_by_its_name_it_is_sent_once_more_wherever_that_leads(
    server: Closing, asker: Asker
) -> None:
    async with under(asker, f"http://localhost:{server.port}/v1", "localhost") as opened:
        await opened.ask()
        server.then = ["close"]
        await ask_until_it_has_closed(server, opened)
    *_, lost, again = server.requests
    assert again == lost + 1


CLOSED, OPEN = "127.0.0.1", "127.0.0.2"


async def test_to_a_name_that_leads_to_a_closed_address_by_then_it_is_not(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, server = Closing(), Closing()
    addresses = iter([OPEN])

    async def turning(_: object, host: str, port: int = 0, family: int = 0) -> list[Any]:
        address = {"hostname": host, "host": next(addresses, CLOSED), "port": port}
        return [
            {
                **address,
                "family": socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    monkeypatch.setattr(aiohttp.resolver.ThreadedResolver, "resolve", turning)
    async with await asyncio.start_server(trap.serve, CLOSED, 0) as trapping:
        port = trapping.sockets[0].getsockname()[1]
        async with (
            await asyncio.start_server(server.serve, OPEN, port),
            under(asker, f"http://turning.example:{port}/v1", OPEN) as turned,
        ):
            await turned.ask()
            server.then = ["close"]
            with pytest.raises(ProviderAddressForbidden):
                await ask_until_it_has_closed(server, turned)
    assert trap.connections == 0
