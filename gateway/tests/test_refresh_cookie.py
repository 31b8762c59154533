"""The refresh token in a cookie: given, presented, taken back, and by whose pages."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from chassis.errors import AppError, Kind
from parley.auth.v1 import auth_pb2

from .door import Door

NAME = "__Host-parley_refresh"
USER = auth_pb2.User(id="u", tenant_id="t", username="ada", role=auth_pb2.ROLE_USER)
AUTH = "/api/v1/auth"
LOGIN = {"username": "ada", "password": "correct horse"}


class InvalidRefreshToken(AppError):
    kind = Kind.UNAUTHENTICATED
    reason = "INVALID_REFRESH_TOKEN"
    detail = "The refresh token is not valid any more; log in again."


@pytest.fixture
def granting(door: Door) -> Door:
    """The door; every log-in and refresh is granted."""
    grant = auth_pb2.Grant(
        user=USER,
        access_token=door.caller.token,
        token_type="Bearer",
        expires_in=300,
        refresh_token="rt",
    )
    door.auth.answers |= {
        "Register": auth_pb2.RegisterResponse(grant=grant),
        "LogIn": auth_pb2.LogInResponse(grant=grant),
        "Refresh": auth_pb2.RefreshResponse(grant=grant),
        "LogOut": auth_pb2.LogOutResponse(),
    }
    return door


def cookie_of(response: httpx.Response) -> dict[str, Any]:
    """The cookie that the response sets, its attributes with it; empty without one."""
    parsed = SimpleCookie(response.headers.get("set-cookie", ""))
    if not parsed:
        return {}
    (morsel,) = parsed.values()
    return {"name": morsel.key, "value": morsel.value, **{k: v for k, v in morsel.items() if v}}


def given(value: str, seconds: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "value": value,
        "httponly": True,
        "secure": True,
        "samesite": "strict",
        "path": "/",
        "max-age": seconds,
    }


def page(door: Door, origin: str | None = "", token: str = "rt") -> dict[str, str]:
    """The headers of a page's request: of our own, or of another origin's."""
    if origin == "":
        origin = f"http://127.0.0.1:{door.port}"
    headers = {"cookie": f"other=1; {NAME}={token}"}
    return headers if origin is None else {**headers, "origin": origin}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("login", LOGIN, 200), ("register", {**LOGIN, "email": "ada@example.org"}, 201)],
)
async def test_the_refresh_token_is_in_the_cookie_or_in_the_body_and_never_in_both(
    granting: Door, path: str, body: dict[str, Any], status: int
) -> None:
    asked = await granting.http.post(f"{AUTH}/{path}", json={**body, "use_cookie": True})
    plain = await granting.http.post(f"{AUTH}/{path}", json=body)
    assert (asked.status_code, plain.status_code) == (status, status)
    assert cookie_of(asked) == given("rt", str(365 * 24 * 3600))
    assert "refresh_token" not in asked.json()
    assert asked.json()["user"]["last_login_at"] is None
    assert "set-cookie" not in plain.headers
    assert plain.json() == {**asked.json(), "refresh_token": "rt"}


async def test_a_page_refreshes_by_cookie_and_gets_the_successor_in_one(granting: Door) -> None:
    response = await granting.http.post(f"{AUTH}/refresh", headers=page(granting, token="old"))
    assert response.status_code == 200
    assert cookie_of(response) == given("rt", str(365 * 24 * 3600))
    assert "refresh_token" not in response.json()
    assert response.json()["access_token"] == granting.caller.token
    assert granting.auth.calls[-1].request.refresh_token == "old"


@pytest.mark.parametrize("path", ["refresh", "logout"])
@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1"])
async def test_a_cookie_that_another_page_sent_does_nothing(
    granting: Door, path: str, origin: str | None
) -> None:
    granting.auth.calls.clear()
    response = await granting.http.post(f"{AUTH}/{path}", headers=page(granting, origin))
    assert (response.status_code, response.json()["reason"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert "set-cookie" not in response.headers
    assert granting.auth.calls == []


async def test_a_listed_origin_may_and_is_told_so_by_cors(open_door: Any) -> None:
    door = await open_door(cors_origins=("https://app.example",))
    door.auth.answers["Refresh"] = InvalidRefreshToken()
    headers = page(door, "https://app.example")
    response = await door.http.post(f"{AUTH}/refresh", headers=headers)
    assert (response.status_code, response.json()["reason"]) == (401, "INVALID_REFRESH_TOKEN")
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    preflight = {"origin": "https://app.example", "access-control-request-method": "POST"}
    cases = ((f"{AUTH}/refresh", "true"), ("/api/v1/me", "true"), ("/api/v1/notes", None))
    for path, told in cases:
        allowed = await door.http.options(path, headers=preflight)
        assert allowed.headers.get("access-control-allow-credentials") == told


async def test_behind_a_proxy_the_pages_scheme_counts(open_door: Any) -> None:
    door = await open_door(trusted_proxies=("127.0.0.0/8",))
    door.auth.answers["Refresh"] = InvalidRefreshToken()
    here = f"127.0.0.1:{door.port}"
    for origin, status in ((f"https://{here}", 401), (f"http://{here}", 403)):
        headers = {**page(door, origin), "x-forwarded-proto": "https"}
        response = await door.http.post(f"{AUTH}/refresh", headers=headers)
        assert response.status_code == status


async def test_a_token_in_the_body_and_one_in_the_cookie_are_refused(granting: Door) -> None:
    granting.auth.calls.clear()
    response = await granting.http.post(
        f"{AUTH}/refresh", headers=page(granting), json={"refresh_token": "rt"}
    )
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "refresh_token", "reason": "NOT_WITH_COOKIE"}]
    neither = await granting.http.post(f"{AUTH}/refresh")
    assert neither.status_code == 422
    assert neither.json()["errors"] == [{"field": "refresh_token", "reason": "REQUIRED"}]
    assert granting.auth.calls == []


async def test_the_cookie_authenticates_nothing_else(granting: Door) -> None:
    headers = page(granting, token=granting.caller.token)
    for method, path in (("GET", "/me"), ("GET", "/notes"), ("DELETE", "/me")):
        response = await granting.http.request(method, f"/api/v1{path}", headers=headers)
        assert response.status_code == 401


GONE = given("", "0")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/me", {"password": "correct horse"}),
        ("DELETE", "/me/logins", None),
        ("DELETE", "/me/logins/{sid}", None),
        ("POST", "/auth/login", LOGIN),
        ("POST", "/auth/register", {**LOGIN, "email": "ada@example.org"}),
    ],
)
async def test_a_cookie_that_is_good_for_nothing_any_more_is_taken_back(
    granting: Door, method: str, path: str, body: dict[str, Any] | None
) -> None:
    granting.auth.answers |= {
        "DeleteMe": auth_pb2.DeleteMeResponse(erasure_id="e"),
        "RevokeLogins": auth_pb2.RevokeLoginsResponse(),
        "RevokeLogin": auth_pb2.RevokeLoginResponse(),
    }
    path = f"/api/v1{path.format(sid=granting.caller.sid)}"
    for headers, taken in ((page(granting), GONE), ({}, {})):
        response = await granting.http.request(
            method, path, json=body, headers={**granting.bearer, **headers}
        )
        assert response.is_success
        assert cookie_of(response) == taken


async def test_another_logins_end_leaves_the_cookie(granting: Door) -> None:
    granting.auth.answers["RevokeLogin"] = auth_pb2.RevokeLoginResponse()
    response = await granting.http.delete(
        "/api/v1/me/logins/01900000-0000-7000-8000-000000000009",
        headers={**granting.bearer, **page(granting)},
    )
    assert (response.status_code, cookie_of(response)) == (204, {})


async def test_logging_out_with_an_expired_token_ends_the_cookies_login(granting: Door) -> None:
    expired = {"authorization": f"Bearer {granting.signer.caller(lifetime=-1).token}"}
    response = await granting.http.post(f"{AUTH}/logout", headers={**page(granting), **expired})
    assert (response.status_code, cookie_of(response)) == (204, GONE)
    refreshed, logged_out = granting.auth.calls[-2:]
    assert (refreshed.method, refreshed.request.refresh_token) == ("Refresh", "rt")
    assert (logged_out.method, logged_out.token) == ("LogOut", granting.caller.token)

    granting.auth.calls.clear()
    foreign = {**page(granting, "https://evil.example"), **expired}
    refused = await granting.http.post(f"{AUTH}/logout", headers=foreign)
    assert (refused.status_code, refused.json()["reason"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert (await granting.http.post(f"{AUTH}/logout", headers=expired)).status_code == 401
    assert granting.auth.calls == []


async def test_logging_out_takes_the_cookie_back(granting: Door) -> None:
    by_token = await granting.http.post(
        f"{AUTH}/logout", headers={**page(granting), **granting.bearer}
    )
    assert by_token.status_code == 204
    assert [call.method for call in granting.auth.calls[-1:]] == ["LogOut"]
    assert cookie_of(by_token) == GONE

    by_cookie = await granting.http.post(f"{AUTH}/logout", headers=page(granting))
    assert by_cookie.status_code == 204
    refreshed, logged_out = granting.auth.calls[-2:]
    assert (refreshed.method, logged_out.method) == ("Refresh", "LogOut")
    assert logged_out.token == granting.caller.token
    assert cookie_of(by_cookie) == GONE

    granting.auth.answers["Refresh"] = InvalidRefreshToken()
    again = await granting.http.post(f"{AUTH}/logout", headers=page(granting))
    assert (again.status_code, cookie_of(again)) == (204, GONE)

    assert (await granting.http.post(f"{AUTH}/logout")).status_code == 401
