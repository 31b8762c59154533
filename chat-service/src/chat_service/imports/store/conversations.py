"""Conversations that come from elsewhere, put into PostgreSQL as it reads JSON."""

# ruff: noqa: S608 - all of them are made of constants

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.imports.store.files import AWAITED

_FIND_IMPORTED = Statement(
    text("""
SELECT sessions.message_count, imported.import_id = :import_id AS by_this, imported.session_id,
    (sessions.deleted_at IS NOT NULL OR sessions.purging) AS is_deleted
FROM imported JOIN sessions ON sessions.id = imported.session_id
WHERE imported.user_id = :user_id AND imported.source = :source AND imported.key = :key
""")
)
_IS_HERE = Statement(
    text("""
SELECT EXISTS (
    SELECT FROM sessions WHERE user_id = :user_id AND id = :own_id AND deleted_at IS NULL AND NOT purging) AS is_here
""")
)
_INSERT_SESSION = Statement(
    text("""
INSERT INTO sessions (
    id, tenant_id, user_id, title, title_by, persona, persona_prompt, model, parameters, instructions,
    folder, pinned, summary, archived_at, created_at, last_message_at, updated_at, leaf_order)
SELECT :id, :tenant_id, :user_id, told.title, told.title_by, told.persona, told.persona_prompt,
    told.model, told.parameters, told.instructions, told.folder, told.pinned, told.summary,
    told.archived_at, told.created_at, told.last_message_at, now(), 0
FROM json_to_record(CAST(:told AS json)) AS told (
    title text, title_by text, persona text, persona_prompt text, model text, parameters jsonb,
    instructions text, folder text, pinned boolean, summary boolean, archived_at timestamptz,
    created_at timestamptz, last_message_at timestamptz)
""")
)
_INSERT_IMPORTED = Statement(
    text("""
INSERT INTO imported (user_id, source, key, tenant_id, session_id, import_id)
VALUES (:user_id, :source, :key, :tenant_id, :id, :import_id)
ON CONFLICT (user_id, source, key) DO UPDATE
SET session_id = excluded.session_id, import_id = excluded.import_id
WHERE imported.session_id = CAST(:former AS uuid)
""")
)
# Files that are attached have ids that nothing has: they were elsewhere, and are none of the user's here, until
# the file itself comes.
_INSERT_MESSAGES = Statement(
    text(f"""
WITH told AS MATERIALIZED (
    SELECT role, content, "order", parent, chosen, status, reason, finish_reason, provider, model,
        reasoning, parameters, adapted, fallback_reason, prompt_tokens, completion_tokens,
        cached_tokens, reasoning_tokens, cache, created_at, attachments
    FROM json_to_recordset(CAST(:told AS json)) AS told (
        role text, content text, "order" integer, parent integer, chosen boolean, status text,
        reason text, finish_reason text, provider text, model text, reasoning text, parameters jsonb,
        adapted jsonb, fallback_reason text, prompt_tokens integer, completion_tokens integer,
        cached_tokens integer, reasoning_tokens integer, cache text, created_at timestamptz,
        attachments json)),
stored AS (INSERT INTO messages (
    id, session_id, tenant_id, user_id, role, content, "order", parent_order, chosen, status, reason,
    finish_reason, provider, model, reasoning, parameters, adapted, fallback_reason, prompt_tokens,
    completion_tokens, cached_tokens, reasoning_tokens, cache, created_at)
SELECT gen_random_uuid(), :id, :tenant_id, :user_id, told.role, told.content, told."order",
    coalesce(told.parent, 0), told.chosen, told.status, told.reason, told.finish_reason,
    told.provider, told.model, told.reasoning, told.parameters, told.adapted, told.fallback_reason,
    told.prompt_tokens, told.completion_tokens, told.cached_tokens, told.reasoning_tokens,
    told.cache, told.created_at
FROM told
RETURNING id, "order")
INSERT INTO message_files (message_id, position, tenant_id, user_id, file_id, name, kind, size)
SELECT stored.id, file.position - 1, :tenant_id, :user_id, coalesce({AWAITED}, gen_random_uuid()), file.name,
    file.kind, file.size
FROM stored JOIN told USING ("order")
    CROSS JOIN LATERAL ROWS FROM (
        json_to_recordset(told.attachments) AS (key text, name text, kind text, size bigint)
    ) WITH ORDINALITY AS file (key, name, kind, size, position)
""")
)
# All of it has been read.
_FINISH = Statement(
    text("""
UPDATE sessions SET (last_order, message_count, leaf_order, last_message_at) = (
    SELECT coalesce(max("order"), 0), count(*), coalesce(max("order") FILTER (WHERE chosen), 0),
        coalesce(sessions.last_message_at, max(messages.created_at))
    FROM messages WHERE session_id = :id)
WHERE id = :id AND user_id = :user_id
RETURNING message_count, coalesce(
    NOT pinned AND active_at < CAST(:at AS timestamptz) - make_interval(days => least(
        CAST(:days AS integer),
        (SELECT user_settings.retention_days FROM user_settings
         WHERE user_settings.user_id = sessions.user_id
           AND user_settings.tenant_id = sessions.tenant_id))), false) AS too_old
""")
)


