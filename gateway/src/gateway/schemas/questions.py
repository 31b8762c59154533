"""Questions to a model."""

from pydantic import Field

from gateway.schemas.base import example
from gateway.schemas.chat import FORMS, TextForm
from gateway.schemas.parameters import PARAMETERS, GenerationParameters
from gateway.schemas.texts import Id, Model, QuestionText
from parley import bounds
from parley.chat.v1 import chat_pb2 as pb
from parley.generation.v1 import generation_pb2


class Question(GenerationParameters):
    model_config = example(content="What is Parley?")

    content: QuestionText = Field(
        description="As long as the operator allows, 32,000 characters unless set otherwise."
    )
    key_id: Id | None = Field(None, description="The conversation's connection if absent.")
    model: Model | None = Field(None, description="The conversation's model if absent.")
    cache: bool = Field(
        False,
        description="Whether an answer will do that was kept of the very same question: to the same model, with the "
        "same parameters and everything that was said before it. This one's is kept, if it is whole. An operator "
        "sets for how long, 24 hours otherwise.",
    )
    format: TextForm = Field(
        "markdown",
        description="`text`: the answer's events, and the answer in this response, come without Markdown's marks. What "
        "is kept is what the model wrote.",
    )
    attachments: list[Id] | None = Field(
        None,
        max_length=bounds.MAX_ATTACHMENTS,
        description="Files of one's own, each once. An edited question keeps its own if absent.",
    )

    def request(self, session_id: str | None = None) -> pb.StartRunRequest:
        """What asks this, in that session or in one made for it."""
        said = self.model_dump(include=PARAMETERS, exclude_none=True)
        files = None if self.attachments is None else pb.Attached(file_ids=self.attachments)
        return pb.StartRunRequest(
            session_id=session_id,
            content=self.content,
            key_id=self.key_id,
            attachments=files,
            parameters=generation_pb2.GenerationParameters(model=self.model, **said),
            cache=self.cache,
            form=pb.TEXT_FORM_UNSPECIFIED if self.format == "markdown" else FORMS[self.format],
        )
