"""Imports in the words of the contract."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from chassis.errors import FieldError, ValidationFailed
from chat_service.imports.domain.job import Import, ImportState
from parley.chat.v1 import imports_pb2
from servicekit.timestamps import timestamp_of

_STATES: Final = {
    ImportState.UPLOADING: imports_pb2.IMPORT_STATE_UPLOADING,
    ImportState.WAITING: imports_pb2.IMPORT_STATE_WAITING,
    ImportState.READING: imports_pb2.IMPORT_STATE_READING,
    ImportState.COMPLETED: imports_pb2.IMPORT_STATE_COMPLETED,
    ImportState.FAILED: imports_pb2.IMPORT_STATE_FAILED,
    ImportState.CANCELLED: imports_pb2.IMPORT_STATE_CANCELLED,
}


def import_to_proto(one: Import) -> imports_pb2.Import:
    report = one.report
    return imports_pb2.Import(
        id=str(one.id),
        name=one.name,
        state=_STATES[one.state],
        size=one.size,
        format=one.format,
        done=one.done,
        added=report.added,
        existing=report.existing,
        skipped=report.skipped,
        messages=report.messages,
        personas=report.personas,
        notes=report.notes,
        files=report.files,
        waits_for=one.waits_for,
        left_out=report.left_out,
        already_there=report.already_there,
        problems=[
            imports_pb2.ImportProblem(title=problem.title, reason=problem.reason)
            for problem in report.problems
        ],
        reason=one.reason,
        created_at=timestamp_of(one.created_at),
        ended_at=None if one.ended_at is None else timestamp_of(one.ended_at),
    )


async def head_from_proto(
    requests: AsyncIterator[imports_pb2.UploadImportRequest],
) -> imports_pb2.ImportHead:
    """The first of them. Raises ValidationFailed for anything else."""
    async for request in requests:
        if request.HasField("head"):
            return request.head
        break
    raise ValidationFailed(fields=[FieldError("head", "REQUIRED")])


async def pieces_from_proto(
    requests: AsyncIterator[imports_pb2.UploadImportRequest],
) -> AsyncIterator[bytes | int]:
    """The file in pieces, then its size."""
    async for request in requests:
        if request.HasField("end"):
            yield request.end.size
            return
        yield request.chunk


def encode_id(one: UUID) -> bytes:
    return one.bytes


def decode_id(content: bytes) -> UUID:
    return UUID(bytes=content)
