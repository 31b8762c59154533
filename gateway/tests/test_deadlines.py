"""How long services are waited for: each of their calls for as long as is set for calls of its kind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from math import inf
from typing import Any

import httpx
import pytest
import pytest_asyncio

from chassis.errors import Kind, RemoteError
from parley.chat.v1 import files_pb2, imports_pb2, shares_pb2

from .door import Door, OpenDoor

ID = "01900000-0000-7000-8000-000000000001"
FILES = "/api/v1/files"
LOGIN = {"username": "ada", "password": "correct horse"}
NOT_NOW = RemoteError(Kind.CONFLICT, "NOT_NOW", "A sentence.")
# So far from each other that whoever is told of one on a busy machine is not told of its neighbour.
STEP = 15
SECONDS = {
    name: STEP * number
    for number, name in enumerate(
        (
            *("accept", "auth_deadline", "auth_hashing_deadline", "apikey_deadline"),
            *("chat_deadline", "chat_trying_deadline", "notes_deadline"),
        ),
        start=1,
    )
}

# What is asked of the gateway, whom it asks for that, and which setting that goes by.
CALLS: list[tuple[str, str, Any, str, str, str]] = [
    ("GET", "/me", None, "auth", "GetMe", "auth_deadline"),
    ("GET", "/me/settings", None, "auth", "GetUserSettings", "auth_deadline"),
    ("POST", "/auth/login", LOGIN, "auth", "LogIn", "auth_hashing_deadline"),
    ("GET", "/keys", None, "apikey", "ListKeys", "apikey_deadline"),
    ("POST", f"/keys/{ID}/test", None, "chat", "TestConnection", "chat_trying_deadline"),
    ("GET", f"/keys/{ID}/models", None, "chat", "ListModels", "chat_trying_deadline"),
    ("GET", "/notes", None, "notes", "ListNotes", "notes_deadline"),
    ("DELETE", f"/notes/{ID}", None, "notes", "DeleteNote", "notes_deadline"),
    ("POST", "/chat/messages", {"content": "x"}, "chat", "StartRun", "accept"),
    ("GET", f"/chat/runs/{ID}", None, "chat", "GetRun", "chat_deadline"),
    ("POST", f"/chat/runs/{ID}/cancel", None, "chat", "CancelRun", "chat_deadline"),
    ("GET", "/chat/sessions", None, "chat", "ListSessions", "chat_deadline"),
    ("GET", "/chat/personas", None, "chat", "ListPersonas", "chat_deadline"),
    ("GET", "/search?q=x&types=messages", None, "chat", "Search", "chat_deadline"),
    ("GET", "/me/usage", None, "chat", "GetUsage", "chat_deadline"),
    ("GET", "/chat/shares", None, "chat", "ListShares", "chat_deadline"),
    ("GET", "/chat/imports", None, "chat", "ListImports", "chat_deadline"),
    ("GET", "/files", None, "chat", "ListFiles", "chat_deadline"),
    ("DELETE", f"/files/{ID}", None, "chat", "DeleteFile", "chat_deadline"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def told_door(open_door: OpenDoor) -> Door:
    """Each service is told how long it is waited for, and refuses."""
    settings: dict[str, Any] = {f"{name}_seconds": told for name, told in SECONDS.items()}
    door = await open_door(**settings)
    door.chat.refusal = NOT_NOW
    for _, _, _, service, method, _ in CALLS:
        getattr(door, service).answers[method] = NOT_NOW
    return door


async def test_each_call_may_take_as_long_as_is_set_for_its_kind(told_door: Door) -> None:
    door = told_door
    for how, path, body, service, method, setting in CALLS:
        calls = getattr(door, service).calls
        calls.clear()
        answer = await door.http.request(how, f"/api/v1{path}", json=body, headers=door.bearer)
        assert answer.json()["reason"] == "NOT_NOW", (path, answer.text)
        (left,) = [call.seconds for call in calls if call.method == method]
        assert left < inf, path
        assert STEP * round(left / STEP) == SECONDS[setting], (path, left)


class SlowFiles:
    """Takes all of an upload and never has it kept; gives the beginning of a file, and never the rest."""

    async def upload(self, requests: AsyncIterator[Any]) -> files_pb2.UploadFileResponse:
        async for _ in requests:
            pass
        await asyncio.Event().wait()
        return files_pb2.UploadFileResponse()

    async def read(
        self, _request: files_pb2.ReadFileRequest
    ) -> AsyncIterator[files_pb2.ReadFileResponse]:
        yield files_pb2.ReadFileResponse(file=FILE)
        yield files_pb2.ReadFileResponse(chunk=b"x")
        await asyncio.Event().wait()


FILE = files_pb2.File(id=ID, name="a.txt", kind="text", media_type="text/plain", size=2)


def with_slow_files(door: Door) -> Door:
    door.chat.files = files = SlowFiles()
    setattr(door.chat, "UploadImport", lambda requests, _: files.upload(requests))  # noqa: B010 - of a method
    door.chat.answers |= {
        "GetFileLimits": files_pb2.GetFileLimitsResponse(offered=True, maximum_bytes=1000),
        "GetImportLimits": imports_pb2.GetImportLimitsResponse(maximum_bytes=1000),
        "GetFile": files_pb2.GetFileResponse(file=FILE),
    }
    return door


@pytest.mark.parametrize("where", [FILES, "/api/v1/chat/import"])
async def test_an_upload_that_has_come_is_waited_for_as_long_as_is_set_for_that(
    open_door: OpenDoor, where: str
) -> None:
    door = with_slow_files(
        await open_door(chat_deadline_seconds=120.0, chat_upload_deadline_seconds=0.2)
    )
    async with asyncio.timeout(30):
        kept = await door.http.post(where, files={"file": ("a", b"xx")}, headers=door.bearer)
    assert (kept.status_code, kept.json()["reason"]) == (504, "DEADLINE_EXCEEDED")


async def test_a_file_of_which_nothing_more_comes_is_given_up(open_door: OpenDoor) -> None:
    door = with_slow_files(await open_door(chat_silence_seconds=0.5))
    async with asyncio.timeout(30):
        with pytest.raises(httpx.RemoteProtocolError):
            await door.http.get(f"{FILES}/{ID}/content", headers=door.bearer)


async def test_a_shared_file_of_which_nothing_more_comes_is_given_up(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = await open_door(chat_silence_seconds=0.5)

    async def read(_request: object, _context: object) -> AsyncGenerator[Any, None]:
        yield shares_pb2.ReadSharedFileResponse(
            file=shares_pb2.SharedFile(name="a.txt", media_type="text/plain", size=2)
        )
        yield shares_pb2.ReadSharedFileResponse(chunk=b"x")
        await asyncio.Event().wait()

    monkeypatch.setattr(door.chat, "ReadSharedFile", read)
    async with asyncio.timeout(30):
        with pytest.raises(httpx.RemoteProtocolError):
            await door.http.get(f"/api/v1/shares/{'t' * 43}/files/{ID}/content")
