"""Conversations."""

from datetime import datetime
from typing import Annotated, Any, Literal

from google.protobuf.message import Message
from pydantic import MISSING, Field

from gateway.schemas.base import WHOLE, Body, ListQuery, Resource, example, moment
from gateway.schemas.parameters import PARAMETERS, GenerationParameters, asked_for
from gateway.schemas.texts import (
    NOT_EMPTY,
    FolderName,
    Id,
    InstructionsText,
    Model,
    PersonaName,
    SessionTitle,
)
from parley import bounds
from parley.chat.v1 import chat_pb2 as pb

SessionState = Literal["active", "archived", "deleted"]
_STATES: dict[SessionState, pb.SessionState.ValueType] = {
    "active": pb.SESSION_STATE_ACTIVE,
    "archived": pb.SESSION_STATE_ARCHIVED,
    "deleted": pb.SESSION_STATE_DELETED,
}

TitleBy = Literal["first_line", "model", "user"]
_TITLE_BY: dict[int, TitleBy] = {
    pb.TITLE_BY_FIRST_LINE: "first_line",
    pb.TITLE_BY_MODEL: "model",
    pb.TITLE_BY_USER: "user",
}

ReadOrder = Annotated[int, Field(ge=bounds.READ_ORDER.minimum, le=bounds.READ_ORDER.maximum), WHOLE]
_INSTRUCTIONS = "What models are told before everything else, in each turn."
_PERSONA = (
    "A persona's name: the conversation takes it as it is now, and its model and parameters where it "
    "says nothing itself."
)
_TEMPORARY = (
    "Deleted for good 24 hours after its last activity, unless the operator has set another time."
)
_SUMMARY = (
    "Whether what falls out of what models are given of the conversation is summed up for them, by the "
    "model that answers, behind its answers: that costs tokens."
)


class NewSession(Body):
    model_config = example(title="About Parley", folder="Projects", parameters={"temperature": 0.2})

    title: SessionTitle | None = Field(
        None, description="The first line of the first question if absent."
    )
    key_id: Id | None = Field(None, description="The default connection if absent.")
    model: Model | None = Field(None, description="The connection's model if absent.")
    parameters: GenerationParameters | None = Field(
        None, description="What is asked for where a question says nothing."
    )
    instructions: InstructionsText | None = Field(None, description=_INSTRUCTIONS)
    folder: FolderName | None = Field(
        None, description="A folder is there as long as something is in it."
    )
    temporary: bool = Field(False, description=_TEMPORARY)
    summary: bool = Field(False, description=_SUMMARY)
    persona: Annotated[PersonaName, NOT_EMPTY] | MISSING | None = Field(
        MISSING,
        description=f"{_PERSONA} Null: none. If absent, the default persona of one's settings, or"
        " the operator's.",
    )

    def request(self) -> pb.CreateSessionRequest:
        # Empty is none on the wire.
        persona = None if self.persona is MISSING else self.persona or ""
        return pb.CreateSessionRequest(
            title=self.title,
            key_id=self.key_id,
            model=self.model,
            parameters=None if self.parameters is None else self.parameters.on_the_wire(),
            instructions=self.instructions,
            folder=self.folder,
            temporary=self.temporary,
            summary=self.summary,
            persona=persona,
        )


class SessionChange(Body):
    """What is absent stays as it is."""

    model_config = example(pinned=True, folder="Projects", read_order=2)

    title: SessionTitle | MISSING | None = Field(
        MISSING, description="Null: the first line of the next question."
    )
    key_id: Annotated[Id, NOT_EMPTY] | MISSING | None = Field(
        MISSING, description="Null: the default connection."
    )
    model: Annotated[Model, NOT_EMPTY] | MISSING | None = Field(
        MISSING, description="Null: the connection's model."
    )
    parameters: GenerationParameters | MISSING | None = Field(
        MISSING,
        description="Those that are named, and no others; of one that is null nothing is said any"
        " more, and with null of none.",
    )
    instructions: InstructionsText | MISSING | None = Field(
        MISSING, description=f"{_INSTRUCTIONS} Null: nothing."
    )
    pinned: bool | MISSING = Field(MISSING, description="Whether it is kept at hand.")
    folder: Annotated[FolderName, NOT_EMPTY] | MISSING | None = Field(
        MISSING, description="Null: in none."
    )
    persona: Annotated[PersonaName, NOT_EMPTY] | MISSING | None = Field(
        MISSING, description=f"{_PERSONA} Null: none."
    )
    archived: bool | MISSING = Field(
        MISSING, description="Whether it is out of the way, whole: in another list."
    )
    summary: bool | MISSING = Field(
        MISSING, description=f"{_SUMMARY} False: what sums it up is taken away."
    )
    read_order: ReadOrder | MISSING = Field(
        MISSING,
        description="The highest `order` that was read; of one that is higher than any, the highest"
        " is kept. A lower one than before makes what is behind it unread again.",
    )

    def request(self, session_id: str) -> pb.UpdateSessionRequest:
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        # Empty is what takes away on the wire.
        plain: dict[str, Any] = {name: given[name] or "" for name in _TEXTS if name in given}
        plain |= {name: given[name] for name in _PLAIN if name in given}
        request = pb.UpdateSessionRequest(id=session_id, **plain)
        if "parameters" in given:
            parameters: GenerationParameters | None = given["parameters"]
            if parameters is None:
                request.cleared_parameters.extend(sorted(PARAMETERS))
            else:
                request.parameters.CopyFrom(parameters.on_the_wire())
                request.cleared_parameters.extend(parameters.cleared())
        return request


