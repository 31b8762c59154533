"""Files on the wire: as the gateway sends and asks for them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.errors import AppError, Kind
from chassis.grpc.client import Channel
from chassis.testing import Signer, eventually
from parley.chat.v1 import files_pb2 as pb

# `Client` of conftest.py, which a test module has no name for.
Client = Any


def head(name: str = "a.txt", **more: Any) -> pb.UploadFileRequest:
    return pb.UploadFileRequest(head=pb.UploadHead(name=name, **more))


def chunk(content: bytes) -> pb.UploadFileRequest:
    return pb.UploadFileRequest(chunk=content)


def end(size: int) -> pb.UploadFileRequest:
    return pb.UploadFileRequest(end=pb.UploadEnd(size=size))


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


async def test_a_file_is_uploaded_shown_read_and_deleted(
    client: Client, client_elsewhere: Client, tmp_path: Path
) -> None:
    content = b"line\n" * 200_000
    file = await client.upload(
        head(at_most=len(content) + 20), chunk(content[:7]), chunk(content[7:]), end(len(content))
    )
    assert (file.name, file.kind, file.size) == ("a.txt", "text", len(content))
    assert file.media_type.startswith("text/plain")
    shown = await client_elsewhere.call("GetFile", pb.GetFileRequest(id=file.id))
    assert shown.file == file
    listed = await client.call("ListFiles", pb.ListFilesRequest(count=True))
    assert (list(listed.items), listed.total) == ([file], 1)
    assert await client_elsewhere.read_file(file.id) == (file, content)
    assert (await client.read_file(file.id, begin=5, end=12))[1] == content[5:12]
    assert (await client.read_file(file.id, begin=len(content)))[1] == b""
    limits = await client.call("GetFileLimits", pb.GetFileLimitsRequest())
    assert (limits.offered, limits.used_bytes) == (True, len(content))
    assert "text" in {kind.name for kind in limits.kinds}
    await client_elsewhere.call("DeleteFile", pb.DeleteFileRequest(id=file.id))
    assert stored(tmp_path) == []
    with pytest.raises(AppError) as gone:
        await client.read_file(file.id)
    assert (gone.value.kind, gone.value.reason) == (Kind.NOT_FOUND, "FILE_NOT_FOUND")


async def test_an_export_that_outlives_its_token_still_reads_files_and_only_its_user_s(
    client: Client, channel: Channel, caller: Caller, signer: Signer
) -> None:
    file = await client.upload(head(), chunk(b"tea"), end(3))
    late = type(client)(channel, signer.caller(caller.user_id, caller.tenant_id, lifetime=-1.0))
    assert await late.read_file(file.id) == (file, b"tea")
    with pytest.raises(AppError) as refused:
        await late.call("GetFile", pb.GetFileRequest(id=file.id))
    assert refused.value.kind is Kind.UNAUTHENTICATED
    stranger = type(client)(channel, signer.caller(tenant_id=caller.tenant_id, lifetime=-1.0))
    with pytest.raises(AppError) as absent:
        await stranger.read_file(file.id)
    assert absent.value.reason == "FILE_NOT_FOUND"


async def test_a_stream_without_its_end_keeps_nothing(client: Client, tmp_path: Path) -> None:
    for requests in ([head()], [head(), chunk(b"x")], [head(), chunk(b"x"), end(2)]):
        with pytest.raises(AppError) as refused:
            await client.upload(*requests)
        assert refused.value.reason == "FILE_INCOMPLETE"
    with pytest.raises(AppError) as headless:
        await client.upload(chunk(b"x"), end(1))
    assert headless.value.reason == "VALIDATION"
    with pytest.raises(AppError) as twice:
        await client.upload(head(), head(), end(0))
    assert twice.value.reason == "FILE_INCOMPLETE"
    assert stored(tmp_path) == []


async def test_an_empty_file_is_refused(client: Client, tmp_path: Path) -> None:
    for requests in ([head(), end(0)], [head(), chunk(b""), end(0)]):
        with pytest.raises(AppError) as refused:
            await client.upload(*requests)
        assert (refused.value.kind, refused.value.reason) == (Kind.INVALID, "FILE_EMPTY")
    assert stored(tmp_path) == []
    assert (await client.call("GetFileLimits", pb.GetFileLimitsRequest())).used_bytes == 0


async def test_who_hangs_up_leaves_nothing(client: Client, tmp_path: Path) -> None:
    sent = asyncio.Event()

    async def requests() -> AsyncGenerator[pb.UploadFileRequest, None]:
        yield head()
        yield chunk(b"x" * 1_000_000)
        sent.set()
        await asyncio.Event().wait()

    uploading = asyncio.create_task(
        client._channel.send(client.files.UploadFile, requests(), token=client._token)
    )
    await sent.wait()
    await eventually(lambda: stored(tmp_path))
    uploading.cancel()
    await asyncio.wait((uploading,))
    await eventually(lambda: stored(tmp_path) == [])

    async def nothing_is_used() -> bool:
        limits = await client.call("GetFileLimits", pb.GetFileLimitsRequest())
        return bool(limits.used_bytes == 0)

    # The row goes behind the bytes.
    await eventually(nothing_is_used)


async def test_what_is_refused_is_said_while_it_is_still_being_sent(client: Client) -> None:
    going_on = True

    async def requests() -> AsyncGenerator[pb.UploadFileRequest, None]:
        yield head()
        while going_on:
            yield chunk(b"\x00" * 100_000)
            await asyncio.sleep(0)

    with pytest.raises(AppError) as refused:
        async with asyncio.timeout(30):
            await client._channel.send(client.files.UploadFile, requests(), token=client._token)
    assert refused.value.reason == "FILE_KIND_REFUSED"


async def test_a_repetition_is_answered_alike(client: Client, tmp_path: Path) -> None:
    requests = (head(), chunk(b"once"), end(4))
    first = await client.upload(*requests, key="key-1")
    assert await client.upload(*requests, key="key-1") == first
    with pytest.raises(AppError) as reused:
        await client.upload(head("b.txt"), chunk(b"once"), end(4), key="key-1")
    assert reused.value.reason == "IDEMPOTENCY_KEY_REUSED"
    assert len(stored(tmp_path)) == 1


async def test_anothers_file_is_as_if_absent(client: Client, strange_client: Client) -> None:
    file = await client.upload(head(), chunk(b"mine"), end(4))
    for method, request in (
        ("GetFile", pb.GetFileRequest(id=file.id)),
        ("DeleteFile", pb.DeleteFileRequest(id=file.id)),
    ):
        with pytest.raises(AppError) as refused:
            await strange_client.call(method, request)
        assert refused.value.reason == "FILE_NOT_FOUND"
    with pytest.raises(AppError) as unread:
        await strange_client.read_file(file.id)
    assert unread.value.reason == "FILE_NOT_FOUND"
    assert (await client.read_file(file.id))[1] == b"mine"


async def test_bytes_that_are_gone_are_said_so_before_anything_is_said_of_them(
    client: Client, tmp_path: Path
) -> None:
    file = await client.upload(head(), chunk(b"mine"), end(4))
    for path in stored(tmp_path):
        path.unlink()
    request = pb.ReadFileRequest(id=file.id)
    responses = client._channel.stream(client.files.ReadFile, request, token=client._token)
    async with aclosing(responses):
        with pytest.raises(AppError) as gone:
            await anext(responses)
    assert (gone.value.kind, gone.value.reason) == (Kind.NOT_FOUND, "FILE_NOT_FOUND")
