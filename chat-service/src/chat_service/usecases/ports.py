"""What the use cases need from outside: the database, the vault, the logs of runs."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.paging import Position
from chat_service.domain.connection import Connection
from chat_service.domain.message import Message
from chat_service.domain.prompt import PromptMessage, Window
from chat_service.domain.run import Ending, Run
from chat_service.domain.session import Session


class Owned(Protocol):
    """Whatever says whose rows a transaction may see: a Caller, or a Run."""

    @property
    def user_id(self) -> UUID: ...

    @property
    def tenant_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run as it asks to be accepted; its orders and its model follow from its session.

    `session_id` None asks for a session made with `new_session_id`, `key_id` and `model`.
    `model` None: the session's, else `fallback_model`. `title` goes to a session without one.
    """

    id: UUID
    session_id: UUID | None
    new_session_id: UUID
    user_id: UUID
    tenant_id: UUID
    question_id: UUID
    answer_id: UUID
    content: str
    title: str
    key_id: UUID | None
    provider: str
    model: str | None
    fallback_model: str
    temperature: float
    max_tokens: int
    owner: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Admission:
    """What the session said to a new run; `earlier` holds what fits the window, oldest first.

    `session_key_id` is the connection that the session is set to, None for the default one.
    """

    session_key_id: UUID | None
    run: Run
    earlier: tuple[PromptMessage, ...]


class Transaction(Protocol):
    """One transaction of one user: it sees that user's rows and no others.

    What is written is kept when the block ends, and nothing of it if the block raises. Locks
    are taken in the order owner, session, run, message, by everyone.
    """

    def lock_owner(self) -> None:
        """Keeps the user from being erased meanwhile: comes before every write.

        If the erasure came first, the next call here raises OwnerErased, or the commit does.
        """

    async def insert_session(self, session: Session) -> None: ...

    async def find_session(self, session_id: UUID) -> Session | None: ...

    async def list_sessions(self, limit: int, after: Position | None) -> list[Session]:
        """The sessions behind that place, most recently active first."""

    async def count_sessions(self) -> int: ...

    async def list_messages(
        self, session_id: UUID, limit: int, after: int | None, *, descending: bool
    ) -> list[Message]:
        """The messages behind the one whose order is `after`, in the direction asked for."""

    async def count_messages(self, session_id: UUID) -> int: ...

    async def find_messages(self, message_ids: Sequence[UUID]) -> list[Message]: ...

    async def find_run(self, run_id: UUID) -> Run | None: ...

    async def admit_run(self, new: NewRun, window: Window) -> Admission:
        """Stores a question and its run, live from here on, under the session's lock.

        Raises SessionNotFound, or RunInProgress with the id of the live run.
        """

    async def end_run(self, run: Run, ending: Ending, at: datetime) -> bool:
        """Ends a live run that still has this epoch, and stores its answer; False: neither."""


OpenTransaction = Callable[[Owned], AbstractAsyncContextManager[Transaction]]


class ErasureTransaction(Protocol):
    """One transaction of a background job over one user's rows."""

    async def seal_owner(self, at: datetime) -> datetime:
        """Marks the user erased (nobody writes from here on) and ends the live runs.

        Returns when the user was first marked: `at`, or the earlier time of a repetition.
        """

    async def list_run_ids(self) -> list[UUID]: ...

    async def delete_everything(self) -> None:
        """Deletes the user's sessions, messages and runs."""

    async def enqueue(self, event: str, payload: bytes) -> None:
        """Puts an event into the outbox; `event` is its subject without the prefix."""


OpenErasure = Callable[[Owned], AbstractAsyncContextManager[ErasureTransaction]]


class ResolveKey(Protocol):
    """Opens a connection of the calling user, or with `key_id` None the default one.

    Raises RemoteError: KEY_NOT_FOUND, NO_KEY, or what keeps the vault from answering.
    """

    async def __call__(self, key_id: UUID | None) -> Connection: ...


# Deletes the logs of runs wherever they are and stops those this replica generates.
ForgetRunLogs = Callable[[Sequence[UUID]], Awaitable[None]]
