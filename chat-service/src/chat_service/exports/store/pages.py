"""Conversations read for a file, page by page, each page in one statement.

No transaction is open between two pages: whoever reads slowly holds neither a connection nor a snapshot,
and one conversation with thousands of messages is seen as it was at several moments.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Integer, Uuid, bindparam, text

from chassis.db.statement import Statement, columns_of
from chassis.db.transactions import Transaction
from chat_service.exports.domain.wanted import AttachedFile, Format, Wanted
from chat_service.exports.store.encodings import ENCODINGS
from chat_service.tables import messages, sessions

#: Conversations that are named at once; messages of a page, and so many bytes of text that the last of
#: them brings it there.
_NAMED: Final = 5_000
_MOST_MESSAGES: Final = 1_000
_MOST_BYTES: Final = 1024 * 1024
_BEFORE_ALL: Final = UUID(int=0)

_NAMES = Statement(
    text("""
SELECT id, message_count FROM sessions
WHERE user_id = :user_id AND id > :after AND deleted_at IS NULL AND NOT purging AND NOT temporary
    AND active_at >= coalesce(:active_from, '-infinity')
    AND active_at < coalesce(:active_before, 'infinity')
    AND updated_at >= coalesce(:since, '-infinity')
ORDER BY id
LIMIT :most
""").bindparams(
        *(
            bindparam(name, type_=DateTime(timezone=True))
            for name in ("active_from", "active_before", "since")
        )
    )
)
_ONE = Statement(
    text("""
SELECT id, message_count FROM sessions
WHERE user_id = :user_id AND id = :session_id AND deleted_at IS NULL AND NOT purging
""")
)


# Of a part, with what `files` knows of them; what is being taken away is gone.
_FILES: Final = """
SELECT json_agg(json_build_array(file.file_id, file.name, file.size, NOT EXISTS (
        SELECT FROM files
        WHERE files.id = file.file_id AND files.user_id = :user_id AND files.state = 'ready'))
    ORDER BY message."order", file.position)
FROM found AS message JOIN listed AS file ON file.message_id = message.id
WHERE message.place = session.place
"""


def _page(of: Format) -> Statement:
    """Of conversations by their place in `ids`, the messages behind the order in `behind`.

    Conversations are looked up by their ids, a few at a time whatever the planner knows of them, and each is
    looked through in the order of its index. What is beyond the page is not read
    from where long texts are kept, since PostgreSQL knows how long they are without that. A conversation
    is of the page if what is before it is whole.
    """
    encoding = ENCODINGS[of]
    chosen = "AND message.chosen" if encoding.chosen else ""
    return Statement(
        text(f"""
WITH wanted AS MATERIALIZED (
    SELECT asked.place, asked.behind, {columns_of(sessions, "session")}
    FROM unnest(:ids, :behind) WITH ORDINALITY AS asked (id, behind, place)
        CROSS JOIN LATERAL (
            SELECT {columns_of(sessions)} FROM sessions
            WHERE sessions.id = asked.id AND sessions.user_id = :user_id
                AND sessions.deleted_at IS NULL
            OFFSET 0) AS session),
found AS MATERIALIZED (
    SELECT wanted.place, {columns_of(messages, "message")},
        row_number() OVER page <= :most
            AND sum(message.bytes) OVER page - message.bytes < :most_bytes AS is_shown
    FROM wanted CROSS JOIN LATERAL (
        SELECT {columns_of(messages, "message")},
            octet_length(message.content) + coalesce(octet_length(message.reasoning), 0) AS bytes
        FROM messages AS message
        WHERE message.session_id = wanted.id AND message.user_id = :user_id
            AND message."order" > wanted.behind {chosen}
        ORDER BY message."order"
        LIMIT :most + 1) AS message
    WINDOW page AS (ORDER BY wanted.place, message."order" ROWS UNBOUNDED PRECEDING)),
listed AS MATERIALIZED (
    SELECT file.message_id, file.position, file.file_id, file.name, file.size
    FROM message_files AS file
    WHERE file.user_id = :user_id AND file.message_id = ANY (ARRAY(
        SELECT found.id FROM found WHERE found.is_shown AND found.role = 'user'))),
texts AS (
    SELECT message.place, count(*) AS messages, max(message."order") AS last,
        string_agg({encoding.of_message}, :between ORDER BY message."order") AS text
    FROM found AS message JOIN wanted AS session ON session.place = message.place
    WHERE message.is_shown
    GROUP BY message.place),
