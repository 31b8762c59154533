"""Somebody who is logged in means harm: everything about connections is tried that a client can say."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from .client import SignUp, User
from .stack import Stack

GOOD = {
    "name": "n",
    "api_key": "k-0123456789abcdef",
    "model": "m",
    "base_url": "https://a.example/v1",
}
_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, 0.5, 1e308, "", " ", "\0", "a\0b", "\r\n",
    "\u202e", "\ufeff", "\ud7ff\ue000", "é" * 200, "x" * 9000, [], {}, [[]], {"a": 1}, ["a"], [None],
    "../..", "%00", "{{7*7}}", "'; DROP TABLE keys; --", "🙂" * 50,
)  # fmt: skip
# As text, since no library writes them.
_NO_JSON = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    '"\\ud800"',
    '"\\udc00x"',
    "1" * 5000,
)
_DEEP = "[" * 100_000 + "]" * 100_000


def _bodies(good: dict[str, Any], *more: str) -> Iterator[bytes]:
    """``good`` with each of its fields, and those of ``more``, as something strange."""
    for field in (*good, *more, "parameters", "headers", "provider", "fallback_key_id"):
        for value in _STRANGE:
            yield json.dumps({**good, field: value}).encode()
        for text in (*_NO_JSON, _DEEP):
            yield json.dumps({**good, field: "HERE"}).replace('"HERE"', text).encode()
    for parameter in ("temperature", "max_tokens", "top_p", "stop", "reasoning_effort", "x"):
        for value in _STRANGE:
            yield json.dumps({**good, "parameters": {parameter: value}}).encode()
    for name in ("", " ", "a b", "a:b", "x\r\ny: z", "é", "\0", "X" * 65, ":path", "Host", "hoST ",
                 "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer",
                 "Upgrade", "Proxy-Authorization", "Expect", "Authorization", "Cookie", "X-Forwarded-For"):  # fmt: skip
        yield json.dumps({**good, "headers": {name: "v"}}).encode()
    for value in _STRANGE:
        if value not in ("../..", "%00", "{{7*7}}", "'; DROP TABLE keys; --"):
            yield json.dumps({**good, "headers": {"X-A": value}}).encode()
    yield json.dumps({**good, "headers": {f"X-{n}": "v" for n in range(17)}}).encode()
    yield json.dumps({**good, "headers": {f"X-{n}": "v" * 7999 for n in range(3)}}).encode()
    yield from (b"", b"[]", b"null", b"{", b'{"a":', b"\xff\xfe", b"\xef\xbb\xbf{}", _DEEP.encode())


def _assert_refused(answer: httpx.Response, sent: bytes) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, sent[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    assert GOOD["api_key"] not in answer.text


@pytest.mark.slow
def test_a_body_that_is_wrong_is_refused_and_leaves_nothing(stack: Stack, sign_up: SignUp) -> None:
    user = sign_up(stack)
    heads = {"Content-Type": "application/json"}
    kept = user.create_key("https://a.example/v1", "m", name="kept")
    path = f"/api/v1/keys/{kept['id']}"
    answered = 0
    for body in _bodies(GOOD):
        answer = user.http.post("/api/v1/keys", content=body, headers=heads)
        answered += 1
        if answer.status_code == 201:
            # What some field may be after all, such as nothing.
            assert user.http.delete(f"/api/v1/keys/{answer.json()['id']}").status_code == 204
        else:
            _assert_refused(answer, body)
    for body in _bodies({}, "name", "model", "api_key"):
        answer = user.http.patch(path, content=body, headers=heads)
        answered += 1
        if answer.status_code != 200:
            _assert_refused(answer, body)
    assert answered > 1000
    (only,) = user.http.get("/api/v1/keys").json()["items"]
    assert only["id"] == kept["id"]


def test_nobody_elses_connection_is_there_on_any_route(stack: Stack, sign_up: SignUp) -> None:
    owner, eve = sign_up(stack), sign_up(stack)
    theirs = owner.create_key(stack.model_url, "tokens-3", name="theirs")
    own = eve.create_key(stack.model_url, "tokens-3", name="own")
    session_id = eve.create_session()
    key_id = theirs["id"]
    path = f"/api/v1/keys/{key_id}"
    tries: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"name": "mine"}),
        ("PATCH", path, {}),
        ("PATCH", path, {"base_url": "https://evil.example", "api_key": "k"}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/models", None),
        ("GET", "/api/v1/keys/by-name/theirs", None),
        ("PUT", "/api/v1/keys/default", {"key_id": key_id}),
        ("POST", "/api/v1/chat/messages", {"content": "c", "key_id": key_id}),
        (
            "POST",
            f"/api/v1/chat/sessions/{session_id}/messages",
            {"content": "c", "key_id": key_id},
        ),
        ("POST", "/api/v1/chat/sessions", {"key_id": key_id}),
    ]
    for method, where, body in tries:
        answer = eve.http.request(method, where, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (404, "KEY_NOT_FOUND"), where
    for method, where, body in (
        ("PATCH", f"/api/v1/keys/{own['id']}", {"fallback_key_id": key_id}),
        ("POST", "/api/v1/keys", {**GOOD, "fallback_key_id": key_id}),
    ):
        answer = eve.http.request(method, where, json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "fallback_key_id", "reason": "NOT_FOUND"}]
    assert owner.http.get(path).json() == theirs
    assert [one["id"] for one in eve.http.get("/api/v1/keys").json()["items"]] == [own["id"]]


def test_whatever_is_no_id_or_cursor_is_told_so(stack: Stack, sign_up: SignUp) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-3")
    for text in (
        "0",
        "x" * 3000,
        "%00",
        "%F0%9F%99%82",
        "%2e%2e",
        "a%2Fb",
        "' OR 1=1",
        "null",
    ):
        for end in ("", "/test", "/models"):
            method = "POST" if end == "/test" else "GET"
            answer = user.http.request(method, f"/api/v1/keys/{text}{end}")
            assert answer.status_code in (400, 404, 405), (text, end, answer.status_code)
        assert user.http.get(f"/api/v1/keys/by-name/{text}").status_code in (400, 404)
    moment, own = "2026-01-01T00:00:00+00:00", "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e03"
    for parts in (
        [], [1], [None, None], [moment], [moment, own, "x"], ["0001-01-01T00:00:00+23:59", own],
        ["9999-12-31T23:59:59-23:59", own], ["2026-01-01T00:00:00", own], [moment, "x"],
        ["operator", "0", ""], ["operator", "999999999", own], ["operator", "-1", ""],
        ["operator", "\u0661", ""], ["operator", "0", "x"], [moment, "\ud7ff"], {"a": 1}, "x",
    ):  # fmt: skip
        cursor = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
        answer = user.http.get("/api/v1/keys", params={"cursor": cursor, "count": "true"})
        assert answer.status_code in (200, 422), (parts, answer.text)
        if answer.status_code == 200:
            assert answer.json()["total"] == 1


def test_of_many_changes_at_once_each_is_whole(stack: Stack, sign_up: SignUp) -> None:
    user = sign_up(stack)
    first = user.create_key(stack.model_url, "tokens-3", name="first")

    def tell(order: tuple[str, str, Any]) -> int:
        method, path, body = order
        return user.http.request(method, f"/api/v1/keys{path}", json=body).status_code

    with ThreadPoolExecutor(16) as pool:
        # Of one name one is stored.
        same = list(pool.map(tell, [("POST", "", {**GOOD, "name": "Same"})] * 50))
        assert sorted(set(same)) == [201, 409]
        assert same.count(201) == 1
        # A circle of two is closed by nobody.
        one, other = (
            user.create_key(stack.model_url, "tokens-3", name=n) for n in ("one", "other")
        )
        for _ in range(5):
            orders = [
                ("PATCH", f"/{one['id']}", {"fallback_key_id": other["id"]}),
                ("PATCH", f"/{other['id']}", {"fallback_key_id": one["id"]}),
            ] * 4
            assert set(pool.map(tell, orders)) <= {200, 422}
            told = [user.http.get(f"/api/v1/keys/{k['id']}").json() for k in (one, other)]
            assert [one_["fallback_key_id"] for one_ in told].count(None) == 1
            for key in (one, other):
                tell(("PATCH", f"/{key['id']}", {"fallback_key_id": None}))
        # One that is deleted meanwhile is whole or gone, and never the default.
        mixed: list[tuple[str, str, Any]] = [
            *[("PUT", "/default", {"key_id": one["id"]})] * 8,
            *[("PATCH", f"/{one['id']}", {"name": f"n{n}"}) for n in range(8)],
            *[("POST", f"/{one['id']}/test", None)] * 4,
            *[("DELETE", f"/{one['id']}", None)] * 4,
        ]
        statuses = list(pool.map(tell, mixed))
        assert set(statuses) <= {200, 204, 404}
        assert statuses.count(204) == 1
    assert user.http.get("/api/v1/keys/default").json()["id"] == first["id"]
    items = user.http.get("/api/v1/keys").json()["items"]
    assert [item["is_default"] for item in items].count(True) == 1


@pytest.mark.parametrize(
    "base_url",
    [
        "https://a.example/v1#x", "https://u:p@a.example", "//a.example", "a.example", "javascript:x",
        "https://a.example\\@b.example", "https://a.example:0", "https://a.example:99999",
        "https://a.example/\r\nX: y", "https://a.example/ x", "https://[::1", "https://",
        "https://a.example/..%2f..", "https://a.example/../x", "https://a.example/?x=\u0000",
        "https://\u0430.example\u3002com", "https://169.254.169.254/latest", "https://10.0.0.1",
        "https://a.example/" + "x" * 600, "file:///etc/passwd", "https://a.example/%zz?%zz=\x7f",
    ],
)  # fmt: skip
def test_a_base_url_that_is_none_is_refused_by_field_when_it_is_kept_tried_or_changed(
    stack: Stack, sign_up: SignUp, base_url: str
) -> None:
    user = sign_up(stack)
    kept = user.create_key(stack.model_url, "tokens-3")
    unsaved = {key: value for key, value in GOOD.items() if key != "name"}
    for method, path, body in (
        ("POST", "/keys", {**GOOD, "base_url": base_url}),
        ("POST", "/keys/test", {**unsaved, "base_url": base_url}),
        ("PATCH", f"/keys/{kept['id']}", {"api_key": "k" * 12, "base_url": base_url}),
    ):
        answer = user.http.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == 422, (path, answer.text)
        assert {error["field"] for error in answer.json()["errors"]} == {"base_url"}
    assert _key(user, kept["id"]) == kept


def _key(user: User, key_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = user.http.get(f"/api/v1/keys/{key_id}").json()
    return shown
