"""What is yet to be indexed, in the worker's role: all users' rows are in sight here.

Nobody waits for what happens here: texts are read without a lock, and what they are found by is
stored only if nothing has changed meanwhile, which is known of the session's row once that is locked.
A session that somebody else has locked is for later.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections import defaultdict
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
MESSAGES: Final = 20
#: Of what an earlier release has put in, so many texts are looked at together.
UNFILTERED: Final = 64

#: As the index of these rows says it.
IS_UNINDEXED: Final = (
    "indexed_count IS DISTINCT FROM message_count AND NOT temporary AND NOT purging"
)


def is_missing(identifier: str) -> str:
    """Whether the index has no row of that id, in SQL."""
    return f"NOT EXISTS (SELECT FROM search_texts WHERE search_texts.id = {identifier})"


# Where nothing but messages was added, so many were: what was there is not gone through again.
_DUE = Statement(
    text(f"""
WITH due AS MATERIALIZED (
    SELECT id, user_id, title, created_at, indexed_count, message_count FROM sessions
    WHERE {IS_UNINDEXED} AND user_id <= :user_id
    ORDER BY user_id DESC, active_at DESC LIMIT {SESSIONS})
SELECT due.id AS session_id, due.user_id, due.indexed_count, due.message_count,
       found.id, found.role, found.at, found.bytes
FROM due LEFT JOIN LATERAL (
    SELECT due.id, '{TextRole.TITLE}' AS role, due.created_at AS at, octet_length(due.title) AS bytes
    WHERE due.title <> '' AND {is_missing("due.id")}
    UNION ALL
    (SELECT message.id, message.role, message.created_at, octet_length(message.content)
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
# Should the server fail behind it, the mark is lost with the rows: it need not be waited for.
_LOCK = Statement(
    text("""
SELECT sessions.id, set_config('synchronous_commit', 'off', true)
FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS integer[])) AS seen (id, indexed_count)
    JOIN sessions ON sessions.id = seen.id
        AND sessions.indexed_count IS NOT DISTINCT FROM seen.indexed_count
WHERE NOT sessions.purging
ORDER BY sessions.id FOR NO KEY UPDATE OF sessions SKIP LOCKED
""")
)
# What an erasure has deleted meanwhile is not there any more, whatever its session's row says: so this is another
# statement, which sees what was committed before the lock was had.
_PUT = Statement(
    text(f"""
WITH put AS (
    INSERT INTO search_texts (id, tenant_id, user_id, session_id, role, at, filter, size)
    SELECT made.id, sessions.tenant_id, sessions.user_id, sessions.id, made.role, made.at,
           CAST(made.filter AS bit varying), made.size
    FROM unnest(CAST(:ids AS uuid[]), CAST(:session_ids AS uuid[]), CAST(:roles AS text[]),
                CAST(:ats AS timestamptz[]), CAST(:filters AS text[]), CAST(:sizes AS smallint[]))
             AS made (id, session_id, role, at, filter, size)
        JOIN sessions ON sessions.id = made.session_id
    WHERE made.role = '{TextRole.TITLE}' OR EXISTS (SELECT FROM messages WHERE messages.id = made.id)
    ON CONFLICT (id) DO NOTHING)
UPDATE sessions SET indexed_count = whole.message_count
FROM unnest(CAST(:whole AS uuid[]), CAST(:counts AS integer[])) AS whole (id, message_count)
WHERE sessions.id = whole.id
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

        Of a session the newest messages come first.
        """
        rows = await self._worker.all(None, _DUE, user_id=user_id)
        return [_session(list(of_one)) for _, of_one in groupby(rows, lambda row: row.session_id)]

    async def read(self, texts: Collection[UnindexedText]) -> Mapping[UUID, str]:
        """What they say, of those that are there."""
        rows = await self._worker.all(
            None,
            _READ,
            titles=[one.id for one in texts if one.role is TextRole.TITLE],
            messages=[one.id for one in texts if one.role is not TextRole.TITLE],
        )
        return {row.id: row.content for row in rows}

    async def put(
        self, texts: Sequence[IndexedText], whole: Iterable[UnindexedSession] = ()
    ) -> int:
        """Stores what texts are found by, and that nothing is missing of the sessions in `whole`.

        Only of sessions in which nothing else has changed since; returns how many these are.
        """
        of: dict[UUID, list[IndexedText]] = defaultdict(list)
        sessions = {session.id: session for session in whole}
        counts = {session.id: session.message_count for session in sessions.values()}
        for one in texts:
            sessions[one.session.id] = one.session
            of[one.session.id].append(one)
        async with self._worker.transaction() as connection:
            rows = await _LOCK.all(
                connection,
                ids=list(sessions),
                counts=[session.indexed_count for session in sessions.values()],
            )
            locked = [row.id for row in rows]
            if locked:
                made = [one for session_id in locked for one in of[session_id]]
                done = [session_id for session_id in locked if session_id in counts]
                await _PUT.run(
                    connection,
                    ids=[one.text.id for one in made],
                    session_ids=[one.session.id for one in made],
                    roles=[one.text.role.value for one in made],
                    ats=[one.text.at for one in made],
                    filters=[one.filter.bits for one in made],
                    sizes=[one.filter.size for one in made],
                    whole=done,
                    counts=[counts[one] for one in done],
                )
        return len(locked)

    async def unfiltered(self, before: UUID, *, skipped: int = 0) -> list[UnfilteredText]:
        """The next texts that an earlier release has put in, by their ids from the newest on."""
        rows = await self._worker.all(None, _UNFILTERED, before=before, skipped=skipped)
        return [
            UnfilteredText(
                UnindexedText(row.id, TextRole(row.role), row.at, row.bytes or 0), row.version
            )
            for row in rows
        ]

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
        UnindexedText(row.id, TextRole(row.role), row.at, row.bytes)
        for row in rows
        if row.id is not None
    )
    messages = sum(one.role is not TextRole.TITLE for one in texts)
    added = None
    if first.indexed_count is not None and first.indexed_count >= 0:
        added = first.message_count - first.indexed_count
    return UnindexedSession(
        id=first.session_id,
        user_id=first.user_id,
        indexed_count=first.indexed_count,
        message_count=first.message_count,
        texts=texts,
        is_whole=messages < MESSAGES or (added is not None and added <= MESSAGES),
    )
