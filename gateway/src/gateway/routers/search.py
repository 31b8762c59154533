"""Search in conversations and notes at once.

Both services list by a moment and an id, the newest first, and their cursors are such a position
(`chassis.paging.Position`): so one position is where the next page begins in all of them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query

from chassis.caller import Caller, Scope
from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from chassis.paging import Position
from gateway.clients import Clients, Services
from gateway.identity.authentication import Searcher, check_scope, is_good_for
from gateway.routes.api import router as api_router
from gateway.schemas.base import check_span
from gateway.schemas.search import (
    SEARCH_TYPES,
    SearchHit,
    SearchQuery,
    SearchResults,
    SearchType,
)

router = api_router("Search", "/search")

_SCOPES: Final[dict[SearchType, Scope]] = {
    "sessions": "chat:read",
    "messages": "chat:read",
    "notes": "notes:read",
}
_BEFORE_ALL_IDS: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Source:
    """What one service has found: all there is down to `end`, None: to the oldest."""

    hits: Sequence[SearchHit]
    end: Position | None


@router.get("")
async def search(
    query: Annotated[SearchQuery, Query()], caller: Searcher, services: Services
) -> SearchResults:
    """Search in one's conversations and notes, the newest first.

    Titles and all messages, on the chosen path or not, archived ones too; what is deleted and what is
    temporary is left out. What was just written is found. A filter that something does not have leaves
    it out. If a part of the system is away, what the others have is shown, and `incomplete` says what is
    missing; if all that is asked for is away, that is a 503.
    """
    types = _types(query, caller)
    check_span(query.since, query.until)
    after = Position.from_cursor(query.cursor)
    in_chat = types - {"notes"}
    asked = []
    if in_chat:
        asked.append((in_chat, _in_chat(services, caller, query, in_chat)))
    if "notes" in types and query.asks_for_notes():
        asked.append((frozenset({"notes"}), _in_notes(services, caller, query, after)))
    answers = await asyncio.gather(*(answer for _, answer in asked), return_exceptions=True)
    sources: list[_Source] = []
    away: list[AppError] = []
    missing: set[SearchType] = set()
    for (of, _), answer in zip(asked, answers, strict=True):
        match answer:
            case _Source():
                sources.append(answer)
            case AppError(kind=Kind.UNAVAILABLE | Kind.TIMEOUT):
                away.append(answer)
                missing |= of
            case BaseException():
                raise answer
    if away and not sources:
        raise away[0]
    items, end = _merged(sources, query.limit)
    return SearchResults(
        items=items,
        next_cursor=None if end is None else end.to_cursor(),
        incomplete=[one for one in SEARCH_TYPES if one in missing],
    )


def _types(query: SearchQuery, caller: Caller) -> frozenset[SearchType]:
    """What is asked for. Raises InsufficientScope if the token is not good for what is named."""
    named = query.named()
    for one in named:
        check_scope(caller, _SCOPES[one])
    return named or frozenset(one for one in SEARCH_TYPES if is_good_for(caller, _SCOPES[one]))


async def _in_chat(
    services: Clients, caller: Caller, query: SearchQuery, types: frozenset[SearchType]
) -> _Source:
    chat = services.search
    found = await chat.ask(chat.stub.Search, query.in_chat(types, query.cursor), caller)
    return _Source(
        [SearchHit.in_chat(one) for one in found.items], Position.from_cursor(found.next_cursor)
    )


async def _in_notes(
    services: Clients, caller: Caller, query: SearchQuery, after: Position | None
) -> _Source:
    """Notes know no bounds of time: they are listed from behind the one to before the other."""
    if query.until is not None:
        until = Position(query.until, _BEFORE_ALL_IDS)
        after = until if after is None else min(after, until, key=_order)
    notes = services.notes
    request = query.in_notes("" if after is None else after.to_cursor())
    found = await notes.ask(notes.stub.ListNotes, request, caller)
    if found.items and not found.matches:
        # It is of characters alone that cannot be seen.
        raise ValidationFailed(fields=[FieldError("q", "REQUIRED")])
    hits = [
        SearchHit.in_note(note, match)
        for note, match in zip(found.items, found.matches, strict=True)
    ]
    end = Position.from_cursor(found.next_cursor)
    if query.since is not None:
        hits = [hit for hit in hits if hit.at >= query.since]
        end = None if end is None or end.at < query.since else end
    return _Source(hits, end)


def _merged(sources: Sequence[_Source], limit: int) -> tuple[list[SearchHit], Position | None]:
    """The newest of all, as far down as each source is known, and behind what there may be more."""
    ends = [source.end for source in sources if source.end is not None]
    end = max(ends, key=_order, default=None)
    hits = sorted((hit for source in sources for hit in source.hits), key=_place, reverse=True)
    if end is not None:
        hits = [hit for hit in hits if _place(hit) >= _order(end)]
    if len(hits) > limit:
        hits = hits[:limit]
        at, last = _place(hits[-1])
        end = Position(at, last)
    return hits, end


def _place(hit: SearchHit) -> tuple[datetime, UUID]:
    return hit.at, UUID(hit.id)


def _order(position: Position) -> tuple[datetime, UUID]:
    return position.at, position.id
