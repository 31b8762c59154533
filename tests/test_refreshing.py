"""A refresh token presented twice: by a client that missed the answer, and by a thief."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from chassis.testing.eventually import eventually

from .client import PASSWORD, SignUp, User
from .held import ROUTES
from .stack import Stack

COOKIE = "__Host-parley_refresh"

#: Exchanges a refresh token at a gateway; the answer, and the successor wherever it stands in it.
Refresh = Callable[[httpx.Client, str, str], tuple[httpx.Response, str]]


def _cookie_of(answer: httpx.Response) -> str:
    # By hand: a client's own jar does not send a Secure cookie back over plain HTTP.
    cookie: str = answer.headers.get("set-cookie", "")
    return cookie.removeprefix(f"{COOKIE}=").partition(";")[0]


def _in_body(http: httpx.Client, gateway: str, token: str) -> tuple[httpx.Response, str]:
    answer = http.post(f"{gateway}/api/v1/auth/refresh", json={"refresh_token": token})
    assert COOKIE not in answer.headers.get("set-cookie", "")
    return answer, answer.json().get("refresh_token", "")


def _in_cookie(http: httpx.Client, gateway: str, token: str) -> tuple[httpx.Response, str]:
    headers = {"Cookie": f"{COOKIE}={token}", "Origin": gateway}
    answer = http.post(f"{gateway}/api/v1/auth/refresh", headers=headers)
    assert "refresh_token" not in answer.json()
    return answer, _cookie_of(answer)


def _log_in(user: User, *, use_cookie: bool) -> str:
    """The first refresh token of another login."""
    body = {"username": user.username, "password": PASSWORD, "use_cookie": use_cookie}
    answer = user.http.post("/api/v1/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    token: str = _cookie_of(answer) if use_cookie else answer.json()["refresh_token"]
    return token


def _statuses(http: httpx.Client, stack: Stack, grant: dict[str, Any]) -> set[int]:
    """How every service answers to the grant's access token, at every gateway."""
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    return {
        http.get(f"{gateway}/api/v1/{route}", headers=headers).status_code
        for gateway in stack.gateways
        for route in ROUTES
    }


@pytest.mark.parametrize("refresh", [_in_body, _in_cookie])
async def test_a_retry_gets_the_same_successor_and_reuse_behind_it_ends_the_login(
    stack: Stack, sign_up: SignUp, refresh: Refresh
) -> None:
    user = sign_up(stack)
    http = user.http
    one, other = stack.gateways
    first = _log_in(user, use_cookie=refresh is _in_cookie)

    answer, second = refresh(http, one, first)
    # Within 10 seconds, as if the answer had been lost; and another time, elsewhere.
    retries = [refresh(http, gateway, first) for gateway in (one, other)]
    assert {token for _, token in retries} == {second} != {first}
    grants = [each.json() for each in (answer, *(again for again, _ in retries))]
    assert len({grant["access_token"] for grant in grants}) == 3
    for grant in grants:
        assert _statuses(http, stack, grant) == {200}

    answer, third = refresh(http, other, second)
    grants.append(answer.json())
    assert third not in {first, second, ""}
    refused, _ = refresh(http, one, first)
    assert (refused.status_code, refused.json()["reason"]) == (401, "INVALID_REFRESH_TOKEN")
    await eventually(lambda: all(_statuses(http, stack, grant) == {401} for grant in grants), 5)
    for token in (second, third):
        answer, successor = refresh(http, other, token)
        assert (answer.status_code, successor) == (401, "")
    # Another login of the user is another family.
    assert _statuses(http, stack, user.grant) == {200}
