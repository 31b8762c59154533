"""Making, reading and changing conversations."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError
from chassis.idempotency import Once
from chassis.ids import new_id
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import (
    Session,
    SessionChange,
    TitleBy,
    Unchanged,
    take,
)
from chat_service.conversations.store.sessions import NewSessions, Sessions
from chat_service.conversations.store.summaries import Summaries
from chat_service.conversations.usecases.check import check_change
from chat_service.personas.domain.persona import Told
from chat_service.personas.usecases.read import DefaultPersona
from chat_service.providers.domain.connection import ResolveKey
from chat_service.words.domain.word_filter import WordFilter, checked
from servicekit.generation_parameters import GenerationParameters


async def create_session(
    open_transaction: OpenTransaction,
    resolve_key: ResolveKey,
    caller: Caller,
    *,
    title: str,
    key_id: UUID | None,
    model: str | None,
    parameters: GenerationParameters | None = None,
    instructions: str | None = None,
    folder: str | None = None,
    temporary: bool = False,
    summary: bool = False,
    find_persona: Callable[[], Awaitable[Told]] | None = None,
    default_persona: DefaultPersona | None = None,
    once: Once[Session] | None = None,
    words: WordFilter | None = None,
    new_sessions: NewSessions | None = None,
) -> Session:
    """Stores an empty conversation, `once` if so; its title is without the `words`.

    With `new_sessions` it is one round trip, where nothing stands in the way of that.

    Without `find_persona` it takes what `default_persona` finds, and none without that. Raises
    ValidationFailed, OwnerErased, IdempotencyKeyReused, RequestInProgress; and, unless the same request has made
    its conversation before, WordRefused, what `find_persona` raises, and what `resolve_key` raises for a
    `key_id` that is not one of the caller's.
    """
    parameters = parameters or GenerationParameters()
    check_change(
        SessionChange(
            title=title,
            model=model,
            parameters=parameters,
            instructions=instructions,
            folder=folder,
        )
    )
    try:
        title = checked(words, "title", title)
        if key_id is not None:
            await resolve_key(key_id)
        persona = None if find_persona is None else await find_persona()
    except AppError:
        # Nothing that a new one needs is needed to find the one there is.
        if once is None or (made := await _made_by(open_transaction, caller, once)) is None:
            raise
        return made
    now = utc_now()
    session = Session(
        id=new_id(),
        title=title,
        title_by=TitleBy.of(title),
        key_id=key_id,
        model=model,
        parameters=parameters,
        instructions=instructions,
        folder=folder,
        temporary=temporary,
        summary=summary,
        message_count=0,
        last_message_at=None,
        active_at=now,
        created_at=now,
        updated_at=now,
    )
    asked = default_persona if persona is None else None
    if new_sessions is not None and once is None:
        likely = persona if asked is None else asked.offered()
        made, prompt = _with(session, likely)
        if await new_sessions.insert(caller, made, prompt, asks_default=asked is not None):
            return made
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        if asked is not None:
            persona = await asked(transaction)
        session, prompt = _with(session, persona)
        if once is not None and (earlier := await transaction.find_repeated(once, session)):
            return earlier
        await Sessions(transaction).insert(session, prompt)
    return session


def _with(session: Session, persona: Told | None) -> tuple[Session, str | None]:
    return (session, None) if persona is None else (take(session, persona), persona.prompt)


async def _made_by(
    open_transaction: OpenTransaction, caller: Caller, once: Once[Session]
) -> Session | None:
    async with open_transaction(caller) as transaction:
        return await transaction.find_answered(once)


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
