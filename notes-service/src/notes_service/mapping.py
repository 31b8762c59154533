"""Notes as protobuf messages."""

from notes_service.domain.note import Note
from parley.notes.v1 import notes_pb2


def note_to_proto(note: Note) -> notes_pb2.Note:
    message = notes_pb2.Note(id=str(note.id), title=note.title, content=note.content)
    message.created_at.FromDatetime(note.created_at)
    message.updated_at.FromDatetime(note.updated_at)
    return message
