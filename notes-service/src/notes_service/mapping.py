"""Notes as protobuf messages, and back."""

from datetime import UTC
from uuid import UUID

from notes_service.domain.note import Note
from parley.notes.v1 import notes_pb2


def note_to_proto(note: Note) -> notes_pb2.Note:
    message = notes_pb2.Note(id=str(note.id), title=note.title, content=note.content)
    message.created_at.FromDatetime(note.created_at)
    message.updated_at.FromDatetime(note.updated_at)
    return message


def encode_note(note: Note) -> bytes:
    return note_to_proto(note).SerializeToString()


def decode_note(content: bytes) -> Note:
    """The note that ``encode_note`` was given."""
    message = notes_pb2.Note.FromString(content)
    return Note(
        id=UUID(message.id),
        title=message.title,
        content=message.content,
        created_at=message.created_at.ToDatetime(tzinfo=UTC),
        updated_at=message.updated_at.ToDatetime(tzinfo=UTC),
    )
