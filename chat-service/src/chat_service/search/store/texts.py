"""Texts of one user in which something may be found: by the index, and those that it has not yet."""

# ruff: noqa: S608 - all of them are made of constants

from typing import Any, Final

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from chat_service.search.domain.text import Text, TextRole, Wanted
from chat_service.search.store.unindexed import IS_UNINDEXED, is_missing

#: Of what is not indexed yet, so many sessions are looked at, and so many messages of theirs.
SESSIONS: Final = 50
MESSAGES: Final = 200

_SHOWN: Final = "id, session_id, role, at, title, content, archived"


def _within(bytes_of: str, source: str) -> str:
    """Texts, the newest first, until so many bytes were shown, with how many are `found` in all.

    PostgreSQL knows how long a text is without reading it: what is left out costs little.
    """
    return f"""
SELECT {_SHOWN}, found FROM (
    SELECT {_SHOWN}, count(*) OVER () AS found,
           sum({bytes_of}) OVER (ORDER BY at DESC, id DESC) - {bytes_of} AS bytes_before
    FROM ({source}) AS source) AS measured
WHERE bytes_before < :most_bytes
ORDER BY at DESC, id DESC
"""


_INDEXED = Statement(
    text(
        _within(
            "octet_length(content)",
            """
    SELECT hit.id, hit.session_id, hit.role, hit.at, of_it.title,
           coalesce(said.content, of_it.title) AS content, of_it.archived
    FROM find_texts(
            CAST(:sought AS tsquery), CAST(:roles AS text[]), CAST(:session_id AS uuid),
            CAST(:archived AS boolean), CAST(:from_at AS timestamptz), CAST(:to_at AS timestamptz),
            CAST(:after_at AS timestamptz), CAST(:after_id AS uuid), :size) AS hit
        CROSS JOIN LATERAL (
            SELECT title, archived_at IS NOT NULL AS archived FROM sessions
            WHERE sessions.id = hit.session_id AND sessions.user_id = :user_id LIMIT 1) AS of_it
        LEFT JOIN LATERAL (
            SELECT content FROM messages
            WHERE messages.id = hit.id AND messages.user_id = :user_id LIMIT 1) AS said ON true
    WHERE hit.role = 'title' OR said.content IS NOT NULL""",
        )
    )
)
_IS_WANTED: Final = """
    found.role = ANY (CAST(:roles AS text[]))
    AND (CAST(:from_at AS timestamptz) IS NULL OR found.at >= :from_at)
    AND (CAST(:to_at AS timestamptz) IS NULL OR found.at < :to_at)
    AND (CAST(:after_at AS timestamptz) IS NULL OR (found.at, found.id) < (:after_at, :after_id))
"""
# There are few of these: where nothing but messages was added, so many were.
_UNINDEXED = Statement(
    text(
        _within(
            "octet_length(content)",
            f"""
    SELECT found.id, due.id AS session_id, found.role, found.at, due.title, found.content,
           due.archived
    FROM (
        SELECT id, title, created_at, archived_at IS NOT NULL AS archived, indexed_count, message_count
        FROM sessions
        WHERE user_id = :user_id AND {IS_UNINDEXED} AND deleted_at IS NULL
          AND (CAST(:session_id AS uuid) IS NULL OR id = :session_id)
          AND (CAST(:archived AS boolean) IS NULL OR (archived_at IS NOT NULL) = :archived)
        ORDER BY active_at DESC LIMIT {SESSIONS}) AS due
    CROSS JOIN LATERAL (
        SELECT due.id, '{TextRole.TITLE}' AS role, due.created_at AS at, due.title AS content
        WHERE due.title <> '' AND {is_missing("due.id")}
        UNION ALL
        (SELECT message.id, message.role, message.created_at, message.content
         FROM messages AS message
         WHERE message.session_id = due.id AND message.user_id = :user_id
           AND {is_missing("message.id")}
         ORDER BY message."order" DESC
         LIMIT CASE WHEN due.indexed_count >= 0
                    THEN least(due.message_count - due.indexed_count, {MESSAGES})
                    ELSE {MESSAGES} END)
    ) AS found
    WHERE {_IS_WANTED}
    ORDER BY found.at DESC, found.id DESC LIMIT {MESSAGES}""",
        )
    )
)


class Texts:
    """The texts of one user that are not deleted and of no temporary session, in one transaction."""

    def __init__(self, transaction: Transaction, wanted: Wanted) -> None:
        self._connection = transaction.connection
        self._wanted = {
            "user_id": transaction.scope.user_id,
            "roles": sorted(wanted.roles),
            "session_id": wanted.session_id,
            "archived": wanted.archived,
            "from_at": wanted.from_at,
            "to_at": wanted.to_at,
        }

    async def indexed(
        self, sought: str, *, after: Position | None, limit: int, most_bytes: int
    ) -> tuple[list[Text], bool]:
        """At most `limit` texts behind `after` that a tsquery finds, newest first; whether there are
        more.

        The one with which they have `most_bytes` bytes of UTF-8 is the last.
        """
        rows = await _INDEXED.all(
            self._connection,
            **self._wanted,
            **_behind(after),
            sought=sought,
            size=limit + 1,
            most_bytes=most_bytes,
        )
        shown = [_text(row) for row in rows[:limit]]
        return shown, bool(rows) and rows[0].found > len(shown)

    async def unindexed(self, *, after: Position | None, most_bytes: int) -> list[Text]:
        """Texts behind `after` that the index does not have yet, newest first: of the sessions that
        were active last, 200 at most, and as of `indexed`.
        """
        rows = await _UNINDEXED.all(
            self._connection, **self._wanted, **_behind(after), most_bytes=most_bytes
        )
        return [_text(row) for row in rows]


def _behind(after: Position | None) -> dict[str, Any]:
    return {
        "after_at": None if after is None else after.at,
        "after_id": None if after is None else after.id,
    }


def _text(row: Any) -> Text:
    return Text(
        id=row.id,
        session_id=row.session_id,
        role=TextRole(row.role),
        at=row.at,
        title=row.title,
        content=row.content,
        archived=row.archived,
    )
