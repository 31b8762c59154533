"""The tree of a conversation: other answers, edited messages, what a model was given."""

from typing import Annotated, Any

from pydantic import Field, RootModel

from gateway.schemas.base import Body, Resource, example
from gateway.schemas.chat import MESSAGE_ROLES, MessageRole
from gateway.schemas.chat_examples import AN_ANSWER
from gateway.schemas.messages import Message
from gateway.schemas.parameters import PARAMETERS, GenerationParameters
from gateway.schemas.questions import Question
from gateway.schemas.runs import RunResult
from gateway.schemas.texts import Id, Model, Shown
from parley import bounds
from parley.chat.v1 import chat_pb2 as pb
from parley.generation.v1 import generation_pb2

# What an answer has not that its user wrote.
_WRITTEN: dict[str, Any] = {
    **dict.fromkeys(("run_id", "reason", "finish_reason", "can_continue", "provider", "model")),
    **dict.fromkeys(("parameters", "adapted", "reasoning", "usage")),
    "cached": None,
    "status": "edited",
}
EditedText = Annotated[str, Shown(bounds.EDITED_ANSWER)]


class Again(Body):
    """With what another answer is to be made."""

    model_config = example(parameters={"temperature": 0.2})

    key_id: Id | None = Field(None, description="The conversation's connection if absent.")
    model: Model | None = Field(None, description="The conversation's model if absent.")
    parameters: GenerationParameters | None = Field(
        None, description="The connection's if absent, each of them."
    )

    def request(self, session_id: str, message_id: str) -> pb.RegenerateRunRequest:
        wanted = generation_pb2.GenerationParameters()
        if self.parameters is not None:
            wanted = self.parameters.on_the_wire()
        if self.model is not None:
            wanted.model = self.model
        return pb.RegenerateRunRequest(
            session_id=session_id, message_id=message_id, key_id=self.key_id, parameters=wanted
        )


class Edit(Question):
    """What is to stand beside a message. All but `content` is of questions alone, and refused of answers."""

    model_config = example(content="What is Parley made of?")

    content: EditedText = Field(
        description="Of an answer up to 200,000 characters, of a question as when it is asked."
    )

    @property
    def asks(self) -> bool:
        """Whether it says how to answer, as of a question alone can be said."""
        return bool(
            self.model_fields_set
            & {"key_id", "model", "cache", "format", "attachments", *PARAMETERS}
        )

    def question(self, session_id: str, message_id: str) -> pb.StartRunRequest:
        """What asks this beside another question."""
        asked = self.request(session_id)
        asked.edits_message_id = message_id
        return asked


class Extent(Resource):
    """A message, and all that follow it."""

    model_config = example(messages=4)

    messages: int = Field(description="How many that are, at least 1.")


class Fork(Body):
    model_config = example(message_id="01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0c")

    message_id: Id | None = Field(
        None, description="The last message that goes along; the chosen path's end if absent."
    )


class EditedAnswer(Resource):
    """An answer that its user wrote: nothing was asked."""

    run: None = None
    question: None = None
    answer: Message


class EditResult(RootModel[RunResult | EditedAnswer]):
    """What became of an edited question, or an edited answer."""

    model_config = example(run=None, question=None, answer={**AN_ANSWER, **_WRITTEN})


class GivenFile(Resource):
    """What the model was given of a file."""

    id: str
    name: str
    kind: str
    characters: int | None = Field(
        description="Of its text, from the beginning; null: it was shown as a picture, or not given."
    )
    of_characters: int | None = Field(description="How many its text has.")
    left_out: str | None = Field(
        description="Why it was not given: `DELETED` since, `NO_ROOM` beside what is newer, `NOT_SEEN` since the "
        "model takes no pictures, `NO_TEXT` that could be read in it."
    )

    @classmethod
    def of(cls, file: pb.GivenFile) -> "GivenFile":
        return cls(
            id=file.file_id,
            name=file.name,
            kind=file.kind,
            characters=file.characters if file.HasField("characters") else None,
            of_characters=file.of_characters if file.HasField("of_characters") else None,
            left_out=file.left_out if file.HasField("left_out") else None,
        )


class ContextPart(Resource):
    """One message as the model was given it."""

    role: MessageRole
    message_ids: list[str] = Field(
        description="The messages that it consists of; none: instructions."
    )
    characters: int
    tokens: int = Field(description="Estimated.")
    files: list[GivenFile] = Field(description="What is attached to these messages.")


class LeftOut(Resource):
    message_id: str
    reason: str = Field(
        description="`BEYOND_WINDOW`: older than so many pairs of question and answer; `BEYOND_BUDGET`: "
        "older than what the model has room for; `BEYOND_CHARACTERS`: older than what is ever shown to one; "
        "`SUMMED_UP`: told by the summary; `BLANK`: without a word; `FAILED`: a question that was not "
        "answered."
    )


_CONTEXT: dict[str, Any] = {
    "parts": [
        {
            "role": "user",
            "message_ids": ["01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0b"],
            "characters": 15,
            "tokens": 4,
            "files": [],
        }
    ],
    "left_out": [],
    "tokens": 4,
    "budget": {
        "tokens": 25804,
        "used": 9,
        "factor": 1.1,
        "context_tokens": 32768,
        "known": False,
    },
    "summary": None,
}


class ContextBudget(Resource):
    """How much there was room for."""

    tokens: int = Field(
        description="As the model counts them: of its context what the answer and a margin leave."
    )
    used: int = Field(
        description="What the parts take of these: `factor` times the estimate, and four for each part."
    )
    factor: float = Field(
        description="By what the model was seen to count more or less than is estimated."
    )
    context_tokens: int = Field(description="What the model takes in all, the answer included.")
    known: bool = Field(
        description="Whether its server says that; else it is what the operator has set."
    )


class ContextSummary(Resource):
    """What was said from the beginning up to a message, summed up by a model."""

    text: str | None = Field(description="Null: it was taken away since.")
    last_message_id: str | None = Field(description="Null: it was taken away since.")


class Context(Resource):
    """What the model was given for an answer, in order, and what of the path to it was left out."""

    model_config = example(**_CONTEXT)

    parts: list[ContextPart]
    left_out: list[LeftOut] = Field(description="In order; the newest 1,000.")
    tokens: int = Field(description="Of all parts, estimated.")
    budget: ContextBudget | None = Field(description="Null: of an earlier version.")
    summary: ContextSummary | None = Field(
        description="What it was told in place of older messages, in the first part."
    )

    @classmethod
    def of(cls, given: pb.GetContextResponse) -> "Context":
        return cls(
            parts=[
                ContextPart(
                    role=MESSAGE_ROLES[part.role],
                    message_ids=list(part.message_ids),
                    characters=part.characters,
                    tokens=part.tokens,
                    files=[GivenFile.of(one) for one in part.files],
                )
                for part in given.parts
            ],
            left_out=[
                LeftOut(message_id=one.message_id, reason=one.reason) for one in given.left_out
            ],
            tokens=given.tokens,
            budget=_budget(given.budget) if given.HasField("budget") else None,
            summary=_summary(given.summary) if given.HasField("summary") else None,
        )


def _budget(budget: pb.ContextBudget) -> ContextBudget:
    return ContextBudget(
        tokens=budget.tokens,
        used=budget.used,
        factor=round(budget.factor, 3),
        context_tokens=budget.context_tokens,
        known=budget.known,
    )


def _summary(summary: pb.ContextSummary) -> ContextSummary:
    last = summary.last_message_id if summary.HasField("last_message_id") else None
    return ContextSummary(text=summary.text or None, last_message_id=last)
