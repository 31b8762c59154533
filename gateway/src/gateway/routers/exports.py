"""What one has, as a file to keep or to take elsewhere."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from chassis.caller import Caller
from chassis.errors import FieldError, ValidationFailed
from gateway.clients import Clients, Services
from gateway.identity.authentication import ChatReader, check_scope
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.base import check_span
from gateway.schemas.exports import ExportAllQuery, ExportOneQuery
from gateway.schemas.notes import Note
from gateway.streams.downloads import Download, begun, compressed
from gateway.streams.export_file import FILES, export_file, since_of
from gateway.streams.export_zip import Attached, Read, zipped
from parley.chat.v1 import exports_pb2, files_pb2
from parley.notes.v1 import notes_pb2

router = api_router("Transfer", "/chat")

_SINCE = "x-export-since"
_NOTES_A_PAGE = 100
_TEXT = {"schema": {"type": "string"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file as it is made, its length unknown. Its last line tells how much there is"
        " and the SHA-256 of all before it; without that line it was cut off. With files it is the first"
        " member of a zip, behind which each file is at `files/<id>-<name>`; the last member, `files.json`,"
        " tells how many these are and which were not there.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/csv": _TEXT,
            "text/markdown": _TEXT,
            "application/gzip": {"schema": {"type": "string", "format": "binary"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
        "headers": {
            "Content-Disposition": {"schema": {"type": "string"}},
            "X-Export-Since": {
                "description": "What the last line will tell as `since`; absent: everything. Who is cut"
                " off goes on with it as `began`.",
                "schema": {"type": "string"},
            },
        },
    }
}


@router.get(
    "/sessions/{session_id}/export",
    response_class=Response,
    responses=_FILE,
    openapi_extra=refuses("TOO_MANY_EXPORTS"),
)
async def export_session(
    session_id: str,
    query: Annotated[ExportOneQuery, Query()],
    caller: ChatReader,
    services: Services,
    request: Request,
) -> Response:
    """Export a conversation as a file."""
    _check(query)
    wanted = query.request(session_id)
    return await _download(
        request, services, caller, wanted, query, stem=f"conversation-{session_id}"
    )


@router.get(
    "/export",
    response_class=Response,
    responses=_FILE,
    openapi_extra=refuses("TOO_MANY_EXPORTS"),
)
async def export_all(
    query: Annotated[ExportAllQuery, Query()],
    caller: ChatReader,
    services: Services,
    request: Request,
) -> Response:
    """Export all of one's conversations as a file.

    In the order in which they were made, archived ones too; what is deleted and what is temporary is left
    out. A download that was cut off goes on with `after` and `began`; one that has ended, later on, with
    `since`.
    """
    notes = None
    _check(query)
    check_span(query.active_from, query.active_before)
    if query.asks_for("notes"):
        check_scope(caller, "notes:read")
        notes = _notes(services, caller)
    stem = f"parley-{datetime.now(UTC):%Y-%m-%d}"
    return await _download(
        request, services, caller, query.all_request(), query, stem=stem, notes=notes
    )


def _check(query: ExportOneQuery | ExportAllQuery) -> None:
    """Raises ValidationFailed for what does not go together."""
    errors = []
    if isinstance(query, ExportAllQuery):
        if query.format != "json" and (query.asks_for("notes") or query.asks_for("personas")):
            errors.append(FieldError("with", "NOT_IN_FORMAT"))
        if query.with_files and query.after is not None:
            # What was cut off had no files yet: those of its conversations would be in neither part.
            errors.append(FieldError("after", "NOT_WITH_FILES"))
    if query.with_files and query.gzip:
        errors.append(FieldError("gzip", "NOT_WITH_FILES"))
    if errors:
        raise ValidationFailed(fields=errors)


async def _download(
    request: Request,
    services: Clients,
    caller: Caller,
    wanted: exports_pb2.ExportRequest,
    query: ExportOneQuery | ExportAllQuery,
    *,
    stem: str,
    notes: AsyncIterator[bytes] | None = None,
) -> Response:
    exports = services.exports
    wanted.look = "asked_method" in request.scope
    followed = exports.follow(exports.stub.Export, wanted, caller)
    since, exported = await since_of(followed, with_files=query.with_files)
    media_type, ending = FILES[query.format]
    attached = Attached() if query.with_files else None
    pieces = export_file(exported, query.format, notes, attached)
    if attached is not None:
        pieces = zipped(pieces, f"{stem}.{ending}", attached, _reader(services, caller))
        media_type, ending = "application/zip", "zip"
    pieces = await begun(pieces)
    if query.gzip:
        pieces, media_type, ending = compressed(pieces), "application/gzip", f"{ending}.gz"
    return Download(
        pieces,
        request.app.state.requests,
        name=f"{stem}.{ending}",
        media_type=media_type,
        headers={_SINCE: since} if since else None,
    )


def _reader(services: Clients, caller: Caller) -> Read:
    files = services.files
    return lambda file_id: files.follow(
        files.stub.ReadFile, files_pb2.ReadFileRequest(id=file_id), caller
    )


async def _notes(services: Clients, caller: Caller) -> AsyncIterator[bytes]:
    """The caller's notes, each as the API shows it."""
    notes, cursor = services.notes, ""
    while True:
        wanted = notes_pb2.ListNotesRequest(limit=_NOTES_A_PAGE, cursor=cursor)
        page = await notes.ask(notes.stub.ListNotes, wanted, caller)
        for note in page.items:
            yield Note.of(note).model_dump_json().encode()
        if not (cursor := page.next_cursor):
            return
