"""Routes and what fills their addresses: found in the API's own document, so that none is left out."""

import re
from typing import Any

import pytest

from parley.apikey.v1 import apikey_pb2

from .door import Door

ID = "01900000-0000-7000-8000-000000000003"
# Some would be other addresses if they were decoded once more, or what a service cannot store.
MALFORMED = ("%09", "%0A", "%0D%0Ax", "%00", f"{ID}%00", "%2F", "%2e", "%2E%2E", "%5C", "%7F")


async def addresses(door: Door) -> list[tuple[str, str]]:
    """Method and template of each route that the document knows."""
    paths = (await door.http.get("/openapi.json")).json()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert len(found) > 40
    return found


def ask(door: Door, method: str, path: str, *fields: str) -> bytes:
    body = "" if method in ("GET", "OPTIONS") else "{}"
    return "\r\n".join(
        (
            f"{method} {path} HTTP/1.1",
            "host: x",
            f"authorization: {door.bearer['authorization']}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            *fields,
            "",
            body,
        )
    ).encode()


async def counted(door: Door) -> dict[str, float]:
    """Requests by their labels."""
    url = f"http://127.0.0.1:{door.gateway.service.metrics_port}/metrics"
    told = re.findall(
        r"^http_requests_total{(.+)} (\S+)$", (await door.http.get(url)).text, re.MULTILINE
    )
    return {labels: float(value) for labels, value in told}


async def test_what_no_address_may_hold_is_refused_at_every_parameter_and_nobody_is_asked(
    door: Door, call_raw: Any
) -> None:
    client = await call_raw(door)
    told = {}
    for method, template in await addresses(door):
        for name in re.findall(r"{(\w+_id)}", template):
            for odd in MALFORMED:
                path = re.sub(r"{\w+}", ID, template.replace(f"{{{name}}}", odd))
                await client.say(ask(door, method, path))
                answer = await client.answer()
                told[method, template, name, odd] = (answer.status, answer.problem["reason"])
    assert len(told) > 400
    assert set(told.values()) == {(400, "MALFORMED_PATH")}
    calls = [*door.auth.calls, *door.apikey.calls, *door.chat.calls, *door.notes.calls]
    assert [call.method for call in calls if call.method != "WatchRevocations"] == []


# As they are escaped, and what they name.
NAMES = {
    "work": "work",
    "work/": "work",
    "a%2Fb": "a/b",
    "a%2F": "a/",
    "%2F%2F": "//",
    "%2E%2E": "..",
    "..%2f..%2Fdefault": "../../default",
    "%5Cx": "\\x",
    "100%25": "100%",
    "%252F": "%2F",
    "a%3Fb%23c": "a?b#c",
    "%E5%AE%B6%20%F0%9F%94%91": "家 🔑",
    "default": "default",
    ID: ID,
    "%FF": "\ufffd",
    "+": "+",
}


@pytest.mark.parametrize(("escaped", "name"), NAMES.items())
async def test_a_name_in_an_address_may_hold_whatever_names_hold(
    door: Door, call_raw: Any, escaped: str, name: str
) -> None:
    door.apikey.answers["GetKeyByName"] = apikey_pb2.GetKeyByNameResponse(
        key=apikey_pb2.Key(id=ID, provider=apikey_pb2.PROVIDER_OPENAI)
    )
    client = await call_raw(door)
    await client.say(ask(door, "GET", f"/api/v1/keys/by-name/{escaped}?x=%2F"))
    answer = await client.answer()
    assert answer.status == 200
    assert [call.request.name for call in door.apikey.calls] == [name]


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("by-name/a/b", 404, "ROUTE_NOT_FOUND"),
        ("by-name//a", 404, "ROUTE_NOT_FOUND"),
        ("by-name/../default", 404, "ROUTE_NOT_FOUND"),
        ("by-name/a%00", 400, "MALFORMED_PATH"),
        ("by-name/a%0Ab", 400, "MALFORMED_PATH"),
        ("by-name/a%7F", 400, "MALFORMED_PATH"),
        ("by-name%2Fa", 400, "MALFORMED_PATH"),
        ("%2e%2e/keys/by-name/a", 400, "MALFORMED_PATH"),
    ],
)
async def test_a_name_is_one_segment_without_controls_and_nothing_before_it_is_one(
    door: Door, call_raw: Any, path: str, status: int, reason: str
) -> None:
    client = await call_raw(door)
    await client.say(ask(door, "GET", f"/api/v1/keys/{path}"))
    answer = await client.answer()
    assert (answer.status, answer.problem["reason"]) == (status, reason)
    assert door.apikey.calls == []


async def test_a_blank_behind_a_name_is_no_part_of_another_address(door: Door) -> None:
    for path in ("/api/v1/notes%20", "/healthz%20", "/%20"):
        response = await door.http.get(path, headers=door.bearer)
        assert (response.status_code, response.json()["reason"]) == (404, "ROUTE_NOT_FOUND")


async def test_whatever_a_route_answers_is_told_of_by_its_template(
    open_door: Any, call_raw: Any, access_log: Any
) -> None:
    door = await open_door(cors_origins=("https://app.example",))
    before = await counted(door)
    page = (await door.http.get("/docs")).text
    parts = re.findall(r'(?:src|href)="(/docs/[^"]+)"', page)
    assert len(parts) == 4
    pages = {path: path for path in ("/", "/docs", "/openapi.json", "/favicon.ico", "/robots.txt")}
    pages |= {path: re.sub("/[0-9a-f]{16}/", "/{digest}/", path) for path in parts}
    templates = dict(pages)
    for _, template in await addresses(door):
        templates[re.sub(r"{\w+}", ID, template)] = template
    client = await call_raw(door)
    preflight = ("access-control-request-method: POST", "origin: https://app.example")
    refused = ("access-control-request-method: POST", "origin: https://evil.example")
    told, expected = {}, {}
    for path, template in templates.items():
        asked: list[tuple[str, str, tuple[str, ...]]] = [
            ("OPTIONS", path, ()),
            ("OPTIONS", path, preflight),
            ("OPTIONS", f"{path}/", refused),
            # Known to HTTP and to no route here.
            ("TRACE", path, ()),
        ]
        if path in pages:
            asked += [("GET", path, ()), ("GET", path, ("accept: text/html",))]
        for method, at, fields in asked:
            await client.say(ask(door, method, at, *fields))
            answer = await client.answer()
            assert answer.status in (200, 204, 302, 403, 405), (method, at)
            if template in ("/healthz", "/readyz"):
                continue  # No lines for probes: they are counted below.
            line = await access_log.line(answer.headers["x-request-id"])
            told[method, at, fields] = line["route"]
            expected[method, at, fields] = template
    assert told == expected
    after = await counted(door)
    assert after['method="GET",route="/docs/{digest}/start.js",status="200"'] > 0
    # What other tests of this process asked for is counted as well.
    assert {name: after[name] for name in before if "unmatched" in name} == {
        name: value for name, value in before.items() if "unmatched" in name
    }
    assert [name for name in after if "unmatched" in name and name not in before] == []
