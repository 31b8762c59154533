"""Runs in the words of the contract."""

from chat_service.answer.domain.ending import CacheState
from chat_service.conversations.domain.message import Role
from chat_service.conversations.mapping import (
    ROLES,
    STATUSES,
    adapted_to_proto,
    fallback_to_proto,
    timestamp_to_proto,
    usage_to_proto,
)
from chat_service.files.domain.attachment import GivenFile
from chat_service.prompt.context import Context, Given
from chat_service.runs.domain.run import Run
from parley.chat.v1 import chat_pb2
from servicekit.generation_messages import parameters_to_proto

CACHES = {
    CacheState.OFF: chat_pb2.CACHE_STATE_OFF,
    CacheState.MISS: chat_pb2.CACHE_STATE_MISS,
    CacheState.HIT: chat_pb2.CACHE_STATE_HIT,
}


def run_to_proto(run: Run, *, can_continue: bool) -> chat_pb2.Run:
    return chat_pb2.Run(
        id=str(run.id),
        session_id=None if run.turn is None else str(run.turn.session_id),
        question_id=None if run.turn is None else str(run.turn.question_id),
        answer_id=None if run.turn is None else str(run.turn.answer_id),
        status=STATUSES[run.status],
        reason=run.reason,
        provider=run.provider,
        model=run.model,
        last_seq=run.last_seq,
        usage=usage_to_proto(run.usage),
        created_at=timestamp_to_proto(run.created_at),
        ended_at=timestamp_to_proto(run.ended_at),
        finish_reason=run.finish_reason,
        parameters=parameters_to_proto(run.parameters),
        can_continue=can_continue,
        fallback=fallback_to_proto(run.fell_back),
        adapted=adapted_to_proto(run.adapted),
        cache=CACHES[run.cache],
    )


def accepted_to_proto(run: Run) -> chat_pb2.RunAccepted:
    return chat_pb2.RunAccepted(
        run_id=str(run.id),
        session_id=str(run.session_id),
        question_id=str(run.question_id),
        answer_id=str(run.answer_id),
    )


def given_to_proto(given: Given) -> chat_pb2.GetContextResponse:
    return chat_pb2.GetContextResponse(
        parts=[
            chat_pb2.ContextPart(
                role=ROLES[Role(part.role)],
                # A message that was cleared away since is named no more.
                message_ids=[str(given.ids[order]) for order in part.orders if order in given.ids],
                characters=part.characters,
                tokens=part.tokens or 0,
                files=[
                    _file_to_proto(one) for one in given.context.files if one.order in part.orders
                ],
            )
            for part in given.context.parts
        ],
        left_out=[
            chat_pb2.LeftOut(message_id=str(one.message_id), reason=one.why)
            for one in given.left_out
        ],
        tokens=given.context.tokens,
        budget=_budget_to_proto(given.context),
        summary=_summary_to_proto(given),
    )


def _file_to_proto(file: GivenFile) -> chat_pb2.GivenFile:
    return chat_pb2.GivenFile(
        file_id=str(file.file_id),
        name=file.name,
        kind=file.kind,
        characters=file.characters,
        of_characters=file.of_characters,
        left_out=file.why_not,
    )


def _budget_to_proto(context: Context) -> chat_pb2.ContextBudget | None:
    budget = context.budget
    if budget is None:
        return None
    return chat_pb2.ContextBudget(
        tokens=budget.tokens,
        used=context.used,
        factor=budget.factor,
        context_tokens=budget.context,
        known=budget.known,
    )


def _summary_to_proto(given: Given) -> chat_pb2.ContextSummary | None:
    reaches = given.context.summed_up
    if reaches is None:
        return None
    # As above; of a conversation that is not summed up any more the text is gone.
    last = given.ids.get(reaches)
    return chat_pb2.ContextSummary(
        text=given.summary or "", last_message_id=None if last is None else str(last)
    )
