"""What is yet to be indexed, in the worker's role: all users' rows are in sight here.

Nobody waits for what happens here: texts are read without a lock, and what they are found by is
stored only if nothing has changed meanwhile, which is known of the session's row once that is locked.
A session that somebody else has locked is for later.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.engine import Database
from chassis.db.statement import Statement
from chat_service.search.domain.text import TextRole
from chat_service.search.domain.unindexed import (
    IndexedText,
    UnfilteredText,
    UnindexedSession,
    UnindexedText,
)
from servicekit.search_filters import Filter

#: Sessions that are looked at together; messages of each.
SESSIONS: Final = 50
MESSAGES: Final = 100
#: Bytes of a message that is read where it is found to be due, and not by itself.
SHORT: Final = 1_000
#: Of what an earlier release has put in, so many texts are looked at together.
UNFILTERED: Final = 64

#: As the index of these rows says it.
IS_UNINDEXED: Final = (
    "indexed_count IS DISTINCT FROM message_count AND NOT temporary AND NOT purging"
)


def is_missing(identifier: str) -> str:
    """Whether the index has no row of that id, in SQL.

    It is looked up as a value: of NOT EXISTS a list of all that the index has may be made first.
    """
    return f"(SELECT true FROM search_texts WHERE search_texts.id = {identifier}) IS NULL"


# Where nothing but messages was added, so many were: what was there is not gone through again. What is short comes
# along. Behind a subquery the user says nothing to the planner, which would else make a plan each time.
_DUE = Statement(
    text(f"""
WITH due AS MATERIALIZED (
    SELECT id, tenant_id, user_id, title, created_at, indexed_count, message_count FROM sessions
    WHERE {IS_UNINDEXED} AND user_id <= (SELECT CAST(:user_id AS uuid))
    ORDER BY user_id DESC, active_at DESC LIMIT {SESSIONS})
SELECT due.id AS session_id, due.tenant_id, due.user_id, due.indexed_count, due.message_count,
       found.id, found.role, found.at, found.bytes, found.content
FROM due LEFT JOIN LATERAL (
    SELECT due.id, '{TextRole.TITLE}' AS role, due.created_at AS at, octet_length(due.title) AS bytes,
           due.title AS content
    WHERE due.title <> '' AND {is_missing("due.id")}
    UNION ALL
    (SELECT message.id, message.role, message.created_at, octet_length(message.content),
            CASE WHEN octet_length(message.content) <= {SHORT} THEN message.content END
     FROM messages AS message
     WHERE message.session_id = due.id AND {is_missing("message.id")}
     ORDER BY message."order" DESC
     LIMIT CASE WHEN due.indexed_count >= 0
                THEN least(due.message_count - due.indexed_count, {MESSAGES}) ELSE {MESSAGES} END)
) AS found ON true
ORDER BY due.id
""")
)
_READ = Statement(
    text("""
SELECT id, title AS content FROM sessions WHERE id = ANY (CAST(:titles AS uuid[]))
UNION ALL
SELECT id, content FROM messages WHERE id = ANY (CAST(:messages AS uuid[]))
""")
)
# Locks and marks; of which sessions is known to the statement behind it, by a setting of the transaction. Arrays are
# looked up by their elements: joined to sessions, or to messages, they may be met with all that there are.
# Should the server fail behind it, the mark is lost with the rows: it need not be waited for.
_MARK = Statement(
    text("""
WITH locked AS MATERIALIZED (
    SELECT sessions.id FROM sessions
    WHERE sessions.id = ANY (CAST(:ids AS uuid[])) AND NOT sessions.purging
      AND sessions.indexed_count IS NOT DISTINCT FROM
          (CAST(:seen AS integer[]))[array_position(CAST(:ids AS uuid[]), sessions.id)]
    ORDER BY sessions.id FOR NO KEY UPDATE OF sessions SKIP LOCKED),
