"""Files: uploads, what is known of them, and what is in them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import AppError
from gateway.clients import Services
from gateway.identity.authentication import ChatReader, ChatWriter
from gateway.problems import problem
from gateway.refusals import FileKindRefused, FilesNotOffered, FileTooLarge, RangeNotSatisfiable
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.routes.ranges import WantedOf
from gateway.routes.upload_route import UploadedFile, UploadRoute
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.files import FORM, File, FileLimits
from gateway.streams.contents import CONTENT, FileContent, headers_of
from parley.chat.v1 import files_pb2 as pb

router = api_router("Files", "/files")
uploads = api_router("Files", "/files", UploadRoute)

# What chat-service refuses with a status that no kind of its errors stands for.
_REFUSED = {one.reason: one for one in (FileTooLarge, FileKindRefused)}


@uploads.post(
    "",
    status_code=201,
    openapi_extra=refuses(
        *("BODY_TOO_SLOW", "FILE_TOO_LARGE", "FILE_KIND_REFUSED", "UNSUPPORTED_MEDIA_TYPE"),
        *("FILE_EMPTY", "FILE_UNREADABLE", "FILE_INCOMPLETE", "MALFORMED_MULTIPART", "VALIDATION"),
        *("FILES_NOT_OFFERED", "FILES_QUOTA_USED_UP", "TOO_MANY_FILES"),
        *("TOO_MANY_UPLOADS", "TOO_MUCH_IN_BODIES"),
        requestBody=FORM,
    ),
)
async def upload_file(
    request: Request, caller: ChatWriter, services: Services, key: IdempotencyKeyOf
) -> File:
    """Upload a file.

    It is sent as the field `file` of a form. What may be sent is at `/files/limits`; a file that no message
    and no share refers to is kept for an hour.
    """
    files = services.files
    limits = await files.ask(files.stub.GetFileLimits, pb.GetFileLimitsRequest(), caller)
    if not limits.offered:
        raise FilesNotOffered()
    async with UploadedFile(request, limits.maximum_bytes) as sent:
        name, at_most = await sent.begin()
        requests = _requests(sent, pb.UploadHead(name=name, at_most=at_most))
        try:
            made = await files.send(files.stub.UploadFile, requests, caller, idempotency_key=key)
        except AppError as error:
            refused = _REFUSED.get(error.reason)
            raise error if refused is None else refused(metadata=error.metadata) from None
    return File.of(made.file)


async def _requests(
    sent: UploadedFile, head: pb.UploadHead
) -> AsyncGenerator[pb.UploadFileRequest, None]:
    yield pb.UploadFileRequest(head=head)
    size = 0
    async with aclosing(sent.pieces()) as pieces:
        async for piece in pieces:
            size += len(piece)
            yield pb.UploadFileRequest(chunk=piece)
    yield pb.UploadFileRequest(end=pb.UploadEnd(size=size))


@router.get("")
async def list_files(
    query: Annotated[ListQuery, Query()], caller: ChatReader, services: Services
) -> Page[File]:
    """List one's files, the newest first."""
    files = services.files
    response = await files.ask(
        files.stub.ListFiles,
        pb.ListFilesRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[File](
        items=[File.of(file) for file in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/limits")
async def get_file_limits(caller: ChatReader, services: Services) -> FileLimits:
    """Show what may be uploaded, and how much room there is."""
    files = services.files
    return FileLimits.of(
        await files.ask(files.stub.GetFileLimits, pb.GetFileLimitsRequest(), caller)
    )


@router.get("/{file_id}")
async def get_file(file_id: str, caller: ChatReader, services: Services) -> File:
    """Show what is known of a file.

    One that no message and no share refers to is kept for another hour from then on.
    """
    files = services.files
    return File.of(
        (await files.ask(files.stub.GetFile, pb.GetFileRequest(id=file_id), caller)).file
    )


@router.delete("/{file_id}", status_code=204)
async def delete_file(file_id: str, caller: ChatWriter, services: Services) -> None:
    """Delete a file for good.

    Messages that it is attached to go on saying what it was; shares show nothing of it any more.
    """
    files = services.files
    await files.tell(files.stub.DeleteFile, pb.DeleteFileRequest(id=file_id), caller)


@router.get(
    "/{file_id}/content",
    response_class=Response,
    responses=CONTENT,
    openapi_extra=refuses("RANGE_NOT_SATISFIABLE"),
)
async def get_file_content(
    file_id: str,
    caller: ChatReader,
    services: Services,
    request: Request,
    wanted: WantedOf,
) -> Response:
    """Download what is in a file."""
    files = services.files
    file = (await files.ask(files.stub.GetFile, pb.GetFileRequest(id=file_id), caller)).file
    tag = f'"{file.sha256.hex()}"'
    if wanted.is_known(tag):
        return Response(status_code=304, headers={"etag": tag})
    asked = wanted.part(tag)
    try:
        part = None if asked is None else asked.of(file.size)
    except RangeNotSatisfiable as error:
        return problem(error, {"content-range": f"bytes */{file.size}"})
    begin, end = part or (0, file.size)
    pieces = files.follow(
        files.stub.ReadFile, pb.ReadFileRequest(id=file_id, begin=begin, end=end), caller
    )
    # Before the answer begins: what is gone meanwhile is said so.
    await anext(pieces)
    headers = headers_of(file.name, file.media_type, tag)
    return FileContent(pieces, request.app.state.requests, file.size, part, headers)
