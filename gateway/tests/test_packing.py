"""Answers in JSON that go out packed: to whom, from which size on, and which never do."""

import asyncio
import gzip
import threading
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, Kind
from gateway.app import api
from gateway.routes import packing
from gateway.routes.json_route import JsonRoute
from parley.apikey.v1 import apikey_pb2
from parley.auth.v1 import auth_pb2
from parley.chat.v1 import chat_pb2, exports_pb2, shares_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

ID = "01900000-0000-7000-8000-000000000003"
MESSAGES = f"/api/v1/chat/sessions/{ID}/messages"
NOTE_PATH = f"/api/v1/notes/{ID}"
WHEN = Timestamp(seconds=1_700_000_000)
TAKEN = {"accept-encoding": "gzip"}
BARE = {"accept-encoding": "identity"}


class NoteGone(AppError):
    kind = Kind.NOT_FOUND
    reason = "NOTE_NOT_FOUND"
    detail = "There is no such note. " * 100


def a_page(characters: int) -> chat_pb2.ListMessagesResponse:
    text = "A word, 一个词。 " * (characters // 12)
    message = chat_pb2.Message(
        id="m",
        session_id=ID,
        role=chat_pb2.MESSAGE_ROLE_ASSISTANT,
        content=text,
        order=1,
        created_at=WHEN,
    )
    return chat_pb2.ListMessagesResponse(items=[message])


def a_note(characters: int) -> notes_pb2.Note:
    return notes_pb2.Note(
        id=ID, title="T", content="x" * characters, version=3, created_at=WHEN, updated_at=WHEN
    )


async def get(
    door: Door, path: str, headers: dict[str, str], method: str = "GET"
) -> tuple[Any, bytes]:
    """What is answered, and the bytes as they came."""
    async with door.http.stream(method, path, headers={**door.bearer, **headers}) as answer:
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


@pytest.mark.parametrize("characters", [2_000, 200_000])
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("br;q=1, gzip;q=0.1", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0, *", None),
        ("gzip;q=0.000", None),
        ("br", None),
        ("identity", None),
    ],
)
async def test_what_is_shown_is_packed_for_who_takes_it(
    door: Door, accepted: str, coding: str | None, characters: int
) -> None:
    door.chat.answers["ListMessages"] = a_page(characters)
    bare, whole = await get(door, MESSAGES, BARE)
    answer, raw = await get(door, MESSAGES, {"accept-encoding": accepted})
    assert answer.status_code == bare.status_code == 200
    assert answer.headers.get("content-encoding") == coding
    assert (gzip.decompress(raw) if coding else raw) == whole
    for one, size in ((answer, len(raw)), (bare, len(whole))):
        assert one.headers["vary"] == "Accept-Encoding"
        assert one.headers["content-type"] == "application/json"
        assert int(one.headers["content-length"]) == size
    if coding:
        assert len(raw) < len(whole) / 2


async def test_what_goes_out_in_one_piece_either_way_is_as_it_was(door: Door) -> None:
    door.chat.answers["ListMessages"] = a_page(200)
    answer, raw = await get(door, MESSAGES, TAKEN)
    assert 0 < len(raw) < packing.LEAST
    assert not {"content-encoding", "vary"} & answer.headers.keys()


