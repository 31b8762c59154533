"""Conversations in PostgreSQL.

Each query names its user, although row-level security does so beneath: a query that forgot it
would leak nothing, and the indexes begin with it. One that is deleted is not there, but for what
says that it looks for it.
"""

# ruff: noqa: S608 - all of them are made of constants

from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import Text, bindparam, cast, func, not_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from chassis.caller import Caller
from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.columns import OWN, SHOWN
from chat_service.conversations.store.rows import gave_json, to_session
from chat_service.tables import sessions
from servicekit.generation_parameters import GenerationParameters

_NEW = """
INSERT INTO sessions (
    id, tenant_id, user_id, title, title_by, key_id, model, persona, persona_prompt, persona_gave,
    parameters, instructions, folder, temporary, summary, created_at, updated_at, leaf_order)
SELECT :id, :tenant_id, :user_id, :title, :title_by, CAST(:key_id AS uuid), :model, :persona,
       :persona_prompt, CAST(:persona_gave AS jsonb), CAST(:parameters AS jsonb), :instructions,
       :folder, CAST(:temporary AS boolean), CAST(:summary AS boolean),
       CAST(:created_at AS timestamptz), CAST(:updated_at AS timestamptz), 0
"""
_INSERT = Statement(text(_NEW))
# The same as a transaction by itself, for what is the case nearly always: the owner is known and not erased,
# and the user has set no persona as the default, or none is to be taken for that.
_INSERT_AT_ONCE = Statement(
    text(f"""
WITH owner AS (
    SELECT user_id FROM owners WHERE user_id = :user_id AND erased_at IS NULL FOR SHARE)
{_NEW}
FROM owner
WHERE NOT :asks_default OR NOT EXISTS (
    SELECT FROM user_settings
    WHERE user_settings.user_id = :user_id AND user_settings.default_persona_folded IS NOT NULL)
""")
)
# What a conversation is set to goes along, and the folder it is in; that it is pinned does not. What
# it holds has been read.
_INSERT_FORK = Statement(
    text("""
INSERT INTO sessions (
    id, tenant_id, user_id, title, title_by, key_id, model, persona, persona_prompt, persona_gave,
    parameters, instructions, folder, temporary, summary, last_order, leaf_order, message_count, read_order,
    last_message_at, created_at, updated_at)
SELECT :id, tenant_id, user_id, title, title_by, key_id, model, persona, persona_prompt, persona_gave,
       parameters, instructions, folder, temporary, summary, :messages, :messages, :messages, :messages,
       CASE WHEN CAST(:messages AS integer) > 0 THEN CAST(:at AS timestamptz) END, :at, :at
FROM sessions WHERE id = :session_id AND user_id = :user_id
""")
)
_IS_THIS = sessions.c.id == bindparam("session_id")
_IS_THERE = sessions.c.deleted_at.is_(None)
_ANY = select(*SHOWN).where(_IS_THIS, OWN, not_(sessions.c.purging))
_FIND = Statement(_ANY.where(_IS_THERE))
_LOCK = Statement(_ANY.where(_IS_THERE).with_for_update(of=sessions))
_LOCK_ANY = Statement(_ANY.with_for_update(of=sessions))
_CHANGE = Statement(
    update(sessions)
    .where(_IS_THIS, OWN)
    .values(
        title=bindparam("new_title"),
        title_by=bindparam("new_title_by"),
        key_id=bindparam("new_key_id"),
        model=bindparam("new_model"),
        persona=bindparam("new_persona"),
        persona_gave=cast(bindparam("new_persona_gave", type_=Text), JSONB),
        parameters=cast(bindparam("new_parameters", type_=Text), JSONB),
        instructions=bindparam("new_instructions"),
        pinned=bindparam("new_pinned"),
        folder=bindparam("new_folder"),
        archived_at=bindparam("new_archived_at"),
        summary=bindparam("new_summary"),
        read_order=func.least(bindparam("new_read_order"), sessions.c.last_order),
        updated_at=bindparam("new_updated_at"),
    )
    .returning(*SHOWN)
)
# Whoever is slower than its user comes too late.
_NAME = Statement(
    text("""
UPDATE sessions
SET title = :title, title_by = 'model', updated_at = greatest(updated_at, CAST(:at AS timestamptz))
WHERE id = :session_id AND user_id = :user_id AND title_by = 'first_line' AND deleted_at IS NULL
""")
)
_SET_PERSONA_PROMPT = Statement(
    update(sessions).where(_IS_THIS, OWN).values(persona_prompt=bindparam("new_prompt"))
)


