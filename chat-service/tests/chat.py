"""The use cases over one database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database, RowOwner
from chassis.db.transactions import OpenTransaction, Owned
from chassis.idempotency import RequestKey
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, eventually
from chat_service.answer.domain.ending import Ending, RunStatus, Usage
from chat_service.audit import Audit
from chat_service.conversations.domain.message import Message
from chat_service.conversations.domain.session import NewSession, Session
from chat_service.conversations.store.messages import MessagePages
from chat_service.conversations.usecases.create import CreateSession
from chat_service.conversations.usecases.messages import list_messages
from chat_service.conversations.usecases.sessions import get_session
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import AcceptedRun, Question
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.store.ending_statements import END_RUN
from chat_service.runs.store.turns import Turns
from chat_service.runs.store.values import of_answer
from chat_service.runs.usecases.accept import accept_run
from chat_service.runs.usecases.beginning import RunMeans
from chat_service.runs.usecases.finish import finish_run
from chat_service.runs.usecases.generator import Generator
from chat_service.usage.domain.rules import NO_RULES, GivenRules, Rules, RulesInForce
from chat_service.usage.domain.spent import Cost, Tokens
from servicekit.erasure import Erasing
from servicekit.generation_parameters import GenerationParameters

from .generations import Generations

CONNECTION = Connection(
    key_id=new_id(),
    name="mine",
    api_key="sk-secret",
    model="model-of-the-connection",
    base_url="https://example.com/v1",
    provider="openai",
)
ENDING = Ending(
    status=RunStatus.COMPLETED,
    reason=None,
    finish_reason="stop",
    text="an answer",
    reasoning="",
    usage=Usage(prompt_tokens=3, completion_tokens=2),
    last_seq=5,
)
WINDOW = ContextWindow(pairs=10, characters=1000)
LIMITS = Limits()
AUDIT = Audit("test")
PARAMETERS = GenerationParameters(temperature=0.7, max_tokens=100)


@dataclass(frozen=True)
class Chat:
    """The use cases of one database, with everything that a test does not care about filled in."""

    urls: DatabaseUrls
    app: Database
    worker: Database
    turns: Turns
    open_transaction: OpenTransaction
    connection: Connection = CONNECTION
    ending: Ending = ENDING
    rules: RulesInForce = NO_RULES
    audit: Audit = AUDIT

    def under(self, rules: Rules) -> "Chat":
        """The same, where an operator has said this of usage."""
        given = GivenRules(rules)
        return replace(self, rules=given, turns=Turns(self.app, rules=given))

    async def resolve_key(self, key_id: UUID | None) -> Connection:
        return self.connection

    def means(self, generator: Generator, **changes: Any) -> RunMeans:
        """What a run begins with here, but for `changes`."""
        means = RunMeans(
            self.open_transaction,
            self.resolve_key,
            generator,
            owner="replica-1",
            window=WINDOW,
            limits=LIMITS,
            rules=self.rules,
        )
        return replace(means, **changes)

    def erasing(self, whose: Owned) -> Erasing:
        return Erasing(self.worker, RowOwner(tenant_id=whose.tenant_id, user_id=whose.user_id))

    async def session(self, caller: Caller, title: str = "", **fields: Any) -> Session:
        """An empty conversation that is begun with these `fields` of NewSession."""
        create = CreateSession(self.open_transaction, self.resolve_key)
        return await create(caller, NewSession(title, **fields))

    async def accept(
        self,
        caller: Caller,
        session_id: UUID | None,
        content: str = "a question",
        *,
        key_id: UUID | None = None,
        model: str | None = None,
        window: ContextWindow = WINDOW,
        guessed_key_id: UUID | None = None,
        request: RequestKey | None = None,
        limits: Limits = LIMITS,
        parameters: GenerationParameters = PARAMETERS,
    ) -> AcceptedRun:
        return await accept_run(
            self.means(Generations(), window=window, limits=limits),
            self.turns,
            caller,
            Question(session_id, content, key_id, model, parameters, request),
            self.connection,
            guessed_key_id=guessed_key_id,
        )

    async def finish(self, run: Run, ending: Ending = ENDING) -> bool:
        return await finish_run(self.turns, run, ending)

    @asynccontextmanager
    async def finishing(self, run: Run, ending: Ending = ENDING) -> AsyncIterator[None]:
        """The end of a run that is stored, and not committed before the block ends."""
        async with self.app.transaction(RowOwner(run.tenant_id, run.user_id)) as connection:
            values = of_answer(run, ending, run.created_at, Tokens(3, 2), Cost())
            assert await END_RUN[run.continues is not None].run(connection, **values) == 1
            yield

    async def turn(self, caller: Caller, session_id: UUID, content: str = "a question") -> Run:
        accepted = await self.accept(caller, session_id, content)
        assert await self.finish(accepted.run)
        return accepted.run

    async def messages(self, caller: Caller, session_id: UUID) -> list[Message]:
        page = await list_messages(
            MessagePages(self.app),
            caller,
            session_id,
            limit=100,
            cursor="",
            count=False,
            descending=False,
        )
        return list(page.items)

    async def read_session(self, caller: Caller, session_id: UUID) -> Session:
        return await get_session(self.open_transaction, caller, session_id)

    @asynccontextmanager
    async def holding(self, session_id: UUID) -> AsyncIterator[None]:
        """Keeps a session's row locked for the block."""
        query = text("SELECT id FROM sessions WHERE id = :id FOR UPDATE")
        async with self.worker.transaction() as connection:
            assert (await connection.execute(query, {"id": session_id})).all()
            yield

    async def somebody_waits(self, least: int = 1) -> None:
        """Returns once a transaction waits for another's lock, or so many of them."""
        query = text(
            "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )

        async def waiting() -> bool:
            async with self.app.transaction() as connection:
                return (await connection.scalar(query) or 0) >= least

        await eventually(waiting)
