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


@dataclass(frozen=True, slots=True)
class Candidates:
    """Of the notes that the index offers, how many are looked at at once, and at most for one page.

    What is beyond is for the next one. ``most_bytes`` are of text.
    """

    at_once: int = 50
    most: int = 500
    most_bytes: int = 8 * 1024 * 1024


_SHIPPED: Final = Candidates()


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
    candidates: Candidates = _SHIPPED,
) -> Page[FoundNote]:
    """A page of the caller's notes, most recently changed first, ``total`` if ``count``.

    It ends early, though not before a note is on it, once its text has 4 MiB. Where something is
    searched it also ends when as many ``candidates`` have been looked at, as shipped 500 notes or
    8 MiB of text, and has no ``total``. ``cursor`` is the ``next_cursor`` of the page before, empty for
    the first one. Raises ValidationFailed.
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
            return await _search(lists, only, query, candidates, after=after, limit=limit)
        notes, more = await lists.page(only, after=after, limit=limit, most_bytes=_PAGE_BYTES)
        total = await lists.count(only) if count else None
    return _page_of([FoundNote(note) for note in notes], notes[-1] if more else None, total)


async def _search(
    lists: NoteLists,
    only: NoteFilter,
    query: Query,
    candidates: Candidates,
    *,
    after: Position | None,
    limit: int,
) -> Page[FoundNote]:
    found: list[FoundNote] = []
    notes_left, bytes_left = candidates.most, candidates.most_bytes
    while True:
        notes, more = await lists.page(
            only, after=after, limit=candidates.at_once, most_bytes=min(bytes_left, _PAGE_BYTES)
        )
        # A long text takes its time: others are served meanwhile.
        looked_at = await asyncio.to_thread(_look_at, query, notes, found, limit)
        if len(found) == limit:
            has_next = more or looked_at < len(notes)
            return _page_of(found, found[-1].note if has_next else None, None)
        if not more:
            return _page_of(found, None, None)
        notes_left -= len(notes)
        bytes_left -= sum(len(note.content.encode()) for note in notes)
        if notes_left <= 0 or bytes_left <= 0:
            return _page_of(found, notes[-1], None)
        after = _position_of(notes[-1])


def _look_at(query: Query, notes: Sequence[Note], found: list[FoundNote], limit: int) -> int:
    """Add those of ``notes`` that have what is searched, until ``found`` has ``limit``; how many of
    them were looked at.
    """
    for number, note in enumerate(notes, 1):
        # Where what is searched is in both, more is learnt from the content.
        match = query.find(note.content, note.title)
        if match is not None:
            found.append(FoundNote(note, match))
            if len(found) == limit:
                return number
    return len(notes)


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
