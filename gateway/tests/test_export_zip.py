"""Exports with files: the zip that is made of the document and of what chat-service has of each file."""

import asyncio
import hashlib
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import Kind, RemoteError
from chassis.ids import new_id
from chassis.testing import eventually
from gateway.streams.export_zip import path_of
from parley.auth.v1 import auth_pb2
from parley.chat.v1 import exports_pb2 as pb
from parley.chat.v1 import files_pb2

from .door import Door

SESSION = "01900000-0000-7000-8000-000000000003"
ALL = "/api/v1/chat/export"
ONE = f"/api/v1/chat/sessions/{SESSION}/export"
BEGIN = '{"format":"parley","version":1,"conversations":[\n'
END = pb.ExportResponse(end=pb.ExportEnd(conversations=2, messages=5, since="cursor"))
TOLD = pb.ExportResponse(begin=pb.ExportBegin(since="from-then-on", files=True))
FILES = {"with": "files"}
A, B, C = (str(new_id()) for _ in range(3))
TEXT, PICTURE = b"word " * 100_000, hashlib.shake_128(b"a picture").digest(600_000)


class FakeFiles:
    """What chat-service has of files: kind and content, or a refusal; ``gate`` holds up the middle."""

    def __init__(self, door: Door) -> None:
        self.kept: dict[str, tuple[str, bytes] | Exception] = {
            A: ("text/plain; charset=utf-8", TEXT),
            B: ("image/png", PICTURE),
        }
        self.breaks: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.under_way = 0
        door.chat.files = self

    async def read(
        self, request: files_pb2.ReadFileRequest
    ) -> AsyncIterator[files_pb2.ReadFileResponse]:
        self.under_way += 1
        try:
            kept = self.kept[request.id]
            if isinstance(kept, Exception):
                raise kept
            media_type, content = kept
            file = files_pb2.File(
                id=request.id,
                media_type=media_type,
                size=len(content),
                created_at=Timestamp(seconds=1_790_000_000),
            )
            yield files_pb2.ReadFileResponse(file=file)
            for at in range(0, len(content), 250_000):
                if at and self.breaks is not None:
                    raise self.breaks
                if at and self.gate is not None:
                    await self.gate.wait()
                yield files_pb2.ReadFileResponse(chunk=content[at : at + 250_000])
        finally:
            self.under_way -= 1


@pytest.fixture
def files(door: Door) -> FakeFiles:
    return FakeFiles(door)


def page(data: str, *attached: tuple[str, str], gone: bool = False) -> list[pb.ExportResponse]:
    told = [pb.ExportedFile(id=id_, name=name, size=5, gone=gone) for id_, name in attached]
    return [pb.ExportResponse(data=data.encode()), pb.ExportResponse(files=told)]


def export(*pages: list[pb.ExportResponse]) -> list[pb.ExportResponse]:
    return [TOLD, *page(BEGIN), *(one for page_ in pages for one in page_), *page("\n],\n"), END]


