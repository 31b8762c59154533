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
from gateway.schemas.exports import ExportAllQuery, ExportQuery
from gateway.schemas.notes import Note
from gateway.streams.downloads import Download, begun, compressed
from gateway.streams.export_file import FILES, export_file, since_of
from parley.chat.v1 import exports_pb2
from parley.notes.v1 import notes_pb2

router = api_router("Transfer", "/chat")

_SINCE = "x-export-since"
_NOTES_A_PAGE = 100
_TEXT = {"schema": {"type": "string"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file as it is made, its length unknown. Its last line tells how much there is"
        " and the SHA-256 of all before it; without that line it was cut off.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/csv": _TEXT,
            "text/markdown": _TEXT,
            "application/gzip": {"schema": {"type": "string", "format": "binary"}},
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
    query: Annotated[ExportQuery, Query()],
    caller: ChatReader,
    services: Services,
    request: Request,
) -> Response:
    """Export a conversation as a file."""
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
    if query.also is not None and query.format != "json":
        raise ValidationFailed(fields=[FieldError("with", "NOT_IN_FORMAT")])
    if query.asks_for("notes"):
        check_scope(caller, "notes:read")
        notes = _notes(services, caller)
    stem = f"parley-{datetime.now(UTC):%Y-%m-%d}"
    return await _download(
        request, services, caller, query.all_request(), query, stem=stem, notes=notes
    )


async def _download(
    request: Request,
    services: Clients,
    caller: Caller,
    wanted: exports_pb2.ExportRequest,
    query: ExportQuery,
    *,
    stem: str,
    notes: AsyncIterator[bytes] | None = None,
) -> Response:
    exports = services.exports
    since, exported = await since_of(exports.follow(exports.stub.Export, wanted, caller))
    pieces = await begun(export_file(exported, query.format, notes))
    media_type, ending = FILES[query.format]
    if query.gzip:
        pieces, media_type, ending = compressed(pieces), "application/gzip", f"{ending}.gz"
    return Download(
        pieces,
        request.app.state.requests,
        name=f"{stem}.{ending}",
        media_type=media_type,
        headers={_SINCE: since} if since else None,
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
