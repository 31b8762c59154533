"""Files on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256

from chassis.errors import FieldError, ValidationFailed
from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from chassis.idempotency import Once, RequestKey, idempotency_key
from chassis.ids import parse_named_id
from chat_service.files import mapping
from chat_service.files.domain.errors import FileNotFound
from chat_service.files.domain.file import File, label_of
from chat_service.files.uploading import Uploads
from chat_service.files.usecases.delete import DeleteFiles
from chat_service.files.usecases.read import ReadFiles
from chat_service.words.domain.word_filter import InForce, masked, no_words
from parley.chat.v1 import files_pb2, files_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.FileService": {
        "GetFileLimits": allow("gateway"),
        "UploadFile": allow("gateway"),
        "GetFile": allow("gateway"),
        "ListFiles": allow("gateway"),
        "DeleteFile": allow("gateway"),
        # An export with all files may outlive the token that it was begun with.
        "ReadFile": allow("gateway", outlived=True),
    }
}


@dataclass(frozen=True, slots=True)
class FileServicer(files_pb2_grpc.FileServiceServicer):
    """parley.chat.v1.FileService."""

    uploads: Uploads
    read: ReadFiles
    delete: DeleteFiles
    in_force: InForce = no_words

    async def GetFileLimits(
        self, request: files_pb2.GetFileLimitsRequest, context: object
    ) -> files_pb2.GetFileLimitsResponse:
        return mapping.limits_to_proto(await self.read.limits(current_caller()))

    async def UploadFile(
        self, requests: AsyncIterator[files_pb2.UploadFileRequest], context: object
    ) -> files_pb2.UploadFileResponse:
        caller, key = current_caller(), idempotency_key.get()
        requests = aiter(requests)
        head = await mapping.head_of(requests)
        # As in an import: a name, which models and readers of shares are shown, is no reason to refuse a file.
        name = masked(self.in_force(), label_of(head.name))

        def once(came: bytes) -> Once[File] | None:
            if key is None:
                return None
            asked_for = sha256(b"UploadFile\0" + came + head.name.encode()).digest()
            return Once(
                RequestKey(key, asked_for),
                mapping.encode_file,
                lambda kept: mapping.decode_file(kept, caller.user_id),
            )

        at_most = head.at_most if head.HasField("at_most") else None
        file = await self.uploads.take(caller, name, at_most, mapping.content_of(requests), once)
        return files_pb2.UploadFileResponse(file=mapping.file_to_proto(file))

    async def GetFile(
        self, request: files_pb2.GetFileRequest, context: object
    ) -> files_pb2.GetFileResponse:
        file = await self.read.look_at(current_caller(), parse_named_id(request.id, FileNotFound))
        return files_pb2.GetFileResponse(file=mapping.file_to_proto(file))

    async def ListFiles(
        self, request: files_pb2.ListFilesRequest, context: object
    ) -> files_pb2.ListFilesResponse:
        page = await self.read.list(
            current_caller(), limit=request.limit, cursor=request.cursor, count=request.count
        )
        return files_pb2.ListFilesResponse(
            items=[mapping.file_to_proto(file) for file in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def DeleteFile(
        self, request: files_pb2.DeleteFileRequest, context: object
    ) -> files_pb2.DeleteFileResponse:
        file_id = parse_named_id(request.id, FileNotFound)
        await self.delete.delete(current_caller(), file_id)
        return files_pb2.DeleteFileResponse()

    async def ReadFile(
        self, request: files_pb2.ReadFileRequest, context: object
    ) -> AsyncIterator[files_pb2.ReadFileResponse]:
        begin, end = request.begin, request.end if request.HasField("end") else None
        if begin < 0 or (end is not None and end < begin):
            raise ValidationFailed(fields=[FieldError("begin", "INVALID")])
        file = await self.read.find(current_caller(), parse_named_id(request.id, FileNotFound))
        async with aclosing(self.read.content(file, begin, end)) as pieces:
            # Before anything is said of it: what cannot be had is a refusal, and no answer that is cut.
            first = await anext(pieces, None)
            yield files_pb2.ReadFileResponse(file=mapping.file_to_proto(file))
            if first is not None:
                yield files_pb2.ReadFileResponse(chunk=first)
            async for piece in pieces:
                yield files_pb2.ReadFileResponse(chunk=piece)