async def opened(door: Door, path: str = ALL, **query: str) -> ZipFile:
    answer = await door.http.get(path, params={**FILES, **query}, headers=door.bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    archive = ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def last(archive: ZipFile) -> Any:
    return json.loads(archive.read(archive.namelist()[-1]))


@pytest.mark.parametrize("path", [ALL, ONE])
async def test_a_zip_has_the_document_first_and_then_each_file_once(
    door: Door, files: FakeFiles, path: str
) -> None:
    door.chat.exported = export(
        page(" ", (A, "Plan.txt"), (B, "家.png")), page(" ", (A, "another name.txt"))
    )
    answer = await door.http.get(path, params=FILES, headers=door.bearer)
    disposition = answer.headers["content-disposition"]
    assert disposition.endswith('.zip"')
    archive = await opened(door, path)
    document = disposition.partition('"')[2].replace('.zip"', ".json")
    assert archive.namelist() == [
        document,
        f"files/{A}-Plan.txt",
        f"files/{B}-家.png",
        "files.json",
    ]
    assert json.loads(archive.read(document))["end"]["messages"] == 5
    assert archive.read(f"files/{A}-Plan.txt") == TEXT
    assert archive.read(f"files/{B}-家.png") == PICTURE
    assert last(archive) == {
        "files": 2,
        "bytes": len(TEXT) + len(PICTURE),
        "lost": [],
        "more_lost": 0,
    }
    text, picture = archive.infolist()[1:3]
    assert text.compress_size < text.file_size / 10
    # What is packed already is not packed again, and yet tells where it ends to who reads it as it comes.
    assert picture.compress_type == zipfile.ZIP_DEFLATED
    assert 0 < picture.compress_size - picture.file_size < 1_000
    assert text.date_time[0] == 2026
    exports = [call.request for call in door.chat.calls if call.method == "Export"]
    assert all(request.files for request in exports)


async def test_a_csv_goes_with_files_too_and_without_them_nothing_is_asked(
    door: Door, files: FakeFiles
) -> None:
    door.chat.exported = export(page(" ", (B, "b.png")))
    archive = await opened(door, format="csv")
    assert archive.namelist()[0].endswith(".csv")
    assert archive.namelist()[1:] == [f"files/{B}-b.png", "files.json"]
    await door.http.get(ALL, headers=door.bearer)
    assert [call.request.files for call in door.chat.calls if call.method == "Export"] == [
        True,
        False,
    ]


async def test_files_that_are_gone_are_told_and_the_zip_is_whole(
    door: Door, files: FakeFiles
) -> None:
    files.kept[C] = RemoteError(Kind.NOT_FOUND, "FILE_NOT_FOUND", "There is no such file.")
    gone = str(new_id())
    door.chat.exported = export(
        page(" ", (gone, "old.pdf"), (gone, "old.pdf"), gone=True),
        page(" ", (C, "just deleted.txt"), (B, "b.png")),
    )
    archive = await opened(door)
    assert archive.namelist()[1:] == [f"files/{B}-b.png", "files.json"]
    assert last(archive) == {
        "files": 1,
        "bytes": len(PICTURE),
        "lost": [{"id": gone, "name": "old.pdf"}, {"id": C, "name": "just deleted.txt"}],
        "more_lost": 0,
    }


async def test_of_very_many_that_are_gone_the_rest_is_counted(door: Door, files: FakeFiles) -> None:
    gone = [(str(new_id()), "x") for _ in range(1_002)]
    door.chat.exported = export(page(" ", *gone, gone=True))
    told = last(await opened(door))
    assert (len(told["lost"]), told["more_lost"]) == (1_000, 2)


AWAY = RemoteError(Kind.UNAVAILABLE, "STORAGE_UNAVAILABLE", "It is away.")


@pytest.mark.parametrize("in_the_middle", [False, True])
async def test_a_file_that_cannot_be_had_just_now_is_not_passed_off_as_lost(
    door: Door, files: FakeFiles, in_the_middle: bool
) -> None:
    if in_the_middle:
        files.breaks = AWAY
    else:
        files.kept[B] = AWAY
    door.chat.exported = export(page(" ", (B, "b.png")))
    with pytest.raises(httpx.RemoteProtocolError):
        await door.http.get(ALL, params=FILES, headers=door.bearer)
    await eventually(lambda: files.under_way == 0)


async def test_of_a_chat_service_that_tells_no_files_there_is_no_zip_without_them(
    door: Door, files: FakeFiles
) -> None:
    earlier = pb.ExportResponse(begin=pb.ExportBegin(since="from-then-on"))
    door.chat.exported = [earlier, *export(page(" "))[1:]]
    answer = await door.http.get(ALL, params=FILES, headers=door.bearer)
    assert (answer.status_code, answer.json()["reason"]) == (503, "UNAVAILABLE")
    assert (await door.http.get(ALL, headers=door.bearer)).status_code == 200


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"with": "files", "gzip": "true"}, [("gzip", "NOT_WITH_FILES")]),
        ({"with": "files", "after": SESSION}, [("after", "NOT_WITH_FILES")]),
        ({"with": "notes,files", "format": "csv"}, [("with", "NOT_IN_FORMAT")]),
    ],
)
async def test_what_does_not_go_together_is_refused_by_field(
    door: Door, query: dict[str, str], errors: list[tuple[str, str]]
) -> None:
    answer = await door.http.get(ALL, params=query, headers=door.bearer)
    assert answer.status_code == 422
    assert [(one["field"], one["reason"]) for one in answer.json()["errors"]] == errors
    assert [call for call in door.chat.calls if call.method == "Export"] == []
    of_one = {**FILES, "gzip": "true"}
    assert (await door.http.get(ONE, params=of_one, headers=door.bearer)).status_code == 422


