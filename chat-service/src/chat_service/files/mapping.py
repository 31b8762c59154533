"""Files in the words of the contract."""

from collections.abc import AsyncIterator
from datetime import UTC
from uuid import UUID

from chassis.errors import FieldError, ValidationFailed
from chat_service.files.domain.errors import FileIncomplete
from chat_service.files.domain.file import File
from chat_service.files.domain.kinds import KINDS, Kind, media_type_of
from chat_service.files.domain.terms import FileLimits
from parley.chat.v1 import files_pb2


def file_to_proto(file: File) -> files_pb2.File:
    message = files_pb2.File(
        id=str(file.id),
        name=file.name,
        kind=file.kind,
        media_type=media_type_of(file.kind),
        size=file.size,
        sha256=file.sha256,
    )
    message.created_at.FromDatetime(file.created_at)
    return message


def encode_file(file: File) -> bytes:
    return file_to_proto(file).SerializeToString()


def decode_file(content: bytes, user_id: UUID) -> File:
    """The file that `encode_file` was given, which is this user's."""
    message = files_pb2.File.FromString(content)
    return File(
        id=UUID(message.id),
        user_id=user_id,
        name=message.name,
        kind=message.kind,
        size=message.size,
        sha256=message.sha256,
        created_at=message.created_at.ToDatetime(tzinfo=UTC),
    )


def limits_to_proto(limits: FileLimits) -> files_pb2.GetFileLimitsResponse:
    terms = limits.terms
    if terms.place is None:
        return files_pb2.GetFileLimitsResponse()
    return files_pb2.GetFileLimitsResponse(
        offered=True,
        maximum_bytes=terms.maximum_bytes,
        quota_bytes=terms.quota_bytes,
        used_bytes=limits.used_bytes,
        uploads_at_once=terms.uploads_at_once,
        kinds=[_kind_to_proto(kind) for kind in KINDS.values() if terms.takes(kind.name)],
    )


def _kind_to_proto(kind: Kind) -> files_pb2.FileKind:
    return files_pb2.FileKind(
        name=kind.name, media_type=kind.media_type, extensions=kind.extensions
    )


async def head_of(requests: AsyncIterator[files_pb2.UploadFileRequest]) -> files_pb2.UploadHead:
    """What the stream begins with; raises ValidationFailed where that is something else."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "head":
        raise ValidationFailed(fields=[FieldError("head", "REQUIRED")])
    return first.head


async def content_of(requests: AsyncIterator[files_pb2.UploadFileRequest]) -> AsyncIterator[bytes]:
    """The pieces behind the head; raises FileIncomplete unless their end has come behind all of them."""
    size = 0
    async for request in requests:
        match request.WhichOneof("part"):
            case "chunk":
                size += len(request.chunk)
                yield request.chunk
            case "end" if request.end.size == size:
                return
            case _:
                break
    raise FileIncomplete()
