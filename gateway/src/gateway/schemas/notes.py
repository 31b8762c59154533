"""Notes."""

from datetime import datetime

from gateway.schemas.base import Body, Resource, example, moment
from gateway.schemas.texts import NoteText, NoteTitle
from parley.notes.v1 import notes_pb2 as pb


class NewNote(Body):
    model_config = example(title="Shopping", content="Bread, tea, a new keyboard.")

    title: NoteTitle
    content: NoteText


class Note(Resource):
    model_config = example(
        id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e05",
        title="Shopping",
        content="Bread, tea, a new keyboard.",
        created_at="2026-11-02T09:32:00Z",
        updated_at="2026-11-02T09:32:00Z",
    )

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
