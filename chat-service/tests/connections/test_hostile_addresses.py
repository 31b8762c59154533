"""However it is asked for, what the address policy closes is never connected to: a canary counts who comes.

Each URL is called as a chat, as a test of its connection, and as a list of models. apikey-service's tests
have the same table for what is kept at all.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import pytest
import pytest_asyncio

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chassis.testing.hostile_urls import FORBIDDEN, HOSTILE_URLS, every_hostile_url
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.trial import ConnectionTest, Patience
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderAddressForbidden, ProviderError
from chat_service.providers.port import read_at_once
from chat_service.providers.trying import ModelServers
from chat_service.usage.usecases.meter import Meter
from servicekit.generation_parameters import GenerationParameters

# Fixtures of conftest.py, which a test module has no names for.
Told = Any

INVALID = "PROVIDER_URL_INVALID"
REDIRECTED = "PROVIDER_REDIRECTED"
PATHS = ("/chat/completions", "/v1/chat/completions", "/models", "/v1/models")
# Each that some client of HTTP goes by, in either case.
PROXIES = [
    spelled
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SOCKS_PROXY", "FTP_PROXY")
    for spelled in (name, name.lower())
]

# Of connections that nobody else pays for it is not asked.
UNUSED = Meter(
    transactions(Database("postgresql://nobody@127.0.0.1:1/nowhere", application_name="test"))
)


class Asking:
    """Asks in each of the ways that a user has."""

    def __init__(self, caller: Caller, *allowed: str) -> None:
        policy = AddressPolicy(allowed)
        self.client = ModelClient(policy, streams=100, per_host=100)
        self._servers = ModelServers(self.client, policy)
        self._caller = caller

    async def __aenter__(self) -> Self:
        await self.client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.stop()

    async def outcomes(self, connection: Connection) -> list[str | None]:
        """Of a chat, a test and a list of models: for what reason it failed, or None."""
        return [
            await self._chat(connection),
            await self._test(connection),
            await self._models(connection),
        ]

    async def _chat(self, connection: Connection) -> str | None:
        pieces = self.client.stream(
            connection,
            [PromptMessage("system", "Be brief."), PromptMessage("user", "hello")],
            model="m",
            parameters=GenerationParameters(max_tokens=100),
            next_read=read_at_once,
        )
        try:
            async with asyncio.timeout(60):
                async for _ in pieces:
                    pass
        except ProviderError as error:
            return error.reason
        return None

    async def _test(self, connection: Connection) -> str | None:
        async def connect() -> Connection:
            return connection

        test = ConnectionTest(self._servers, TrialLimit(), UNUSED, Patience(first=10, others=10))
        outcome = await test(self._caller, connect)
        assert outcome.suggestion is None
        return outcome.reason

    async def _models(self, connection: Connection) -> str | None:
        try:
            async with asyncio.timeout(60):
                await self.client.models(connection)
        except ProviderError as error:
            return error.reason
        return None


@pytest_asyncio.fixture
async def canary(told: Told) -> AsyncIterator[Told]:
    """A server on every address of this machine, which is called by nobody; it would answer."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        counting = type(told)(port=listening.getsockname()[1])
        server = await asyncio.start_server(counting.serve, sock=listening)
        for path in PATHS:
            counting.answers(path)
        yield counting
        server.close()


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Where names lead, each time they are asked for; others to loopback."""
    answers: dict[str, list[str]] = {}

    async def resolve(_: object, host: str, port: int = 0, family: int = 0) -> list[Any]:
        return [leading(host, address, port) for address in answers.get(host, ["127.0.0.1", "::1"])]

    monkeypatch.setattr(aiohttp.resolver.ThreadedResolver, "resolve", resolve)
    return answers


def leading(host: str, address: str, port: int) -> dict[str, Any]:
    """What a resolver says of a name that leads to ``address``, by whatever aliases."""
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST,
    }


@asynccontextmanager
async def serving(server: Told, host: str, port: int = 0) -> AsyncIterator[int]:
    """Have ``server`` listen, and tell on which port."""
    listener = await asyncio.start_server(server.serve, host, port)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


def at_use(reason: str | None) -> str:
    """For what reason what is not kept for ``reason`` is not called."""
    return FORBIDDEN if reason in (FORBIDDEN, None) else INVALID


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_nobody_comes_to_an_address_that_is_closed(
    caller: Caller,
    connect: Any,
    canary: Told,
    resolved: object,
    provider: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    async with Asking(caller) as asking:
        for url, reason in every_hostile_url(canary.port):
            outcomes = await asking.outcomes(connect(url, provider))
            assert (url, outcomes) == (url, [at_use(reason)] * 3)
    assert canary.connections == 0


def test_there_are_many_hostile_urls_of_many_kinds() -> None:
    urls = [url for rows in HOSTILE_URLS.values() for url in rows]
    assert len(set(urls)) == len(urls) >= 280
    assert len(HOSTILE_URLS) >= 25


async def test_the_same_server_is_reached_once_it_is_open(
    caller: Caller, connect: Any, canary: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Asking(caller, "127.0.0.1") as asking:
        await asking.outcomes(connect(f"http://127.0.0.1:{canary.port}/v1"))
    assert canary.connections > 0


# Where answers send whoever follows.
LOCATIONS = [
    "http://127.0.0.1:{port}/v1/chat/completions",
    "http://localhost:{port}/v1",
    "http://[::1]:{port}/v1",
    "http://[::ffff:127.0.0.1]:{port}/v1",
    "http://2130706433:{port}/v1",
    "http://0x7f.1:{port}/v1",
    "http://public.example@127.0.0.1:{port}/v1",
    "http://127.0.0.1:{port}\\@public.example/v1",
    "//127.0.0.1:{port}/v1",
    "//public.example@127.0.0.1:{port}/v1",
    "/\\127.0.0.1:{port}/v1",
    "\\\\127.0.0.1:{port}/v1",
    " http://127.0.0.1:{port}/v1",
    "https://127.0.0.1:{port}/v1",
    "ws://127.0.0.1:{port}/v1",
    "ftp://127.0.0.1:{port}/v1",
    "gopher://127.0.0.1:{port}/_POST",
    "file:///etc/passwd",
    "http+unix://%2frun%2fdocker.sock/v1",
    "unix:/run/docker.sock",
    "data:text/event-stream,data: {}",
    "javascript:alert(1)",
    "/v1/elsewhere",
    "?x=http://127.0.0.1:{port}",
    "",
]
# What else could send somebody on.
SENDING = [
    "Refresh: 0; url=http://127.0.0.1:{port}/v1",
    "Content-Location: http://127.0.0.1:{port}/v1",
    'Alt-Svc: h2="127.0.0.1:{port}"; ma=60, http/1.1="127.0.0.1:{port}"',
    "Link: <http://127.0.0.1:{port}/v1>; rel=preload",
    "Location: http://127.0.0.1:{port}/v1",
    "X-Accel-Redirect: http://127.0.0.1:{port}/v1",
]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
async def test_a_redirect_is_followed_nowhere(
    caller: Caller, connect: Any, told: Told, canary: Told, resolved: object, status: int
) -> None:
    async with Asking(caller, "127.0.0.0/8", "localhost", "public.example") as asking:
        for location in LOCATIONS:
            where = location.replace("{port}", str(canary.port))
            for path in PATHS:
                told.pages[path] = (status, f"text/plain\r\nLocation: {where}", b"")
            outcomes = await asking.outcomes(connect(f"{told.url}/v1"))
            assert (where, outcomes) == (where, [REDIRECTED] * 3)
    assert canary.connections == 0
    assert told.connections > 0


async def test_an_answer_that_sends_elsewhere_by_other_words_is_read_as_it_is(
    caller: Caller, connect: Any, told: Told, canary: Told
) -> None:
    async with Asking(caller, "127.0.0.0/8") as asking:
        for line in SENDING:
            told.answers("/v1/chat/completions")
            status, kind, body = told.pages["/v1/chat/completions"]
            sent = f"{kind}\r\n{line.replace('{port}', str(canary.port))}"
            told.pages["/v1/chat/completions"] = (status, sent, body)
            told.pages["/v1/models"] = (200, sent.replace(kind, "application/json"), b'{"data":[]}')
            assert await asking.outcomes(connect(f"{told.url}/v1")) == [None] * 3
    assert canary.connections == 0


CLOSED, OPEN, DOWN = "127.0.0.1", "127.0.0.2", "127.0.0.3"
REFUSED = "PROVIDER_REFUSED_CONNECTION"
# Where a name leads, and what may come of it: of several addresses the failure of the last one is told.
LEADS: list[tuple[list[str], set[str | None]]] = [
    ([CLOSED], {FORBIDDEN}),
    (["::1"], {FORBIDDEN}),
    (["::ffff:127.0.0.2"], {FORBIDDEN}),
    (["64:ff9b::7f00:2"], {FORBIDDEN}),
    (["10.0.0.1", "::1", CLOSED], {FORBIDDEN}),
    (["169.254.169.254", "fd00:ec2::254"], {FORBIDDEN}),
    ([OPEN], {None}),
    ([OPEN, CLOSED], {None}),
    ([CLOSED, OPEN], {None}),
    (["::1", CLOSED, OPEN], {None}),
    ([DOWN, CLOSED], {FORBIDDEN, REFUSED}),
    ([CLOSED, DOWN], {FORBIDDEN, REFUSED}),
    (["::1", DOWN, CLOSED], {FORBIDDEN, REFUSED, "PROVIDER_UNREACHABLE"}),
    ([DOWN], {REFUSED}),
]


async def test_of_the_addresses_that_a_name_has_only_open_ones_are_connected_to(
    caller: Caller, connect: Any, told: Told, resolved: dict[str, list[str]]
) -> None:
    trap, server = type(told)(), type(told)()
    server.answers("/v1/chat/completions")
    server.lists("/v1/models", b'{"data":[]}')
    async with (
        serving(trap, CLOSED) as port,
        serving(server, OPEN, port),
        Asking(caller, OPEN, DOWN) as asking,
    ):
        for at, (addresses, reasons) in enumerate(LEADS):
            name = f"name-{at}.example"
            resolved[name] = addresses
            outcomes = await asking.outcomes(connect(f"http://{name}:{port}/v1"))
            assert set(outcomes) <= reasons, addresses
    assert trap.connections == 0
    assert server.connections > 0


async def test_a_name_that_turns_to_a_closed_address_meanwhile_is_not_followed(
    caller: Caller, connect: Any, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, server = type(told)(), type(told)()
    server.answers("/v1/chat/completions")
    server.lists("/v1/models", b'{"data":[]}')
    turns = 0

    async def turning(_: object, host: str, port: int = 0, family: int = 0) -> list[Any]:
        nonlocal turns
        turns += 1
        return [leading(host, OPEN if turns % 2 else CLOSED, port)]

    monkeypatch.setattr(aiohttp.resolver.ThreadedResolver, "resolve", turning)
    seen = set()
    async with serving(trap, CLOSED) as port, serving(server, OPEN, port):
        url = f"http://turning.example:{port}/v1"
        for _ in range(6):
            # Names are kept for half a minute: whoever asks later asks anew.
            async with Asking(caller, OPEN) as asking:
                seen.update(await asking.outcomes(connect(url)))
    assert turns > 2
    assert seen == {None, FORBIDDEN}
    assert server.connections > 0
    assert trap.connections == 0


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
