"""Notes."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import MISSING, AfterValidator, Field

from chassis.errors import FieldError, ValidationFailed
from gateway.schemas.base import Body, ListQuery, Resource, example, moment, storable
from gateway.schemas.texts import Id, NoteTag, NoteText, NoteTitle
from parley import bounds
from parley.notes.v1 import notes_pb2 as pb
from parley.search.v1 import search_pb2

_A_SOURCE = {
    "session_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0a",
    "message_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0c",
}
_A_NOTE: dict[str, Any] = {
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e05",
    "title": "Shopping",
    "content": "Bread, tea, a new keyboard.",
    "tags": ["home", "this week"],
    "pinned": False,
    "source": None,
    "version": 1,
    "created_at": "2026-11-02T09:32:00Z",
    "updated_at": "2026-11-02T09:32:00Z",
}

Tags = Annotated[list[NoteTag], Field(max_length=bounds.MAX_NOTE_TAGS)]
_TAGS = "Kept in their order. Of those that differ by their letter case alone the first is kept."
_SOURCE = "The message it was taken from. It is shown, and checked for its form alone."


class NewNoteSource(Body):
    model_config = example(**_A_SOURCE)

    session_id: Id
    message_id: Id

    def message(self) -> pb.Source:
        return pb.Source(session_id=self.session_id, message_id=self.message_id)


class NewNote(Body):
    model_config = example(
        title="Shopping", content="Bread, tea, a new keyboard.", tags=["home", "this week"]
    )

    title: NoteTitle
    content: NoteText
    tags: Tags | None = Field(None, description=_TAGS)
    pinned: bool | None = Field(None, description="Whether it is kept at hand.")
    source: NewNoteSource | None = Field(None, description=_SOURCE)

    def replacement(self, note_id: str, versions: list[int] | None) -> pb.UpdateNoteRequest:
        """What makes a note this one, and nothing else."""
        return pb.UpdateNoteRequest(
            id=note_id,
            title=self.title,
            content=self.content,
            tags=pb.Tags(items=self.tags or ()),
            pinned=self.pinned or False,
            source=pb.Source() if self.source is None else self.source.message(),
            precondition=precondition(versions),
        )


_OF_TEXT: dict[str, Any] = {
    "required": ["title", "content"],
    "properties": {
        "title": {"type": "string"},
        "content": {"type": "string"},
        "message_id": {"type": "null"},
    },
}
_OF_A_MESSAGE: dict[str, Any] = {
    "required": ["message_id"],
    "properties": {
        "message_id": {"type": "string"},
        "content": {"type": "null"},
        "source": {"type": "null"},
    },
}


class KeptNote(Body):
    """A note of a text, which has a title and a content; or of a message, by its id."""

    model_config = example(
        {"anyOf": [_OF_TEXT, _OF_A_MESSAGE]},
        title="Shopping",
        content="Bread, tea, a new keyboard.",
        tags=["home", "this week"],
    )

    title: NoteTitle | None = Field(
        None, description="Of a message its first line, at most 60 characters, if absent."
    )
    content: NoteText | None = None
    tags: Tags | None = Field(None, description=_TAGS)
    pinned: bool | None = Field(None, description="Whether it is kept at hand.")
    source: NewNoteSource | None = Field(None, description=_SOURCE)
    message_id: Id | None = Field(
        None,
        description="A message of one's own conversations: the note says what it says, and has it as its"
        " `source`. It needs the scope `chat:read` too.",
    )

    def creation(self, taken: pb.Taken | None = None) -> pb.CreateNoteRequest:
        """`taken` is what its message says. Raises ValidationFailed for what belongs to no one kind."""
        if self.message_id is None:
            wrong = [
                FieldError(name, "REQUIRED")
                for name in ("title", "content")
                if getattr(self, name) is None
            ]
        else:
            wrong = [
                FieldError(name, "INVALID")
                for name in ("content", "source")
                if getattr(self, name) is not None
            ]
            if self.title is not None and not self.title:
                wrong.append(FieldError("title", "REQUIRED"))
        if wrong:
            raise ValidationFailed(fields=wrong)
        return pb.CreateNoteRequest(
            title=self.title or "",
            content=self.content or "",
            tags=self.tags,
            pinned=self.pinned or False,
            source=None if self.source is None else self.source.message(),
            message_id=self.message_id or "",
            taken=taken,
        )


class NoteChange(Body):
    """What is absent stays as it is."""

    model_config = example(title="Shopping, urgent", pinned=True)

    title: NoteTitle | MISSING = MISSING
    content: NoteText | MISSING = MISSING
    tags: Tags | MISSING | None = Field(
        MISSING, description=f"In place of all there are; null: none any more. {_TAGS}"
    )
    pinned: bool | MISSING = Field(MISSING, description="Whether it is kept at hand.")
    source: NewNoteSource | MISSING | None = Field(
        MISSING, description=f"{_SOURCE} Null: none any more."
    )

    def change(self, note_id: str, versions: list[int] | None) -> pb.UpdateNoteRequest:
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if "tags" in given:
            given["tags"] = pb.Tags(items=given["tags"] or ())
        if "source" in given:
            source: NewNoteSource | None = given["source"]
            given["source"] = pb.Source() if source is None else source.message()
        return pb.UpdateNoteRequest(id=note_id, precondition=precondition(versions), **given)


def precondition(versions: list[int] | None) -> pb.Precondition | None:
    return None if versions is None else pb.Precondition(versions=versions)


class NoteListQuery(ListQuery):
    q: Annotated[str, AfterValidator(storable)] = Field(
        "",
        max_length=bounds.SEARCH_QUERY.maximum,
        description="Those in whose title or content each of these words is, or a word that begins"
        " with it; in Chinese, Japanese and other scripts without spaces, anywhere. Letter case and"
        " width make no difference. A page may then have fewer than `limit`, and no `total`.",
    )
    tag: Annotated[str, AfterValidator(storable)] = Field(
        "",
        max_length=bounds.NOTE_TAG.maximum,
        description="Those that bear this tag, whatever its letter case.",
    )
    pinned: bool | None = Field(None, description="Those that are pinned alone, or the others.")


class NoteSource(Resource):
    model_config = example(**_A_SOURCE)

    session_id: str
    message_id: str


class Note(Resource):
    model_config = example(**_A_NOTE)

    id: str
    title: str
    content: str
    tags: list[str]
    pinned: bool
    source: NoteSource | None = Field(description="The message it was taken from.")
    version: int = Field(description="One more with each change; in quotes, its entity tag.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, note: pb.Note) -> "Note":
        return cls(**_fields(note))


class ListedNote(Note):
    model_config = example(**_A_NOTE, snippet="Bread, tea, a new keyboard.", hits=[[7, 10]])

    snippet: str | None = Field(
        description="With `q`: at most 200 characters around the first hit, of the content as it is, or of"
        " the title if what was searched is there alone. Null without."
    )
    hits: list[tuple[int, int]] | None = Field(
        description="With `q`: where in `snippet` it stands, each from its first character to the one"
        " behind its last, counted in code points."
    )

    @classmethod
    def found(cls, note: pb.Note, match: search_pb2.Match | None) -> "ListedNote":
        return cls(
            **_fields(note),
            snippet=None if match is None else match.snippet,
            hits=None if match is None else [(hit.start, hit.end) for hit in match.hits],
        )


def _fields(note: pb.Note) -> dict[str, Any]:
    source = note.source
    return {
        "id": note.id,
        "title": note.title,
        "content": note.content,
        "tags": list(note.tags),
        "pinned": note.pinned,
        "source": NoteSource(session_id=source.session_id, message_id=source.message_id)
        if note.HasField("source")
        else None,
        "version": note.version,
        "created_at": moment(note.created_at),
        "updated_at": moment(note.updated_at),
    }
