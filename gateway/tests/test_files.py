"""Files over HTTP: what goes to chat-service piece by piece, and what comes back."""

import asyncio
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from chassis.errors import Kind, RemoteError
from chassis.ids import new_id
from chassis.testing import eventually
from gateway.streams.contents import disposition
from parley.chat.v1 import files_pb2 as pb

from .door import Door, OpenDoor
from .personal_tokens import revoke

FILES = "/api/v1/files"
CONTENT = bytes(range(256)) * 1024
LIMITS = pb.GetFileLimitsResponse(
    offered=True,
    maximum_bytes=1_000_000,
    quota_bytes=10_000_000,
    used_bytes=5,
    uploads_at_once=3,
    kinds=[pb.FileKind(name="text", media_type="text/plain", extensions=[".txt"])],
)


def a_file(**changes: Any) -> pb.File:
    told = {
        "id": str(new_id()),
        "name": 'Plan \u4e2d\u6587 "1".txt',
        "kind": "text",
        "media_type": "text/plain; charset=utf-8",
        "size": len(CONTENT),
        "sha256": sha256(CONTENT).digest(),
    }
    return pb.File(**{**told, **changes})


class FakeFiles:
    """chat-service's part: takes uploads, and refuses them where the test says so."""

    def __init__(self, door: Door) -> None:
        self.head: pb.UploadHead | None = None
        self.came = b""
        self.pieces = 0
        self.end: pb.UploadEnd | None = None
        self.cut = asyncio.Event()
        self.refusal: tuple[int, Exception] | None = None
        self.file = a_file()
        self.breaks_at: int | None = None
        #: Once there is one, a file is given to its middle, and no further before it is set.
        self.middle: asyncio.Event | None = None
        door.chat.answers["GetFileLimits"] = LIMITS
        door.chat.answers["GetFile"] = pb.GetFileResponse(file=self.file)
        door.chat.files = self

    async def upload(self, requests: AsyncIterator[Any]) -> pb.UploadFileResponse:
        # A stream that is cut ends for who hears it as one that has ended, but for the last message.
        try:
            async for request in requests:
                match request.WhichOneof("part"):
                    case "head":
                        self.head = request.head
                    case "chunk":
                        assert len(request.chunk) <= 256 * 1024
                        self.came += request.chunk
                        self.pieces += 1
                    case "end":
                        self.end = request.end
                if self.refusal is not None and len(self.came) >= self.refusal[0]:
                    raise self.refusal[1]
        finally:
            if self.end is None:
                self.cut.set()
        return pb.UploadFileResponse(file=self.file)

    async def read(self, request: pb.ReadFileRequest) -> AsyncIterator[pb.ReadFileResponse]:
        yield pb.ReadFileResponse(file=self.file)
        part = CONTENT[request.begin : request.end]
        for at in range(0, len(part), 50_000):
            if self.breaks_at is not None and at >= self.breaks_at:
                raise RemoteError(Kind.UNAVAILABLE, "STORAGE_UNAVAILABLE", "It is away.")
            if self.middle is not None and at >= len(part) // 2:
                await self.middle.wait()
            yield pb.ReadFileResponse(chunk=part[at : at + 50_000])


@pytest.fixture
def files(door: Door) -> FakeFiles:
    return FakeFiles(door)


def form(content: bytes, name: str = "a.txt", field: str = "file") -> dict[str, Any]:
    return {"files": {field: (name, content)}}


