"""Trying a connection is no way past the address policy: what it closes is never connected to."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.trial import ConnectionTest, Patience
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.errors import ProviderAddressForbidden, ProviderError
from chat_service.usage.usecases.meter import Meter

# Fixtures of conftest.py, which a test module has no names for.
Told = Any

# Loopback, however it is written; what leads back to this machine; what carries it within.
HOSTS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1.2.3",
    "127.255.255.254",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "LocalHost",
    "0.0.0.0",
    "0",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "127.0.0.01",
    "127.000.000.001",
    "127.0.0.1.",
    "0x7F.0x0.0x0.0x1",
    "127.0x1",
    "127.0.0x1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2002:7f00:0001::1]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[::1%25lo]",
    "[::ffff:0:127.0.0.1]",
    "[fc00::1]",
    "[fec0::1]",
    "[::ffff:0.0.0.0]",
    "[0000::1]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "127.0.0.1%2f",
    "127.0.0.1%00",
    "127。0。0。1",
    "１２７.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127.0.0.1",
    "user@127.0.0.1",
    "a:b@127.0.0.1",
    "example.com@127.0.0.1",
    "127.0.0.1\\@example.com",
    "example.com\\@127.0.0.1",
    "xn--127-0-0-1",
    "lo%63alhost",
    "127%2e0%2e0%2e1",
    "[::1].",
    "[127.0.0.1]",
    "10.0.0.1",
    "192.168.0.1",
    "172.16.0.1",
    "100.64.0.1",
    "[::ffff:0:0]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:a9fe:a9fe::]",
    "[::%31]",
    "[fe80::1%25]",
    "00.00.00.00",
    "0x.0x.0x.0x",
    "0x",
    "127.0.0.1.0x",
    "127.0.0.1..",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "localhoſt",
    "127｡0｡0｡1",
    "127.0.0.1\u2028",
    "\ufeff127.0.0.1",
    "127.0.0.1\n",
    "%6c%6f%63%61%6c%68%6f%73%74",
    "@127.0.0.1",
    ":@127.0.0.1",
    "[::1]:80@127.0.0.1",
    "127.0.0.1#",
    "127.0.0.1?",
    "127.0.0.1/\\",
    "169.254.170.2",
]
SCHEMES = ["http", "https", "ftp", "file", "gopher", "HTTP", "ws", "http+unix", "javascript"]


@pytest_asyncio.fixture
async def canary(told: Told) -> AsyncIterator[Told]:
    """A server on every address of this machine; nobody is to come."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        server = await asyncio.start_server(told.serve, sock=listening)
        told.port = listening.getsockname()[1]
        for path in ("/chat/completions", "/v1/chat/completions"):
            told.answers(path)
        yield told
        server.close()


def hostile(port: int) -> list[str]:
    urls = [f"http://{host}:{port}/v1" for host in HOSTS]
    urls += [f"{scheme}://127.0.0.1:{port}/v1" for scheme in SCHEMES]
    urls += [f"https://{host}:{port}" for host in ("127.0.0.1", "[::1]", "localhost")]
    return [*urls, "", "http://", "//127.0.0.1", f"127.0.0.1:{port}", f"http:127.0.0.1:{port}"]


# Of connections that nobody else pays for it is not asked.
UNUSED = Meter(
    transactions(Database("postgresql://nobody@127.0.0.1:1/nowhere", application_name="test"))
)


async def refused(servers: Any, caller: Caller, connection: Connection) -> None:
    async def connect() -> Connection:
        return connection

    test = ConnectionTest(servers, TrialLimit(), UNUSED, Patience(first=5, others=5))
    outcome = await test(caller, connect)
    assert (outcome.ok, outcome.suggestion) == (False, None)
    with pytest.raises((ProviderError, TimeoutError)):
        async with asyncio.timeout(5):
            await servers.models(connection)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_nobody_comes_to_an_address_that_is_closed(
    make_servers: Any, caller: Caller, connect: Any, canary: Told, provider: str
) -> None:
    servers = await make_servers()
    urls = hostile(canary.port)
    assert len(urls) > 80
    # What is not an address of this machine leads nowhere that a test should call.
    for url in urls:
        connection = connect(url, provider)
        try:
            await refused(servers, caller, connection)
        except AssertionError as error:
            raise AssertionError(url) from error
    assert canary.connections == 0


async def test_the_same_server_is_reached_once_it_is_open(
    make_servers: Any, caller: Caller, connect: Any, canary: Told
) -> None:
    servers = await make_servers("127.0.0.1")
    await servers.begin(connect(f"http://127.0.0.1:{canary.port}/v1"))
    assert canary.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_closed_address_is_not_followed(
    make_servers: Any, caller: Caller, connect: Any, told: Told, status: int
) -> None:
    trap = Trap()
    async with await asyncio.start_server(trap.serve, "127.0.0.2", 0) as server:
        port = server.sockets[0].getsockname()[1]
        servers = await make_servers("127.0.0.1")
        kind = f"text/plain\r\nLocation: http://127.0.0.2:{port}/v1/chat/completions"
        for path in ("/v1/chat/completions", "/chat/completions", "/v1/models", "/models"):
            told.pages[path] = (status, kind, b"")
        await refused(servers, caller, connect(f"{told.url}/v1"))
    assert trap.connections == 0


async def test_a_name_that_turns_to_a_closed_address_meanwhile_is_not_followed(
    make_servers: Any, caller: Caller, connect: Any, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = Trap()
    turns = 0

    async def turning(_: object, host: str, port: int = 0, family: int = 0) -> list[Any]:
        nonlocal turns
        turns += 1
        return [
            {
                "hostname": host,
                "host": "127.0.0.1" if turns == 1 else "127.0.0.2",
                "port": port,
                "family": socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    monkeypatch.setattr(aiohttp.resolver.ThreadedResolver, "resolve", turning)
    async with await asyncio.start_server(trap.serve, "127.0.0.2", told.port):
        servers = await make_servers("127.0.0.1")
        for _ in range(3):
            url = f"http://turning.example:{told.port}/v1"
            await refused(servers, caller, connect(url))
            # Names are kept for half a minute: whoever asks later asks anew.
            again = await make_servers("127.0.0.1")
            await refused(again, caller, connect(url))
    assert turns > 1
    assert told.connections > 0
    assert trap.connections == 0


class Trap:
    """A server that counts who comes, and hangs up."""

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


async def test_the_operators_log_names_the_setting_that_would_open_an_address(
    connect: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    provider = ModelClient(AddressPolicy([]), streams=1, per_host=1, setting="CHAT_ALLOWED_HOSTS")
    await provider.start()
    with pytest.raises(ProviderAddressForbidden):
        await provider.models(connect("http://127.0.0.1:1/v1"))
    await provider.stop()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "address_refused" in line]
    assert "127.0.0.1" in line
    assert "CHAT_ALLOWED_HOSTS" in line
