"""A question from its arrival to its generation: checked, its connection opened, stored, begun."""

from collections import OrderedDict
from dataclasses import replace
from uuid import UUID

from chassis.caller import Caller
from chassis.errors import AppError
from chat_service.answer.domain.ending import CacheState
from chat_service.conversations.store.sessions import Sessions
from chat_service.notices.domain.notice import SessionChange, Tell, session_notice
from chat_service.personas.usecases.read import DefaultPersona
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import OtherConnection, Question, RepeatedRequest
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.accept import accept_run
from chat_service.runs.usecases.beginning import BeginsRuns, RunMeans
from chat_service.runs.usecases.check import check_question
from chat_service.words.domain.errors import WordRefused
from chat_service.words.domain.word_filter import checked

_REMEMBERED = 10_000


class SessionKeys:
    """The connections that sessions were last seen set to: guesses, which acceptance verifies.

    The key must be opened before the session's row is locked (no call under a lock), and to read
    the row once more for it would cost each turn a transaction.
    """

    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[UUID, UUID], UUID] = OrderedDict()

    def guess(self, user_id: UUID, session_id: UUID | None) -> UUID | None:
        """The session's key, None for the default one. Another user's session: None."""
        return None if session_id is None else self._keys.get((user_id, session_id))

    def remember(self, user_id: UUID, session_id: UUID, key_id: UUID | None) -> None:
        """Keeps what a session is set to; the oldest of 10,000 is forgotten."""
        self._keys.pop((user_id, session_id), None)
        if key_id is not None:
            self._keys[user_id, session_id] = key_id
            if len(self._keys) > _REMEMBERED:
                self._keys.popitem(last=False)


class StartRun(BeginsRuns):
    """Accepts questions, and has them answered.

    A session that is made takes what `default_persona` finds, and `tell` is told of it.
    """

    def __init__(
        self,
        means: RunMeans,
        turns: Turns,
        *,
        tell: Tell,
        default_persona: DefaultPersona | None = None,
    ) -> None:
        super().__init__(means)
        self._turns = turns
        self._tell = tell
        self._default_persona = default_persona
        self._session_keys = SessionKeys()

    async def __call__(self, caller: Caller, question: Question) -> Run:
        """Stores the question and its run, and begins to generate the answer.

        What the operator has masked is masked in what is stored. A repeated request gets the run that it began
        the first time. Raises ValidationFailed, WordRefused, SessionNotFound, RunInProgress, TooManyRuns,
        AllowanceUsedUp, UsageLimitReached, IdempotencyKeyReused,
        ShuttingDown, OwnerErased, and what `resolve_key` raises.
        """
        check_question(question, self._means.limits)
        try:
            content = checked(self._means.in_force(), "content", question.content)
        except WordRefused:
            # The rules may be others than when it was asked first.
            if begun := await self._find_begun(caller, question):
                return begun
            raise
        question = replace(question, content=content)
        guess = self._session_keys.guess(caller.user_id, question.session_id)
        while True:
            try:
                connection = await self._connect(question.key_id, guess)
            except AppError:
                # Nothing that a new run needs is needed to follow the one there is.
                if begun := await self._find_begun(caller, question):
                    return begun
                if question.key_id is not None or not await self._was_wrong(
                    caller, question.session_id, guess
                ):
                    raise
                guess = self._session_keys.guess(caller.user_id, question.session_id)
                continue
            try:
                return await self._to_the_end(self._accept(caller, question, connection, guess))
            except RepeatedRequest as repeated:
                return repeated.run
            except OtherConnection as other:
                guess = other.key_id
                self._session_keys.remember(caller.user_id, other.session_id, guess)

    async def _was_wrong(self, caller: Caller, session_id: UUID | None, guess: UUID | None) -> bool:
        """Whether the session is set to another connection than was guessed; it is remembered.

        That what it was set to is gone, or cannot be opened, is nothing to it.
        """
        if session_id is None or self._generator.draining:
            return False
        async with self._open_transaction(caller) as transaction:
            session = await Sessions(transaction).find(session_id)
        if session is None or session.key_id == guess:
            return False
        self._session_keys.remember(caller.user_id, session_id, session.key_id)
        return True

    async def _find_begun(self, caller: Caller, question: Question) -> Run | None:
        if question.request is None:
            return None
        async with self._open_transaction(caller) as transaction:
            return await Runs(transaction).find_of(question.request)

    async def _accept(
        self, caller: Caller, question: Question, connection: Connection, guess: UUID | None
    ) -> Run:
        accepted = await accept_run(
            self._means,
            self._turns,
            caller,
            question,
            connection,
            guessed_key_id=guess,
            default_persona=self._default_persona,
        )
        if question.session_id is None:
            made = accepted.run.session_id
            self._tell(session_notice(caller.user_id, SessionChange.CREATED, made))
        # What is said in a temporary conversation is kept nowhere beside it.
        keeps = question.cache and not accepted.run.temporary
        wished = CacheState.MISS if keeps else CacheState.OFF
        run = replace(accepted.run, cache=wished, form=question.form)
        self._generator.begin(run, connection, accepted.prompt, wishes=accepted.wishes)
        return run
