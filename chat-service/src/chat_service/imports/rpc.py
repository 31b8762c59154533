"""Imports on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import Method, allow
from chassis.idempotency import Once
from chassis.ids import parse_named_id
from chat_service.imports import mapping
from chat_service.imports.domain.job import ImportNotFound
from chat_service.imports.usecases.jobs import ImportJobs
from chat_service.imports.usecases.upload import Uploads
from parley.chat.v1 import imports_pb2, imports_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.ImportService": {
        "GetImportLimits": allow("gateway"),
        "UploadImport": allow("gateway"),
        "GetImport": allow("gateway"),
        "ListImports": allow("gateway"),
        "EndImport": allow("gateway"),
    },
}


@dataclass(frozen=True, slots=True)
class ImportServicer(imports_pb2_grpc.ImportServiceServicer):
    """parley.chat.v1.ImportService."""

    uploads: Uploads
    jobs: ImportJobs

    async def UploadImport(
        self, requests: AsyncIterator[imports_pb2.UploadImportRequest], context: object
    ) -> imports_pb2.UploadImportResponse:
        head = await mapping.head_from_proto(requests)

        def once_of(size: int, digest: bytes) -> Once[UUID] | None:
            asked = imports_pb2.ImportedFile(name=head.name, size=size, sha256=digest)
            return once(asked, mapping.encode_id, mapping.decode_id)

        made = await self.uploads.upload(
            current_caller(),
            head.name,
            head.at_most if head.HasField("at_most") else None,
            mapping.pieces_from_proto(requests),
            once_of,
            with_notes=head.notes,
        )
        return imports_pb2.UploadImportResponse(job=mapping.import_to_proto(made))

    async def GetImportLimits(
        self, request: imports_pb2.GetImportLimitsRequest, context: object
    ) -> imports_pb2.GetImportLimitsResponse:
        return imports_pb2.GetImportLimitsResponse(maximum_bytes=self.uploads.most_bytes)

    async def GetImport(
        self, request: imports_pb2.GetImportRequest, context: object
    ) -> imports_pb2.GetImportResponse:
        found = await self.jobs.find(current_caller(), parse_named_id(request.id, ImportNotFound))
        return imports_pb2.GetImportResponse(job=mapping.import_to_proto(found))

    async def ListImports(
        self, request: imports_pb2.ListImportsRequest, context: object
    ) -> imports_pb2.ListImportsResponse:
        page = await self.jobs.list(
            current_caller(), limit=request.limit, cursor=request.cursor, count=request.count
        )
        return imports_pb2.ListImportsResponse(
            items=[mapping.import_to_proto(one) for one in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def EndImport(
        self, request: imports_pb2.EndImportRequest, context: object
    ) -> imports_pb2.EndImportResponse:
        await self.jobs.end(current_caller(), parse_named_id(request.id, ImportNotFound))
        return imports_pb2.EndImportResponse()
