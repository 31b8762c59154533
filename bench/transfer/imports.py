"""An upload of an export of ChatGPT's, and the time until it has been read."""

import http.client
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import orjson

from bench.rest import Parley, RefusedError, User
from bench.stack import Stack
from bench.transfer.memory import tell, watched

_LONGEST_SECONDS: Final = 3600.0
_RENEW_SECONDS: Final = 120.0
_KILLED_AT: Final = 1 / 3


def import_one(
    parley: Stack, user: User, megabytes: int, *, again: bool = False, kill: bool = False
) -> bool:
    """Print what an import of so many megabytes costs; false if a conversation of it is missing.

    `again`: then the same is sent once more, and false if anything of it is added. `kill`: chat-service is killed once a third
    was read.
    """
    whole = _import(parley, user, megabytes, kill=kill)
    return whole and (not again or _import(parley, user, megabytes, is_there=True))


def _import(
    parley: Stack, user: User, megabytes: int, *, kill: bool = False, is_there: bool = False
) -> bool:
    parley.parley.renew(user)
    sent: dict[str, Any] = {}
    began = time.perf_counter()
    with watched(parley) as seen:
        sent.update(_upload(parley.parley, user, megabytes * 1_000_000))
    print(f"upload of {sent['size'] / 1e6:.0f} MB: {time.perf_counter() - began:.0f} s")
    tell(seen)
    began = time.perf_counter()
    with watched(parley) as seen:
        told = _wait(parley, user, sent["id"], kill=kill)
    print(
        f"read in {time.perf_counter() - began:.0f} s: {told['state']}, {told['added']} conversations,"
        f" {told['existing']} that were there, {told['messages']} messages"
    )
    tell(seen)
    wanted = (0, sent["conversations"]) if is_there else (sent["conversations"], 0)
    return told["state"] == "completed" and (told["added"], told["existing"]) == wanted


def _wait(parley: Stack, user: User, import_id: str, *, kill: bool) -> dict[str, Any]:
    """The report of an import that has ended, or of the last look."""
    told: dict[str, Any] = {}
    renewed = time.monotonic()
    deadline = renewed + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        if time.monotonic() - renewed > _RENEW_SECONDS:
            parley.parley.renew(user)
            renewed = time.monotonic()
        with suppress(RefusedError):  # chat-service is away for a moment
            told = parley.parley.ask("GET", f"/chat/imports/{import_id}", None, user.token)
            if told["ended_at"] is not None:
                break
        if kill and told.get("done", 0.0) > _KILLED_AT:
            os.kill(parley.services()["chat_service"], signal.SIGKILL)
            kill = False
        time.sleep(0.5)
    return told


def _upload(parley: Parley, user: User, least: int) -> dict[str, Any]:
    """An export of ChatGPT's of about so many bytes, made as it is sent."""
    boundary = secrets.token_hex(16)
    made = 0

    def body() -> Iterator[bytes]:
        nonlocal made
        yield (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="conversations.json"'
            "\r\nContent-Type: application/json\r\n\r\n["
        ).encode()
        size = 0
        while size < least:
            piece = (b"," if made else b"") + orjson.dumps(_conversation(made))
            made += 1
            size += len(piece)
            yield piece
        yield f"]\r\n--{boundary}--\r\n".encode()

    connection = http.client.HTTPConnection("127.0.0.1", parley.port, timeout=120)
    try:
        connection.request(
            "POST",
            "/api/v1/chat/import",
            body(),
            {
                "Authorization": f"Bearer {user.token}",
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
            encode_chunked=True,
        )
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != 202:
        raise RefusedError(f"import: {response.status} {content[:500]!r}")
    return {**orjson.loads(content), "conversations": made}


def _conversation(number: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": ["0"]}
    }
    for place in range(40):
        role = "assistant" if place % 2 else "user"
        nodes[str(place)] = {
            "id": str(place),
            "parent": str(place - 1) if place else "root",
            "children": [str(place + 1)],
            "message": {
                "id": f"{number}-{place}",
                "author": {"role": role, "name": None, "metadata": {}},
                "create_time": 1_700_000_000.5 + number * 100 + place,
                "update_time": None,
                "content": {
                    "content_type": "text",
                    "parts": [f"message {place} of {number}: " + 'words and 词语 "quoted"\n' * 40],
                },
                "status": "finished_successfully",
                "end_turn": True,
                "weight": 1.0,
                "metadata": {
                    "model_slug": "gpt-4o",
                    "request_id": "x" * 32,
                    "timestamp_": "absolute",
                },
                "recipient": "all",
                "channel": None,
            },
        }
    return {
        "title": f"Conversation {number}",
        "create_time": 1_700_000_000.5 + number * 100,
        "mapping": nodes,
        "current_node": "39",
        "conversation_id": f"bench-{number}",
        "is_archived": False,
    }
