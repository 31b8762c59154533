"""Pages of notes: all of a user's, or those in which something is searched."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from notes_service.domain.note import Note
from notes_service.store.rows import MINE, SHOWN, shown_of, to_note

_SOUGHT: Final = "CAST(:sought AS tsquery), CAST(:pinned AS boolean)"
_COUNT_SOUGHT = Statement(
    text(f"SELECT count(*) AS total FROM search_notes({_SOUGHT}, NULL, NULL, NULL)")  # noqa: S608 - made of constants
)


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Which notes: all that match every one that is set.

    ``sought`` is the text of a tsquery; ``pinned`` those that are pinned, or the others.
    """

    sought: str | None = None
    pinned: bool | None = None


@cache
def _page(*, sought: bool, pinned: bool | None, after: bool) -> Statement:
    """The newest notes until so many bytes of text were shown, with how many are `found` to the
    limit.

    PostgreSQL knows how long a text is without reading it: what is left out costs little.
    """
    if sought:
        behind = ":after_at, :after_id" if after else "NULL, NULL"
        wanted = f"notes.id IN (SELECT search_notes({_SOUGHT}, {behind}, :limit))"
    else:
        wanted = _pinned(pinned)
        if after:
            wanted += " AND (notes.updated_at, notes.id) < (:after_at, :after_id)"
    return Statement(
        text(f"""
        SELECT {shown_of("measured")}, measured.found FROM (
            SELECT {shown_of("sought")},
                sum(sought.bytes) OVER (ORDER BY sought.updated_at DESC, sought.id DESC)
                    - sought.bytes AS bytes_before,
                count(*) OVER () AS found
            FROM (
                SELECT {SHOWN}, octet_length(notes.content) AS bytes FROM notes
                WHERE {MINE} AND {wanted}
                ORDER BY notes.updated_at DESC, notes.id DESC LIMIT :limit
            ) AS sought
        ) AS measured
        WHERE measured.bytes_before < :most_bytes
        ORDER BY measured.updated_at DESC, measured.id DESC
        """)  # noqa: S608 - made of constants
    )


@cache
def _count(*, pinned: bool | None) -> Statement:
    return Statement(
        text(f"SELECT count(*) AS total FROM notes WHERE {MINE} AND {_pinned(pinned)}")  # noqa: S608 - made of constants
    )


def _pinned(pinned: bool | None) -> str:
    # In words, not as a value: the pinned ones have an index of their own.
    return {None: "true", True: "notes.pinned", False: "NOT notes.pinned"}[pinned]


class NoteLists:
    """The notes of one user in pages, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def page(
        self, wanted: NoteFilter, *, after: Position | None, limit: int, most_bytes: int
    ) -> tuple[list[Note], bool]:
        """At most ``limit`` notes behind ``after``, most recently changed first, and whether there
        are more.

        The one with which their contents have ``most_bytes`` bytes of UTF-8 is the last.
        """
        sought = wanted.sought is not None
        statement = _page(sought=sought, pinned=wanted.pinned, after=after is not None)
        rows = await statement.all(
            self._connection,
            **self._mine,
            sought=wanted.sought,
            pinned=wanted.pinned,
            limit=limit + 1,
            most_bytes=most_bytes,
            after_at=None if after is None else after.at,
            after_id=None if after is None else after.id,
        )
        shown = [to_note(row) for row in rows[:limit]]
        return shown, bool(rows) and rows[0].found > len(shown)

    async def count(self, wanted: NoteFilter) -> int:
        if wanted.sought is None:
            row = await _count(pinned=wanted.pinned).first(self._connection, **self._mine)
        else:
            row = await _COUNT_SOUGHT.first(
                self._connection, sought=wanted.sought, pinned=wanted.pinned
            )
        return 0 if row is None else row.total
