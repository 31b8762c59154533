"""Making conversations."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError
from chassis.idempotency import Once
from chassis.ids import new_id
from chat_service.conversations.domain.session import NewSession, Session, take
from chat_service.conversations.store.sessions import NewSessions, Sessions
from chat_service.conversations.usecases.check import check_change
from chat_service.personas.domain.persona import Told
from chat_service.personas.usecases.read import DefaultPersona
from chat_service.providers.domain.connection import ResolveKey
from chat_service.words.domain.word_filter import InForce, checked, no_words


@dataclass(frozen=True, slots=True)
class CreateSession:
    """Stores an empty conversation, `once` if so; its title is without the words `in_force`.

    With `new_sessions` it is one round trip, where nothing stands in the way of that. It takes the persona that
    `find_persona` finds, if any; without that, what `default_persona` finds, and none without either.

    Raises ValidationFailed, OwnerErased, IdempotencyKeyReused, RequestInProgress; and, unless the same request has
    made its conversation before, WordRefused, what `find_persona` raises, and what `resolve_key` raises for a
    `key_id` that is not one of the caller's.
    """

    open_transaction: OpenTransaction
    resolve_key: ResolveKey
    new_sessions: NewSessions | None = None
    default_persona: DefaultPersona | None = None
    in_force: InForce = no_words

    async def __call__(
        self,
        caller: Caller,
        new: NewSession,
        *,
        find_persona: Callable[[], Awaitable[Told | None]] | None = None,
        once: Once[Session] | None = None,
    ) -> Session:
        check_change(new.as_change())
        try:
            new = replace(new, title=checked(self.in_force(), "title", new.title))
            if new.key_id is not None:
                await self.resolve_key(new.key_id)
            persona = None if find_persona is None else await find_persona()
        except AppError:
            # Nothing that a new one needs is needed to find the one there is.
            if once is None or (made := await self._made_by(caller, once)) is None:
                raise
            return made
        session = new.session(new_id(), utc_now())
        asked = self.default_persona if find_persona is None else None
        if self.new_sessions is not None and once is None:
            likely = persona if asked is None else asked.offered()
            made, prompt = _with(session, likely)
            if await self.new_sessions.insert(caller, made, prompt, asks_default=asked is not None):
                return made
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            if asked is not None:
                persona = await asked(transaction)
            session, prompt = _with(session, persona)
            if once is not None and (earlier := await transaction.find_repeated(once, session)):
                return earlier
            await Sessions(transaction).insert(session, prompt)
        return session

    async def _made_by(self, caller: Caller, once: Once[Session]) -> Session | None:
        async with self.open_transaction(caller) as transaction:
            return await transaction.find_answered(once)


def _with(session: Session, persona: Told | None) -> tuple[Session, str | None]:
    return (session, None) if persona is None else (take(session, persona), persona.prompt)
