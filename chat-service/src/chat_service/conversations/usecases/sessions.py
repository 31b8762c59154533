"""Reading and changing conversations."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import (
    Session,
    SessionChange,
    Unchanged,
)
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.summaries import Summaries
from chat_service.conversations.usecases.check import check_change
from chat_service.providers.domain.connection import ResolveKey


async def get_session(
    open_transaction: OpenTransaction, caller: Caller, session_id: UUID
) -> Session:
    """Returns the caller's session; raises SessionNotFound, also for one that is deleted."""
    async with open_transaction(caller) as transaction:
        session = await Sessions(transaction).find(session_id)
    if session is None:
        raise SessionNotFound()
    return session


async def update_session(
    open_transaction: OpenTransaction,
    resolve_key: ResolveKey,
    caller: Caller,
    session_id: UUID,
    change: SessionChange,
    *,
    tell: Callable[[], None] = lambda: None,
) -> Session:
    """Changes what is given of the caller's session, all of it or nothing, and returns it.

    `tell` is called behind the commit of what has changed something.
    To have read something is no change of the session: `updated_at` stays. What sums up one that is not to
    be summed up any more is taken away. Raises ValidationFailed,
    SessionNotFound, OwnerErased, and what `resolve_key` raises for a `key_id` that is not one of the
    caller's.
    """
    check_change(change)
    if not isinstance(change.key_id, Unchanged) and change.key_id is not None:
        # Nobody learns from it whether the session is there: that comes behind.
        await resolve_key(change.key_id)
    now = utc_now()
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        sessions = Sessions(transaction)
        session = await sessions.lock_known(session_id)
        changed = change.of(session, now)
        if changed == session and isinstance(change.persona, Unchanged):
            return session
        if replace(changed, read_order=session.read_order) != session:
            changed = replace(changed, updated_at=now)
        if not isinstance(change.persona, Unchanged):
            # Of the same name it may be another one by now.
            await sessions.set_persona_prompt(
                session_id, None if change.persona is None else change.persona.prompt
            )
        if session.summary and not changed.summary:
            await Summaries(transaction, session_id).forget()
        changed = await sessions.change(changed)
    # No more is kept as read than there is to read.
    if changed != session or not isinstance(change.persona, Unchanged):
        tell()
    return changed
