"""A conversation as a tree, acted on by use cases alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest_asyncio

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.idempotency import Once, RequestKey
from chat_service.answer.domain.ending import Ending, RunStatus
from chat_service.conversations.domain.message import Message
from chat_service.conversations.domain.session import Session, SessionChange
from chat_service.conversations.mapping import decode_id, encode_id
from chat_service.conversations.store.ends import SessionEnds
from chat_service.conversations.store.messages import MessagePages
from chat_service.conversations.usecases.delete_message import DeleteMessage
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.conversations.usecases.messages import list_messages
from chat_service.conversations.usecases.sessions import update_session
from chat_service.conversations.usecases.tree import choose_message, edit_answer, fork_session
from chat_service.prompt.room import ContextWindow
from chat_service.runs.domain.admission import Again, Question
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.retention import Retention
from chat_service.runs.domain.run import Run
from chat_service.runs.store.ends import RunEnds
from chat_service.runs.store.purge import Purge
from chat_service.runs.usecases.accept import accept_run
from chat_service.runs.usecases.go_on import ContinueRun
from chat_service.runs.usecases.regenerate import RegenerateRun
from chat_service.shares.store.shares import end_shares_of, end_shares_that_show
from chat_service.streaming.store.replicas import Replicas
from servicekit.generation_parameters import GenerationParameters

# Of the conftest.py above, for which there is no name here.
Chat = Any
Generations = Any

WINDOW = ContextWindow(pairs=10, characters=10_000)
LIMITS = Limits(runs_per_user=50)
ENDED = Ending(RunStatus.COMPLETED, None, "stop", "", "", None, 5)


@dataclass(frozen=True)
class Conversation:
    """One user's session, and what its user can do in it."""

    chat: Chat
    caller: Caller
    id: UUID
    generations: Generations
    #: Runs whose logs are to go.
    dropped: list[UUID] = field(default_factory=list)

    async def ask(self, content: str) -> Run:
        run: Run = (await self.chat.accept(self.caller, self.id, content, window=WINDOW)).run
        return run

    async def edit(self, message_id: UUID, content: str, request: RequestKey | None = None) -> Run:
        accepted = await accept_run(
            self.chat.means(self.generations, limits=LIMITS, window=WINDOW),
            self.chat.turns,
            self.caller,
            Question(
                self.id, content, None, None, GenerationParameters(), request, edits=message_id
            ),
            self.chat.connection,
        )
        return accepted.run

    async def regenerate(
        self, message_id: UUID, model: str | None = None, request: RequestKey | None = None
    ) -> Run:
        regenerate = RegenerateRun(self.chat.means(self.generations, limits=LIMITS, window=WINDOW))
        again = Again(self.id, message_id, None, model, GenerationParameters(), request)
        return await regenerate(self.caller, again)

    async def go_on(self, run_id: UUID) -> Run:
        go_on = ContinueRun(self.chat.means(self.generations, limits=LIMITS, window=WINDOW))
        return await go_on(self.caller, run_id, None)

    async def end(
        self, run: Run, text: str, status: RunStatus = RunStatus.COMPLETED, prefix: str = ""
    ) -> None:
        assert await self.tries_to_end(run, text, status, prefix)

    async def tries_to_end(
        self, run: Run, text: str, status: RunStatus = RunStatus.COMPLETED, prefix: str = ""
    ) -> bool:
        ended: bool = await self.chat.finish(run, replace(ENDED, text=prefix + text, status=status))
        return ended

    async def turn(self, question: str, answer: str) -> Run:
        run = await self.ask(question)
        await self.end(run, answer)
        return run

    async def edit_answer(self, message_id: UUID, content: str) -> Message:
        return await edit_answer(
            self.chat.open_transaction, self.caller, self.id, message_id, content
        )

    async def choose(self, message_id: UUID) -> Message:
        return await choose_message(self.chat.open_transaction, self.caller, self.id, message_id)

    async def fork(self, message_id: UUID | None = None, request: RequestKey | None = None) -> UUID:
        once = None if request is None else Once(request, encode_id, decode_id)
        fork = await fork_session(
            self.chat.open_transaction, self.caller, self.id, message_id, once
        )
        return fork.id

    @property
    def deleting(self) -> DeleteMessage:
        return DeleteMessage(
            self.chat.open_transaction,
            RunEnds(),
            drop=self.dropped.extend,
            unshare=end_shares_that_show,
        )

    async def delete_message(self, message_id: UUID) -> UUID | None:
        """Returns the run that was live there."""
        return await self.deleting(self.caller, self.id, message_id)

    async def measure(self, message_id: UUID) -> int:
        return await self.deleting.measure(self.caller, self.id, message_id)

    @property
    def ends(self) -> EndSessions:
        return EndSessions(
            self.chat.open_transaction,
            RunEnds(),
            cancel_here=lambda run_id: None,
            drop=self.dropped.extend,
            purge=lambda: None,
            unshare=end_shares_of,
        )

    async def purge(self, *, steps: int | None = None) -> None:
        """Takes away what was deleted for good. Behind so many steps it dies: raises SystemExit."""
        left = count() if steps is None else iter(range(steps))

        async def forget(run_ids: Sequence[UUID]) -> None:
            self.dropped.extend(run_ids)

        async def at_once(_: float) -> None:
            if next(left, None) is None:
                raise SystemExit

        retention = Retention(deleted=timedelta(days=30), temporary=timedelta(days=1))
        await Purge(self.chat.worker, forget, lambda: retention, rest=at_once).purge()

    def of(self, session_id: UUID) -> "Conversation":
        """Another one of the same user's."""
        return replace(self, id=session_id)

    async def session(self) -> Session:
        session: Session = await self.chat.read_session(self.caller, self.id)
        return session

    async def delete(self) -> None:
        async with self.chat.open_transaction(self.caller) as transaction:
            await SessionEnds(transaction).delete(self.id, utc_now(), permanent=False)

    async def change(self, change: SessionChange) -> Session:
        return await update_session(
            self.chat.open_transaction, self.chat.resolve_key, self.caller, self.id, change
        )

    async def temporary(self) -> "Conversation":
        """Another one, which is purged some time after its last activity."""
        made = await self.chat.session(self.caller, temporary=True)
        return self.of(made.id)

    async def running(self) -> list[Run]:
        """Its live runs, as a replica finds them that takes them over from a dead one."""
        found = await Replicas(self.chat.worker).list_running()
        return [one.run for one in found if one.run.turn and one.run.session_id == self.id]

    async def take_over(self, run: Run) -> Run | None:
        return await Replicas(self.chat.worker).take_over(run, "replica-2")

    async def messages(self, *, all_paths: bool = False) -> Sequence[Message]:
        """All of them, page by page."""
        found: list[Message] = []
        cursor = ""
        while True:
            page = await list_messages(
                MessagePages(self.chat.app),
                self.caller,
                self.id,
                limit=100,
                cursor=cursor,
                count=False,
                descending=False,
                all_paths=all_paths,
            )
            found += page.items
            if not page.next_cursor:
                return found
            cursor = page.next_cursor

    async def path(self) -> list[str]:
        """What is said on the chosen path."""
        return [message.content for message in await self.messages()]

    async def named(self, content: str) -> Message:
        """The message that says this."""
        (found,) = [one for one in await self.messages(all_paths=True) if one.content == content]
        return found


@pytest_asyncio.fixture
async def conversation(chat: Chat, caller: Caller, generations: Generations) -> Conversation:
    return Conversation(chat, caller, (await chat.session(caller)).id, generations)
