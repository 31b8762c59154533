"""Notes."""

from datetime import datetime

from gateway.schemas.base import Body, Resource, moment
from parley.notes.v1 import notes_pb2 as pb


class NewNote(Body):
    title: str
    content: str


class Note(Resource):
    id: str
    title: str
    content: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, note: pb.Note) -> "Note":
        return cls(
            id=note.id,
            title=note.title,
            content=note.content,
            created_at=moment(note.created_at),
            updated_at=moment(note.updated_at),
        )
