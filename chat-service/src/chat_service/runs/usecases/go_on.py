"""Going on with an answer that was cut short: a new run, the same message."""

from dataclasses import replace
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import Transaction
from chassis.idempotency import RequestKey
from chassis.ids import new_id
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.tree import Tree
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import OtherConnection, RepeatedRequest
from chat_service.runs.domain.errors import (
    AnswerTooLarge,
    RunInProgress,
    RunNotContinuable,
    RunNotFound,
)
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.beginning import BeginsRuns
from chat_service.runs.usecases.prompting import ToldSoFar, prompt_for


class ContinueRun(BeginsRuns):
    """Accepts continuations, and has them generated."""

    async def __call__(self, caller: Caller, run_id: UUID, request: RequestKey | None) -> Run:
        """Stores a run that goes on with the answer of `run_id`, and begins to generate.

        It is asked of the session's connection, with the parameters of the run before, and its
        model if that connection answered then. A repeated request gets the run that it began the first time. Raises RunNotFound,
        RunNotContinuable, RunInProgress, TooManyRuns, AllowanceUsedUp, UsageLimitReached, IdempotencyKeyReused,
        ShuttingDown, OwnerErased, and what `resolve_key` raises.
        """
        async with self._open_transaction(caller) as transaction:
            _, session = await _find(transaction, run_id)
            # Before all else: nothing that a new run needs is needed to follow the one there is.
            if request is not None and (begun := await Runs(transaction).find_of(request)):
                return begun
        return await self._begin(
            None,
            session.key_id,
            lambda connection, key_id: self._accept(caller, run_id, request, connection, key_id),
        )

    async def _accept(
        self,
        caller: Caller,
        run_id: UUID,
        request: RequestKey | None,
        connection: Connection,
        key_id: UUID | None,
    ) -> Run:
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            runs = Runs(transaction)
            before, session = await _find(transaction, run_id, lock=True)
            if request is not None and (repeated := await runs.find_of(request)):
                raise RepeatedRequest(repeated)
            newest = await runs.find_newest(session.id)
            if newest is not None and newest.status is RunStatus.RUNNING:
                raise RunInProgress(newest.id)
            if await runs.is_followed(before):
                raise RunNotContinuable()
            found = await Messages(transaction).find([before.question_id, before.answer_id])
            question, answer = found.get(before.question_id), found.get(before.answer_id)
            if question is None or answer is None or not before.can_go_on_with(answer.content):
                raise RunNotContinuable()
            if session.key_id != key_id:
                raise OtherConnection(session.id, session.key_id)
            # Each continuation may add as much again.
            if answer.bytes >= self._means.limits.answer_bytes:
                raise AnswerTooLarge()
            await Tree(transaction, session.id).choose_path(answer.order, utc_now())
            earlier, attached = await runs.read_window(
                session.id, before.question_order, self._means.window
            )
            run = replace(
                self._continuation(before, session, connection),
                role=caller.role,
                wants_title=await runs.wants_title(session.id),
            )
            await runs.admit_continuation(
                run,
                request,
                self._means.limits.runs_per_user,
                self._means.rules.content.bounds_of(caller, connection),
            )
        if question.attachments:
            attached = {**attached, question.order: question.attachments}
        told = ToldSoFar(earlier, question.content, answer.content, attached)
        run, prompt = prompt_for(self._means, run, connection, told)
        self._generator.begin(run, connection, prompt, prefix=answer.content)
        return run

    def _continuation(self, before: Run, session: Session, connection: Connection) -> Run:
        # A model's name means something to the connection that answered by it, and to no other.
        same = before.key_id is None or before.key_id == connection.key_id
        model = before.model if same else session.model or connection.model
        return Run(
            id=new_id(),
            user_id=before.user_id,
            tenant_id=before.tenant_id,
            turn=before.turn,
            provider=connection.provider,
            model=model if connection.opens(model) else connection.model,
            parameters=before.parameters,
            owner=self._means.owner,
            created_at=utc_now(),
            continues=before.id,
            form=before.form,
            key_id=connection.key_id,
            metered=connection.metered,
            sums_up=session.summary,
        )


async def _find(
    transaction: Transaction, run_id: UUID, *, lock: bool = False
) -> tuple[Run, Session]:
    run = await Runs(transaction).find(run_id)
    if run is None:
        raise RunNotFound()
    if run.turn is None:
        raise RunNotContinuable()
    sessions = Sessions(transaction)
    session = await (sessions.lock if lock else sessions.find)(run.session_id)
    if session is None:
        raise RunNotFound()
    return run, session
