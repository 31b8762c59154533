"""Texts of one user in which something may be found: by the index, and those that it has not yet."""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.statement import Asked, Statement
from chassis.paging import Position
from chat_service.search.domain.text import Text, TextRole, Wanted
from chat_service.search.store.unindexed import IS_UNINDEXED, is_missing
from servicekit.search_filters import MASKS, Probe

#: Of what is not indexed yet, so many sessions are looked at, and so many messages of theirs.
SESSIONS: Final = 50
MESSAGES: Final = 200

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = Position(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))

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


# What is a title and whose role it is: its id is the session's.
_SHOWN_OF_CANDIDATES: Final = _within(
    "octet_length(content)",
    f"""
    SELECT candidates.id, session_id,
           CASE WHEN candidates.id = session_id THEN '{TextRole.TITLE}' ELSE said.role END AS role,
           at, title, coalesce(said.content, title) AS content, archived
    FROM candidates LEFT JOIN LATERAL (
        SELECT role, content FROM messages
        WHERE messages.id = candidates.id AND messages.user_id = :user_id LIMIT 1) AS said ON true
    WHERE candidates.id = session_id OR said.content IS NOT NULL""",
)
_HAS_FIRST: Final = """(CAST(:first AS integer) IS NULL
                        OR get_bit(filter, CAST(:first AS integer) % length(filter)) = 1)"""
_ALSO_WANTED: Final = """
                    AND role = ANY (CAST(:roles AS text[]))
                    AND (CAST(:session_id AS uuid) IS NULL OR session_id = :session_id) AS may"""
_NEXT: Final = """(at, id) < (:before_at, :before_id) AND at >= :from_at
             ORDER BY at DESC, id DESC LIMIT :compared"""
