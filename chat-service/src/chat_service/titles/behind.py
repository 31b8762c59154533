"""Behind the first answer of a conversation: its model is asked for a title, once, by nobody waited for."""

from typing import Final

from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chat_service.answer.domain.ending import RunStatus
from chat_service.asides.ask import Asides
from chat_service.asides.behind import Ended
from chat_service.asides.errors import AsideFailed
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.notices.domain.notice import SessionChange, Tell, session_notice
from chat_service.titles.title import ask_for_title, clean_title
from chat_service.usage.domain.spent import Purpose

_PURPOSE: Final = Purpose.TITLE
# A title has some twenty; the rest is for models that think first.
_MOST_TOKENS: Final = 2_048


class Titles:
    """Names conversations. What a user has written is never replaced."""

    def __init__(self, asides: Asides, open_transaction: OpenTransaction, tell: Tell) -> None:
        self._asides = asides
        self._open_transaction = open_transaction
        self._tell = tell

    def behind(self, ended: Ended) -> None:
        """Begins what is to be done behind this run, if anything is."""
        is_whole = ended.ending.status is RunStatus.COMPLETED and ended.ending.text.strip()
        if ended.run.wants_title and is_whole:
            self._asides.begin(_PURPOSE, lambda: self._name(ended))

    async def _name(self, ended: Ended) -> None:
        run = ended.run
        async with self._open_transaction(run) as transaction:
            messages = Messages(transaction)
            if await messages.has_whole_answer(run.session_id, besides=run.answer_id):
                # It was asked for behind that one.
                return
            question = await messages.find_in(run.session_id, run.question_id)
        if question is None:
            return
        said = await self._asides.ask(
            run,
            ended.connection,
            ask_for_title(question.content, ended.ending.text),
            model=run.model,
            max_tokens=_MOST_TOKENS,
            purpose=_PURPOSE,
        )
        title = clean_title(said)
        if title is None:
            raise AsideFailed("NO_TITLE")
        async with self._open_transaction(run) as transaction:
            await transaction.lock_owner()
            sessions = Sessions(transaction)
            session = await sessions.lock(run.session_id)
            named_by = await Messages(transaction).find([run.question_id, run.answer_id])
            if session is None or len(named_by) < 2:
                # It was deleted, or what it was to be named by.
                return
            named = await sessions.name(run.session_id, title, utc_now())
        if named:
            self._tell(session_notice(run.user_id, SessionChange.CHANGED, run.session_id))