marked AS (
    UPDATE sessions
    SET indexed_count = (CAST(:counts AS integer[]))[array_position(CAST(:ids AS uuid[]), sessions.id)]
    WHERE sessions.id = ANY (ARRAY(SELECT locked.id FROM locked))
    RETURNING sessions.id)
SELECT count(*) AS sessions,
       set_config('parley.marked', coalesce(CAST(array_agg(marked.id) AS text), '{}'), true) AS marked,
       set_config('synchronous_commit', 'off', true) AS synchronous_commit
FROM marked
""")
)
# What an erasure has deleted meanwhile is not there any more, whatever its session's row says: so this is another
# statement, which sees what was committed before the lock was had.
_PUT = Statement(
    text(f"""
INSERT INTO search_texts (id, tenant_id, user_id, session_id, role, at, filter, size)
SELECT made.id, made.tenant_id, made.user_id, made.session_id, made.role, made.at,
       CAST(made.filter AS bit varying), made.size
FROM unnest(CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[]), CAST(:user_ids AS uuid[]),
            CAST(:session_ids AS uuid[]), CAST(:roles AS text[]), CAST(:ats AS timestamptz[]),
            CAST(:filters AS text[]), CAST(:sizes AS smallint[]))
         AS made (id, tenant_id, user_id, session_id, role, at, filter, size)
WHERE made.session_id = ANY (ARRAY(SELECT unnest(CAST(current_setting('parley.marked') AS uuid[]))))
  AND (made.role = '{TextRole.TITLE}' OR (SELECT true FROM messages WHERE messages.id = made.id))
ON CONFLICT (id) DO NOTHING
""")
)
_UNFILTERED = Statement(
    text(f"""
SELECT old.id, old.role, old.at, old.xmin::text AS version,
       CASE WHEN old.role = '{TextRole.TITLE}'
            THEN (SELECT octet_length(title) FROM sessions WHERE sessions.id = old.id)
            ELSE (SELECT octet_length(content) FROM messages WHERE messages.id = old.id) END AS bytes
FROM (SELECT id, role, at, xmin FROM search_texts
      WHERE filter IS NULL AND id < :before ORDER BY id DESC OFFSET :skipped LIMIT {UNFILTERED}) AS old
ORDER BY old.id DESC
""")
)
# A row is of the text as it is: when that changes it goes, and another one comes in its place.
_GIVE = Statement(
    text("""
UPDATE search_texts
SET filter = CAST(made.filter AS bit varying), size = made.size, lexemes = NULL
FROM unnest(CAST(:ids AS uuid[]), CAST(:filters AS text[]), CAST(:sizes AS smallint[]))
         AS made (id, filter, size)
WHERE search_texts.id = made.id AND search_texts.id = ANY (ARRAY(
    SELECT old.id FROM search_texts AS old
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:versions AS text[])) AS seen (id, version)
            ON seen.id = old.id AND seen.version = old.xmin::text
    ORDER BY old.id FOR UPDATE OF old SKIP LOCKED))
RETURNING search_texts.id
""")
)
_PENDING = Statement(
    text(f"""
SELECT count(*) AS sessions,
       coalesce(extract(epoch FROM clock_timestamp() - min(updated_at)), 0)::float AS seconds
