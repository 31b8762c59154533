"""List a user's notes, all of them or those in which something is searched."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.errors import FieldError, ValidationFailed
from chassis.paging import Page, Position, parse_limit
from chassis.text import check_text
from notes_service.domain.note import Note
from notes_service.store.lists import NoteFilter, NoteLists
from parley.bounds import NOTE_TAG, SEARCH_QUERY
from servicekit.search import Match, Query, asks_for, label_lexeme, query_of

# Of text: with its last note, a page is far from the 16 MiB that gRPC carries at once.
_PAGE_BYTES: Final = 4 * 1024 * 1024
# Of what the index offers: at once, and for one page. What is beyond is for the next one.
_CANDIDATES: Final = 50
_MOST_CANDIDATES: Final = 500
_MOST_CANDIDATE_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FoundNote:
    """A note of a list, with what is shown of it where something was searched."""

    note: Note
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class WantedNotes:
    """Which notes: those that have all words of ``q``, and this tag, if not empty; pinned or not."""

    q: str = ""
    tag: str = ""
    pinned: bool | None = None


async def list_notes(
    open_transaction: OpenTransaction,
    caller: Caller,
    wanted: WantedNotes,
    *,
    limit: int,
    cursor: str,
    count: bool,
) -> Page[FoundNote]:
    """A page of the caller's notes, most recently changed first, ``total`` if ``count``.

    It ends early, though not before a note is on it, once its text has 4 MiB. Where something is
    searched it also ends when 500 notes, or 8 MiB of text, have been looked at, and has no ``total``.
    ``cursor`` is the ``next_cursor`` of the page before, empty for the first one. Raises
    ValidationFailed.
    """
    limit = parse_limit(limit)
    after = Position.from_cursor(cursor)
    _check(wanted)
    query = query_of(wanted.q)
    asked = [asks_for(label_lexeme(wanted.tag.strip()))] if wanted.tag.strip() else []
    if query is not None:
        asked += [f"({query.tsquery})"] if query.tsquery else []
    sought = " & ".join(asked) if asked or query is not None else None
    only = NoteFilter(sought=sought, pinned=wanted.pinned)
    async with open_transaction(caller) as transaction:
        lists = NoteLists(transaction)
        if query is not None:
            return await _search(lists, only, query, after=after, limit=limit)
        notes, more = await lists.page(only, after=after, limit=limit, most_bytes=_PAGE_BYTES)
        total = await lists.count(only) if count else None
    return _page_of([FoundNote(note) for note in notes], notes[-1] if more else None, total)


async def _search(
    lists: NoteLists, only: NoteFilter, query: Query, *, after: Position | None, limit: int
) -> Page[FoundNote]:
    found: list[FoundNote] = []
    candidates, left = _MOST_CANDIDATES, _MOST_CANDIDATE_BYTES
    while True:
        notes, more = await lists.page(
            only, after=after, limit=_CANDIDATES, most_bytes=min(left, _PAGE_BYTES)
        )
        # A long text takes its time: others are served meanwhile.
        matches = await asyncio.to_thread(_matches, query, notes)
        for number, (note, match) in enumerate(zip(notes, matches, strict=True), 1):
            if match is not None:
                found.append(FoundNote(note, match))
            if len(found) == limit:
                return _page_of(found, note if more or number < len(notes) else None, None)
        if not more:
            return _page_of(found, None, None)
        candidates -= len(notes)
        left -= sum(len(note.content.encode()) for note in notes)
        if candidates <= 0 or left <= 0:
            return _page_of(found, notes[-1], None)
        after = _position_of(notes[-1])


def _matches(query: Query, notes: Sequence[Note]) -> list[Match | None]:
    # Where what is searched is in both, more is learnt from the content.
    return [query.find(note.content, note.title) for note in notes]


def _page_of(found: Sequence[FoundNote], last: Note | None, total: int | None) -> Page[FoundNote]:
    return Page(tuple(found), "" if last is None else _position_of(last).to_cursor(), total)


def _position_of(note: Note) -> Position:
    return Position(note.updated_at, note.id)


def _check(wanted: WantedNotes) -> None:
    errors: list[FieldError] = [
        *check_text("q", wanted.q, maximum=SEARCH_QUERY.maximum),
        *check_text("tag", wanted.tag.strip(), maximum=NOTE_TAG.maximum),
    ]
    if errors:
        raise ValidationFailed(fields=errors)