class NewSessions:
    """Conversations that are made, each in a transaction by itself: one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self,
        owner: RowOwner | Caller,
        session: Session,
        persona_prompt: str | None,
        *,
        asks_default: bool,
    ) -> bool:
        """As `Sessions.insert`. False: nothing was stored, and only a transaction can say why.

        With `asks_default` nothing is stored, either, where the user has set a persona as the default.
        """
        values = _of_new(owner, session, persona_prompt)
        made = await self._database.run(owner, _INSERT_AT_ONCE, **values, asks_default=asks_default)
        return made == 1


class Sessions:
    """The conversations of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._owner = transaction.owner

    async def insert(self, session: Session, persona_prompt: str | None = None) -> None:
        """Stores a session; `persona_prompt` is of its persona, as it is now."""
        await _INSERT.run(self._connection, **_of_new(self._owner, session, persona_prompt))

    async def insert_fork(
        self, session: Session, fork_id: UUID, messages: int, at: datetime
    ) -> None:
        """Stores a session like this one, with so many messages, which are yet to be copied."""
        await _INSERT_FORK.run(
            self._connection,
            session_id=session.id,
            user_id=self._owner.user_id,
            id=fork_id,
            messages=messages,
            at=at,
        )

    async def find(self, session_id: UUID) -> Session | None:
        return await self._one(_FIND, session_id)

    async def lock(self, session_id: UUID) -> Session | None:
        """The session, which nobody else changes, nor begins or ends a run in, meanwhile."""
        return await self._one(_LOCK, session_id)

    async def lock_known(self, session_id: UUID) -> Session:
        """As `lock`; raises SessionNotFound."""
        session = await self.lock(session_id)
        if session is None:
            raise SessionNotFound()
        return session

    async def lock_any(self, session_id: UUID) -> Session | None:
        """As `lock`, also one that is deleted, as long as it can be restored."""
        return await self._one(_LOCK_ANY, session_id)

    async def change(self, session: Session) -> Session:
        """Writes what a user may change of a session, which is locked, and returns it.

        No `read_order` is higher than the highest order that was given out.
        """
        row = await _CHANGE.first(
            self._connection,
            session_id=session.id,
            user_id=self._owner.user_id,
            new_title=session.title,
            new_title_by=session.title_by.value,
            new_key_id=session.key_id,
            new_model=session.model,
            new_persona=session.persona,
            new_persona_gave=gave_json(session.persona_gave),
            new_parameters=_json(session.parameters),
            new_instructions=session.instructions,
            new_pinned=session.pinned,
            new_folder=session.folder,
            new_archived_at=session.archived_at,
            new_summary=session.summary,
            new_read_order=session.read_order,
            new_updated_at=session.updated_at,
        )
        assert row is not None
        return to_session(row)

    async def name(self, session_id: UUID, title: str, at: datetime) -> bool:
        """Gives a session the title that a model has made; False: its user has named or deleted it."""
        named = await _NAME.run(
            self._connection,
            session_id=session_id,
            user_id=self._owner.user_id,
            title=title,
            at=at,
        )
        return named == 1

    async def set_persona_prompt(self, session_id: UUID, prompt: str | None) -> None:
        """Keeps what a persona is, however it changes from now on."""
        await _SET_PERSONA_PROMPT.run(
            self._connection,
            session_id=session_id,
            user_id=self._owner.user_id,
            new_prompt=prompt,
        )

    async def _one(self, statement: Statement, session_id: UUID) -> Session | None:
        row = await statement.first(
            self._connection, session_id=session_id, user_id=self._owner.user_id
        )
        return None if row is None else to_session(row)


def _json(parameters: GenerationParameters) -> str | None:
    said = parameters.said()
    return orjson.dumps(said).decode() if said else None


def _of_new(
    owner: RowOwner | Caller, session: Session, persona_prompt: str | None
) -> dict[str, object]:
    return {
        "id": session.id,
        "tenant_id": owner.tenant_id,
        "user_id": owner.user_id,
        "title": session.title,
        "title_by": session.title_by.value,
        "key_id": session.key_id,
        "model": session.model,
        "persona": session.persona,
        "persona_prompt": persona_prompt,
        "persona_gave": gave_json(session.persona_gave),
        "parameters": _json(session.parameters),
        "instructions": session.instructions,
        "folder": session.folder,
        "temporary": session.temporary,
        "summary": session.summary,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }
