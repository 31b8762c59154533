"""Handshakes by RFC 6455, section 4.2: which open a socket, and what the others are told."""

from typing import Any

from .door import Door

LINE = "GET /api/v1/ws HTTP/1.1\r\nhost: x\r\n"
UPGRADE = "upgrade: websocket\r\nconnection: Upgrade\r\n"
KEY = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = "sec-websocket-version: 13\r\n"
WHOLE = f"{UPGRADE}{KEY}{VERSION}\r\n"

OPENED = (101, "")
UPGRADE_REQUIRED = (426, "UPGRADE_REQUIRED")
UNREADABLE = (400, "MALFORMED_REQUEST")

HANDSHAKES = {
    "whole": (f"{LINE}{WHOLE}", OPENED),
    "absolute": (f"GET http://x/api/v1/ws HTTP/1.1\r\nhost: x\r\n{WHOLE}", OPENED),
    "other case": (
        f"{LINE}Upgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n{KEY}{VERSION}\r\n",
        OPENED,
    ),
    "lists in two lines": (
        LINE
        + UPGRADE.replace("connection", "upgrade: h2c\r\nconnection: a\r\nconnection")
        + f"{KEY}{VERSION}\r\n",
        OPENED,
    ),
    "HTTP/1.0": (f"{LINE.replace('1.1', '1.0')}{WHOLE}", UPGRADE_REQUIRED),
    "HTTP/2.0": (f"{LINE.replace('1.1', '2.0')}{WHOLE}", (505, "HTTP_VERSION_NOT_SUPPORTED")),
    "no host": (f"GET /api/v1/ws HTTP/1.1\r\n{WHOLE}", (400, "INVALID_HOST")),
    "two hosts": (f"{LINE}host: x\r\n{WHOLE}", (400, "INVALID_HOST")),
    "POST": (f"{LINE.replace('GET', 'POST')}{WHOLE}", (405, "METHOD_NOT_ALLOWED")),
    "OPTIONS": (f"{LINE.replace('GET', 'OPTIONS')}{WHOLE}", (204, "")),
    "fragment": (f"GET /api/v1/ws#x HTTP/1.1\r\nhost: x\r\n{WHOLE}", UNREADABLE),
    "no key": (f"{LINE}{UPGRADE}{VERSION}\r\n", UPGRADE_REQUIRED),
    "empty key": (f"{LINE}{UPGRADE}{VERSION}sec-websocket-key:\r\n\r\n", UPGRADE_REQUIRED),
    "short key": (f"{LINE}{UPGRADE}{VERSION}sec-websocket-key: c2hvcnQ=\r\n\r\n", UPGRADE_REQUIRED),
    "long key": (
        f"{LINE}{UPGRADE}{VERSION}sec-websocket-key: {'A' * 24}\r\n\r\n",
        UPGRADE_REQUIRED,
    ),
    "no base64": (
        f"{LINE}{UPGRADE}{VERSION}sec-websocket-key: {'!' * 22}==\r\n\r\n",
        UPGRADE_REQUIRED,
    ),
    "two keys": (f"{LINE}{UPGRADE}{KEY}{KEY}{VERSION}\r\n", UNREADABLE),
    "no version": (f"{LINE}{UPGRADE}{KEY}\r\n", UPGRADE_REQUIRED),
    "version 12": (f"{LINE}{UPGRADE}{KEY}sec-websocket-version: 12\r\n\r\n", UPGRADE_REQUIRED),
    "versions in one": (
        f"{LINE}{UPGRADE}{KEY}sec-websocket-version: 13, 8\r\n\r\n",
        UPGRADE_REQUIRED,
    ),
    "two versions": (f"{LINE}{UPGRADE}{KEY}{VERSION}{VERSION}\r\n", UNREADABLE),
    "no Connection": (f"{LINE}upgrade: websocket\r\n{KEY}{VERSION}\r\n", UPGRADE_REQUIRED),
    "another Connection": (
        f"{LINE}upgrade: websocket\r\nconnection: keep-alive\r\n{KEY}{VERSION}\r\n",
        UPGRADE_REQUIRED,
    ),
    "no Upgrade": (f"{LINE}connection: Upgrade\r\n{KEY}{VERSION}\r\n", UPGRADE_REQUIRED),
    "another Upgrade": (
        f"{LINE}upgrade: websockets\r\nconnection: Upgrade\r\n{KEY}{VERSION}\r\n",
        UPGRADE_REQUIRED,
    ),
    "two tokens": (
        f"{LINE}authorization: Bearer x\r\nauthorization: Bearer y\r\n{WHOLE}",
        UNREADABLE,
    ),
    "two origins": (f"{LINE}origin: http://x\r\norigin: https://evil\r\n{WHOLE}", UNREADABLE),
    "a body": (f"{LINE}content-length: 5\r\n{WHOLE}", UNREADABLE),
    "an empty body": (f"{LINE}content-length: 0\r\n{WHOLE}", OPENED),
}


async def test_each_handshake_is_answered_as_rfc_6455_has_it(
    door: Door, call_raw: Any, access_log: Any
) -> None:
    told: dict[str, tuple[int, str]] = {}
    for kind, (sent, _) in HANDSHAKES.items():
        client = await call_raw(door, sent.encode())
        answer = await client.answer()
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        told[kind] = (answer.status, answer.problem["reason"] if is_problem else "")
        if answer.status == 426:
            # RFC 9110, 15.5.22 and 7.8; RFC 6455, 4.4.
            assert answer.headers["upgrade"] == "websocket", kind
            assert answer.headers["sec-websocket-version"] == "13", kind
            assert "upgrade" in answer.headers["connection"].split(", ") or kind == "HTTP/1.0"
        client.hang_up(reset=False)
    assert told == {kind: expected for kind, (_, expected) in HANDSHAKES.items()}
    assert access_log.complaints == []