# Filters are compared from the newest on. Most are in an index; one bit is looked at before the
# mask, and most do not have it. In the longest, which are elsewhere, each bit is looked at behind that; || reads
# one from there once, and not for each bit. What a release before this one has put in has no filter, and may have
# anything.
# One pass compares them and keeps no rows but of those that may have it: aggregates take them in the order of the
# scans. With a row of each, for their number and the last one, a third more of PostgreSQL's time went.
# MATERIALIZED and OFFSET 0 keep the planner from going through all sessions of the user: a plan is made once
# and kept.
_COMPARE = Statement(
    text(f"""
WITH compared AS MATERIALIZED (
    SELECT count(*) AS number, min(at) AS last_at, (array_agg(id))[count(*)] AS last_id,
           array_agg(id) FILTER (WHERE may) AS ids,
           array_agg(session_id) FILTER (WHERE may) AS session_ids,
           array_agg(at) FILTER (WHERE may) AS times
    FROM (
        SELECT id, session_id, at, may
        FROM (
            (SELECT id, session_id, at,
                    {_HAS_FIRST}
                    AND (filter & (CAST(:masks AS bit varying[]))[size + 1])
                        = (CAST(:masks AS bit varying[]))[size + 1]{_ALSO_WANTED}
             FROM search_texts WHERE user_id = :user_id AND size < {MASKS} AND {_NEXT})
            UNION ALL
            (SELECT id, session_id, at,
                    (filter IS NULL OR {_HAS_FIRST} AND (
                        SELECT coalesce(bool_and(get_bit(bits, hash % length(bits)) = 1), true)
                        FROM (SELECT filter || CAST('' AS bit varying) AS bits OFFSET 0) AS whole
                            CROSS JOIN unnest(CAST(:hashes AS integer[])) AS hash)){_ALSO_WANTED}
             FROM search_texts
             WHERE user_id = :user_id AND (size >= {MASKS} OR size IS NULL) AND {_NEXT})
        ) AS either
        ORDER BY at DESC, id DESC LIMIT :compared) AS newest
), candidates AS MATERIALIZED (
    SELECT may.id, may.session_id, may.at, of_it.title, of_it.archived
    FROM unnest((SELECT ids FROM compared), (SELECT session_ids FROM compared),
                (SELECT times FROM compared)) WITH ORDINALITY AS may (id, session_id, at, place)
        CROSS JOIN LATERAL (
            SELECT title, archived_at IS NOT NULL AS archived FROM sessions
            WHERE sessions.id = may.session_id AND sessions.user_id = :user_id
              AND deleted_at IS NULL AND NOT temporary
              AND (CAST(:archived AS boolean) IS NULL OR (archived_at IS NOT NULL) = :archived)
            OFFSET 0) AS of_it
    ORDER BY may.place LIMIT :size
), shown AS (
{_SHOWN_OF_CANDIDATES}
)
SELECT shown.id, shown.session_id, shown.role, shown.at, shown.title, shown.content, shown.archived,
       shown.found, compared.number AS compared, compared.last_at, compared.last_id
FROM compared LEFT JOIN shown ON true
WHERE compared.number > 0
ORDER BY shown.at DESC, shown.id DESC
""")
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


@dataclass(frozen=True, slots=True)
class Wish:
    """At most `limit` of the next `compared` texts behind `after`, the newest first.

    The one with which they have `most_bytes` bytes of UTF-8 is the last.
    """

    after: Position | None
    compared: int
    limit: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Texts, newest first, and behind what there may be more of them; None: nowhere.

    `compared` filters were looked at, and `is_whole`: all that may have it among these is here.
    """

    texts: Sequence[Text]
    end: Position | None
    compared: int
    is_whole: bool


#: Asks together, and answers with every row of each.
Read = Callable[[*tuple[Asked, ...]], Awaitable[list[list[Any]]]]


class Texts:
    """The texts of one user that are not deleted and of no temporary session, as `read` shows them."""

    def __init__(self, read: Read, user_id: UUID, wanted: Wanted) -> None:
        self._read = read
        self._to_at = wanted.to_at
        self._wanted = {
            "user_id": user_id,
            "roles": sorted(wanted.roles),
            "session_id": wanted.session_id,
            "archived": wanted.archived,
        }
        self._from_at = wanted.from_at

    async def fresh_and_indexed(
        self, probe: Probe, stretch: Wish, *, fresh_bytes: int
    ) -> tuple[list[Text], Stretch]:
        """Texts that the index does not have yet, newest first, and then as `indexed`: what is indexed
        between the two is in both.

        Of the sessions that were active last, 200 at most, of `fresh_bytes` as with `indexed`.
        """
        asked = {
            **self._wanted,
            **_behind(stretch.after),
            "from_at": self._from_at,
            "to_at": self._to_at,
            "most_bytes": fresh_bytes,
        }
        fresh, rows = await self._read((_UNINDEXED, asked), self._comparing(probe, stretch))
        return [_text(row) for row in fresh], _stretch(rows, stretch)

    async def indexed(self, probe: Probe, stretch: Wish) -> Stretch:
        """Of the next texts those that may have what a probe asks for."""
        (rows,) = await self._read(self._comparing(probe, stretch))
        return _stretch(rows, stretch)

    def _comparing(self, probe: Probe, stretch: Wish) -> Asked:
        after = stretch.after
        before = (_LATEST.at, _LATEST.id) if after is None else (after.at, after.id)
        if self._to_at is not None:
            before = min(before, (self._to_at, UUID(int=0)))
        return _COMPARE, {
            **self._wanted,
            "from_at": self._from_at or _EARLIEST,
            "before_at": before[0],
            "before_id": before[1],
            "first": probe.hashes[0] if probe.hashes else None,
            "hashes": probe.hashes,
            "masks": probe.masks,
            "compared": stretch.compared,
            "size": stretch.limit + 1,
            "most_bytes": stretch.most_bytes,
        }


class AllTexts:
    """The texts of whoever asks: what is asked together is one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, caller: Caller, wanted: Wanted) -> Texts:
        return Texts(partial(self._database.each, caller), caller.user_id, wanted)


def _stretch(rows: Sequence[Any], wish: Wish) -> Stretch:
    if not rows:
        return Stretch((), None, compared=0, is_whole=True)
    texts, first = [_text(row) for row in rows[: wish.limit] if row.id is not None], rows[0]
    if texts and first.found > len(texts):
        end = Position(texts[-1].at, texts[-1].id)
        return Stretch(texts, end, compared=first.compared, is_whole=False)
    last = Position(first.last_at, first.last_id) if first.compared == wish.compared else None
    return Stretch(texts, last, compared=first.compared, is_whole=True)


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
