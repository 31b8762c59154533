"""A run: the generation of one answer, from its acceptance to its one end."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chat_service.answer.domain.ending import Adapted, CacheState, FellBack, RunStatus, Usage
from chat_service.answer.domain.form import TextForm
from chat_service.answer.domain.going_on import can_go_on
from chat_service.prompt.context import Context
from servicekit.generation_parameters import GenerationParameters


@dataclass(frozen=True, slots=True)
class Turn:
    """Where in a conversation a run's question and answer stand."""

    session_id: UUID
    question_id: UUID
    answer_id: UUID
    question_order: int
    answer_order: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run as its row says it.

    `turn` None: it belongs to no conversation, and no message is kept of it; the properties that
    read a turn are for runs that have one. `owner` is the id of the replica that generates,
    `epoch` the number of its ownership: whoever takes a run over raises it, and what is written
    under an older one does not count. `last_seq` is the number of the newest frame when the run
    ended, 0 before. `cancel_requested`: somebody wants it ended. `continues` is the run whose
    answer this one goes on with: both have the same turn. `key_id` is the connection that answers,
    None in rows of earlier versions, and `metered` whether its tokens are counted; `provider`,
    `model`, `parameters` and these are of the connection that is asked, and in the end of the one that
    answered. `fell_back`: another one was asked first. `adapted`, once the run has ended: what of
    `parameters` the server did not take so. `cache`, once it has ended: whether its answer was kept from an earlier one; while it is generated
    MISS wishes that it were. `form` is what its readers are given who do not say otherwise. `context` is what the model is given,
    `sums_up` whether its conversation is to be summed up, `temporary` whether that is, and `wants_title` whether a model is to name
    it behind the run, if its answer is the first whole one, and `role` is of who has asked, where the run
    is generated; a row that is read has none of them.
    """

    id: UUID
    user_id: UUID
    tenant_id: UUID
    turn: Turn | None
    provider: str
    model: str
    parameters: GenerationParameters
    owner: str
    created_at: datetime
    epoch: int = 1
    status: RunStatus = RunStatus.RUNNING
    reason: str | None = None
    finish_reason: str | None = None
    last_seq: int = 0
    usage: Usage | None = None
    ended_at: datetime | None = None
    cancel_requested: bool = False
    continues: UUID | None = None
    key_id: UUID | None = None
    metered: bool = False
    fell_back: FellBack | None = None
    adapted: tuple[Adapted, ...] = ()
    cache: CacheState = CacheState.OFF
    form: TextForm = TextForm.MARKDOWN
    context: Context | None = field(default=None, compare=False, repr=False)
    wants_title: bool = field(default=False, compare=False)
    sums_up: bool = field(default=False, compare=False, repr=False)
    temporary: bool = field(default=False, compare=False, repr=False)
    role: str = field(default="user", compare=False, repr=False)

    @property
    def session_id(self) -> UUID:
        return self._in_conversation.session_id

    @property
    def question_id(self) -> UUID:
        return self._in_conversation.question_id

    @property
    def answer_id(self) -> UUID:
        return self._in_conversation.answer_id

    @property
    def question_order(self) -> int:
        return self._in_conversation.question_order

    @property
    def answer_order(self) -> int:
        return self._in_conversation.answer_order

    @property
    def _in_conversation(self) -> Turn:
        if self.turn is None:
            raise LookupError(f"run {self.id} belongs to no conversation")
        return self.turn

    def can_go_on_with(self, text: str) -> bool:
        """Whether its answer, which has this text, could go on: as long as no run is newer."""
        return self.turn is not None and can_go_on(self.status, self.finish_reason, text)
