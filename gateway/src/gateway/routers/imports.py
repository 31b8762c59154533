"""Conversations that come in as files, of Parley and of others."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import Query
from starlette.requests import Request

from chassis.errors import AppError
from gateway.clients import Services
from gateway.identity.authentication import ChatReader, ChatWriter, is_good_for
from gateway.refusals import FileTooLarge
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.routes.upload_route import UploadedFile, UploadRoute
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.files import FORM
from gateway.schemas.imports import Import, ImportLimits
from parley.chat.v1 import imports_pb2 as pb

router = api_router("Transfer", "/chat/imports")
uploads = api_router("Transfer", "/chat/import", UploadRoute)


@uploads.post(
    "",
    status_code=202,
    openapi_extra=refuses(
        *("BODY_TOO_SLOW", "FILE_TOO_LARGE", "FILE_INCOMPLETE", "UNSUPPORTED_MEDIA_TYPE"),
        *("MALFORMED_MULTIPART", "VALIDATION", "TOO_MANY_IMPORTS", "TOO_MUCH_IN_BODIES"),
        *("IMPORT_NOT_FOUND", "IMPORTS_QUOTA_USED_UP"),
        requestBody=FORM,
    ),
)
async def import_conversations(
    request: Request, caller: ChatWriter, services: Services, key: IdempotencyKeyOf
) -> Import:
    """Import conversations from a file.

    It is sent as the field `file` of a form: an export of Parley (JSON, also compressed or in its zip), of
    ChatGPT (`conversations.json`, or the zip it comes in), Open WebUI, LibreChat, Cherry Studio or NextChat.
    Which it is, is found out when it is read, behind this answer. A conversation that was imported before is
    not added again. Notes in an export of Parley need the scope `notes:write` too; without it they are left out.
    """
    imports = services.imports
    limits = await imports.ask(imports.stub.GetImportLimits, pb.GetImportLimitsRequest(), caller)
    async with UploadedFile(request, limits.maximum_bytes) as sent:
        name, at_most = await sent.begin()
        notes = is_good_for(caller, "notes:write")
        asked = _requests(sent, pb.ImportHead(name=name, at_most=at_most, notes=notes))
        try:
            made = await imports.send(imports.stub.UploadImport, asked, caller, idempotency_key=key)
        except AppError as error:
            if error.reason == FileTooLarge.reason:
                raise FileTooLarge(metadata=error.metadata) from None
            raise
    return Import.of(made.job)


async def _requests(
    sent: UploadedFile, head: pb.ImportHead
) -> AsyncGenerator[pb.UploadImportRequest, None]:
    yield pb.UploadImportRequest(head=head)
    size = 0
    async with aclosing(sent.pieces()) as pieces:
        async for piece in pieces:
            size += len(piece)
            yield pb.UploadImportRequest(chunk=piece)
    yield pb.UploadImportRequest(end=pb.ImportEnd(size=size))


@router.get("")
async def list_imports(
    query: Annotated[ListQuery, Query()], caller: ChatReader, services: Services
) -> Page[Import]:
    """List one's imports, the newest first.

    The report of one that has ended is kept for 30 days.
    """
    imports = services.imports
    response = await imports.ask(
        imports.stub.ListImports,
        pb.ListImportsRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[Import](
        items=[Import.of(one) for one in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/limits")
async def get_import_limits(caller: ChatReader, services: Services) -> ImportLimits:
    """Show how large a file may be."""
    imports = services.imports
    limits = await imports.ask(imports.stub.GetImportLimits, pb.GetImportLimitsRequest(), caller)
    return ImportLimits(maximum_bytes=limits.maximum_bytes)


@router.get("/{import_id}")
async def get_import(import_id: str, caller: ChatReader, services: Services) -> Import:
    """Show how far an import is.

    And what was taken of it, and what not and why.
    """
    imports = services.imports
    response = await imports.ask(imports.stub.GetImport, pb.GetImportRequest(id=import_id), caller)
    return Import.of(response.job)


@router.delete("/{import_id}", status_code=204)
async def end_import(import_id: str, caller: ChatWriter, services: Services) -> None:
    """Cancel an import, or delete its report.

    What was taken by then stays.
    """
    imports = services.imports
    await imports.tell(imports.stub.EndImport, pb.EndImportRequest(id=import_id), caller)
