"""Accepts a question: from the commit on it is stored, and its answer will be."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import Transaction
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id
from chat_service.conversations.domain.errors import (
    MessageNotEditable,
    TooManyVariants,
)
from chat_service.conversations.domain.message import MOST_VARIANTS, Role
from chat_service.conversations.domain.session import title_from
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.tree import Tree
from chat_service.files.domain.attachment import Attachment
from chat_service.files.store.attachments import Attachments
from chat_service.personas.usecases.read import DefaultPersona
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import (
    AcceptedRun,
    Admission,
    NewRun,
    OtherConnection,
    Question,
    RepeatedRequest,
)
from chat_service.runs.store.runs import Runs
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.beginning import RunMeans
from chat_service.runs.usecases.check import check_pictures
from chat_service.runs.usecases.prompting import ToldSoFar, prompt_for, refuse_pictures


async def accept_run(
    means: RunMeans,
    turns: Turns,
    caller: Caller,
    question: Question,
    connection: Connection,
    *,
    guessed_key_id: UUID | None = None,
    default_persona: DefaultPersona | None = None,
) -> AcceptedRun:
    """Stores the question and its run, owned by its replica at epoch 1, in one transaction.

    `guessed_key_id` is the session's key as it was guessed when `connection` was resolved
    (None: the default was); a question with a key of its own needs no guess. A session that is made
    takes what `default_persona` finds. Raises ValidationFailed for a model that the connection is not
    open for and pictures that are too much together, SessionNotFound, FileNotFound, ModelCannotSee,
    MessageNotFound, MessageNotFinished, MessageNotEditable, TooManyVariants, RunInProgress,
    TooManyRuns, AllowanceUsedUp, UsageLimitReached, OwnerErased, IdempotencyKeyReused, RepeatedRequest with the run of the
    same request, or OtherConnection if the guess was wrong: then nothing is stored.
    """
    new = new_run(means, caller, question, connection)
    window, most = means.window, means.limits.runs_per_user
    admission = None
    if question.session_id is not None and question.edits is None and not question.attachments:
        admission = await turns.admit(new, window, most, guessed_key_id)
    if admission is None:
        async with means.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            attached: tuple[Attachment, ...] = ()
            if question.session_id is not None:
                attached = await _take_place(transaction, question.session_id, question)
            elif default_persona is not None:
                new = replace(new, persona=await default_persona(transaction))
            admission = await Runs(transaction).admit(new, window, most)
            if question.key_id is None and admission.session_key_id != guessed_key_id:
                raise OtherConnection(admission.run.session_id, admission.session_key_id)
            attachments = Attachments(transaction)
            if question.attachments is not None:
                attached = await attachments.take(question.attachments)
            if attached:
                check_pictures(attached)
                refuse_pictures(means, admission.run, connection, attached)
                await attachments.attach(new.question_id, attached)
                admission = with_attached(admission, attached)
    return accepted(means, admission, question.content, connection)


def with_attached(admission: Admission, attached: Sequence[Attachment]) -> Admission:
    """The same, with what is attached to the question itself."""
    own = {admission.run.question_order: tuple(attached)} if attached else {}
    return replace(admission, attached={**admission.attached, **own})


def accepted(
    means: RunMeans, admission: Admission, question: str, connection: Connection
) -> AcceptedRun:
    """An admitted run with what its model is given, and the account of that."""
    told = ToldSoFar(admission.earlier, question, attached=admission.attached)
    run, prompt = prompt_for(means, admission.run, connection, told)
    return AcceptedRun(run, prompt, admission.wishes)


def new_run(
    means: RunMeans,
    caller: Caller,
    question: Question,
    connection: Connection,
    *,
    question_id: UUID | None = None,
) -> NewRun:
    """The run that answers a question, which is stored already if it has an id.

    Raises ValidationFailed for a model that the connection is not open for.
    """
    if question.model is not None and not connection.opens(question.model):
        raise ValidationFailed(fields=[FieldError("model", "NOT_ONE_OF")])
    return NewRun(
        question=question,
        id=new_id(),
        new_session_id=new_id(),
        question_id=question_id or new_id(),
        answer_id=new_id(),
        user_id=caller.user_id,
        tenant_id=caller.tenant_id,
        title=title_from(question.content),
        provider=connection.provider,
        fallback_model=connection.model,
        parameters=question.parameters.over(connection.parameters),
        defaults=connection.parameters,
        owner=means.owner,
        created_at=utc_now(),
        key_id=connection.key_id,
        metered=connection.metered,
        bounds=means.rules.content.bounds_of(caller, connection),
        role=caller.role,
        open_models=connection.models,
    )


async def _take_place(
    transaction: Transaction, session_id: UUID, question: Question
) -> tuple[Attachment, ...]:
    """Locks the session's row, and makes what the question is to follow the chosen path's end.

    Returns what is attached to the question that it edits, if it does.
    """
    await Sessions(transaction).lock_known(session_id)
    tree = Tree(transaction, session_id)
    if question.edits is None:
        # Known before the statement that looks for it.
        await tree.leaf()
        return ()
    if question.request is not None and (
        begun := await Runs(transaction).find_of(question.request)
    ):
        raise RepeatedRequest(begun)
    edited = await Messages(transaction).known_in(session_id, question.edits)
    if edited.role is not Role.USER:
        raise MessageNotEditable()
    if len(edited.variants) >= MOST_VARIANTS:
        raise TooManyVariants()
    await tree.choose_path(edited.parent_order, utc_now())
    return edited.attachments
