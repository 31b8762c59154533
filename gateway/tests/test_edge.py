"""Paths, methods, headers, origins, proxies, connections: what comes before any route."""

import asyncio
import resource
from typing import Any

import pytest

from parley.auth.v1 import auth_pb2
from parley.notes.v1 import notes_pb2

from .door import Door


async def raw(door: Door, request: bytes) -> bytes:
    """What the server answers to these very bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(request)
    received = b""
    try:
        async with asyncio.timeout(30):
            while chunk := await reader.read(65536):
                received += chunk
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


async def get(door: Door, path: str) -> tuple[int, str]:
    head = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {door.bearer['authorization']}"
    answer = (await raw(door, f"{head}\r\nconnection: close\r\n\r\n".encode())).decode()
    assert "\r\nlocation:" not in answer.lower()
    return int(answer.split(" ", 2)[1]), answer


async def test_trailing_slashes_are_stripped_without_a_redirect(door: Door) -> None:
    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
    door.notes.answers["GetNote"] = notes_pb2.GetNoteResponse()
    for path in (
        "/api/v1/notes/",
        "/api/v1/notes//",
        "/api/v1/notes/?limit=3",
        "/api/v1/notes/01900000-0000-7000-8000-000000000003/",
    ):
        status, _ = await get(door, path)
        assert (path, status) == (path, 200)
    assert door.notes.calls[-1].request.id == "01900000-0000-7000-8000-000000000003"
    assert door.notes.calls[-2].request.limit == 3


async def test_paths_with_tricks_are_400_or_404(door: Door) -> None:
    for path in (
        "//api/v1/notes",
        "/api//v1/notes",
        "/api/v1/./notes",
        "/api/v1/../v1/notes",
        "/api/v1/notes/..",
        "/api/v1/notes/%2e%2e",
        "/api/v1/notes/%2E",
        "/api%2fv1%2fnotes",
        "/api/v1/notes/a%2Fb",
        "/api/v1/notes/a%5cb",
        "/api/v1/notes/a\\b",
        "/api/v1/notes%00",
        "/api/v1/notes/01900000-0000-7000-8000-000000000003%0d%0aset-cookie:x",
        "/api/v1/notes/01900000-0000-7000-8000-000000000003%7f",
        "//example.org/..",
        "/%2f%2fexample.org",
    ):
        status, answer = await get(door, path)
        assert status in (400, 404), path
        assert "application/problem+json" in answer
    assert door.notes.calls == []


async def test_unknown_routes_and_methods_are_problems(door: Door) -> None:
    for path in ("/nothing", "/api/v1", "/api/v2/notes", "/api/v1/notes/a/b", "/redoc"):
        response = await door.http.get(path, headers=door.bearer)
        assert response.status_code == 404
        assert response.json()["reason"] == "ROUTE_NOT_FOUND"
    response = await door.http.put("/api/v1/notes", json={}, headers=door.bearer)
    assert response.status_code == 405
    assert response.json()["reason"] == "METHOD_NOT_ALLOWED"
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    odd = await door.http.request("BREW", "/api/v1/notes")
    assert odd.status_code in (400, 405)


async def test_options_tells_the_methods_and_head_is_a_get_without_its_body(door: Door) -> None:
    options = await door.http.options("/api/v1/notes/01900000-0000-7000-8000-000000000003")
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    head = await door.http.head("/healthz")
    full = await door.http.get("/healthz")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]
    assert (await door.http.head("/api/v1/notes")).status_code == 401


async def test_a_limit_out_of_range_is_422(door: Door) -> None:
    for query in (
        "limit=-1",
        "limit=0",
        "limit=101",
        "limit=1000000000",
        "limit=1e2",
        "limit=",
        "limit=1_0",
    ):
        response = await door.http.get(f"/api/v1/notes?{query}", headers=door.bearer)
        assert (query, response.status_code) == (query, 422)
        assert response.json()["errors"][0]["field"] == "limit"
    for query in ("cursor=%00", "count=perhaps", "cursor=" + "x" * 2000):
        response = await door.http.get(f"/api/v1/notes?{query}", headers=door.bearer)
        assert (query, response.status_code) == (query, 422)
    assert door.notes.calls == []


async def test_every_response_is_marked_for_browsers_to_leave_alone(door: Door) -> None:
    for path in ("/healthz", "/nothing", "/api/v1/notes"):
        headers = (await door.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


async def test_header_bytes_of_any_kind_never_cause_a_500(door: Door) -> None:
    for name in (
        b"authorization",
        b"accept",
        b"content-type",
        b"traceparent",
        b"x-forwarded-for",
        b"last-event-id",
        b"origin",
        b"user-agent",
        b"cookie",
        b"host",
    ):
        for value in (b"\xff\xfe", b"Bearer \xc3\xa9", b"", b"\x80" * 3000):
            request = (
                b"POST /api/v1/auth/login HTTP/1.1\r\n%b%b: %b\r\ncontent-length: 2\r\n"
                b"connection: close\r\n\r\n{}"
                % (b"" if name == b"host" else b"host: x\r\n", name, value)
            )
            answer = await raw(door, request)
            assert answer.split(b" ", 2)[1] in (b"400", b"415", b"422"), (name, value)


async def test_what_is_not_http_is_a_problem_and_the_connection_closed(door: Door) -> None:
    for request in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    ):
        answer = await raw(door, request)
        assert answer.startswith(b"HTTP/1.1 400 "), request
        assert b"application/problem+json" in answer


async def test_a_head_that_is_too_large_is_431(open_door: Any) -> None:
    door = await open_door(head_limit_bytes=8192)
    for request in (
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 100_000,
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 9000 + b"\r\n\r\n",
    ):
        answer = await raw(door, request)
        assert answer.startswith(b"HTTP/1.1 431 "), request[:60]
        assert b"HEADERS_TOO_LARGE" in answer


async def test_a_head_that_does_not_come_is_not_waited_for(open_door: Any) -> None:
    door = await open_door(head_seconds=0.1)
    for request, answer in ((b"", b""), (b"GET /healthz HTTP/1.1\r\nhost", b"HTTP/1.1 408 ")):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(request)
        async with asyncio.timeout(30):
            told = await reader.read()
        assert told.startswith(answer)
        assert bool(told) == bool(answer)
        writer.close()


async def test_listed_origins_alone_may_call_from_browsers(open_door: Any) -> None:
    door = await open_door(cors_origins=("https://app.example",))
    preflight = {"access-control-request-method": "POST", "origin": "https://app.example"}
    allowed = await door.http.options("/api/v1/notes", headers=preflight)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    # Also on errors: the page is to see why.
    refused = await door.http.get("/api/v1/notes", headers={"origin": "https://app.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://app.example"
    assert refused.headers["vary"] == "Origin"
    exposed = refused.headers["access-control-expose-headers"].split(", ")
    assert {"Retry-After", "RateLimit"} <= set(exposed)
    for origin in (
        "https://evil.example",
        "null",
        "https://app.example.evil",
        "http://app.example",
    ):
        other = await door.http.options("/api/v1/notes", headers={**preflight, "origin": origin})
        assert other.status_code == 403
        plain = await door.http.get("/healthz", headers={"origin": origin})
        assert "access-control-allow-origin" not in plain.headers
        assert "access-control-allow-origin" not in other.headers


async def test_a_page_of_a_listed_origin_may_send_and_see_the_headers_that_the_api_knows(
    open_door: Any,
) -> None:
    door = await open_door(cors_origins=("https://app.example",))
    origin = {"origin": "https://app.example"}
    answer = await door.http.get("/openapi.json", headers=origin)
    preflight = await door.http.options(
        "/api/v1/notes", headers={**origin, "access-control-request-method": "POST"}
    )
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    document = answer.json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    sent = {
        one["name"].lower()
        for operation in operations
        for one in operation.get("parameters", ())
        if one["in"] == "header"
    }
    assert {"idempotency-key", "if-match", "x-share-opening", "x-share-password"} <= sent
    assert sent <= set(allowed)
    shown = {
        name
        for answers in (document["components"], *operations)
        for told in answers.get("responses", {}).values()
        for name in told.get("headers", ())
    }
    assert {"ETag", "Retry-After", "X-Run-ID"} <= shown
    # That a token is needed the status says.
    assert shown - {"WWW-Authenticate"} <= set(exposed)
    assert {"Content-Disposition", "Content-Range", "X-Request-ID"} <= set(exposed)


async def test_a_process_may_open_as_many_files_as_the_system_lets_it(open_door: Any) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most - 1, most))
    await open_door()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)


async def ip_seen(door: Door, *forwarded: str) -> str:
    door.auth.answers["LogIn"] = auth_pb2.LogInResponse(
        grant=auth_pb2.Grant(user=auth_pb2.User(role=auth_pb2.ROLE_USER))
    )
    response = await door.http.post(
        "/api/v1/auth/login",
        json={"username": "a", "password": "p"},
        headers=[("x-forwarded-for", line) for line in forwarded],
    )
    assert response.status_code == 200
    ip: str = door.auth.calls[-1].request.client.ip
    return ip


async def test_forwarded_for_is_believed_of_nobody_by_default(door: Door) -> None:
    assert await ip_seen(door, "203.0.113.9") == "127.0.0.1"


async def test_of_configured_proxies_the_client_is_the_last_address_that_is_not_theirs(
    open_door: Any,
) -> None:
    door = await open_door(trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"])
    assert await ip_seen(door, "203.0.113.9") == "203.0.113.9"
    assert await ip_seen(door, "198.51.100.1, 203.0.113.9, 10.1.2.3") == "203.0.113.9"
    assert await ip_seen(door, "198.51.100.1, 203.0.113.9", "10.1.2.3") == "203.0.113.9"
    assert await ip_seen(door, "203.0.113.9:4711") == "203.0.113.9"
    assert await ip_seen(door, "[2001:db8::7]:4711") == "2001:db8::7"
    assert await ip_seen(door, "203.0.113.9, ::ffff:10.1.2.3") == "203.0.113.9"
    assert await ip_seen(door, "203.0.113.9, garbage") == "127.0.0.1"
    assert await ip_seen(door, "") == "127.0.0.1"


async def test_requests_are_logged_without_query_or_body(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.notes.answers["GetNote"] = notes_pb2.GetNoteResponse()
    await door.http.get(
        "/api/v1/notes/01900000-0000-7000-8000-000000000003?token=hunter2&x=hunter2",
        headers=door.bearer,
    )
    await door.http.post("/api/v1/auth/login", json={"username": "hunter2"})
    told = "".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert "/api/v1/notes/{note_id}" in told
    assert "01900000-0000-7000-8000-000000000003" in told
    assert str(door.caller.user_id) in told
    assert "hunter2" not in told
    assert door.caller.token not in told


async def test_what_somebody_typed_into_a_path_is_in_no_log_and_no_metric(
    door: Door, access_log: Any, caplog: pytest.LogCaptureFixture
) -> None:
    typed = ("hunter2", "hunter2%20" * 1000, "hunter2%E2%80%A8%F0%9F%92%A9", "hunter2%0d%0ax")
    for secret in typed:
        for method, path, route in (
            ("GET", "/api/v1/notes/{}", "/api/v1/notes/{note_id}"),
            ("BREW", "/api/v1/notes/{}", "/api/v1/notes/{note_id}"),
            ("GET", "/api/v1/erasures/{}", "/api/v1/erasures/{erasure_id}"),
            ("GET", "/{}", "unmatched"),
            ("GET", "/api/v1/ws/{}", "unmatched"),
        ):
            response = await door.http.request(
                method, path.format(secret), headers={**door.bearer, "traceparent": secret}
            )
            line = await access_log.line(response.headers["x-request-id"])
            assert line["route"] == ("unmatched" if response.status_code == 400 else route)
            assert "ids" not in line
    told = "".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert "hunter2" not in told
    port = door.gateway.service.metrics_port
    assert "hunter2" not in (await door.http.get(f"http://127.0.0.1:{port}/metrics")).text


async def test_metrics_are_on_a_port_of_their_own_with_bounded_labels(door: Door) -> None:
    for number in range(5):
        await door.http.get(f"/random/{number}")
    await door.http.request("BREW", "/healthz")
    assert (await door.http.get("/metrics")).status_code == 404
    told = (
        await door.http.get(f"http://127.0.0.1:{door.gateway.service.metrics_port}/metrics")
    ).text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"}' in told
    assert "random" not in told
    assert "BREW" not in told