async def test_a_file_goes_on_as_it_comes(door: Door, files: FakeFiles) -> None:
    headers = {**door.bearer, "idempotency-key": "key-1"}
    sent = await door.http.post(FILES, **form(CONTENT, "Plan \u4e2d\u6587.txt"), headers=headers)
    assert sent.status_code == 201
    assert sent.json() == {
        "id": files.file.id,
        "name": files.file.name,
        "kind": "text",
        "media_type": "text/plain; charset=utf-8",
        "size": len(CONTENT),
        "sha256": sha256(CONTENT).hexdigest(),
        "created_at": "1970-01-01T00:00:00Z",
    }
    assert files.came == CONTENT
    assert files.pieces > 1
    assert files.end == pb.UploadEnd(size=len(CONTENT))
    assert files.head is not None
    assert files.head.name == "Plan \u4e2d\u6587.txt"
    assert len(CONTENT) <= files.head.at_most <= len(CONTENT) + 64
    call = door.chat.calls[-1]
    assert (call.method, call.idempotency_key, call.token) == (
        "UploadFile",
        "key-1",
        door.caller.token,
    )


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("filename*=UTF-8''%E4%B8%AD%E6%96%87.txt", "中文.txt"),
        ("filename*=utf-8'zh'%E4%B8%AD.txt; filename=x.txt", "中.txt"),
        ("filename=\"x;y.txt\"; filename*=ISO-8859-1''caf%E9.txt", "café.txt"),
        ("filename=\"x; filename*=UTF-8''y\"", "x; filename*=UTF-8''y"),
        # What cannot be read has the other name, if there is one.
        ("filename=x.txt; filename*=UTF-8''%FF%FE", "x.txt"),
        ("filename=x.txt; filename*=GBK''%D6%D0", "x.txt"),
        ("filename=x.txt; filename*=plain", "x.txt"),
        ("filename*=UTF-8''", ""),
        ("filename*=none''%41", ""),
    ],
)
async def test_a_name_may_say_its_encoding(
    door: Door, files: FakeFiles, told: str, name: str
) -> None:
    head = f'--b\r\ncontent-disposition: form-data; name="file"; {told}\r\n\r\n'
    headers = {**door.bearer, "content-type": "multipart/form-data; boundary=b"}
    body = head.encode() + b"hello\r\n--b--\r\n"
    sent = await door.http.post(FILES, content=body, headers=headers)
    assert sent.status_code == 201, sent.text
    assert files.head is not None
    assert files.head.name == name


