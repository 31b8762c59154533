"""Search over HTTP: what goes to which service, how what they find is merged, and what if one is away."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import FieldError, Internal, Unavailable, ValidationFailed
from chassis.paging import Position
from gateway.routers.search import _merged, _Source
from gateway.schemas.search import SearchHit
from parley.chat.v1 import chat_pb2
from parley.chat.v1 import search_pb2 as pb
from parley.notes.v1 import notes_pb2
from parley.search.v1 import search_pb2

from .door import Door

PATH = "/api/v1/search"
BEGIN = datetime(2026, 11, 2, 9, 34, tzinfo=UTC)
SESSION = str(UUID(int=77))
MATCH = search_pb2.Match(snippet="a needle", hits=[search_pb2.Hit(start=2, end=8)])


def _at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def _timestamp(seconds: float) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(_at(seconds))
    return timestamp


def _id(number: int) -> str:
    return str(UUID(int=number))


def message(number: int, at: float) -> pb.FoundText:
    return pb.FoundText(
        id=_id(number),
        session_id=SESSION,
        title="T",
        role=chat_pb2.MESSAGE_ROLE_ASSISTANT,
        at=_timestamp(at),
        match=MATCH,
        archived=True,
    )


def title(at: float) -> pb.FoundText:
    return pb.FoundText(id=SESSION, session_id=SESSION, title="T", at=_timestamp(at), match=MATCH)


def found(*items: pb.FoundText, end: Position | None = None) -> pb.SearchResponse:
    return pb.SearchResponse(items=items, next_cursor="" if end is None else end.to_cursor())


def notes(*ats: float, end: Position | None = None) -> notes_pb2.ListNotesResponse:
    return notes_pb2.ListNotesResponse(
        items=[
            notes_pb2.Note(id=_id(1000 + n), title=f"N{n}", updated_at=_timestamp(at))
            for n, at in enumerate(ats)
        ],
        matches=[MATCH] * len(ats),
        next_cursor="" if end is None else end.to_cursor(),
    )


async def search(door: Door, caller: Any = None, **query: Any) -> Any:
    bearer = door.bearer if caller is None else {"authorization": f"Bearer {caller.token}"}
    return await door.http.get(PATH, params={"q": "needle", **query}, headers=bearer)


def requests(door: Door) -> tuple[list[Any], list[Any]]:
    return [call.request for call in door.chat.calls], [call.request for call in door.notes.calls]


@pytest.fixture
def full(door: Door) -> Door:
    """There is something of each kind."""
    door.chat.answers["Search"] = found(message(1, 40), title(20), message(2, 10))
    door.notes.answers["ListNotes"] = notes(30, 5)
    return door


async def test_what_the_services_find_is_merged_by_time_and_says_what_and_where_it_is(
    full: Door,
) -> None:
    response = await search(full)
    assert response.status_code == 200
    told = response.json()
    assert [(hit["type"], hit["at"]) for hit in told["items"]] == [
        ("message", "2026-11-02T09:34:40Z"),
        ("note", "2026-11-02T09:34:30Z"),
        ("session", "2026-11-02T09:34:20Z"),
        ("message", "2026-11-02T09:34:10Z"),
        ("note", "2026-11-02T09:34:05Z"),
    ]
    assert (told["next_cursor"], told["incomplete"]) == (None, [])
    shown = {"snippet": "a needle", "hits": [[2, 8]]}
    assert told["items"][0] == {
        "type": "message",
        "id": _id(1),
        "session_id": SESSION,
        "title": "T",
        "role": "assistant",
        "archived": True,
        "at": "2026-11-02T09:34:40Z",
        **shown,
    }
    assert told["items"][1] == {
        "type": "note",
        "id": _id(1000),
        "session_id": None,
        "title": "N0",
        "role": None,
        "archived": False,
        "at": "2026-11-02T09:34:30Z",
        **shown,
    }
    assert (told["items"][2]["id"], told["items"][2]["role"]) == (SESSION, None)


async def test_one_cursor_goes_to_both_and_begins_behind_what_was_shown(full: Door) -> None:
    first = (await search(full, limit=2)).json()
    assert [hit["type"] for hit in first["items"]] == ["message", "note"]
    assert Position.from_cursor(first["next_cursor"]) == Position(_at(30), UUID(int=1000))
    await search(full, limit=2, cursor=first["next_cursor"])
    in_chat, in_notes = requests(full)
    assert [request.cursor for request in in_chat] == ["", first["next_cursor"]]
    assert [request.cursor for request in in_notes] == ["", first["next_cursor"]]
    assert {request.limit for request in (*in_chat, *in_notes)} == {2}


async def test_nothing_is_shown_that_is_older_than_what_one_of_them_has_looked_at(
    full: Door,
) -> None:
    end = Position(_at(15), UUID(int=5))
    full.chat.answers["Search"] = found(message(1, 40), title(20), end=end)
    told = (await search(full)).json()
    assert [hit["type"] for hit in told["items"]] == ["message", "note", "session"]
    assert Position.from_cursor(told["next_cursor"]) == end


async def test_filters_go_to_the_services_that_have_them(full: Door) -> None:
    times = {"from": "2026-11-02T10:34:10+01:00", "to": "2026-11-02T09:34:35Z"}
    told = (await search(full, archived=False, **times)).json()
    ((in_chat,), (in_notes,)) = requests(full)
    expected = pb.SearchRequest(q="needle", limit=20, archived=False, to=_timestamp(35))
    getattr(expected, "from").CopyFrom(_timestamp(10))
    assert in_chat == expected
    assert Position.from_cursor(in_notes.cursor) == Position(_at(35), UUID(int=0))
    assert (in_notes.q, in_notes.limit) == ("needle", 20)
    # The older note is not within the bounds, and notes-service does not know these.
    assert [hit["title"] for hit in told["items"] if hit["type"] == "note"] == ["N0"]


async def test_a_cursor_that_is_behind_the_last_moment_counts_before_it(full: Door) -> None:
    cursor = Position(_at(8), UUID(int=3)).to_cursor()
    await search(full, cursor=cursor, to="2026-11-02T09:34:35Z")
    ((in_chat,), (in_notes,)) = requests(full)
    assert in_chat.cursor == in_notes.cursor == cursor
    # Nothing of a note is shown but its title and its match.
    assert in_notes.without_content


@pytest.mark.parametrize(
    "query", [{"session_id": SESSION}, {"role": "user"}, {"archived": True}, {"types": "messages"}]
)
async def test_notes_are_left_out_by_what_no_note_has(full: Door, query: dict[str, Any]) -> None:
    assert (await search(full, **query)).status_code == 200
    ((in_chat,), in_notes) = requests(full)
    assert in_notes == []
    assert in_chat.session_id == query.get("session_id", "")
    assert in_chat.role == (chat_pb2.MESSAGE_ROLE_USER if "role" in query else 0)
    assert (in_chat.without_titles, in_chat.without_messages) == ("types" in query, False)


async def test_what_is_asked_for_by_name_is_searched_and_nothing_else(full: Door) -> None:
    told = (await search(full, types="notes")).json()
    assert {hit["type"] for hit in told["items"]} == {"note"}
    assert full.chat.calls == []
    await search(full, types="sessions,notes")
    ((in_chat,), _) = requests(full)
    assert (in_chat.without_titles, in_chat.without_messages) == (False, True)
    told = (await search(full, types="notes", role="user")).json()
    assert told == {"items": [], "next_cursor": None, "incomplete": []}


@pytest.mark.parametrize(
    ("scope", "searched", "refused"),
    [("chat:read", (1, 0), "sessions,notes"), ("notes:read", (0, 1), "messages,notes")],
)
async def test_a_token_searches_what_it_is_good_for_and_is_refused_what_it_is_not(
    full: Door, scope: str, searched: tuple[int, int], refused: str
) -> None:
    caller = full.signer.caller(scope=scope)
    assert (await search(full, caller)).status_code == 200
    assert tuple(map(len, requests(full))) == searched
    response = await search(full, caller, types=refused)
    assert (response.status_code, response.json()["reason"]) == (403, "INSUFFICIENT_SCOPE")
    other = full.signer.caller(scope="keys:read chat:write")
    assert (await search(full, other)).status_code == 403
    assert tuple(map(len, requests(full))) == searched


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"q": ""}, "q", "TOO_SHORT"),
        ({"q": " \u3000\u200b"}, "q", "REQUIRED"),
        ({"q": "x" * 201}, "q", "TOO_LONG"),
        ({"q": "a\0"}, "q", "INVALID_CHARACTER"),
        ({"types": "notes,pictures"}, "types", "NOT_ONE_OF"),
        ({"types": ""}, "types", "NOT_ONE_OF"),
        ({"role": "title"}, "role", "NOT_ONE_OF"),
        ({"from": "yesterday"}, "from", "INVALID"),
        ({"to": "2026-02-30T00:00:00Z"}, "to", "INVALID"),
        ({"from": _at(1).isoformat(), "to": _at(0).isoformat()}, "to", "BEFORE_FROM"),
        ({"archived": "perhaps"}, "archived", "WRONG_TYPE"),
        ({"limit": 101}, "limit", "TOO_LARGE"),
        ({"limit": 0}, "limit", "TOO_SMALL"),
        ({"cursor": "x"}, "cursor", "INVALID"),
    ],
)
async def test_a_field_that_cannot_be_is_named_with_its_reason(
    full: Door, query: dict[str, Any], field: str, reason: str
) -> None:
    response = await search(full, **query)
    assert response.status_code == 422
    assert [(e["field"], e["reason"]) for e in response.json()["errors"]] == [(field, reason)]
    assert requests(full) == ([], [])


async def test_characters_alone_that_cannot_be_seen_find_no_notes_but_are_refused(
    full: Door,
) -> None:
    full.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse(
        items=[notes_pb2.Note(id=_id(1), updated_at=_timestamp(1))]
    )
    response = await search(full, types="notes", q="\ufe0f")
    assert response.json()["errors"] == [{"field": "q", "reason": "REQUIRED"}]


@pytest.mark.parametrize(
    ("away", "incomplete", "left"),
    [
        ("chat", ["sessions", "messages"], {"note"}),
        ("notes", ["notes"], {"message", "session"}),
    ],
)
async def test_while_one_service_is_away_the_other_is_shown_and_what_is_missing_is_said(
    full: Door, away: str, incomplete: Sequence[str], left: set[str]
) -> None:
    service = full.chat if away == "chat" else full.notes
    service.answers["Search" if away == "chat" else "ListNotes"] = Unavailable()
    response = await search(full)
    assert response.status_code == 200
    assert response.json()["incomplete"] == incomplete
    assert {hit["type"] for hit in response.json()["items"]} == left


async def test_one_service_that_is_gone_or_does_not_answer_keeps_nobody_waiting_for_ever(
    open_door: Any,
) -> None:
    door = await open_door(notes_deadline_seconds=0.3)
    door.chat.answers["Search"] = found(message(1, 40))
    never = asyncio.Event()
    door.notes.answers["ListNotes"] = (never, notes(1))
    hanging = await search(door)
    await door.servers["notes"].stop()
    gone = await search(door)
    for response in (hanging, gone):
        assert response.json()["incomplete"] == ["notes"]
        assert [hit["type"] for hit in response.json()["items"]] == ["message"]
    never.set()


async def test_if_all_that_is_asked_for_is_away_that_is_said(full: Door) -> None:
    full.chat.answers["Search"] = Unavailable()
    full.notes.answers["ListNotes"] = Unavailable()
    for types in ("messages", "notes", "sessions,messages,notes"):
        response = await search(full, types=types)
        assert (response.status_code, response.json()["reason"]) == (503, "UNAVAILABLE")
        assert "retry-after" in response.headers


async def test_what_is_refused_or_fails_otherwise_is_no_outage(full: Door) -> None:
    refusal = ValidationFailed(fields=[FieldError("session_id", "INVALID")])
    full.chat.answers["Search"] = refusal
    response = await search(full)
    assert response.json()["errors"] == [{"field": "session_id", "reason": "INVALID"}]
    full.chat.answers["Search"] = Internal()
    assert (await search(full)).status_code == 500


def _hits(places: Sequence[tuple[int, int]]) -> list[SearchHit]:
    return [
        SearchHit(
            type="message",
            id=_id(number),
            session_id=None,
            title="",
            role=None,
            archived=False,
            snippet="",
            hits=[],
            at=_at(at),
        )
        for at, number in places
    ]


_PLACES = st.sets(st.tuples(st.integers(0, 9), st.integers(0, 2**64)), max_size=25)


@given(sources=st.lists(_PLACES, max_size=3), data=st.data(), limit=st.integers(1, 6))
def test_all_pages_together_show_everything_once_in_order(
    sources: list[set[tuple[int, int]]], data: st.DataObject, limit: int
) -> None:
    everything = sorted({place for source in sources for place in source}, reverse=True)
    owned = [set[tuple[int, int]]() for _ in sources]
    for place in everything:
        owned[next(n for n, source in enumerate(sources) if place in source)].add(place)

    def answer(source: set[tuple[int, int]], after: tuple[int, int] | None) -> _Source:
        """As a service answers: any number of what is behind, to the limit, and where it ended."""
        left = sorted((p for p in source if after is None or p < after), reverse=True)
        shown = left[: data.draw(st.integers(1, limit))]
        more = len(left) > len(shown)
        end = Position(_at(shown[-1][0]), UUID(int=shown[-1][1])) if more else None
        return _Source(_hits(shown), end)

    seen: list[tuple[int, int]] = []
    after: tuple[int, int] | None = None
    for _ in range(200):
        hits, end = _merged([answer(source, after) for source in owned], limit)
        assert len(hits) <= limit
        seen += [(round((hit.at - BEGIN).total_seconds()), UUID(hit.id).int) for hit in hits]
        if end is None:
            break
        after = (round((end.at - BEGIN).total_seconds()), end.id.int)
    assert seen == everything
