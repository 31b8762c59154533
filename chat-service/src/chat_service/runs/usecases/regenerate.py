"""Another answer to a question that is there, perhaps by another connection or model."""

from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import Transaction
from chat_service.conversations.domain.errors import (
    MessageNotAnswerable,
    SessionNotFound,
    TooManyVariants,
)
from chat_service.conversations.domain.message import MOST_VARIANTS, Message, Role
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.tree import Tree
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import Again, OtherConnection, Question, RepeatedRequest
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.accept import accepted, new_run, with_attached
from chat_service.runs.usecases.beginning import BeginsRuns
from chat_service.runs.usecases.check import check_again
from chat_service.runs.usecases.prompting import refuse_pictures


class RegenerateRun(BeginsRuns):
    """Accepts such requests, and has the answers generated."""

    async def __call__(self, caller: Caller, again: Again) -> Run:
        """Stores a run whose answer is one more variant, and begins to generate.

        The path to the question becomes the chosen one at once, and the answer with it when it is
        saved, unless another was chosen meanwhile. A repeated request gets the run that it began the
        first time. Raises ValidationFailed, SessionNotFound, MessageNotFound, MessageNotFinished, MessageNotAnswerable,
        TooManyVariants, ModelCannotSee, RunInProgress, TooManyRuns, AllowanceUsedUp, UsageLimitReached,
        IdempotencyKeyReused,
        ShuttingDown, OwnerErased, and what `resolve_key` raises.
        """
        check_again(again)
        async with self._open_transaction(caller) as transaction:
            if again.request and (begun := await Runs(transaction).find_of(again.request)):
                return begun
            session = await Sessions(transaction).find(again.session_id)
        if session is None:
            raise SessionNotFound()
        return await self._begin(
            again.key_id,
            session.key_id,
            lambda connection, key_id: self._accept(caller, again, connection, key_id),
        )

    async def _accept(
        self, caller: Caller, again: Again, connection: Connection, key_id: UUID | None
    ) -> Run:
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            session = await Sessions(transaction).lock_known(again.session_id)
            runs = Runs(transaction)
            if again.request and (earlier := await runs.find_of(again.request)):
                raise RepeatedRequest(earlier)
            if again.key_id is None and session.key_id != key_id:
                raise OtherConnection(session.id, session.key_id)
            asked = await self._choose_question(transaction, again)
            question = Question(
                session_id=again.session_id,
                content=asked.content,
                key_id=again.key_id,
                model=again.model,
                parameters=again.parameters,
                request=again.request,
            )
            new = new_run(self._means, caller, question, connection, question_id=asked.id)
            admission = await runs.admit_regeneration(
                new, asked.order, self._means.window, self._means.limits.runs_per_user
            )
            refuse_pictures(self._means, admission.run, connection, asked.attachments)
        admission = with_attached(admission, asked.attachments)
        begun = accepted(self._means, admission, asked.content, connection)
        self._generator.begin(begun.run, connection, begun.prompt, wishes=begun.wishes)
        return begun.run

    async def _choose_question(self, transaction: Transaction, again: Again) -> Message:
        """The question, as the end of the chosen path."""
        messages = Messages(transaction)
        message = await messages.known_in(again.session_id, again.message_id)
        asked: Message | None = message
        if message.role is Role.ASSISTANT:
            asked = await messages.at(again.session_id, message.parent_order)
        if asked is None or asked.role is not Role.USER:
            raise MessageNotAnswerable()
        tree = Tree(transaction, again.session_id)
        if await tree.count_variants(asked.order) >= MOST_VARIANTS:
            raise TooManyVariants()
        await tree.choose_path(asked.order, utc_now())
        return asked
