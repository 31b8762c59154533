"""Search in conversations and notes."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.schemas.base import Moment, PageQuery, Resource, example, moment, storable, timestamp
from gateway.schemas.texts import Id, trimmed
from parley import bounds
from parley.chat.v1 import chat_pb2, search_pb2
from parley.notes.v1 import notes_pb2
from parley.search.v1.search_pb2 import Match

SearchType = Literal["sessions", "messages", "notes"]
FoundType = Literal["session", "message", "note"]
SearchRole = Literal["user", "assistant", "system"]

SEARCH_TYPES: tuple[SearchType, ...] = get_args(SearchType)
_ROLES: dict[SearchRole, chat_pb2.MessageRole.ValueType] = {
    "user": chat_pb2.MESSAGE_ROLE_USER,
    "assistant": chat_pb2.MESSAGE_ROLE_ASSISTANT,
    "system": chat_pb2.MESSAGE_ROLE_SYSTEM,
}
_ROLE_WORDS = {number: word for word, number in _ROLES.items()}


def _said(text: str) -> str:
    if not trimmed(text):
        raise PydanticCustomError("missing", "must not be blank")
    return text


def _known(types: str) -> str:
    if not set(types.split(",")) <= set(SEARCH_TYPES):
        raise PydanticCustomError("literal_error", "must be of sessions, messages and notes")
    return types


_ONE_TYPE = "(sessions|messages|notes)"


class SearchQuery(PageQuery):
    q: Annotated[str, AfterValidator(storable), AfterValidator(_said)] = Field(
        min_length=1,
        max_length=bounds.SEARCH_QUERY.maximum,
        description="What has each of these words, or a word that begins with it; in Chinese,"
        " Japanese and other scripts without spaces, anywhere. Letter case and width make no"
        " difference.",
    )
    types: Annotated[str, AfterValidator(_known)] | None = Field(
        None,
        description="Titles of `sessions`, `messages`, `notes`: those that are named, with commas"
        " between. Absent: all that the token is good for.",
        json_schema_extra={"pattern": f"^{_ONE_TYPE}(,{_ONE_TYPE})*$"},
    )
    session_id: Annotated[Id, AfterValidator(storable)] | None = Field(
        None, description="What is in this conversation alone: no notes."
    )
    role: SearchRole | None = Field(
        None, description="Messages of this role alone: no titles, no notes."
    )
    since: Moment | None = Field(None, alias="from", description="The first moment of `at`.")
    until: Moment | None = Field(None, alias="to", description="The first one too late.")
    archived: bool | None = Field(
        None,
        description="What is in archived conversations alone, and no notes; or what is not."
        " Absent: both.",
    )

    def named(self) -> frozenset[SearchType]:
        """The types that are named; none: whichever."""
        said = self.types.split(",") if self.types else ()
        return frozenset(one for one in SEARCH_TYPES if one in said)

    def asks_for_notes(self) -> bool:
        """Whether a note may be what the filters want."""
        return self.session_id is None and self.role is None and self.archived is not True

    def in_chat(self, types: frozenset[SearchType], cursor: str) -> search_pb2.SearchRequest:
        request = search_pb2.SearchRequest(
            q=self.q,
            limit=self.limit,
            cursor=cursor,
            without_titles="sessions" not in types,
            without_messages="messages" not in types,
            session_id=self.session_id,
            role=chat_pb2.MESSAGE_ROLE_UNSPECIFIED if self.role is None else _ROLES[self.role],
            archived=self.archived,
        )
        # Not as attributes: one of the names is a word of Python's.
        for name, at in (("from", self.since), ("to", self.until)):
            if at is not None:
                getattr(request, name).CopyFrom(timestamp(at))
        return request

    def in_notes(self, cursor: str) -> notes_pb2.ListNotesRequest:
        return notes_pb2.ListNotesRequest(
            q=self.q, limit=self.limit, cursor=cursor, without_content=True
        )


_A_HIT: dict[str, Any] = {
    "type": "message",
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0c",
    "session_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0a",
    "title": "About Parley",
    "role": "user",
    "archived": False,
    "snippet": "What is Parley?",
    "hits": [[8, 14]],
    "at": "2026-11-02T09:34:00Z",
}


class SearchHit(Resource):
    model_config = example(**_A_HIT)

    type: FoundType = Field(description="What it is that has what was searched.")
    id: str = Field(description="Of the session, the message or the note.")
    session_id: str | None = Field(description="The conversation it is in; null for a note.")
    title: str = Field(description="The conversation's, or the note's.")
    role: SearchRole | None = Field(description="Of a message.")
    archived: bool = Field(description="Whether its conversation is archived.")
    snippet: str = Field(
        description="At most 200 characters around the first hit, of the text as it is."
    )
    hits: list[tuple[int, int]] = Field(
        description="Where in `snippet` what was searched stands, each from its first character to"
        " the one behind its last, counted in code points."
    )
    at: datetime = Field(
        description="When a message or a conversation was made, or a note was last changed."
    )

    @classmethod
    def in_chat(cls, found: search_pb2.FoundText) -> "SearchHit":
        return cls(
            type="session" if found.id == found.session_id else "message",
            id=found.id,
            session_id=found.session_id,
            title=found.title,
            role=_ROLE_WORDS.get(found.role),
            archived=found.archived,
            at=moment(found.at),
            **_shown(found.match),
        )

    @classmethod
    def in_note(cls, note: notes_pb2.Note, match: Match) -> "SearchHit":
        return cls(
            type="note",
            id=note.id,
            session_id=None,
            title=note.title,
            role=None,
            archived=False,
            at=moment(note.updated_at),
            **_shown(match),
        )


class SearchResults(Resource):
    model_config = example(items=[_A_HIT], next_cursor=None, incomplete=[])

    items: list[SearchHit] = Field(
        description="The newest first. There may be fewer than `limit`, none even, and more behind"
        " `next_cursor`."
    )
    next_cursor: str | None = Field(description="Null on the last page.")
    incomplete: list[SearchType] = Field(
        description="Of which types nothing could be searched just now: what there is of them is"
        " missing on this page, and is not on those behind it."
    )


def _shown(match: Match) -> dict[str, Any]:
    return {"snippet": match.snippet, "hits": [(hit.start, hit.end) for hit in match.hits]}
