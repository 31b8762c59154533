"""Another answer to a question that is there, perhaps by another connection or model."""

from dataclasses import replace
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction, Transaction
from chat_service.conversations.domain.errors import (
    MessageNotAnswerable,
    MessageNotFound,
    SessionNotFound,
    TooManyVariants,
)
from chat_service.conversations.domain.message import MOST_VARIANTS, Message, Role
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.tree import Tree
from chat_service.prompt.context import Context
from chat_service.prompt.domain import ContextWindow, build_prompt
from chat_service.providers.domain.connection import Connection, ResolveKey
from chat_service.runs.domain.admission import Again, OtherConnection, Question, RepeatedRequest
from chat_service.runs.domain.errors import ShuttingDown
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.runs.usecases.accept import new_run
from chat_service.runs.usecases.check import check_again
from chat_service.runs.usecases.start import Generator
from chat_service.runs.usecases.to_the_end import ToTheEnd


class RegenerateRun:
    """Accepts such requests on behalf of replica `owner`, and has the answers generated."""

    def __init__(
        self,
        open_transaction: OpenTransaction,
        resolve_key: ResolveKey,
        generator: Generator,
        *,
        owner: str,
        window: ContextWindow,
        limits: Limits,
    ) -> None:
        self._open_transaction = open_transaction
        self._resolve_key = resolve_key
        self._generator = generator
        self._owner = owner
        self._window = window
        self._limits = limits
        self._to_the_end = ToTheEnd()

    async def __call__(self, caller: Caller, again: Again) -> Run:
        """Stores a run whose answer is one more variant, and begins to generate.

        The path to the question becomes the chosen one at once, and the answer with it when it is
        saved, unless another was chosen meanwhile. A repeated request gets the run that it began the
        first time. Raises ValidationFailed, SessionNotFound, MessageNotFound, MessageNotAnswerable,
        TooManyVariants, RunInProgress, TooManyRuns, AllowanceUsedUp, IdempotencyKeyReused,
        ShuttingDown, OwnerErased, and what `resolve_key` raises.
        """
        check_again(again)
        async with self._open_transaction(caller) as transaction:
            if again.request and (begun := await Runs(transaction).find_of(again.request)):
                return begun
            session = await Sessions(transaction).find(again.session_id)
        if session is None:
            raise SessionNotFound()
        guess = session.key_id
        while True:
            connection = await self._connect(again, guess)
            try:
                return await self._to_the_end(self._accept(caller, again, connection, guess))
            except RepeatedRequest as repeated:
                return repeated.run
            except OtherConnection as other:
                guess = other.key_id

    async def _connect(self, again: Again, guess: UUID | None) -> Connection:
        if self._generator.draining:
            raise ShuttingDown()
        return await self._resolve_key(guess if again.key_id is None else again.key_id)

    async def _accept(
        self, caller: Caller, again: Again, connection: Connection, guess: UUID | None
    ) -> Run:
        async with self._open_transaction(caller) as transaction:
            await transaction.lock_owner()
            session = await Sessions(transaction).lock(again.session_id)
            if session is None:
                raise SessionNotFound()
            runs = Runs(transaction)
            if again.request and (begun := await runs.find_of(again.request)):
                raise RepeatedRequest(begun)
            if again.key_id is None and session.key_id != guess:
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
            new = new_run(caller, question, connection, owner=self._owner, question_id=asked.id)
            admission = await runs.admit_regeneration(
                new, asked.order, self._window, self._limits.runs_per_user
            )
        prompt = build_prompt(admission.earlier, asked.content, self._window, asked.order)
        run = replace(admission.run, context=Context.of_prompt(prompt))
        self._generator.begin(run, connection, prompt, wishes=admission.wishes)
        return run

    async def _choose_question(self, transaction: Transaction, again: Again) -> Message:
        """The question, as the end of the chosen path."""
        messages = Messages(transaction)
        message = await messages.find_in(again.session_id, again.message_id)
        if message is None:
            raise MessageNotFound()
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