async def test_of_one_whose_length_is_not_announced_none_is_told(
    door: Door, files: FakeFiles
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhe'
        yield b"llo\r\n--b--\r\n"

    headers = {**door.bearer, "content-type": "multipart/form-data; boundary=b"}
    sent = await door.http.post(FILES, content=pieces(), headers=headers)
    assert sent.status_code == 201
    assert (files.came, files.head) == (b"hello", pb.UploadHead(name="a"))


HEAD = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'


@pytest.mark.parametrize(
    ("media_type", "body", "status", "reason"),
    [
        ("application/json", b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data", HEAD + b"x\r\n--b--\r\n", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data; boundary=b", b"", 422, "VALIDATION"),
        ("multipart/form-data; boundary=b", b"hello", 422, "MALFORMED_MULTIPART"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422, "VALIDATION"),
        ("multipart/form-data; boundary=b", HEAD + b"hello", 422, "MALFORMED_MULTIPART"),
        ("multipart/form-data; boundary=b", HEAD + b"hello\r\n--b", 422, "MALFORMED_MULTIPART"),
        (
            "multipart/form-data; boundary=b",
            HEAD.replace(b"file", b"other", 1) + b"x\r\n--b--\r\n",
            422,
            "VALIDATION",
        ),
        (
            "multipart/form-data; boundary=b",
            HEAD + b"x\r\n" + HEAD + b"y\r\n--b--\r\n",
            422,
            "MALFORMED_MULTIPART",
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\n" + b"x: " + b"y" * 20_000 + b"\r\n\r\nx\r\n--b--\r\n",
            422,
            "MALFORMED_MULTIPART",
        ),
    ],
)
async def test_what_is_no_form_of_one_file_is_refused_and_never_whole(
    door: Door, files: FakeFiles, media_type: str, body: bytes, status: int, reason: str
) -> None:
    headers = {**door.bearer, "content-type": media_type}
    sent = await door.http.post(FILES, content=body, headers=headers)
    assert (sent.status_code, sent.json()["reason"]) == (status, reason)
    assert files.end is None


async def test_what_is_too_large_by_its_head_is_refused_before_it_comes(
    door: Door, files: FakeFiles, call_raw: Any
) -> None:
    client = await call_raw(
        door,
        f"POST {FILES} HTTP/1.1\r\nhost: x\r\nauthorization: {door.bearer['authorization']}\r\n"
        "content-type: multipart/form-data; boundary=b\r\nexpect: 100-continue\r\n"
        "content-length: 1100000\r\n\r\n".encode(),
    )
    answer = await client.answer()
    assert (answer.status, answer.problem["reason"]) == (413, "FILE_TOO_LARGE")
    assert answer.problem["maximum"] == 1_000_000
    assert files.head is None


async def test_one_of_just_the_size_that_is_allowed_is_taken(door: Door, files: FakeFiles) -> None:
    content = b"x" * LIMITS.maximum_bytes
    sent = await door.http.post(FILES, **form(content), headers=door.bearer)
    assert sent.status_code == 201, sent.text
    assert len(files.came) == LIMITS.maximum_bytes


@pytest.mark.parametrize(
    ("error", "status", "more"),
    [
        (
            RemoteError(Kind.INVALID, "FILE_TOO_LARGE", "d", metadata={"maximum": "7"}),
            413,
            {"maximum": 7},
        ),
        (RemoteError(Kind.INVALID, "FILE_KIND_REFUSED", "d"), 415, {}),
        (
            RemoteError(Kind.INVALID, "FILE_KIND_REFUSED", "d", metadata={"kind": "png"}),
            415,
            {"kind": "png"},
        ),
        (
            RemoteError(
                Kind.CONFLICT,
                "FILES_QUOTA_USED_UP",
                "d",
                metadata={"used": "5", "allowed": "6"},
            ),
            409,
            {"used": 5, "allowed": 6},
        ),
        (RemoteError(Kind.EXHAUSTED, "TOO_MANY_UPLOADS", "d", retry_after=1), 429, {}),
        (RemoteError(Kind.UNAVAILABLE, "STORAGE_UNAVAILABLE", "d"), 503, {}),
    ],
)
async def test_what_is_refused_in_the_midst_is_answered_at_once(
    door: Door, files: FakeFiles, error: Exception, status: int, more: dict[str, Any]
) -> None:
    files.refusal = (100_000, error)
    sent = await door.http.post(FILES, **form(b"x" * 900_000), headers=door.bearer)
    told = sent.json()
    assert (sent.status_code, told["reason"]) == (status, error.reason)  # type: ignore[attr-defined]
    assert {name: told[name] for name in more} == more
    assert files.end is None


async def test_what_was_handed_on_takes_no_room_any_more(open_door: Any) -> None:
    door = await open_door(
        body_limit_bytes=4096, body_held_bytes=2**19, body_held_bytes_per_client=2**19
    )
    files = FakeFiles(door)
    sent = await door.http.post(FILES, **form(b"x" * 900_000), headers=door.bearer)
    assert (sent.status_code, len(files.came)) == (201, 900_000)


@pytest.mark.parametrize("reset", [True, False])
async def test_who_hangs_up_in_the_midst_has_it_cut(
    door: Door, files: FakeFiles, call_raw: Any, reset: bool
) -> None:
    client = await call_raw(
        door,
        f"POST {FILES} HTTP/1.1\r\nhost: x\r\nauthorization: {door.bearer['authorization']}\r\n"
        "content-type: multipart/form-data; boundary=b\r\ncontent-length: 500000\r\n\r\n".encode(),
        HEAD + b"x" * 200_000,
    )
    await eventually(lambda: len(files.came) > 100_000)
    client.hang_up(reset=reset)
    async with asyncio.timeout(30):
        await files.cut.wait()
    assert files.end is None


async def test_who_stalls_is_given_up(open_door: Any, call_raw: Any) -> None:
    door = await open_door(body_window_seconds=0.3)
    files = FakeFiles(door)
    client = await call_raw(
        door,
        f"POST {FILES} HTTP/1.1\r\nhost: x\r\nauthorization: {door.bearer['authorization']}\r\n"
        "content-type: multipart/form-data; boundary=b\r\ncontent-length: 500000\r\n\r\n".encode(),
        HEAD + b"x" * 200_000,
    )
    answer = await client.answer()
    assert (answer.status, answer.problem["reason"]) == (408, "BODY_TOO_SLOW")
    async with asyncio.timeout(30):
        await files.cut.wait()


async def test_an_upload_may_take_longer_to_come_than_other_bodies(
    open_door: OpenDoor, call_raw: Any
) -> None:
    door = await open_door(body_seconds=1.0)
    files = FakeFiles(door)
    content = b"x" * 1000
    body = HEAD + content + b"\r\n--b--\r\n"
    loop = asyncio.get_running_loop()
    client = await call_raw(
        door,
        f"POST {FILES} HTTP/1.1\r\nhost: x\r\nauthorization: {door.bearer['authorization']}\r\n"
        f"content-type: multipart/form-data; boundary=b\r\ncontent-length: {len(body)}\r\n\r\n".encode(),
        body[:-500],
    )
    begun = loop.time()
    await eventually(lambda: loop.time() > begun + 1.1)
    await client.say(body[-500:])
    assert (await client.answer()).status == 201
    assert files.came == content


async def test_an_upload_ends_with_its_login(door: Door, files: FakeFiles, call_raw: Any) -> None:
    client = await call_raw(
        door,
        f"POST {FILES} HTTP/1.1\r\nhost: x\r\nauthorization: {door.bearer['authorization']}\r\n"
        "content-type: multipart/form-data; boundary=b\r\ncontent-length: 900000\r\n\r\n".encode(),
        HEAD + b"x" * 100_000,
    )
    await eventually(lambda: files.came)
    revoke(door, door.caller)

    async def refused() -> bool:
        shown = await door.http.get(f"{FILES}/limits", headers=door.bearer)
        return bool(shown.status_code == 401)

    await eventually(refused)
    await client.say(b"x" * 10_000)
    answer = await client.answer()
    assert (answer.status, answer.problem["reason"]) == (401, "UNAUTHENTICATED")
    async with asyncio.timeout(30):
        await files.cut.wait()


async def test_what_may_be_sent_is_said_before(door: Door, files: FakeFiles) -> None:
    shown = await door.http.get(f"{FILES}/limits", headers=door.bearer)
    assert shown.json() == {
        "offered": True,
        "maximum_bytes": 1_000_000,
        "quota_bytes": 10_000_000,
        "used_bytes": 5,
        "uploads_at_once": 3,
        "maximum_attachments": 10,
        "kinds": [{"name": "text", "media_type": "text/plain", "extensions": [".txt"]}],
    }


async def test_where_none_are_kept_a_question_may_have_none(door: Door) -> None:
    door.chat.answers["GetFileLimits"] = pb.GetFileLimitsResponse()
    told = (await door.http.get(f"{FILES}/limits", headers=door.bearer)).json()
    assert told.pop("offered") is False
    assert not any(told.values())


async def test_files_are_listed_shown_and_deleted(door: Door, files: FakeFiles) -> None:
    door.chat.answers["ListFiles"] = pb.ListFilesResponse(
        items=[files.file], next_cursor="next", total=7
    )
    query: dict[str, Any] = {"limit": 3, "cursor": "here", "count": True}
    listed = (await door.http.get(FILES, params=query, headers=door.bearer)).json()
    assert (len(listed["items"]), listed["next_cursor"], listed["total"]) == (1, "next", 7)
    assert door.chat.calls[-1].request == pb.ListFilesRequest(limit=3, cursor="here", count=True)
    shown = await door.http.get(f"{FILES}/{files.file.id}", headers=door.bearer)
    assert shown.json() == listed["items"][0]
    door.chat.answers["DeleteFile"] = pb.DeleteFileResponse()
    gone = await door.http.delete(f"{FILES}/{files.file.id}", headers=door.bearer)
    assert (gone.status_code, gone.content) == (204, b"")
    assert door.chat.calls[-1].request == pb.DeleteFileRequest(id=files.file.id)


async def test_content_is_to_be_saved_and_runs_nowhere(door: Door, files: FakeFiles) -> None:
    got = await door.http.get(f"{FILES}/{files.file.id}/content", headers=door.bearer)
    assert (got.status_code, got.content) == (200, CONTENT)
    headers = got.headers
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["content-disposition"] == (
        'attachment; filename="Plan __ _1_.txt";'
        " filename*=UTF-8''Plan%20%E4%B8%AD%E6%96%87%20%221%22.txt"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["etag"] == f'"{sha256(CONTENT).hexdigest()}"'
    head = await door.http.head(f"{FILES}/{files.file.id}/content", headers=door.bearer)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [("bytes=0-9", 0, 10), ("bytes=5-", 5, None), ("bytes=-7", len(CONTENT) - 7, None),
     ("bytes=10-99999999", 10, None), ("Bytes=3-3", 3, 4)],
)  # fmt: skip
async def test_a_part_is_had_by_its_range(
    door: Door, files: FakeFiles, asked: str, begin: int, end: int | None
) -> None:
    headers = {**door.bearer, "range": asked}
    got = await door.http.get(f"{FILES}/{files.file.id}/content", headers=headers)
    expected = CONTENT[begin:end]
    assert (got.status_code, got.content) == (206, expected)
    last = begin + len(expected) - 1
    assert got.headers["content-range"] == f"bytes {begin}-{last}/{len(CONTENT)}"


async def test_what_is_no_range_of_it_is_all_of_it_or_refused(door: Door, files: FakeFiles) -> None:
    path = f"{FILES}/{files.file.id}/content"
    for asked in ("bytes=1-2,4-5", "lines=1-2", "bytes=9-2", "bytes=-", "bytes=a-b"):
        got = await door.http.get(path, headers={**door.bearer, "range": asked})
        assert (got.status_code, len(got.content)) == (200, len(CONTENT)), asked
    lines = [*door.bearer.items(), ("range", "bytes=1-2"), ("range", "bytes=4-5")]
    assert (await door.http.get(path, headers=lines)).status_code == 200
    # Of a HEAD there are no parts.
    head = await door.http.head(path, headers={**door.bearer, "range": "bytes=1-2"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(CONTENT)))
    for asked in (f"bytes={len(CONTENT)}-", "bytes=-0", f"bytes={10**18}-", f"bytes={'9' * 5000}-"):
        got = await door.http.get(path, headers={**door.bearer, "range": asked})
        assert (got.status_code, got.json()["reason"]) == (416, "RANGE_NOT_SATISFIABLE")
        assert got.headers["content-range"] == f"bytes */{len(CONTENT)}"
    tag = f'"{sha256(CONTENT).hexdigest()}"'
    for if_range, status in ((tag, 206), ('"other"', 200)):
        headers = {**door.bearer, "range": "bytes=0-1", "if-range": if_range}
        assert (await door.http.get(path, headers=headers)).status_code == status
    known = await door.http.get(path, headers={**door.bearer, "if-none-match": tag})
    assert (known.status_code, known.content) == (304, b"")


async def test_what_breaks_off_is_never_taken_for_the_whole(
    door: Door, files: FakeFiles, call_raw: Any
) -> None:
    files.breaks_at = 100_000
    client = await call_raw(
        door,
        f"GET {FILES}/{files.file.id}/content HTTP/1.1\r\nhost: x\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n".encode(),
    )
    answer = await client.head()
    rest = await client.rest()
    assert answer.status == 200
    assert 0 < len(rest) < int(answer.headers["content-length"])


async def test_a_download_ends_with_its_login(door: Door, files: FakeFiles, call_raw: Any) -> None:
    files.middle = asyncio.Event()
    client = await call_raw(
        door,
        f"GET {FILES}/{files.file.id}/content HTTP/1.1\r\nhost: x\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n".encode(),
    )
    answer = await client.head()
    begun = await client.reader.readexactly(50_000)
    revoke(door, door.caller)
    assert len(begun + await client.rest()) < int(answer.headers["content-length"])


def test_a_name_in_a_header_breaks_out_of_nothing() -> None:
    for name in ('"; x="', "a\r\nb: c", "\u202e\u0000", "'%27", "a;b", "\\"):
        told = disposition(name)
        assert re.fullmatch(
            r"attachment; filename=\"[A-Za-z0-9 _.-]*\"; filename\*=UTF-8''[A-Za-z0-9%_.~-]*", told
        )


async def test_where_no_files_are_kept_that_is_said_before_anything_is_read(
    door: Door, files: FakeFiles
) -> None:
    door.chat.answers["GetFileLimits"] = pb.GetFileLimitsResponse(offered=False)
    refused = await door.http.post(FILES, **form(CONTENT), headers=door.bearer)
    assert (refused.status_code, refused.json()["reason"]) == (409, "FILES_NOT_OFFERED")
    assert files.head is None
