"""Runs, with what they have to show."""

from datetime import datetime

from pydantic import Field

from gateway.schemas.base import Resource, example, moment
from gateway.schemas.chat import (
    ASKED_FOR,
    CACHE_STATES,
    FINISH_REASON,
    NOT_TAKEN,
    STATUSES,
    Adapted,
    CacheState,
    Fallback,
    RunStatus,
    Usage,
)
from gateway.schemas.chat_examples import A_QUESTION, A_RUN, AN_ANSWER
from gateway.schemas.messages import Message
from gateway.schemas.parameters import GenerationParameters, asked_for
from parley.chat.v1 import chat_pb2 as pb


class Run(Resource):
    """The generation of one answer."""

    model_config = example(**A_RUN)

    id: str
    session_id: str | None = Field(
        description="Null, as the next two are: it belongs to no conversation."
    )
    question_id: str | None
    answer_id: str | None
    status: RunStatus
    reason: str | None = Field(description="Why it ended other than completed.")
    finish_reason: str | None = Field(description=FINISH_REASON)
    can_continue: bool = Field(
        description="Whether `continue` may go on with its answer: it was cut short, and no run is newer."
    )
    provider: str
    model: str
    parameters: GenerationParameters | None = Field(description=ASKED_FOR)
    adapted: list[Adapted] = Field(description=NOT_TAKEN + " Once it has ended.")
    cache: CacheState = Field(
        description="Whether its answer was looked for among those that are kept (`miss`), and was found there (`hit`). Once it has ended."
    )
    last_seq: int = Field(description="Number of the newest frame when the run ended.")
    usage: Usage | None
    created_at: datetime
    ended_at: datetime | None
    fallback: Fallback | None = Field(
        description="Null: `provider`, `model` and `parameters` are of the connection that was asked first."
    )

    @classmethod
    def of(cls, run: pb.Run) -> "Run":
        return cls(
            id=run.id,
            session_id=run.session_id if run.HasField("session_id") else None,
            question_id=run.question_id if run.HasField("question_id") else None,
            answer_id=run.answer_id if run.HasField("answer_id") else None,
            status=STATUSES[run.status],
            reason=run.reason if run.HasField("reason") else None,
            finish_reason=run.finish_reason if run.HasField("finish_reason") else None,
            can_continue=run.can_continue,
            provider=run.provider,
            model=run.model,
            parameters=asked_for(run.parameters) if run.HasField("parameters") else None,
            adapted=[Adapted.of(one) for one in run.adapted],
            cache=CACHE_STATES.get(run.cache, "off"),
            last_seq=run.last_seq,
            usage=Usage.of(run.usage) if run.HasField("usage") else None,
            created_at=moment(run.created_at),
            ended_at=moment(run.ended_at) if run.HasField("ended_at") else None,
            fallback=Fallback.of(run),
        )


class RunResult(Resource):
    """A run with its question and, once saved, its answer."""

    model_config = example(run=A_RUN, question=A_QUESTION, answer=AN_ANSWER)

    run: Run
    question: Message | None = Field(description="Null: the run belongs to no conversation.")
    answer: Message | None

    @classmethod
    def of(cls, result: pb.GetRunResponse) -> "RunResult":
        return cls(
            run=Run.of(result.run),
            question=Message.of(result.question) if result.HasField("question") else None,
            answer=Message.of(result.answer) if result.HasField("answer") else None,
        )


class RecoveredRun(Resource):
    """What there is of a conversation's live or last run."""

    model_config = example(run=A_RUN, text=AN_ANSWER["content"], reasoning="", seq=42)

    run: Run
    text: str
    reasoning: str
    seq: int = Field(description="The newest event that is contained: follow behind it.")

    @classmethod
    def of(cls, recovered: pb.RecoverRunResponse) -> "RecoveredRun":
        return cls(
            run=Run.of(recovered.run),
            text=recovered.text,
            reasoning=recovered.reasoning,
            seq=recovered.seq,
        )
