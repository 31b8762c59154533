"""Search over the use cases of one database, with and without its index."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from chassis.caller import Caller
from chassis.paging import Page
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.conversations.usecases.sessions import update_session
from chat_service.runs.domain.run import Run
from chat_service.runs.store.ends import RunEnds
from chat_service.search.domain.found import FoundText
from chat_service.search.domain.text import Wanted
from chat_service.search.store.texts import AllTexts
from chat_service.search.store.unindexed import Unindexed
from chat_service.search.usecases.index import index_texts
from chat_service.search.usecases.search import SHIPPED, Effort, search
from chat_service.shares.store.shares import end_shares_of

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any


@dataclass(frozen=True)
class Searching:
    """What one user writes, and finds."""

    chat: Chat
    caller: Caller
    ends: EndSessions = field(init=False)

    def __post_init__(self) -> None:
        def nothing(*_: object) -> None: ...

        ends = EndSessions(
            self.chat.open_transaction,
            RunEnds(),
            cancel_here=nothing,
            drop=nothing,
            purge=nothing,
            unshare=end_shares_of,
        )
        object.__setattr__(self, "ends", ends)

    def of(self, caller: Caller) -> "Searching":
        return Searching(self.chat, caller)

    async def index(self) -> int:
        """Indexes what anybody has written."""

        async def at_once(_: float) -> None: ...

        return await index_texts(Unindexed(self.chat.worker), rest=at_once)

    async def session(self, title: str = "a title") -> UUID:
        made: UUID = (await self.chat.session(self.caller, title=title)).id
        return made

    async def turn(self, session_id: UUID, question: str, answer: str = "") -> Run:
        accepted = await self.chat.accept(self.caller, session_id, question)
        assert await self.chat.finish(accepted.run, replace(self.chat.ending, text=answer))
        run: Run = accepted.run
        return run

    async def change(self, session_id: UUID, **change: Any) -> None:
        await update_session(
            self.chat.open_transaction,
            self.chat.resolve_key,
            self.caller,
            session_id,
            SessionChange(**change),
        )

    async def page(
        self,
        q: str,
        wanted: Wanted | None = None,
        *,
        limit: int = 0,
        cursor: str = "",
        effort: Effort = SHIPPED,
    ) -> Page[FoundText]:
        return await search(
            AllTexts(self.chat.app).of,
            self.caller,
            q,
            wanted or Wanted(),
            limit=limit,
            cursor=cursor,
            effort=effort,
        )

    async def find(self, q: str, wanted: Wanted | None = None, **page: Any) -> Sequence[str]:
        """The texts that are found, from the newest to the oldest."""
        return [found.text.content for found in (await self.page(q, wanted, **page)).items]


@pytest.fixture
def searching(chat: Chat, caller: Caller) -> Searching:
    return Searching(chat, caller)


Index = Callable[[], Awaitable[object]]


@pytest.fixture(params=["indexed", "not yet indexed"])
def index(request: pytest.FixtureRequest, searching: Searching) -> Index:
    """Indexes what is written, or leaves that: nothing else is to be different."""

    async def leave() -> None: ...

    return searching.index if request.param == "indexed" else leave
