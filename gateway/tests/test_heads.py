"""Heads by RFC 9112: what each is answered with, and whose host counts."""

import asyncio
from typing import Any

from .door import Door

GET = "GET /healthz HTTP/1.1\r\n"
HOSTED = f"{GET}host: x\r\n"
POST = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
IN_CHUNKS = "2\r\n{}\r\n0\r\n\r\n"

UNREADABLE = (400, "MALFORMED_REQUEST")
NO_HOST = (400, "INVALID_HOST")
FINE = (200, "")
# The body was read by the terms of its head: an empty object is no log-in.
READ = (422, "VALIDATION")
VERSION = (505, "HTTP_VERSION_NOT_SUPPORTED")
CODING = (501, "TRANSFER_CODING_NOT_SUPPORTED")
ELSEWHERE = (421, "MISDIRECTED")

HOSTS = {
    "none": (f"{GET}\r\n", NO_HOST),
    "two": (f"{GET}host: a\r\nhost: b\r\n\r\n", NO_HOST),
    "twice the same": (f"{GET}host: a\r\nHost: a\r\n\r\n", NO_HOST),
    "empty": (f"{GET}host:\r\n\r\n", NO_HOST),
    "blank": (f"{GET}host: \t \r\n\r\n", NO_HOST),
    "joined by a comma": (f"{GET}host: a,b\r\n\r\n", NO_HOST),
    "a blank within": (f"{GET}host: a b\r\n\r\n", NO_HOST),
    "a user": (f"{GET}host: u@a\r\n\r\n", NO_HOST),
    "a path": (f"{GET}host: a/b\r\n\r\n", NO_HOST),
    "a scheme": (f"{GET}host: http://a\r\n\r\n", NO_HOST),
    "no port": (f"{GET}host: a:b\r\n\r\n", NO_HOST),
    "half an address": (f"{GET}host: [::1\r\n\r\n", NO_HOST),
    "no address": (f"{GET}host: [::::]\r\n\r\n", NO_HOST),
    "beyond ASCII": (f"{GET}host: \xe9\r\n\r\n", NO_HOST),
    "name": (f"{GET}host: Parley_1.example-a.org\r\n\r\n", FINE),
    "name and port": (f"{GET}host: a:8000\r\n\r\n", FINE),
    "address": (f"{GET}host: 127.0.0.1:80\r\n\r\n", FINE),
    "IPv6": (f"{GET}host: [2001:db8::1]:80\r\n\r\n", FINE),
    "none in 1.0": ("GET /healthz HTTP/1.0\r\n\r\n", FINE),
    "two in 1.0": ("GET /healthz HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n", NO_HOST),
    "a user in 1.0": ("GET /healthz HTTP/1.0\r\nhost: u@a\r\n\r\n", NO_HOST),
}
TARGETS = {
    "absolute": ("GET http://x/healthz HTTP/1.1\r\nhost: x\r\n\r\n", FINE),
    # RFC 9112, 3.2.2: the target's host is the one that counts.
    "absolute, other host": ("GET http://y/healthz HTTP/1.1\r\nhost: x\r\n\r\n", FINE),
    "absolute, no host": ("GET http://x/healthz HTTP/1.1\r\n\r\n", NO_HOST),
    "absolute, no path": ("GET http://x HTTP/1.1\r\nhost: x\r\n\r\n", FINE),
    "absolute, query alone": ("GET HTTP://x?y HTTP/1.1\r\nhost: x\r\n\r\n", FINE),
    "absolute, a user": ("GET http://u:p@x/healthz HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "absolute, nobody": ("GET http:///healthz HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "another scheme": ("GET ftp://x/healthz HTTP/1.1\r\nhost: x\r\n\r\n", ELSEWHERE),
    # RFC 9110, 7.4: not over a connection that is not secured.
    "https in the clear": ("GET https://x/healthz HTTP/1.1\r\nhost: x\r\n\r\n", ELSEWHERE),
    "fragment": ("GET /healthz#x HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "fragment, absolute": ("GET http://x/#x HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "authority": ("CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "no slash": ("GET healthz HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "asterisk": ("GET * HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "beyond ASCII": ("GET /\xe9 HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "control character": ("GET /\x01 HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "blank within": ("GET /a b HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "too long": (f"GET /{'x' * 9000} HTTP/1.1\r\nhost: x\r\n\r\n", (414, "ADDRESS_TOO_LONG")),
    "query too long": (
        f"GET /?{'x' * 9000} HTTP/1.1\r\nhost: x\r\n\r\n",
        (414, "ADDRESS_TOO_LONG"),
    ),
    "endless": (f"GET /{'x' * 100_000}", (414, "ADDRESS_TOO_LONG")),
    "long": (f"GET /{'x' * 4000} HTTP/1.1\r\nhost: x\r\n\r\n", (404, "ROUTE_NOT_FOUND")),
}
LINES = {
    "no version": ("GET /healthz\r\n\r\n", VERSION),
    "0.9": ("GET /healthz HTTP/0.9\r\nhost: x\r\n\r\n", VERSION),
    "2.0": ("GET /healthz HTTP/2.0\r\nhost: x\r\n\r\n", VERSION),
    "1.2": ("GET /healthz HTTP/1.2\r\nhost: x\r\n\r\n", UNREADABLE),
    "1.10": ("GET /healthz HTTP/1.10\r\nhost: x\r\n\r\n", UNREADABLE),
    "lower case version": ("GET /healthz http/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "lower case method": ("get /healthz HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "unknown method": ("BREW /healthz HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "known method": ("TRACE /healthz HTTP/1.1\r\nhost: x\r\n\r\n", (405, "METHOD_NOT_ALLOWED")),
    "no method": (" /healthz HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "long method": (f"{'A' * 3000} / HTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "tabs": ("GET\t/healthz\tHTTP/1.1\r\nhost: x\r\n\r\n", UNREADABLE),
    "blank behind": ("GET /healthz HTTP/1.1 \r\nhost: x\r\n\r\n", UNREADABLE),
    "line ends before": (f"\r\n\r\n{HOSTED}\r\n", FINE),
    "line feeds alone": ("GET /healthz HTTP/1.1\nhost: x\n\n", UNREADABLE),
}
FIELDS = {
    "folded": (f"{HOSTED}x: a\r\n b\r\n\r\n", UNREADABLE),
    "folded by a tab": (f"{HOSTED}x: a\r\n\tb\r\n\r\n", UNREADABLE),
    "folded host": (f"{HOSTED} y\r\n\r\n", UNREADABLE),
    "blank before the first": (f"{GET} host: x\r\n\r\n", UNREADABLE),
    "blank before the colon": (f"{HOSTED}x : a\r\n\r\n", UNREADABLE),
    "blank before the host's colon": (f"{GET}host : x\r\n\r\n", UNREADABLE),
    "no name": (f"{HOSTED}: a\r\n\r\n", UNREADABLE),
    "no colon": (f"{HOSTED}x\r\n\r\n", UNREADABLE),
    "CR": (f"{HOSTED}x: a\rb\r\n\r\n", UNREADABLE),
    "LF": (f"{GET}host: x\nx: a\r\n\r\n", UNREADABLE),
    "NUL": (f"{HOSTED}x: a\0b\r\n\r\n", UNREADABLE),
    "control character": (f"{HOSTED}x: a\x01b\r\n\r\n", UNREADABLE),
    "NUL in a name": (f"{HOSTED}x\0: a\r\n\r\n", UNREADABLE),
    "name beyond ASCII": (f"{HOSTED}\xe9: a\r\n\r\n", UNREADABLE),
    "value beyond ASCII": (f"{HOSTED}x: \xe9\r\n\r\n", FINE),
    "no value": (f"{HOSTED}x:\r\n\r\n", FINE),
    "a list in two lines": (f"{HOSTED}accept: a/b\r\naccept: c/d\r\n\r\n", FINE),
    "two tokens": (
        f"{HOSTED}authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
        UNREADABLE,
    ),
    "two origins": (f"{HOSTED}origin: http://x\r\norigin: http://y\r\n\r\n", UNREADABLE),
    "two types": (f"{POST}content-type: text/plain\r\ncontent-length: 2\r\n\r\n{{}}", UNREADABLE),
}
FRAMING = {
    "length": (f"{POST}content-length: 2\r\n\r\n{{}}", READ),
    "length with zeros": (f"{POST}content-length: 0002\r\n\r\n{{}}", READ),
    "two lengths": (f"{POST}content-length: 2\r\ncontent-length: 2\r\n\r\n{{}}", UNREADABLE),
    "two other lengths": (f"{POST}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}", UNREADABLE),
    "lengths in one": (f"{POST}content-length: 2, 2\r\n\r\n{{}}", UNREADABLE),
    "length with a sign": (f"{POST}content-length: +2\r\n\r\n{{}}", UNREADABLE),
    "hexadecimal length": (f"{POST}content-length: 0x2\r\n\r\n{{}}", UNREADABLE),
    "no length": (f"{POST}content-length:\r\n\r\n{{}}", UNREADABLE),
    "broken length": (f"{POST}content-length: 2 2\r\n\r\n{{}}", UNREADABLE),
    "unbounded length": (f"{POST}content-length: {'9' * 30}\r\n\r\n{{}}", UNREADABLE),
    "chunks": (f"{POST}transfer-encoding: Chunked\r\n\r\n{IN_CHUNKS}", READ),
    "chunks with extensions": (
        f"{POST}transfer-encoding: chunked\r\n\r\n2;a=b\r\n{{}}\r\n0\r\n\r\n",
        READ,
    ),
    "length and chunks": (
        f"{POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{IN_CHUNKS}",
        UNREADABLE,
    ),
    "chunks and length": (
        f"{POST}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n{IN_CHUNKS}",
        UNREADABLE,
    ),
    "gzip": (f"{POST}transfer-encoding: gzip\r\n\r\n{IN_CHUNKS}", UNREADABLE),
    "gzip in chunks": (f"{POST}transfer-encoding: gzip, chunked\r\n\r\n{IN_CHUNKS}", CODING),
    "gzip in chunks, two lines": (
        f"{POST}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n{IN_CHUNKS}",
        CODING,
    ),
    "chunks in gzip": (f"{POST}transfer-encoding: chunked, gzip\r\n\r\n{IN_CHUNKS}", UNREADABLE),
    "chunks in chunks": (
        f"{POST}transfer-encoding: chunked, chunked\r\n\r\n{IN_CHUNKS}",
        UNREADABLE,
    ),
    "identity": (f"{POST}transfer-encoding: identity\r\n\r\n{IN_CHUNKS}", UNREADABLE),
    "no coding": (f"{POST}transfer-encoding:\r\n\r\n{IN_CHUNKS}", UNREADABLE),
    "unknown coding": (f"{POST}transfer-encoding: xchunked\r\n\r\n{IN_CHUNKS}", UNREADABLE),
    "coding with a parameter": (
        f"{POST}transfer-encoding: chunked;x=1\r\n\r\n{IN_CHUNKS}",
        UNREADABLE,
    ),
    "coding with a control character": (
        f"{POST}transfer-encoding: \x0bchunked\r\n\r\n{IN_CHUNKS}",
        UNREADABLE,
    ),
    "chunks in 1.0": (
        f"{POST.replace('1.1', '1.0')}transfer-encoding: chunked\r\n\r\n{IN_CHUNKS}",
        UNREADABLE,
    ),
    "size with a prefix": (
        f"{POST}transfer-encoding: chunked\r\n\r\n0x2\r\n{{}}\r\n0\r\n\r\n",
        UNREADABLE,
    ),
    "size with a line feed": (
        f"{POST}transfer-encoding: chunked\r\n\r\n2\n{{}}\r\n0\r\n\r\n",
        UNREADABLE,
    ),
    "unbounded size": (
        f"{POST}transfer-encoding: chunked\r\n\r\n{'f' * 17}\r\n{{}}\r\n0\r\n\r\n",
        UNREADABLE,
    ),
    "two content codings": (
        f"{POST}content-encoding: gzip\r\ncontent-encoding: identity\r\ncontent-length: 2\r\n\r\n{{}}",
        (415, "UNSUPPORTED_MEDIA_TYPE"),
    ),
}
TABLE = {
    f"{part}: {kind}": row
    for part, rows in (
        ("host", HOSTS),
        ("target", TARGETS),
        ("line", LINES),
        ("field", FIELDS),
        ("framing", FRAMING),
    )
    for kind, row in rows.items()
}


async def test_each_head_is_answered_as_rfc_9112_has_it(
    open_door: Any, call_raw: Any, access_log: Any
) -> None:
    door = await open_door(head_limit_bytes=8192)
    told: dict[str, tuple[int, str]] = {}
    for kind, (sent, _) in TABLE.items():
        client = await call_raw(door, sent.encode("latin-1"))
        answer = await client.answer()
        is_problem = answer.headers["content-type"] == "application/problem+json"
        told[kind] = (answer.status, answer.problem["reason"] if is_problem else "")
        if answer.status in (400, 414, 421, 501, 505):
            # Nobody knows where the next request would begin.
            assert answer.headers["connection"] == "close", kind
            assert await client.closed(), kind
        client.hang_up(reset=False)
    assert told == {kind: expected for kind, (_, expected) in TABLE.items()}
    assert access_log.complaints == []


async def test_the_server_as_a_whole_says_which_methods_it_takes(
    door: Door, call_raw: Any, access_log: Any
) -> None:
    for target in ("*", "http://x"):
        client = await call_raw(door, f"OPTIONS {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        answer = await client.answer()
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
        assert (await access_log.line(answer.headers["x-request-id"]))["route"] == "*"


async def test_a_pages_origin_is_compared_with_the_host_of_the_target(
    door: Door, call_raw: Any
) -> None:
    statuses = []
    for origin in (b"ours", b"theirs"):
        client = await call_raw(
            door,
            b"GET http://ours/api/v1/ws HTTP/1.1\r\nhost: theirs\r\norigin: http://%b\r\n"
            b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
            b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % origin,
        )
        statuses.append((await client.head()).status)
    assert statuses == [101, 403]


async def test_a_refused_head_behind_an_answer_under_way_ends_the_connection_alone(
    door: Door, call_raw: Any, make_frame: Any
) -> None:
    go_on = asyncio.Event()
    door.chat.script = [[make_frame(1, "start", b"{}")], go_on, [make_frame(2, "done", b"{}")]]
    client = await call_raw(
        door,
        f"GET /api/v1/chat/runs/{door.chat.run_id}/events HTTP/1.1\r\nhost: x\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n".encode(),
    )
    await client.reader.readuntil(b"event: start")
    await client.say(f"{GET}\r\n".encode())
    go_on.set()
    told = await client.rest()
    assert told.endswith(b"0\r\n\r\n")
    assert b"HTTP/1.1" not in told
