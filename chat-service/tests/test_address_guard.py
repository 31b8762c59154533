"""That the address which was checked is the one connected to."""

import pytest

from chassis.address_policy import AddressPolicy
from chassis.server_url import parse_server_url
from chassis.testing.model_server import ModelServer
from chat_service.providers.errors import ProviderAddressForbidden, ProviderUnreachable
from chat_service.providers.transport import GuardedClient


class Fetching:
    """Asks for what is not there, which a server answers with a status."""

    def __init__(self, *allowed: str) -> None:
        self.client = GuardedClient(AddressPolicy(allowed), connections=5, per_host=5)

    async def status_of(self, base_url: str) -> str:
        try:
            async with self.client.post(
                parse_server_url(base_url), "/nothing", headers={}, body=b"{}"
            ):
                return "answered"
        except ProviderAddressForbidden:
            return "forbidden"
        except ProviderUnreachable:
            return "unreachable"
        except Exception as error:  # noqa: BLE001 - what the server answered is told by it
            return type(error).__name__
        finally:
            await self.client.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_spelling_of_loopback_gets_through(model_server: ModelServer, host: str) -> None:
    told = await Fetching().status_of(f"http://{host}:{model_server.port}/v1")
    assert told == "forbidden"


@pytest.mark.parametrize("allowed", ["127.0.0.0/8", "localhost"])
async def test_what_the_operator_opened_is_reached(model_server: ModelServer, allowed: str) -> None:
    told = await Fetching(allowed).status_of(f"http://localhost:{model_server.port}/v1")
    assert told == "ProviderUnauthorized"  # it was reached, and has an opinion


async def test_a_name_that_comes_to_mean_another_address_is_refused_where_the_socket_is_made(
    model_server: ModelServer,
) -> None:
    told = await Fetching().status_of(f"http://localhost:{model_server.port}/v1")
    assert told == "forbidden"
