"""Guessing from one address: whatever a client says of where it comes from, it is counted there.

Loopback has addresses enough for each test to be somebody of its own. All limits are the default
ones.
"""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import pytest

from chassis.embedded import free_port
from chassis.ids import new_id
from chassis.testing.eventually import eventually

from .forkserver.processes import start
from .stack import Stack

_PROXY = "127.0.0.9"
_number = count(1)


def _from(gateway: str, address: str) -> httpx.Client:
    """A client that really is at this address."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=f"{gateway}/api/v1", transport=transport, timeout=30, verify=False)


def _made_up() -> dict[str, str]:
    """Headers by which one could claim to be somebody else, somebody new each time."""
    number = next(_number)
    address = f"198.51.{number // 256}.{number % 256}"
    return {
        "X-Forwarded-For": address,
        "Forwarded": f"for={address};proto=https",
        "X-Real-IP": address,
        "X-Client-IP": address,
        "True-Client-IP": address,
        "CF-Connecting-IP": address,
    }


def _email() -> str:
    return f"{new_id().hex}@example.com"


Attempt = Callable[[httpx.Client, dict[str, str]], httpx.Response]


def _log_in(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    body = {"username": f"u-{new_id().hex[-20:]}", "password": "a guess of somebody's password"}
    return client.post("/auth/login", json=body, headers=headers)


def _guess_a_code(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    body = {"email": _email(), "code": "000000", "purpose": "password_reset"}
    return client.post("/auth/verify-code", json=body, headers=headers)


def _have_a_code_sent(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    body = {"email": _email(), "purpose": "register"}
    return client.post("/auth/send-code", json=body, headers=headers)


def _guess_a_token(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    bearer = {"Authorization": f"Bearer parley_pat_{new_id().hex}{'A' * 11}"}
    return client.get("/notes", headers={**headers, **bearer})


def _assert_refused(answers: list[httpx.Response]) -> None:
    for answer in answers:
        assert (answer.status_code, answer.json()["reason"]) == (429, "TOO_MANY_ATTEMPTS")
        assert 1 <= int(answer.headers["retry-after"]) <= 3600


@pytest.mark.parametrize(
    ("attempt", "status", "limit", "address"),
    [
        pytest.param(_guess_a_code, 200, 50, "127.0.1.1", marks=pytest.mark.slow),
        (_have_a_code_sent, 202, 20, "127.0.1.2"),
        (_guess_a_token, 401, 30, "127.0.1.3"),
        pytest.param(_log_in, 401, 100, "127.0.1.4", marks=pytest.mark.slow),
    ],
)
def test_an_address_made_up_for_each_attempt_evades_no_limit(
    stack: Stack, attempt: Attempt, status: int, limit: int, address: str
) -> None:
    with _from(stack.url, address) as client, ThreadPoolExecutor(4) as pool:
        let_through = list(pool.map(lambda _: attempt(client, _made_up()), range(limit)))
        assert {answer.status_code for answer in let_through} == {status}
        _assert_refused([attempt(client, _made_up()) for _ in range(10)])
    with _from(stack.url, f"{address}1") as somebody_else:
        # Who comes from elsewhere is kept from nothing, whatever the others said of themselves.
        forged = {"X-Forwarded-For": address}
        assert attempt(somebody_else, forged).status_code == status


@pytest.fixture
def behind_proxy(stack: Stack) -> Iterator[str]:
    """One more gateway of the stack, which believes what the proxy at 127.0.0.9 says."""
    process, port = stack.service("gateway"), free_port()
    environment = {
        **process.environ(),
        "GATEWAY_PORT": str(port),
        "GATEWAY_METRICS_PORT": str(free_port()),
        "GATEWAY_TRUSTED_PROXIES": f'["{_PROXY}/32"]',
    }
    with (stack.directory / "behind_proxy").open("wb") as log:
        gateway = start(["-m", "gateway", "serve"], environment, log, death_signal=signal.SIGKILL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        gateway.terminate()
        gateway.wait()


async def test_behind_a_configured_proxy_everybody_has_a_budget_of_their_own(
    behind_proxy: str,
) -> None:
    def is_ready() -> Any:
        return httpx.get(f"{behind_proxy}/readyz", verify=False).is_success

    def forwarded(address: str) -> dict[str, str]:
        """As a proxy hands on what a client has made up: with where it came from behind it."""
        headers = _made_up()
        return {**headers, "X-Forwarded-For": f"{headers['X-Forwarded-For']}, {address}"}

    await eventually(is_ready, 30, ignoring=(httpx.TransportError,))
    one, other = "203.0.113.1", "203.0.113.2"
    with _from(behind_proxy, _PROXY) as proxy, ThreadPoolExecutor(4) as pool:
        let_through = list(pool.map(lambda _: _guess_a_code(proxy, forwarded(one)), range(50)))
        assert {answer.status_code for answer in let_through} == {200}
        _assert_refused([_guess_a_code(proxy, forwarded(one)) for _ in range(10)])
        assert _guess_a_code(proxy, forwarded(other)).status_code == 200
        assert _guess_a_code(proxy, {}).status_code == 200
    # Who is no proxy of ours is at none of these addresses.
    with _from(behind_proxy, "127.0.1.5") as client:
        assert _guess_a_code(client, forwarded(one)).status_code == 200
