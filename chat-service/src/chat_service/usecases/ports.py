"""What the use cases need from outside: the database, the vault, the logs of runs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.idempotency import Once, RequestKey
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
    `request` keeps a repetition of the request from being accepted again.
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
    request: RequestKey | None = None


class RepeatedRequest(Exception):
    """The same request was accepted before, as `run`: nothing is stored this time."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run


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

    async def find_repeated(self, once: Once[Session], session: Session) -> Session | None:
        """The session that an earlier request of this key made.

        None: this is the first one, `session` is kept as its answer, and is yet to be stored.
        Raises IdempotencyKeyReused, RequestInProgress.
        """

    async def insert_session(self, session: Session) -> None: ...

    async def find_session(self, session_id: UUID) -> Session | None: ...

    async def lock_session(self, session_id: UUID) -> Session | None:
        """The session, which nobody else changes, nor begins or ends a run in, meanwhile."""

    async def list_sessions(self, limit: int, after: Position | None) -> list[Session]:
        """The sessions behind that place, most recently active first."""

    async def count_sessions(self) -> int: ...

    async def list_messages(
        self, session_id: UUID, limit: int, most_bytes: int, after: int | None, *, descending: bool
    ) -> tuple[list[Message], bool]:
        """The messages behind the one whose order is `after`, in the direction asked for.

        As many as `limit`, or so many that the last of them brings their text to `most_bytes`;
        and whether there are more.
        """

    async def count_messages(self, session_id: UUID) -> int: ...

    async def find_messages(self, message_ids: Sequence[UUID]) -> list[Message]: ...

    async def find_run(self, run_id: UUID) -> Run | None: ...

    async def find_newest_run(self, session_id: UUID) -> Run | None:
        """The session's live run, or the last one to have been live."""

    async def find_run_of(self, request: RequestKey) -> Run | None:
        """The run that the same request began before; raises IdempotencyKeyReused."""

    async def request_cancel(self, run_id: UUID) -> bool:
        """Asks a run's owner to end it, if it is live; False: there is no such run."""

    async def admit_run(self, new: NewRun, window: Window, runs_per_user: int) -> Admission:
        """Stores a question and its run, live from here on, under the session's lock.

        The user's live runs are counted as they were when this began: of several admissions at
        the same moment none sees the others, so there may be as many more as these.

        Raises SessionNotFound, RunInProgress with the id of the live run, TooManyRuns,
        RepeatedRequest, IdempotencyKeyReused.
        """

    async def read_window(
        self, session_id: UUID, before: int, window: Window
    ) -> tuple[PromptMessage, ...]:
        """The messages before order number `before` that fit the window, oldest first."""

    async def admit_continuation(
        self, run: Run, request: RequestKey | None, runs_per_user: int
    ) -> None:
        """Stores a run that goes on with another, live from here on; the session is locked.

        Raises RunInProgress, TooManyRuns as above, RepeatedRequest, IdempotencyKeyReused.
        """


OpenTransaction = Callable[[Owned], AbstractAsyncContextManager[Transaction]]


class Turns(Protocol):
    """The beginning and the end of a turn, each a transaction by itself: one round trip."""

    async def admit_at_once(
        self, new: NewRun, window: Window, runs_per_user: int, guessed_key_id: UUID | None
    ) -> Admission | None:
        """As `Transaction.admit_run`, for a run of a session that is there.

        None: nothing was stored, and only a transaction can say why. Perhaps something is in the
        way, or the run has no key of its own and the session is not set to `guessed_key_id`.
        """

    async def end_run(self, run: Run, ending: Ending, at: datetime) -> bool:
        """Ends a live run that still has this epoch, and stores its answer; False: neither.

        The answer of a run that continues another takes the place of the earlier one, which it
        begins with; if it does not, it is put behind it.
        """


class ResolveKey(Protocol):
    """Opens a connection of the calling user, or with `key_id` None the default one.

    Raises RemoteError: KEY_NOT_FOUND, NO_KEY, or what keeps the vault from answering.
    """

    async def __call__(self, key_id: UUID | None) -> Connection: ...
