"""Notes as protobuf messages, and back."""

from datetime import UTC
from uuid import UUID

from chassis.db.engine import RowOwner
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_id
from notes_service.domain.imported import Imported
from notes_service.domain.note import Note, Source, title_of
from notes_service.usecases.import_notes import WantedNote
from notes_service.usecases.validation import WantedChange, WantedSource
from parley.notes.v1 import notes_pb2


def note_to_proto(note: Note, *, with_content: bool = True) -> notes_pb2.Note:
    message = notes_pb2.Note(
        id=str(note.id),
        title=note.title,
        content=note.content if with_content else "",
        tags=note.tags,
        pinned=note.pinned,
        version=note.version,
    )
    if note.source is not None:
        message.source.session_id = str(note.source.session_id)
        message.source.message_id = str(note.source.message_id)
    message.created_at.FromDatetime(note.created_at)
    message.updated_at.FromDatetime(note.updated_at)
    return message


def encode_note(note: Note) -> bytes:
    return note_to_proto(note).SerializeToString()


def decode_note(content: bytes) -> Note:
    """The note that ``encode_note`` was given."""
    message = notes_pb2.Note.FromString(content)
    source = message.source
    return Note(
        id=UUID(message.id),
        title=message.title,
        content=message.content,
        created_at=message.created_at.ToDatetime(tzinfo=UTC),
        updated_at=message.updated_at.ToDatetime(tzinfo=UTC),
        tags=tuple(message.tags),
        pinned=message.pinned,
        # What was kept before there were versions has none.
        version=message.version or 1,
        source=Source(UUID(source.session_id), UUID(source.message_id))
        if message.HasField("source")
        else None,
    )


def from_create(request: notes_pb2.CreateNoteRequest) -> WantedChange:
    if request.message_id:
        content = request.taken.content
        return WantedChange(
            title=request.title or title_of(content),
            content=content,
            tags=tuple(request.tags),
            pinned=request.pinned,
            source=WantedSource(request.taken.session_id, request.message_id),
        )
    return WantedChange(
        title=request.title,
        content=request.content,
        tags=tuple(request.tags),
        pinned=request.pinned,
        source=_source(request.source) if request.HasField("source") else None,
    )


def asked_for(request: notes_pb2.CreateNoteRequest) -> notes_pb2.CreateNoteRequest:
    """The request without what is no part of what it asks for."""
    asked = notes_pb2.CreateNoteRequest()
    asked.CopyFrom(request)
    asked.ClearField("taken")
    return asked


def from_update(request: notes_pb2.UpdateNoteRequest) -> WantedChange:
    return WantedChange(
        title=request.title if request.HasField("title") else None,
        content=request.content if request.HasField("content") else None,
        tags=tuple(request.tags.items) if request.HasField("tags") else None,
        pinned=request.pinned if request.HasField("pinned") else None,
        source=_source(request.source) if request.HasField("source") else None,
    )


def from_precondition(
    request: notes_pb2.UpdateNoteRequest | notes_pb2.DeleteNoteRequest,
) -> list[int] | None:
    """The versions that are asked for, None for whichever."""
    return list(request.precondition.versions) if request.HasField("precondition") else None


def _source(source: notes_pb2.Source) -> WantedSource:
    return WantedSource(source.session_id, source.message_id)


def owner_of(request: notes_pb2.ImportNotesRequest) -> RowOwner:
    """Raises ValidationFailed."""
    tenant_id, user_id = parse_id(request.tenant_id), parse_id(request.user_id)
    if tenant_id is None or user_id is None:
        raise ValidationFailed(fields=[FieldError("user_id", "INVALID")])
    return RowOwner(tenant_id=tenant_id, user_id=user_id)


def from_import(request: notes_pb2.ImportNotesRequest) -> list[WantedNote]:
    return [
        WantedNote(
            key=one.key,
            told=WantedChange(
                title=one.title, content=one.content, tags=tuple(one.tags), pinned=one.pinned
            ),
            created_at=one.created_at.ToDatetime(tzinfo=UTC),
            updated_at=one.updated_at.ToDatetime(tzinfo=UTC),
        )
        for one in request.notes
    ]


def imported_to_proto(imported: Imported) -> notes_pb2.ImportNotesResponse:
    return notes_pb2.ImportNotesResponse(
        added=imported.added, existing=imported.existing, refused=imported.refused
    )


def encode_imported(imported: Imported) -> bytes:
    return imported_to_proto(imported).SerializeToString()


def decode_imported(content: bytes) -> Imported:
    """What ``encode_imported`` was given."""
    told = notes_pb2.ImportNotesResponse.FromString(content)
    return Imported(told.added, told.existing, dict(told.refused))
