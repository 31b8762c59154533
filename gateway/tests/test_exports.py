"""Exports over HTTP: what is asked of chat-service, and the file that is made of its pieces."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from chassis.errors import FieldError, Unavailable, ValidationFailed
from chassis.testing import eventually
from gateway.streams.downloads import Download, begun, compressed
from parley.chat.v1 import exports_pb2 as pb
from parley.notes.v1 import notes_pb2

from .door import Door

SESSION = "01900000-0000-7000-8000-000000000003"
ALL = "/api/v1/chat/export"
ONE = f"/api/v1/chat/sessions/{SESSION}/export"
BEGIN = '{"format":"parley","version":1,"conversations":[\n'
END = pb.ExportResponse(end=pb.ExportEnd(conversations=2, messages=5, since="cursor"))


def pieces(*texts: str) -> list[pb.ExportResponse]:
    return [*(pb.ExportResponse(data=text.encode()) for text in texts), END]


async def asked(door: Door) -> Any:
    (call,) = [call for call in door.chat.calls if call.method == "Export"]
    assert call.token == door.caller.token
    return call.request


@pytest.mark.parametrize(
    ("format_", "media_type", "name", "last"),
    [
        ("json", "application/json", "json", '"end":{"conversations":2,"messages":5,'),
        ("csv", "text/csv; charset=utf-8", "csv", "#end,conversations=2 messages=5 since=cursor "),
        ("markdown", "text/markdown; charset=utf-8", "md", "<!-- end conversations=2 messages=5 "),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
async def test_a_file_goes_out_with_a_last_line_that_proves_it_whole(
    door: Door, format_: str, media_type: str, name: str, last: str, packed: bool
) -> None:
    door.chat.exported = pieces("one\n", "two\n" * 100_000)
    query = {"format": format_, **({"gzip": "true"} if packed else {})}
    answer = await door.http.get(ONE, params=query, headers=door.bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == ("application/gzip" if packed else media_type)
    ending = f"{name}.gz" if packed else name
    disposition = f'attachment; filename="conversation-{SESSION}.{ending}"'
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("no-store")
    file = gzip.decompress(answer.content) if packed else answer.content
    before, _, line = file.rstrip().rpartition(b"\n")
    assert line.decode().startswith(last)
    digest = hashlib.sha256(b"one\n" + b"two\n" * 100_000).hexdigest()
    assert digest in line.decode()
    assert before.startswith(b"one\ntwo\n")
    request = await asked(door)
    assert (request.session_id, pb.ExportFormat.Name(request.format)) == (
        SESSION,
        f"EXPORT_FORMAT_{format_.upper()}",
    )


async def test_what_is_wanted_of_all_is_asked_for(door: Door) -> None:
    door.chat.exported = pieces(BEGIN, "\n],\n")
    query = {
        "from": "2026-11-02T09:34:00Z",
        "to": "2026-11-03T00:00:00+01:00",
        "since": "a-cursor",
        "after": SESSION,
        "with": "personas",
    }
    answer = await door.http.get(ALL, params=query, headers=door.bearer)
    assert answer.status_code == 200
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert answer.headers["content-disposition"] == f'attachment; filename="parley-{today}.json"'
    assert answer.json()["end"]["conversations"] == 2
    request = await asked(door)
    assert not request.HasField("session_id")
    assert request.active_from.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 2, 9, 34, tzinfo=UTC)
    assert request.active_before.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 2, 23, tzinfo=UTC)
    assert (request.since, request.after, request.personas) == ("a-cursor", SESSION, True)


async def test_where_the_next_export_begins_is_told_before_the_file(door: Door) -> None:
    begin = pb.ExportResponse(begin=pb.ExportBegin(since="from-then-on"))
    door.chat.exported = [begin, *pieces(BEGIN, "\n],\n")]
    query = {"after": SESSION, "began": "from-then-on"}
    answer = await door.http.get(ALL, params=query, headers=door.bearer)
    assert answer.headers["x-export-since"] == "from-then-on"
    assert answer.json()["end"]["messages"] == 5
    request = await asked(door)
    assert (request.after, request.began) == (SESSION, "from-then-on")


async def test_notes_of_all_pages_are_members_of_the_same_document(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.chat.exported = pieces(BEGIN, "\n],\n")
    first, second, third = (
        notes_pb2.Note(id=SESSION, title=title, content="Said.", tags=["a"])
        for title in ("First", "Second", "Third")
    )
    # Each is given once, so that who asks for the same one again does not go on for ever.
    behind = {
        "": notes_pb2.ListNotesResponse(items=[first, second], next_cursor="behind the second"),
        "behind the second": notes_pb2.ListNotesResponse(items=[third]),
    }

    async def page(request: notes_pb2.ListNotesRequest, context: object) -> Any:
        return behind.pop(request.cursor)

    monkeypatch.setattr(door.notes, "ListNotes", page, raising=False)
    answer = await door.http.get(ALL, params={"with": "notes"}, headers=door.bearer)
    document = answer.json()
    assert [one["title"] for one in document["notes"]] == ["First", "Second", "Third"]
    assert document["end"]["notes"] == 3
    before, _, line = answer.content.rstrip().rpartition(b"\n")
    assert document["end"]["sha256"] == hashlib.sha256(before + b"\n").hexdigest()
    assert json.loads(b"{" + line) == {"end": document["end"]}


async def test_notes_need_a_token_that_is_good_for_them(door: Door) -> None:
    reader = door.signer.caller(door.caller.user_id, scope="chat:read")
    headers = {"authorization": f"Bearer {reader.token}"}
    door.chat.exported = pieces(BEGIN, "\n],\n")
    answer = await door.http.get(ALL, params={"with": "notes"}, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "INSUFFICIENT_SCOPE")
    assert (await door.http.get(ALL, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "xml"}, "format"),
        ({"with": "keys"}, "with"),
        ({"with": "notes", "format": "csv"}, "with"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-02T09:34:36Z", "to": "2026-11-02T09:34:35Z"}, "to"),
        ({"since": "x" * 1025}, "since"),
        ({"after": " "}, "after"),
        ({"gzip": "maybe"}, "gzip"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(
    door: Door, query: dict[str, str], field: str
) -> None:
    answer = await door.http.get(ALL, params=query, headers=door.bearer)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert [call for call in door.chat.calls if call.method == "Export"] == []


async def test_what_chat_service_refuses_is_a_problem_and_no_file(door: Door) -> None:
    door.chat.exported = [ValidationFailed(fields=[FieldError("since", "INVALID")])]
    answer = await door.http.get(ALL, params={"since": "x", "gzip": "true"}, headers=door.bearer)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"field": "since", "reason": "INVALID"}]


@pytest.mark.parametrize("packed", ["false", "true"])
async def test_a_file_that_cannot_be_finished_ends_with_its_connection(
    door: Door, packed: str
) -> None:
    for broken in ([Unavailable()], []):
        door.chat.exported = [*pieces(BEGIN * 10_000)[:1], *broken]
        with pytest.raises(httpx.RemoteProtocolError):
            await door.http.get(ALL, params={"gzip": packed}, headers=door.bearer)


async def test_a_client_that_leaves_ends_what_is_made_for_it(door: Door) -> None:
    gate = asyncio.Event()
    door.chat.exported = [*pieces(BEGIN)[:1], gate, *pieces("\n],\n")]
    async with door.http.stream("GET", ALL, headers=door.bearer) as answer:
        assert await anext(answer.aiter_bytes()) == BEGIN.encode()
        assert door.gateway.requests.held["long requests"] == 1
    await eventually(lambda: door.gateway.requests.held["long requests"] == 0)
    gate.set()


@pytest.mark.parametrize("also", [{}, {"gzip": "true"}, {"with": "files"}])
async def test_a_head_is_answered_as_the_get_would_be_and_is_no_export(
    door: Door, also: dict[str, str]
) -> None:
    door.chat.exported = [
        pb.ExportResponse(begin=pb.ExportBegin(since="then", files=True)),
        *pieces(BEGIN),
    ]
    head = await door.http.head(ALL, params=also, headers=door.bearer)
    assert (head.status_code, head.content) == (200, b"")
    assert (await asked(door)).look
    door.chat.calls.clear()
    got = await door.http.get(ALL, params=also, headers=door.bearer)
    assert not (await asked(door)).look
    told = ("content-type", "content-disposition", "x-export-since")
    assert [head.headers[name] for name in told] == [got.headers[name] for name in told]


@pytest.mark.parametrize("packed", [False, True])
async def test_what_is_made_for_a_head_is_ended_by_it(door: Door, packed: bool) -> None:
    ended = False

    async def made() -> AsyncGenerator[bytes, None]:
        nonlocal ended
        try:
            yield b"first"
            yield b"never asked for"
        finally:
            ended = True

    # Held here, so that nothing but the answer can have ended it.
    source = made()
    pieces_ = await begun(source)
    if packed:
        pieces_ = compressed(pieces_)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        raise AssertionError("a HEAD has no body")

    answer = Download(pieces_, door.gateway.requests, name="x.json", media_type="application/json")
    scope: Any = {"type": "http", "asked_method": "HEAD", "state": {"verified": door.caller}}
    await answer(scope, receive, send)
    assert ended
    assert sent == ["http.response.start", "http.response.body"]
