"""Files in shares on the wire: from the upload to a reader without an account."""

from typing import Any

import pytest

from chassis.errors import AppError
from chassis.grpc.client import Channel
from parley.chat.v1 import chat_pb2, files_pb2, shares_pb2, shares_pb2_grpc

# `Client` and `Vault` of the conftest.py above, which a test module has no names for.
Client = Any
Vault = Any

CONTENT = b"Tea at five. " * 40_000


async def read(channel: Channel, request: shares_pb2.ReadSharedFileRequest) -> list[Any]:
    stub = channel.stub(shares_pb2_grpc.ShareServiceStub)
    return [answer async for answer in channel.stream(stub.ReadSharedFile, request)]


async def reason(call: Any) -> str:
    with pytest.raises(AppError) as refused:
        await call
    return refused.value.reason


async def test_a_file_that_is_shared_is_read_whole_until_it_is_deleted(
    client: Client, strange_client: Client, channel: Channel, vault: Vault
) -> None:
    vault.model = "echo"
    file = await client.upload(
        files_pb2.UploadFileRequest(head=files_pb2.UploadHead(name="plan.txt")),
        files_pb2.UploadFileRequest(chunk=CONTENT),
        files_pb2.UploadFileRequest(end=files_pb2.UploadEnd(size=len(CONTENT))),
    )
    asking = chat_pb2.StartRunRequest(
        content="When is tea?", attachments=chat_pb2.Attached(file_ids=[file.id])
    )
    accepted, _ = await client.read(asking, None)
    made = await client.call(
        "CreateShare",
        shares_pb2.CreateShareRequest(session_id=accepted.session_id, include_files=True),
    )
    assert made.share.include_files
    key = shares_pb2.ShareKey(token=made.token, client_ip="192.0.2.1")
    stub = channel.stub(shares_pb2_grpc.ShareServiceStub)
    opened = await channel.unary(stub.OpenShare, shares_pb2.OpenShareRequest(key=key), timeout=30)
    question, answer = opened.messages
    (shown,) = question.files
    assert (shown.name, shown.kind, shown.size) == ("plan.txt", "text", len(CONTENT))
    assert shown.media_type == file.media_type
    assert not answer.files
    key.opening = opened.opening
    wanted = shares_pb2.ReadSharedFileRequest(key=key, id=shown.id)
    first, *pieces = await read(channel, wanted)
    assert first.file == shown
    assert b"".join(piece.chunk for piece in pieces) == CONTENT
    size, of_a_part = len(CONTENT), shares_pb2.ReadSharedFileRequest(key=key, id=shown.id)
    for part, expected in (
        ({"first": 0, "last": 0}, CONTENT[:1]),
        ({"first": 262_143, "last": 262_144}, CONTENT[262_143:262_145]),
        ({"first": size - 1}, CONTENT[-1:]),
        ({"last": 300_000}, CONTENT[-300_000:]),
    ):
        of_a_part.part.CopyFrom(shares_pb2.FilePart(**part))
        first, *pieces = await read(channel, of_a_part)
        assert (first.file, b"".join(piece.chunk for piece in pieces)) == (shown, expected)
    for part, refusal in (
        ({"first": size}, "RANGE_NOT_SATISFIABLE"),
        ({"first": -1}, "VALIDATION"),
        ({}, "VALIDATION"),
    ):
        of_a_part.part.CopyFrom(shares_pb2.FilePart(**part))
        assert await reason(read(channel, of_a_part)) == refusal
    # As a member: with a token of one's own.
    theirs = strange_client._channel.stub(shares_pb2_grpc.ShareServiceStub)
    as_member = shares_pb2.ReadSharedFileAsMemberRequest(read=wanted)
    first, *pieces = [
        part
        async for part in strange_client._channel.stream(
            theirs.ReadSharedFileAsMember, as_member, token=strange_client._token
        )
    ]
    assert first.file == shown
    assert b"".join(piece.chunk for piece in pieces) == CONTENT
    for unknown in (file.id, "no id"):
        other = shares_pb2.ReadSharedFileRequest(key=key, id=unknown)
        assert await reason(read(channel, other)) == "FILE_NOT_FOUND"
    await client.call("DeleteFile", files_pb2.DeleteFileRequest(id=file.id))
    assert await reason(read(channel, wanted)) == "FILE_NOT_FOUND"
    await client.call("DeleteShare", shares_pb2.DeleteShareRequest(id=made.share.id))
    assert await reason(read(channel, wanted)) == "SHARE_NOT_FOUND"
