"""Making, reading and listing conversations."""

from dataclasses import replace
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.idempotency import Once
from chassis.ids import new_id
from chassis.paging import Page, Position, page_of, parse_limit
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.usecases.check import check_session
from chat_service.providers.domain.connection import ResolveKey


async def create_session(
    open_transaction: OpenTransaction,
    resolve_key: ResolveKey,
    caller: Caller,
    *,
    title: str,
    key_id: UUID | None,
    model: str | None,
    once: Once[Session] | None = None,
) -> Session:
    """Stores an empty conversation, `once` if so.

    Raises ValidationFailed, OwnerErased, IdempotencyKeyReused, RequestInProgress, and what `resolve_key` raises for
    a `key_id` that is not one of the caller's.
    """
    check_session(title, model)
    if key_id is not None:
        await resolve_key(key_id)
    now = utc_now()
    session = Session(
        id=new_id(),
        title=title,
        key_id=key_id,
        model=model,
        message_count=0,
        last_message_at=None,
        active_at=now,
        created_at=now,
        updated_at=now,
    )
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        if once is not None and (earlier := await transaction.find_repeated(once, session)):
            return earlier
        await Sessions(transaction).insert(session)
    return session


async def get_session(
    open_transaction: OpenTransaction, caller: Caller, session_id: UUID
) -> Session:
    """Returns the caller's session; raises SessionNotFound."""
    async with open_transaction(caller) as transaction:
        session = await Sessions(transaction).find(session_id)
    if session is None:
        raise SessionNotFound()
    return session


async def update_session(
    open_transaction: OpenTransaction, caller: Caller, session_id: UUID, *, pinned: bool | None
) -> Session:
    """Changes what is given of the caller's session, and returns it.

    Raises SessionNotFound, OwnerErased.
    """
    now = utc_now()
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        sessions = Sessions(transaction)
        session = await sessions.lock(session_id)
        if session is None:
            raise SessionNotFound()
        if pinned is None or pinned == session.pinned:
            return session
        await sessions.pin(session_id, pinned, now)
    return replace(session, pinned=pinned, updated_at=now)


async def list_sessions(
    open_transaction: OpenTransaction,
    caller: Caller,
    *,
    limit: int,
    cursor: str,
    count: bool,
    pinned: bool | None = None,
) -> Page[Session]:
    """Returns a page of the caller's sessions, most recently active first; `pinned` None: of all.

    A session that becomes active while someone pages moves to the front: it is not shown again
    behind the cursor. Raises ValidationFailed.
    """
    size, after = parse_limit(limit), Position.from_cursor(cursor)
    async with open_transaction(caller) as transaction:
        sessions = Sessions(transaction)
        found = await sessions.list(size + 1, after, pinned)
        total = await sessions.count(pinned) if count else None
    return page_of(found, size, _cursor_of, total=total)


def _cursor_of(session: Session) -> str:
    return Position(session.active_at, session.id).to_cursor()