@dataclass(frozen=True, slots=True)
class There:
    """A conversation that there is: how many messages it has, and whether this import has brought it."""

    messages: int
    by_this: bool


class ForeignConversations:
    """Those that one import brings, in one transaction that has locked the owner."""

    def __init__(self, transaction: Transaction, import_id: UUID) -> None:
        self._import_id = import_id
        self._connection = transaction.connection
        self._mine = transaction.owner.columns
        self._user_id = transaction.owner.user_id
        self._former: UUID | None = None

    async def find(self, source: str, key: str) -> "There | None":
        """What was taken of it before, by whichever import, or was never elsewhere.

        None: nothing, or what was deleted since and comes anew.
        """
        self._former = None
        row = await _FIND_IMPORTED.first(
            self._connection,
            user_id=self._user_id,
            source=source,
            key=key,
            import_id=self._import_id,
        )
        if row is not None and row.is_deleted:
            self._former = row.session_id
        elif row is not None:
            return There(row.message_count, by_this=bool(row.by_this))
        own_id = _id_of(key) if source == "parley" else None
        if own_id is not None:
            here = await _IS_HERE.first(self._connection, user_id=self._user_id, own_id=own_id)
            if here is not None and here.is_here:
                return There(0, by_this=False)
        return None

    async def begin(self, session_id: UUID, source: str, key: str, told: dict[str, Any]) -> bool:
        """False: another import has taken it a moment before, and nothing is to be kept of this one."""
        await _INSERT_SESSION.run(
            self._connection, **self._mine, id=session_id, told=orjson.dumps(told).decode()
        )
        inserted = await _INSERT_IMPORTED.run(
            self._connection,
            **self._mine,
            id=session_id,
            source=source,
            key=key,
            import_id=self._import_id,
            former=self._former,
        )
        return inserted == 1

    async def add(self, session_id: UUID, told: str) -> None:
        """Stores a list of messages in JSON."""
        await _INSERT_MESSAGES.run(self._connection, **self._mine, id=session_id, told=told)

    async def finish(self, session_id: UUID, at: datetime, days: int | None) -> int | None:
        """How many messages it has; None: it is older than it would be kept, for so many days or the user's fewer."""
        row = await _FINISH.first(
            self._connection, id=session_id, user_id=self._user_id, at=at, days=days
        )
        assert row is not None
        return None if row.too_old else int(row.message_count)


def _id_of(key: str) -> UUID | None:
    """None: it is the id of no conversation here."""
    try:
        return UUID(key)
    except ValueError:
        return None
