"""What asks for a run, and what comes of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.idempotency import RequestKey
from chat_service.answer.domain.form import TextForm
from chat_service.files.domain.attachment import Attachment
from chat_service.personas.domain.persona import Told
from chat_service.prompt.context import Context
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.run import Run
from chat_service.usage.domain.rules import NO_BOUNDS, Bounds
from servicekit.generation_parameters import GenerationParameters


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `session_id` None asks for a session made for it.

    `key_id` None: the session's connection, else the user's default. `model` None: the
    session's, else the connection's. `request` is by what its repetition is known. `edits` is a
    question of the session, beside which it goes instead of behind the chosen path's end. `cache`: an answer
    that is kept of the same question will do, and this one's may be kept. `form` is what readers of the run are given who do not say otherwise.
    `attachments` are files; None: those of the question that it edits, if it does, else none.
    """

    session_id: UUID | None
    content: str
    key_id: UUID | None
    model: str | None
    parameters: GenerationParameters
    request: RequestKey | None = None
    edits: UUID | None = None
    cache: bool = False
    form: TextForm = TextForm.MARKDOWN
    attachments: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """What asks for another answer to a question of a session.

    `message_id` is the question, or one of its answers; all else is as of a Question.
    """

    session_id: UUID
    message_id: UUID
    key_id: UUID | None
    model: str | None
    parameters: GenerationParameters
    request: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run as it asks to be accepted; its orders and its model follow from its session.

    Where the question has no session, one is made with `new_session_id`, the question's key and
    model, and takes `persona`. The model is the question's, else the session's, else `fallback_model`. `parameters` are
    the question's, and the connection's (`defaults`) where it says nothing; those of its session come
    between these two, once that is known. `title` goes to a session without one.
    `key_id` is the connection that is asked; `bounds` are of what may be used of it and in all, and `role`
    is its user's. A session's model that is none of `open_models` is passed over, unless there are
    none of these.
    """

    question: Question
    id: UUID
    new_session_id: UUID
    question_id: UUID
    answer_id: UUID
    user_id: UUID
    tenant_id: UUID
    title: str
    provider: str
    fallback_model: str
    parameters: GenerationParameters
    defaults: GenerationParameters
    owner: str
    created_at: datetime
    key_id: UUID
    metered: bool = False
    bounds: Bounds = NO_BOUNDS
    role: str = "user"
    open_models: tuple[str, ...] = ()
    persona: Told | None = None

    @property
    def session_id(self) -> UUID:
        """The question's session, or the one that is made for it."""
        return self.question.session_id or self.new_session_id


@dataclass(frozen=True, slots=True)
class Admission:
    """What the session said to a new run; `earlier` holds what fits the window, oldest first.

    What the session tells a model in each turn comes before these. `session_key_id` is the connection that
    the session is set to, None for the default one. `wishes` are the question's own parameters, and the
    session's where it says nothing. `attached` is what hangs on the questions among these, and on the new one, by
    their order.
    """

    session_key_id: UUID | None
    run: Run
    earlier: tuple[PromptMessage, ...]
    wishes: GenerationParameters
    attached: Mapping[int, tuple[Attachment, ...]] = field(default_factory=dict)


#: Reads the files of a prompt, and makes it: what the model is given, and the account of that. Raises AppError.
Prepare = Callable[[], Awaitable[tuple[Context, Sequence[PromptMessage]]]]


@dataclass(frozen=True, slots=True)
class AcceptedRun:
    """A live run, and what its model is to be given; the last message is the question.

    Where files have to be read for that, `prompt` is what makes it. `wishes` as of its admission.
    """

    run: Run
    prompt: Sequence[PromptMessage] | Prepare
    wishes: GenerationParameters


class RepeatedRequest(Exception):
    """The same request was accepted before, as `run`: nothing is stored this time."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run


class OtherConnection(Exception):
    """The session is set to another connection than was resolved: to `key_id`."""

    def __init__(self, session_id: UUID, key_id: UUID | None) -> None:
        super().__init__()
        self.session_id = session_id
        self.key_id = key_id
