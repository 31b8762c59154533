"""Which addresses a provider may have, and that the one checked is the one connected to."""

import socket
from typing import Any

import httpx2
import pytest

from chassis.testing.model_server import ModelServer
from chat_service.providers.guard import AddressForbidden, AddressPolicy
from chat_service.providers.transport import SOURCE, GuardedTransport

CLOSED = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_that_is_not_public_is_closed(address: str) -> None:
    assert not AddressPolicy([]).admits(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_a_public_address_is_open(address: str) -> None:
    assert AddressPolicy([]).admits(address)


def test_an_operator_opens_networks_and_names() -> None:
    policy = AddressPolicy(["127.0.0.0/8", "10.1.2.3", "Models.Internal"])
    assert policy.admits("127.0.0.1")
    assert policy.admits("10.1.2.3")
    assert not policy.admits("10.1.2.4")
    assert not policy.admits("::1")
    assert policy.opens_host("models.internal.")
    assert not policy.opens_host("evil.models.internal")


async def fetch(transport: GuardedTransport, url: str) -> httpx2.Response:
    async with (
        httpx2.AsyncClient(transport=transport, follow_redirects=False) as client,
        client.stream("GET", url, headers={"Authorization": "Bearer x"}) as response,
    ):
        if SOURCE in response.extensions:
            await response.extensions[SOURCE].read()
        return response


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "\uff11\uff12\uff17.0.0.1",
        "127。0。0。1",
    ],
)
async def test_no_spelling_of_loopback_gets_through(model_server: ModelServer, host: str) -> None:
    with pytest.raises((httpx2.ConnectError, httpx2.InvalidURL)):
        await fetch(
            GuardedTransport(AddressPolicy([]), connections=5, per_host=5),
            f"http://{host}:{model_server.port}/v1/models",
        )


async def test_a_name_that_resolves_to_a_closed_address_is_refused_where_the_socket_is_made(
    model_server: ModelServer,
) -> None:
    with pytest.raises(httpx2.ConnectError) as caught:
        await fetch(
            GuardedTransport(AddressPolicy([]), connections=5, per_host=5),
            f"http://localhost:{model_server.port}/v1/models",
        )
    assert isinstance(caught.value.__cause__, AddressForbidden)


async def test_what_the_operator_opened_is_reached(model_server: ModelServer) -> None:
    url = f"http://localhost:{model_server.port}/v1/models"
    for allowed in (["127.0.0.0/8"], ["localhost"]):
        transport = GuardedTransport(AddressPolicy(allowed), connections=5, per_host=5)
        assert (await fetch(transport, url)).status_code == 200


async def test_no_proxy_of_the_environment_is_asked(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        proxy = f"http://127.0.0.1:{trap.getsockname()[1]}"
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        transport = GuardedTransport(AddressPolicy(["127.0.0.0/8"]), connections=5, per_host=5)
        answer: Any = await fetch(transport, f"http://127.0.0.1:{model_server.port}/v1/models")
        assert answer.status_code == 200
        trap.setblocking(False)
        with pytest.raises(BlockingIOError):
            trap.accept()
