"""Search in a user's conversations."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from chassis.caller import Caller
from chassis.errors import FieldError, ValidationFailed
from chassis.paging import Page, Position, parse_limit
from chassis.text import check_text
from chat_service.search.domain.found import FoundText
from chat_service.search.domain.text import Text, Wanted
from chat_service.search.store.texts import Stretch, Texts, Wish
from parley.bounds import SEARCH_QUERY
from servicekit.search import Query, query_of
from servicekit.search_filters import Probe, probe_of

_MOST_BYTES: Final = 8 * 1024 * 1024
# Of what is not indexed yet: what is older of it is found once it is.
_UNINDEXED_BYTES: Final = 2 * 1024 * 1024
# Less is looked at while others wait.
_SHORT: Final = 8_000


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is looked at for one page: as shipped where nothing else is said."""

    #: Of what the index offers: so many texts beyond what is wanted still.
    spare: int = 5
    #: Texts that are read in vain for one page: what is beyond is for the next one. Filters offer few such, but for
    #: words that stand apart; what an earlier release has put in has no filter, and each of these texts is read. A
    #: hundred take some 10 ms of CPU altogether, so that searches can be answered as long as there are such texts.
    most_vain: int = 100
    #: Filters that are compared: first, as most of what is searched is among the newest texts, and for one page,
    #: so that no search is dear whoever has how much.
    window: int = 1_000
    most_filters: int = 10_000


SHIPPED: Final = Effort()


async def search(
    texts_of: Callable[[Caller, Wanted], Texts],
    caller: Caller,
    q: str,
    wanted: Wanted,
    *,
    limit: int,
    cursor: str,
    effort: Effort = SHIPPED,
) -> Page[FoundText]:
    """A page of the caller's texts that have all words of `q`, newest first.

    Of thousands of texts that have them the newest are read, and not all. A page ends
    early when 100 texts that might have had them, 8 MiB of text, or 10,000 filters have been looked at, or what
    else `effort` says, and then another one follows. `cursor` is the `next_cursor` of the page before, empty for the first one.
    Raises ValidationFailed.
    """
    limit, after = parse_limit(limit), Position.from_cursor(cursor)
    if errors := check_text("q", q, maximum=SEARCH_QUERY.maximum):
        raise ValidationFailed(fields=errors)
    query = query_of(q)
    if query is None:
        raise ValidationFailed(fields=[FieldError("q", "REQUIRED")])
    texts, probe = texts_of(caller, wanted), probe_of(q)
    wish = Wish(after, effort.window, limit + effort.spare, _MOST_BYTES)
    fresh, stretch = await texts.fresh_and_indexed(probe, wish, fresh_bytes=_UNINDEXED_BYTES)
    new = await _matching(query, fresh)
    indexed, end = await _search(texts, query, probe, stretch, limit=limit, effort=effort)
    return _page(new, indexed, end, limit)


async def _search(
    texts: Texts, query: Query, probe: Probe, stretch: Stretch, *, limit: int, effort: Effort
) -> tuple[list[FoundText], Position | None]:
    """What the index leads to from its first stretch on, and behind what there may be more of it; None:
    nowhere.
    """
    found: list[FoundText] = []
    vain, left, filters = effort.most_vain, _MOST_BYTES, effort.most_filters
    window = effort.window
    while True:
        matching = await _matching(query, stretch.texts)
        found += matching
        after = stretch.end
        vain -= len(stretch.texts) - len(matching)
        left -= sum(len(text.content.encode()) for text in stretch.texts)
        filters -= stretch.compared
        if after is None or len(found) >= limit or min(vain, left, filters) <= 0:
            return found, after
        if stretch.is_whole:
            window = effort.most_filters
        # As many as it may take, going by those just read: each stretch is a round trip.
        for_one = max(1, len(stretch.texts)) / max(1, len(matching))
        size = min(vain, round((limit - len(found)) * for_one) + effort.spare)
        wish = Wish(after, min(filters, window), size, left)
        stretch = await texts.indexed(probe, wish)


async def _matching(query: Query, texts: Sequence[Text]) -> list[FoundText]:
    # A long text takes its time: others are served meanwhile.
    if sum(len(text.content) for text in texts) > _SHORT:
        return await asyncio.to_thread(lambda: list(_found(query, texts)))
    return list(_found(query, texts))


def _found(query: Query, texts: Iterable[Text]) -> Iterable[FoundText]:
    for text in texts:
        match = query.find(text.content)
        if match is not None:
            yield FoundText(text, match)


def _page(
    fresh: Sequence[FoundText], indexed: Sequence[FoundText], end: Position | None, limit: int
) -> Page[FoundText]:
    """Both in one order, each once, as far as what the index leads to is known."""
    merged = {found.text.id: found for found in (*fresh, *indexed)}
    items = sorted(merged.values(), key=_order, reverse=True)
    if end is not None:
        items = [item for item in items if _order(item) >= (end.at, end.id)]
    if len(items) > limit:
        end = _position_of(items[limit - 1].text)
    return Page(tuple(items[:limit]), "" if end is None else end.to_cursor())


def _order(found: FoundText) -> tuple[object, object]:
    return found.text.at, found.text.id


def _position_of(text: Text) -> Position:
    return Position(text.at, text.id)