FROM sessions WHERE {IS_UNINDEXED}
""")
)
_COUNT_UNFILTERED = Statement(
    text("SELECT count(*) AS texts FROM search_texts WHERE filter IS NULL")
)


class Unindexed:
    """All users' texts that are yet to be indexed, some at a time."""

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    async def pending(self) -> tuple[int, float]:
        """In how many sessions there are any, and seconds since the first of these has changed."""
        row = await self._worker.first(None, _PENDING)
        assert row is not None
        return int(row.sessions), max(0.0, float(row.seconds))

    async def due(self, user_id: UUID) -> list[UnindexedSession]:
        """Some of this user's, or where there are none of those before: the most recently active.

        Fewer than `SESSIONS`: there are no more. Of a session the newest messages come first.
        """
        rows = await self._worker.all(None, _DUE, user_id=user_id)
        return [_session(list(of_one)) for _, of_one in groupby(rows, lambda row: row.session_id)]

    async def read(self, texts: Collection[UnindexedText]) -> Mapping[UUID, str]:
        """What they say, of those that are there; the database is asked for what is not known of them."""
        contents = {one.id: one.content for one in texts if one.content is not None}
        if unknown := [one for one in texts if one.content is None]:
            rows = await self._worker.all(
                None,
                _READ,
                titles=[one.id for one in unknown if one.role is TextRole.TITLE],
                messages=[one.id for one in unknown if one.role is not TextRole.TITLE],
            )
            contents |= {row.id: row.content for row in rows}
        return contents

    async def put(
        self, texts: Sequence[IndexedText], whole: Iterable[UnindexedSession] = ()
    ) -> int:
        """Stores what texts are found by, and that nothing is missing of the sessions in `whole`.

        Only of sessions in which nothing else has changed since; returns how many these are.
        """
        sessions = {one.session.id: one.session for one in texts}
        counts = {one.id: one.indexed_count for one in sessions.values()}
        for one in whole:
            sessions[one.id] = one
            counts[one.id] = one.message_count
        (marked,), _ = await self._worker.each(
            None,
            (
                _MARK,
                {
                    "ids": list(sessions),
                    "seen": [one.indexed_count for one in sessions.values()],
                    "counts": [counts[one] for one in sessions],
                },
            ),
            (
                _PUT,
                {
                    "ids": [one.text.id for one in texts],
                    "tenant_ids": [one.session.tenant_id for one in texts],
                    "user_ids": [one.session.user_id for one in texts],
                    "session_ids": [one.session.id for one in texts],
                    "roles": [one.text.role.value for one in texts],
                    "ats": [one.text.at for one in texts],
                    "filters": [one.filter.bits for one in texts],
                    "sizes": [one.filter.size for one in texts],
                },
            ),
        )
        return int(marked.sessions)

    async def unfiltered(self, before: UUID, *, skipped: int = 0) -> list[UnfilteredText]:
        """The next texts that an earlier release has put in, by their ids from the newest on."""
        rows = await self._worker.all(None, _UNFILTERED, before=before, skipped=skipped)
        return [
            UnfilteredText(
                UnindexedText(row.id, TextRole(row.role), row.at, row.bytes or 0), row.version
            )
            for row in rows
        ]

    async def count_unfiltered(self) -> int:
        """How many texts there are that an earlier release has put in."""
        row = await self._worker.first(None, _COUNT_UNFILTERED)
        assert row is not None
        return int(row.texts)

    async def give_filters(self, made: Sequence[tuple[UnfilteredText, Filter]]) -> int:
        """Stores them where the text is what it was when it was looked at; of how many it is."""
        rows = await self._worker.all(
            None,
            _GIVE,
            ids=[one.text.id for one, _ in made],
            versions=[one.version for one, _ in made],
            filters=[of_it.bits for _, of_it in made],
            sizes=[of_it.size for _, of_it in made],
        )
        return len(rows)


def _session(rows: Sequence[Any]) -> UnindexedSession:
    first = rows[0]
    texts = tuple(
        UnindexedText(row.id, TextRole(row.role), row.at, row.bytes, row.content)
        for row in rows
        if row.id is not None
    )
    messages = sum(one.role is not TextRole.TITLE for one in texts)
    added = None
    if first.indexed_count is not None and first.indexed_count >= 0:
        added = first.message_count - first.indexed_count
    return UnindexedSession(
        id=first.session_id,
        tenant_id=first.tenant_id,
        user_id=first.user_id,
        indexed_count=first.indexed_count,
        message_count=first.message_count,
        texts=texts,
        is_whole=messages < MESSAGES or (added is not None and added <= MESSAGES),
    )