cut AS (SELECT min(place) AS place FROM found WHERE NOT is_shown)
SELECT session.place, coalesce(texts.messages, 0) AS messages, texts.last, texts.text,
    cut.place IS NOT DISTINCT FROM session.place AS is_cut,
    CASE WHEN session.behind = 0 THEN {encoding.of_conversation} END AS head,
    CASE WHEN CAST(:files AS boolean) THEN ({_FILES}) END AS files
FROM wanted AS session
    LEFT JOIN texts ON texts.place = session.place
    CROSS JOIN cut
WHERE cut.place IS NULL OR session.place <= cut.place
ORDER BY session.place
""").bindparams(
            bindparam("ids", type_=ARRAY(Uuid)),
            bindparam("behind", type_=ARRAY(Integer)),
            bindparam("most", type_=Integer),
        ),
        texts_as_sent=True,
    )


_PAGES: Final = {one: _page(one) for one in Format}
_PERSONAS = Statement(
    text("""
SELECT CAST(to_json(member) AS text) AS text FROM (
    SELECT id, name, title, description, prompt, model, parameters, starters, created_at
    FROM personas WHERE user_id = :user_id
    ORDER BY created_at, id) AS member
"""),
    texts_as_sent=True,
)


@dataclass(frozen=True, slots=True)
class Named:
    """A conversation that is yet to be read, with about so many messages."""

    id: UUID
    messages: int


@dataclass(frozen=True, slots=True)
class Part:
    """A conversation, or some of its messages, as text in UTF-8.

    `place` is its place among those asked for, from 1. `head` None: it was begun on a page before.
    `is_cut`: there are messages behind `last`, the order of the last one. `files`: what is attached to its
    messages, if that was asked for.
    """

    place: int
    head: bytes | None
    text: bytes
    messages: int
    last: int
    is_cut: bool
    files: Sequence[AttachedFile]


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many conversations are named at once, and how many messages, and bytes of text, a page has."""

    named: int = _NAMED
    messages: int = _MOST_MESSAGES
    bytes: int = _MOST_BYTES


SHIPPED: Final = PageSize()


class Pages:
    """The conversations of one user, in one transaction."""

    def __init__(self, transaction: Transaction, size: PageSize = SHIPPED) -> None:
        self._size = size
        self._connection = transaction.connection
        self._user_id = transaction.owner.user_id

    async def names(self, wanted: Wanted, after: UUID | None) -> Sequence[Named]:
        """The next of those wanted, in the order in which they were made; none: there are no more."""
        if wanted.session_id is not None:
            if after is not None:
                return ()
            rows = await _ONE.all(
                self._connection, user_id=self._user_id, session_id=wanted.session_id
            )
        else:
            rows = await _NAMES.all(
                self._connection,
                user_id=self._user_id,
                after=after or _BEFORE_ALL,
                active_from=wanted.active_from,
                active_before=wanted.active_before,
                since=wanted.since,
                most=self._size.named,
            )
        return [Named(row.id, row.message_count) for row in rows]

    async def read(
        self, of: Format, ids: Sequence[UUID], behind: int, *, files: bool
    ) -> Sequence[Part]:
        """As much of these as one page has, in order, of the first one what is behind that order.

        One that is gone meanwhile is left out.
        """
        rows = await _PAGES[of].all(
            self._connection,
            user_id=self._user_id,
            ids=list(ids),
            behind=[behind, *(0 for _ in ids[1:])],
            between=ENCODINGS[of].between.decode(),
            most=self._size.messages,
            most_bytes=self._size.bytes,
            files=files,
        )
        return [
            Part(
                row.place,
                row.head,
                row.text or b"",
                row.messages,
                row.last or behind,
                row.is_cut,
                [AttachedFile(UUID(id_), *told) for id_, *told in row.files or ()],
            )
            for row in rows
        ]

    async def personas(self) -> Sequence[bytes]:
        """The user's own, as JSON in UTF-8, the oldest first."""
        rows = await _PERSONAS.all(self._connection, user_id=self._user_id)
        return [row.text for row in rows]


def pages_of(named: Sequence[Named], messages: int) -> Sequence[Sequence[UUID]]:
    """Conversations in groups, of which each has about as many messages as a page: so many."""
    pages: list[list[UUID]] = []
    left = 0
    for one in named:
        if left <= 0:
            pages.append([])
            left = messages
        pages[-1].append(one.id)
        # One without any is not for nothing either.
        left -= max(one.messages, 20)
    return pages
