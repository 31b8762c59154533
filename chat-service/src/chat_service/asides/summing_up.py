"""Sums up what falls out of what a model is given of a conversation, behind its answers.

It is no run: nothing is locked while the model is asked, and what is not written by the end, because the
model failed or the replica was killed, is tried again behind a later answer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError
from chat_service.answer.domain.ending import RunStatus
from chat_service.asides.ask import Asides
from chat_service.asides.behind import Ended
from chat_service.asides.errors import AsideFailed
from chat_service.conversations.domain.message import HIGHEST_ORDER
from chat_service.conversations.domain.summary import Summary
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.summaries import Summaries
from chat_service.prompt.budget import estimate_of_prompt
from chat_service.prompt.domain import build_prompt
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.prompt.summary import (
    ANSWER_TOKENS,
    CHARACTERS,
    MESSAGES,
    build_summary_prompt,
    reach_of,
    summary_of,
)
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderContextTooLong
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.usage.domain.spent import Purpose

PURPOSE: Final = Purpose.SUMMARY
#: Behind one answer the model is asked so many times at most: where it was switched on late.
_MOST_STEPS: Final = 4
#: A conversation whose model has failed is let alone for so long.
_REST_SECONDS: Final = 60.0
_REMEMBERED: Final = 10_000


class SummingUp:
    """Hears of runs' ends, and has summaries made as asides: one at a time of a conversation."""

    def __init__(
        self,
        asides: Asides,
        open_transaction: OpenTransaction,
        memory: ModelMemory,
        window: ContextWindow,
        *,
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        self._asides = asides
        self._open_transaction = open_transaction
        self._memory = memory
        self._window = window
        self._rest_seconds = rest_seconds
        # By conversation: the run that has ended meanwhile, behind which it is to be looked again.
        self._under_way: dict[UUID, Ended | None] = {}
        # Until when conversations are let alone.
        self._resting: OrderedDict[UUID, float] = OrderedDict()

    def __call__(self, ended: Ended) -> None:
        """Begins what is to be done behind the run, if anything is."""
        run = ended.run
        if not run.sums_up or run.turn is None or ended.ending.status is not RunStatus.COMPLETED:
            return
        session_id, now = run.turn.session_id, asyncio.get_running_loop().time()
        if session_id in self._under_way:
            self._under_way[session_id] = ended
            return
        if now < self._resting.get(session_id, 0.0):
            return
        self._under_way[session_id] = None
        if not self._asides.begin(PURPOSE, partial(self._sum_up, ended, session_id)):
            del self._under_way[session_id]

    async def _sum_up(self, ended: Ended, session_id: UUID) -> None:
        latest: Ended | None = ended
        try:
            while latest is not None:
                ended, self._under_way[session_id] = latest, None
                for _ in range(_MOST_STEPS):
                    if not await self._step(ended, session_id):
                        break
                latest = self._under_way[session_id]
        except (AsideFailed, AppError):
            self._let_rest(session_id)
            raise
        finally:
            del self._under_way[session_id]

    async def _step(self, ended: Ended, session_id: UUID) -> bool:
        """One summary more, if there is one to make; False: there is none, or it is not wanted any more."""
        found = await self._look(ended, session_id)
        if found is None:
            return False
        prompt, last_order = found
        run = ended.run
        try:
            text = await self._asides.ask(
                run,
                ended.connection,
                prompt,
                model=run.model,
                max_tokens=ANSWER_TOKENS,
                purpose=PURPOSE,
            )
        except AsideFailed as error:
            if error.reason == ProviderContextTooLong.reason:
                self._take_in_less(ended, prompt, error.most_tokens)
            raise
        return await self._keep(run, session_id, summary_of(text, last_order))

    async def _look(
        self, ended: Ended, session_id: UUID
    ) -> tuple[tuple[PromptMessage, ...], int] | None:
        """What to ask the model, and up to which message that goes."""
        run, connection = ended.run, ended.connection
        async with self._open_transaction(run) as transaction:
            session = await Sessions(transaction).find(session_id)
            if session is None or not session.summary:
                return None
            before = await Summaries(transaction, session_id).newest()
            runs = Runs(transaction)
            earlier, _ = await runs.read_window(session_id, HIGHEST_ORDER, self._window)
            budget = self._memory.budget(connection, run.model, run.parameters.max_tokens)
            reach = reach_of(build_prompt(earlier, "", self._window, budget=budget))
            if reach is None:
                return None
            read = partial(
                runs.read_said,
                session_id,
                after=0 if before is None else before.last_order,
                characters=CHARACTERS,
            )
            if not await read(before=reach.first, most=1):
                return None
            said = await read(before=max(reach.first, reach.middle + 1), most=MESSAGES)
        budget = self._memory.budget(connection, run.model, ANSWER_TOKENS)
        return build_summary_prompt(before, said, budget)

    async def _keep(self, run: Run, session_id: UUID, summary: Summary) -> bool:
        """Stores it, unless it is not wanted any more; also whether there may be more to do."""
        async with self._open_transaction(run) as transaction:
            await transaction.lock_owner()
            session = await Sessions(transaction).lock(session_id)
            if session is None or not session.summary:
                return False
            return await Summaries(transaction, session_id).keep(summary)

    def _take_in_less(
        self, ended: Ended, prompt: Sequence[PromptMessage], most_tokens: int | None
    ) -> None:
        """The next time: of what is summed up there is always less to give."""
        texts = [message.content for message in prompt]
        self._memory.note_too_long(
            ended.connection,
            ended.run.model,
            most=most_tokens,
            estimated=estimate_of_prompt(texts),
            answer=ANSWER_TOKENS,
        )

    def _let_rest(self, session_id: UUID) -> None:
        self._resting[session_id] = asyncio.get_running_loop().time() + self._rest_seconds
        self._resting.move_to_end(session_id)
        if len(self._resting) > _REMEMBERED:
            self._resting.popitem(last=False)
