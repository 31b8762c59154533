"""Exports in the words of the contract."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_id, parse_named_id
from chassis.paging import Position
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.exports.domain.wanted import Begin, End, Files, Format, Wanted
from parley.chat.v1 import exports_pb2
from servicekit.timestamps import moment_in

_FORMATS: Final = {
    exports_pb2.EXPORT_FORMAT_JSON: Format.JSON,
    exports_pb2.EXPORT_FORMAT_CSV: Format.CSV,
    exports_pb2.EXPORT_FORMAT_MARKDOWN: Format.MARKDOWN,
}
# Cursors of this kind have a moment, and no row behind it.
_NO_ROW: Final = UUID(int=0)


def wanted_from_proto(request: exports_pb2.ExportRequest) -> Wanted:
    """Raises ValidationFailed for what is no format, moment, cursor or id, SessionNotFound for the last."""
    one = request.session_id if request.HasField("session_id") else None
    after = parse_id(request.after) if request.after else None
    errors = []
    if request.format not in _FORMATS:
        errors.append(FieldError("format", "UNKNOWN"))
    if request.after and after is None:
        errors.append(FieldError("after", "INVALID"))
    if request.personas and request.format != exports_pb2.EXPORT_FORMAT_JSON:
        errors.append(FieldError("personas", "NOT_IN_FORMAT"))
    if request.began and not request.after:
        errors.append(FieldError("began", "WITHOUT_AFTER"))
    since = _moment_of("since", request.since, errors)
    began = _moment_of("began", request.began, errors)
    if errors:
        raise ValidationFailed(fields=errors)
    return Wanted(
        format=_FORMATS[request.format],
        session_id=None if one is None else parse_named_id(one, SessionNotFound),
        active_from=moment_in(request, "active_from"),
        active_before=moment_in(request, "active_before"),
        since=since,
        after=after,
        personas=request.personas,
        began=began,
        files=request.files,
        look=request.look,
    )


def begin_to_proto(begin: Begin, *, files: bool) -> exports_pb2.ExportBegin:
    return exports_pb2.ExportBegin(since=_cursor_of(begin.since), files=files)


def files_to_proto(files: Files) -> Sequence[exports_pb2.ExportedFile]:
    return [
        exports_pb2.ExportedFile(id=str(one.id), name=one.name, size=one.size, gone=one.gone)
        for one in files.items
    ]


def end_to_proto(end: End) -> exports_pb2.ExportEnd:
    return exports_pb2.ExportEnd(
        conversations=end.conversations,
        messages=end.messages,
        personas=end.personas,
        since=_cursor_of(end.since),
    )


def _moment_of(field: str, cursor: str, errors: list[FieldError]) -> datetime | None:
    try:
        position = Position.from_cursor(cursor)
    except ValidationFailed:
        errors.append(FieldError(field, "INVALID"))
        return None
    return None if position is None else position.at


def _cursor_of(since: datetime | None) -> str:
    return "" if since is None else Position(since, _NO_ROW).to_cursor()