async def test_a_page_of_an_origin_is_told_of_both(open_door: Any) -> None:
    door = await open_door(cors_origins=["https://example.org"])
    door.chat.answers["ListMessages"] = a_page(2_000)
    answer, _ = await get(door, MESSAGES, {**TAKEN, "origin": "https://example.org"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers.get_list("vary", split_commas=True) == ["Accept-Encoding", "Origin"]


async def test_what_is_large_is_packed_beside_the_loop(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: dict[bool, int] = {}

    def compress(data: bytes, level: int, *, mtime: float) -> bytes:
        sizes[threading.current_thread() is threading.main_thread()] = len(data)
        return gzip.compress(data, level, mtime=mtime)

    monkeypatch.setattr(packing, "gzip", type("", (), {"compress": staticmethod(compress)}))
    for characters in (2_000, 200_000):
        door.chat.answers["ListMessages"] = a_page(characters)
        answer, _ = await get(door, MESSAGES, TAKEN)
        assert answer.headers["content-encoding"] == "gzip"
    assert sizes[True] < packing.IN_A_THREAD <= sizes[False]


async def test_a_note_that_came_packed_is_known_and_changed_by_its_tag(door: Door) -> None:
    door.notes.answers |= {
        "GetNote": notes_pb2.GetNoteResponse(note=a_note(2_000)),
        "UpdateNote": notes_pb2.UpdateNoteResponse(note=a_note(2_000)),
    }
    tags = {}
    for coding in (BARE, TAKEN):
        answer, _ = await get(door, NOTE_PATH, coding)
        tag = tags[coding["accept-encoding"]] = answer.headers["etag"]
        for known in (tag, f'W/"2", W/{tag}'):
            again, raw = await get(door, NOTE_PATH, {**coding, "if-none-match": known})
            assert (again.status_code, again.headers["etag"], raw) == (304, tag, b"")
            assert "content-encoding" not in again.headers
        changed = await door.http.patch(
            NOTE_PATH, json={"title": "T"}, headers={**door.bearer, "if-match": tag}
        )
        # What is sent is not shown again in packed form.
        assert (changed.status_code, changed.headers["etag"]) == (200, '"3"')
        assert "content-encoding" not in changed.headers
        assert list(door.notes.calls[-1].request.precondition.versions) == [3]
    assert tags == {"identity": '"3"', "gzip": '"3-gzip"'}
    # Another version's is another one's.
    other, _ = await get(door, NOTE_PATH, {**TAKEN, "if-none-match": '"2-gzip"'})
    assert other.status_code == 200


async def test_a_head_says_what_a_get_would_and_nothing_is_packed_for_it(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.notes.answers["GetNote"] = notes_pb2.GetNoteResponse(note=a_note(2_000))
    monkeypatch.setattr(packing, "gzip", None)
    bare, _ = await get(door, NOTE_PATH, BARE, "HEAD")
    assert int(bare.headers["content-length"]) > 2_000
    answer, raw = await get(door, NOTE_PATH, TAKEN, "HEAD")
    assert raw == b""
    assert answer.headers["content-encoding"] == "gzip"
    assert (answer.headers["etag"], answer.headers["vary"]) == ('"3-gzip"', "Accept-Encoding")
    assert not {"content-length", "transfer-encoding"} & answer.headers.keys()
    # The connection is good for what comes behind it.
    assert (await get(door, NOTE_PATH, BARE))[0].status_code == 200


async def test_what_shows_secrets_or_what_was_sent_is_not_packed(door: Door) -> None:
    long = "x" * 2_000
    token = auth_pb2.Token(id=ID, name=long, scopes=["notes:read"], created_at=WHEN)
    key = apikey_pb2.Key(
        id=ID,
        name=long,
        masked_key="sk-…1234",
        provider=apikey_pb2.PROVIDER_ANTHROPIC,
        created_at=WHEN,
        updated_at=WHEN,
    )
    door.auth.answers["ListTokens"] = auth_pb2.ListTokensResponse(items=[token])
    door.apikey.answers["ListKeys"] = apikey_pb2.ListKeysResponse(items=[key])
    door.chat.answers["OpenShareAsMember"] = shares_pb2.OpenShareAsMemberResponse(
        opened=shares_pb2.OpenShareResponse(title=long, opening="a-secret")
    )
    door.notes.answers |= {
        "UpdateNote": notes_pb2.UpdateNoteResponse(note=a_note(2_000)),
        "GetNote": NoteGone(),
    }
    body = {"title": "T", "content": long}
    for method, path, sent in (
        ("GET", "/api/v1/tokens", None),
        ("GET", "/api/v1/keys", None),
        ("GET", "/api/v1/shares/a-token", None),
        ("PUT", NOTE_PATH, body),
        ("GET", NOTE_PATH, None),
    ):
        answer = await door.http.request(method, path, json=sent, headers=door.bearer | TAKEN)
        assert len(answer.content) > packing.LEAST, path
        assert not {"content-encoding", "vary"} & answer.headers.keys(), path


def test_of_secrets_no_route_packs_anything() -> None:
    routes = [route for route in api().routes if isinstance(route, JsonRoute)]
    packed = {route.path for route in routes if packing.packs(route)}
    assert {MESSAGES.replace(ID, "{session_id}"), "/api/v1/search", "/api/v1/notes"} <= packed
    beginnings = ("auth", "tokens", "keys", "me/logins", "me/settings", "profile", "shares")
    for path in packed:
        assert not path.startswith(tuple(f"/api/v1/{one}" for one in beginnings)), path
        assert "share" not in path, path
        assert not path.endswith(("/events", "/export", "/content")), path


async def test_streams_and_files_go_out_as_they_are_made(door: Door, make_frame: Any) -> None:
    gate = asyncio.Event()
    line = "x" * 2_000
    door.chat.exported = [exports_pb2.ExportResponse(data=line.encode()), gate]
    door.chat.script = [
        [make_frame(1, "delta", f'{{"text":"{line}"}}'.encode())],
        [make_frame(2, "done", b"{}")],
    ]
    async with door.http.stream(
        "GET", "/api/v1/chat/export", headers=door.bearer | TAKEN
    ) as answer:
        assert "content-encoding" not in answer.headers
        assert (await anext(answer.aiter_raw())).startswith(line.encode())
    gate.set()
    answer, raw = await get(door, f"/api/v1/chat/runs/{ID}/events", TAKEN)
    assert "content-encoding" not in answer.headers
    assert line.encode() in raw