_TEXTS = ("title", "key_id", "model", "instructions", "folder", "persona")
_PLAIN = ("pinned", "archived", "read_order", "summary")


class SessionListQuery(ListQuery):
    state: SessionState = Field("active", description="Which of the three lists.")
    folder: FolderName | None = Field(None, description="Those in this folder alone.")
    pinned: bool | None = Field(None, description="Those that are pinned alone, or the others.")
    temporary: bool = Field(False, description="Those that are temporary, and no others.")

    def request(self) -> pb.ListSessionsRequest:
        return pb.ListSessionsRequest(
            limit=self.limit,
            cursor=self.cursor,
            count=self.count,
            state=_STATES[self.state],
            folder=self.folder,
            pinned=self.pinned,
            temporary=self.temporary,
        )


class Session(Resource):
    model_config = example(
        id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0a",
        title="About Parley",
        title_by="model",
        persona=None,
        key_id=None,
        model=None,
        parameters={
            "temperature": 0.2,
            **dict.fromkeys(("max_tokens", "top_p", "stop", "reasoning_effort")),
        },
        instructions=None,
        folder="Projects",
        pinned=False,
        temporary=False,
        summary=False,
        message_count=2,
        read_order=0,
        unread=True,
        last_message_at="2026-11-02T09:34:03Z",
        archived_at=None,
        deleted_at=None,
        created_at="2026-11-02T09:34:00Z",
        updated_at="2026-11-02T09:34:03Z",
    )

    id: str
    title: str
    title_by: TitleBy = Field(
        description="Who has written it: it is the first line of a question, a model's (where the"
        " user's settings want that, behind the first answer), or the user's, which nobody replaces."
    )
    persona: str | None
    key_id: str | None = Field(description="Null: the user's default connection.")
    model: str | None = Field(description="Null: the connection's model.")
    parameters: GenerationParameters = Field(
        description="What is asked for where a question says nothing; null: the connection's."
    )
    instructions: str | None
    folder: str | None
    pinned: bool
    temporary: bool
    summary: bool = Field(description=_SUMMARY)
    message_count: int
    read_order: int = Field(description="The highest `order` that was read.")
    unread: bool = Field(description="Whether the newest message is an answer behind that.")
    last_message_at: datetime | None
    archived_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, session: pb.Session) -> "Session":
        return cls(
            id=session.id,
            title=session.title,
            # One of a version that does not say.
            title_by=_TITLE_BY.get(session.title_by, "first_line"),
            persona=_said(session, "persona"),
            key_id=_said(session, "key_id"),
            model=_said(session, "model"),
            parameters=asked_for(session.parameters),
            instructions=_said(session, "instructions"),
            folder=_said(session, "folder"),
            pinned=session.pinned,
            temporary=session.temporary,
            summary=session.summary,
            message_count=session.message_count,
            read_order=session.read_order,
            unread=session.unread,
            last_message_at=_when(session, "last_message_at"),
            archived_at=_when(session, "archived_at"),
            deleted_at=_when(session, "deleted_at"),
            created_at=moment(session.created_at),
            updated_at=moment(session.updated_at),
        )


def _said(message: Message, field: str) -> str | None:
    text: str | None = getattr(message, field) if message.HasField(field) else None
    return text


def _when(message: Message, field: str) -> datetime | None:
    return moment(getattr(message, field)) if message.HasField(field) else None


class Folder(Resource):
    model_config = example(name="Projects", sessions=3)

    name: str
    sessions: int = Field(description="How many active conversations are in it.")
