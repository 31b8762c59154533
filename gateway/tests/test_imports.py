"""Imports over HTTP: a file that goes to chat-service in pieces, and what is told of what comes of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import Kind, RemoteError
from parley.chat.v1 import imports_pb2 as pb

from .door import Door

IMPORT = "/api/v1/chat/import"
IMPORTS = "/api/v1/chat/imports"
ID = "01900000-0000-7000-8000-000000000003"
AT = datetime(2026, 11, 2, 9, 34, tzinfo=UTC)


def stamp() -> Timestamp:
    told = Timestamp()
    told.FromDatetime(AT)
    return told


JOB = pb.Import(
    id=ID,
    name="conversations.json",
    state=pb.IMPORT_STATE_COMPLETED,
    size=5,
    format="chatgpt",
    done=1,
    added=2,
    existing=1,
    skipped=1,
    messages=9,
    notes=4,
    files=6,
    waits_for="files",
    left_out={"TOOL": 3},
    already_there={"PERSONA": 2},
    problems=[pb.ImportProblem(title="Old", reason="EMPTY")],
    created_at=stamp(),
    ended_at=stamp(),
)
WAITING = pb.Import(id=ID, name="x", state=pb.IMPORT_STATE_WAITING, size=5, created_at=stamp())


@pytest.fixture
def chat(door: Door) -> Any:
    door.chat.answers["GetImportLimits"] = pb.GetImportLimitsResponse(maximum_bytes=1_000_000)
    door.chat.answers["UploadImport"] = pb.UploadImportResponse(job=WAITING)
    return door.chat


async def test_a_file_goes_on_in_pieces_with_its_name_and_its_size(door: Door, chat: Any) -> None:
    content = b"[1, 2]" * 100_000
    answer = await door.http.post(
        IMPORT,
        files={"file": ("导出.json", content)},
        headers={**door.bearer, "idempotency-key": "once"},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "waiting"
    assert (answer.json()["format"], answer.json()["ended_at"]) == (None, None)
    head, *chunks, end = chat.imported
    assert head.head.name == "导出.json"
    assert head.head.notes
    assert len(content) <= head.head.at_most < len(content) + 1000
    assert b"".join(one.chunk for one in chunks) == content
    assert max(len(one.chunk) for one in chunks) <= 256 * 1024
    assert end.end.size == len(content)
    (call,) = [call for call in chat.calls if call.method == "UploadImport"]
    assert (call.token, call.idempotency_key) == (door.caller.token, "once")


@pytest.mark.parametrize(
    ("scope", "notes"),
    [
        ("chat:write", False),
        ("chat:write notes:read", False),
        ("chat:write notes:write", True),
    ],
)
async def test_who_may_not_write_notes_has_none_imported(
    door: Door, chat: Any, scope: str, *, notes: bool
) -> None:
    caller = door.signer.caller(scope=scope)
    answer = await door.http.post(
        IMPORT,
        files={"file": ("x", b"[]")},
        headers={"authorization": f"Bearer {caller.token}"},
    )
    assert answer.status_code == 202, answer.text
    assert chat.imported[0].head.notes is notes


async def test_what_came_of_it_is_told_whole(door: Door, chat: Any) -> None:
    chat.answers["GetImport"] = pb.GetImportResponse(job=JOB)
    answer = await door.http.get(f"{IMPORTS}/{ID}", headers=door.bearer)
    assert answer.json() == {
        "id": ID,
        "name": "conversations.json",
        "state": "completed",
        "size": 5,
        "format": "chatgpt",
        "done": 1.0,
        "added": 2,
        "existing": 1,
        "skipped": 1,
        "messages": 9,
        "personas": 0,
        "notes": 4,
        "files": 6,
        "left_out": {"TOOL": 3},
        "already_there": {"PERSONA": 2},
        "problems": [{"title": "Old", "reason": "EMPTY"}],
        "reason": None,
        "waits_for": "files",
        "created_at": "2026-11-02T09:34:00Z",
        "ended_at": "2026-11-02T09:34:00Z",
    }
    chat.answers["ListImports"] = pb.ListImportsResponse(items=[JOB], next_cursor="c", total=7)
    answer = await door.http.get(IMPORTS, params={"count": "true"}, headers=door.bearer)
    told = answer.json()
    assert ([one["id"] for one in told["items"]], told["next_cursor"], told["total"]) == (
        [ID],
        "c",
        7,
    )
    chat.answers["EndImport"] = pb.EndImportResponse()
    answer = await door.http.delete(f"{IMPORTS}/{ID}", headers=door.bearer)
    assert answer.status_code == 204
    limits = await door.http.get(f"{IMPORTS}/limits", headers=door.bearer)
    assert limits.json() == {"maximum_bytes": 1_000_000}


async def test_a_file_that_is_too_large_is_refused_by_its_head_and_by_what_comes(
    door: Door, chat: Any
) -> None:
    large = b"x" * 1_100_000
    answer = await door.http.post(IMPORT, files={"file": ("x", large)}, headers=door.bearer)
    assert (answer.status_code, answer.json()["reason"]) == (413, "FILE_TOO_LARGE")
    assert answer.json()["maximum"] == 1_000_000
    assert [call for call in chat.calls if call.method == "UploadImport"] == []
    chat.answers["UploadImport"] = RemoteError(
        Kind.INVALID, "FILE_TOO_LARGE", "Too large.", metadata={"maximum": "7"}
    )
    answer = await door.http.post(IMPORT, files={"file": ("x", b"x")}, headers=door.bearer)
    assert (answer.status_code, answer.json()["reason"]) == (413, "FILE_TOO_LARGE")
    assert answer.json()["maximum"] == 7


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"json": []}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"files": {"other": ("x", b"x")}}, 422, "VALIDATION"),
        ({}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_what_is_no_form_of_a_file_is_refused(
    door: Door, chat: Any, sent: dict[str, Any], status: int, reason: str
) -> None:
    answer = await door.http.post(IMPORT, **sent, headers=door.bearer)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert chat.imported == []


async def test_what_chat_service_refuses_is_a_problem_of_its_kind(door: Door, chat: Any) -> None:
    chat.answers["UploadImport"] = RemoteError(Kind.EXHAUSTED, "TOO_MANY_IMPORTS", "Too many.")
    answer = await door.http.post(IMPORT, files={"file": ("x", b"x")}, headers=door.bearer)
    assert (answer.status_code, answer.json()["reason"]) == (429, "TOO_MANY_IMPORTS")