async def test_files_and_notes_need_a_token_that_is_good_for_each(
    door: Door, files: FakeFiles
) -> None:
    door.chat.exported = export(page(" ", (B, "b.png")))
    for scope, wanted, status in (
        ("notes:read", "files", 403),
        ("chat:read", "files", 200),
        ("chat:read", "files,notes", 403),
    ):
        reader = door.signer.caller(door.caller.user_id, scope=scope)
        headers = {"authorization": f"Bearer {reader.token}"}
        answer = await door.http.get(ALL, params={"with": wanted}, headers=headers)
        assert answer.status_code == status


async def test_the_document_goes_out_before_its_end_is_there(door: Door, files: FakeFiles) -> None:
    gate = asyncio.Event()
    door.chat.exported = [TOLD, *page(BEGIN), gate, *page("\n],\n"), END]
    async with door.http.stream("GET", ALL, params=FILES, headers=door.bearer) as answer:
        pieces = answer.aiter_bytes()
        assert (await anext(pieces)).startswith(b"PK\x03\x04")
        gate.set()
        rest = b"".join([piece async for piece in pieces])
    assert b"PK\x05\x06" in rest


async def test_a_client_that_leaves_in_the_middle_of_a_file_ends_its_reading(
    door: Door, files: FakeFiles
) -> None:
    files.gate = asyncio.Event()
    door.chat.exported = export(page(" ", (B, "b.png")))
    async with door.http.stream("GET", ALL, params=FILES, headers=door.bearer) as answer:
        pieces = answer.aiter_bytes()
        assert await anext(pieces)
        await eventually(lambda: files.under_way == 1)
    await eventually(lambda: files.under_way == 0)
    await eventually(lambda: door.gateway.requests.held["long requests"] == 0)


async def test_a_user_who_is_erased_meanwhile_gets_no_more_of_it(
    door: Door, files: FakeFiles
) -> None:
    files.gate = asyncio.Event()
    door.chat.exported = export(page(" ", (B, "b.png")))
    asking = asyncio.create_task(door.http.get(ALL, params=FILES, headers=door.bearer))
    await eventually(lambda: files.under_way == 1)
    now = int(time.time())
    door.auth.publish(
        auth_pb2.Revocation(
            user_id=str(door.caller.user_id),
            revoked_at=Timestamp(seconds=now + 600),
            expires_at=Timestamp(seconds=now + 1200),
        )
    )
    with pytest.raises(httpx.RemoteProtocolError):
        await asking
    await eventually(lambda: files.under_way == 0)


async def test_files_are_read_for_a_token_that_has_expired_since(
    door: Door, files: FakeFiles
) -> None:
    door.caller = door.signer.caller(lifetime=2.0)
    gate = asyncio.Event()
    door.chat.exported = [TOLD, *page(BEGIN), gate, *export(page(" ", (A, "a.txt")))[3:]]
    asking = asyncio.create_task(opened(door))
    await eventually(lambda: time.time() > door.caller.expires_at)
    gate.set()
    assert (await asking).read(f"files/{A}-a.txt") == TEXT


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Plan.txt", "Plan.txt"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x\\y.txt", "C__x_y.txt"),
        ("CON", "CON"),
        (".bashrc", ".bashrc"),
        ("a\x00\n\u202e.png", "a___.png"),
        ("dots. . .", "dots"),
        ("...", ""),
        ("文" * 100 + ".png", "文" * 48 + ".png"),
        ("x" * 300, "x" * 150),
        ("a." + "y" * 200, "a." + "y" * 148),
    ],
)
def test_a_name_leads_nowhere_and_can_be_saved_anywhere(name: str, path: str) -> None:
    found = path_of(A, name)
    assert found == f"files/{A}-{path}".rstrip("-")
    assert len(found.rpartition("/")[2].encode()) <= 255
