"""Notes over HTTP: versions as entity tags, what is found, and what goes to the service."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from parley.notes.v1 import notes_pb2 as pb
from parley.search.v1 import search_pb2

from .door import Door

ID = "01900000-0000-7000-8000-000000000003"
PATH = f"/api/v1/notes/{ID}"
WHEN = Timestamp(seconds=1_700_000_000)
SOURCE = {"session_id": ID, "message_id": ID}
NOTE = pb.Note(
    id=ID,
    title="T",
    content="C",
    tags=["b", "a"],
    pinned=True,
    version=3,
    source=pb.Source(**SOURCE),
    created_at=WHEN,
    updated_at=WHEN,
)
SHOWN = {
    "id": ID,
    "title": "T",
    "content": "C",
    "tags": ["b", "a"],
    "pinned": True,
    "source": SOURCE,
    "version": 3,
    "created_at": "2023-11-14T22:13:20Z",
    "updated_at": "2023-11-14T22:13:20Z",
}


class NoteNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "NOTE_NOT_FOUND"
    detail = "There is no such note."


def asked(door: Door) -> Any:
    return door.notes.calls[-1].request


async def test_a_note_is_shown_with_its_version_as_its_tag(door: Door) -> None:
    door.notes.answers |= {
        "CreateNote": pb.CreateNoteResponse(note=NOTE),
        "GetNote": pb.GetNoteResponse(note=NOTE),
        "UpdateNote": pb.UpdateNoteResponse(note=NOTE),
    }
    body = {
        "title": " T\u200b",
        "content": " C ",
        "tags": [" b "],
        "pinned": True,
        "source": SOURCE,
    }
    answers = [
        await door.http.post("/api/v1/notes", json=body, headers=door.bearer),
        await door.http.get(PATH, headers=door.bearer),
        await door.http.put(PATH, json=body, headers=door.bearer),
        await door.http.patch(PATH, json={"title": "T"}, headers=door.bearer),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    for answer in answers:
        assert answer.json() == SHOWN
        assert answer.headers["etag"] == '"3"'
    created, _, replaced, changed = (call.request for call in door.notes.calls)
    assert created == pb.CreateNoteRequest(
        title="T", content=" C ", tags=["b"], pinned=True, source=pb.Source(**SOURCE)
    )
    assert replaced == pb.UpdateNoteRequest(
        id=ID,
        title="T",
        content=" C ",
        tags=pb.Tags(items=["b"]),
        pinned=True,
        source=pb.Source(**SOURCE),
    )
    assert changed == pb.UpdateNoteRequest(id=ID, title="T")


async def test_a_replacement_empties_what_it_does_not_name(door: Door) -> None:
    door.notes.answers["UpdateNote"] = pb.UpdateNoteResponse(note=NOTE)
    await door.http.put(PATH, json={"title": "T", "content": ""}, headers=door.bearer)
    request = asked(door)
    assert [
        request.HasField(name) for name in ("title", "content", "tags", "pinned", "source")
    ] == [True] * 5
    assert (request.tags.items, request.pinned, request.source) == ([], False, pb.Source())


async def test_null_takes_away_what_may_be_absent_and_nothing_else(door: Door) -> None:
    door.notes.answers["UpdateNote"] = pb.UpdateNoteResponse(note=NOTE)
    cleared = await door.http.patch(PATH, json={"tags": None, "source": None}, headers=door.bearer)
    assert cleared.status_code == 200
    assert asked(door) == pb.UpdateNoteRequest(id=ID, tags=pb.Tags(), source=pb.Source())
    for name in ("title", "content", "pinned"):
        refused = await door.http.patch(PATH, json={name: None}, headers=door.bearer)
        assert refused.status_code == 422
        assert refused.json()["errors"] == [{"field": name, "reason": "WRONG_TYPE"}]


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ('"3"', [3]),
        ('"3" , "4","x", "", "0", "03", "99999999999999999999"', [3, 4]),
        ('W/"3", "4"', [4]),
        ('W/"3"', []),
        ('"a,b", "5"', [5]),
        (', "3",,\t, "4" ,', [3, 4]),
        ("*", None),
    ],
)
async def test_what_is_asked_for_by_its_tag_is_asked_for_by_its_version(
    door: Door, header: str, versions: list[int] | None
) -> None:
    door.notes.answers |= {
        "UpdateNote": pb.UpdateNoteResponse(note=NOTE),
        "DeleteNote": pb.DeleteNoteResponse(),
    }
    headers = {**door.bearer, "if-match": header}
    for method, body in (
        ("PUT", {"title": "T", "content": ""}),
        ("PATCH", {"title": "T"}),
        ("DELETE", None),
    ):
        answer = await door.http.request(method, PATH, json=body, headers=headers)
        assert answer.status_code == (204 if method == "DELETE" else 200)
        assert asked(door).HasField("precondition") == (versions is not None)
        assert list(asked(door).precondition.versions) == (versions or [])


async def test_tags_in_several_lines_are_one_list(door: Door) -> None:
    door.notes.answers["DeleteNote"] = pb.DeleteNoteResponse()
    headers = [*door.bearer.items(), ("if-match", '"1"'), ("if-match", '"2"')]
    await door.http.request("DELETE", PATH, headers=headers)
    assert list(asked(door).precondition.versions) == [1, 2]


@pytest.mark.parametrize(
    "header", ["", ",", "3", '"3', '"3" "4"', '"3", 4', '*, "3"', 'w/"3"', '"\t"']
)
async def test_what_is_no_list_of_tags_is_refused_and_goes_nowhere(door: Door, header: str) -> None:
    attempts = (("PATCH", "If-Match"), ("DELETE", "If-Match"), ("GET", "If-None-Match"))
    for method, name in attempts:
        body = {"title": "T"} if method == "PATCH" else None
        answer = await door.http.request(
            method, PATH, json=body, headers={**door.bearer, name: header}
        )
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": name, "reason": "INVALID"}]
    assert door.notes.calls == []


async def test_another_version_than_was_asked_for_is_412_with_the_present_note(
    door: Door,
) -> None:
    door.notes.answers |= {
        "UpdateNote": pb.UpdateNoteResponse(note=NOTE, precondition_failed=True),
        "DeleteNote": pb.DeleteNoteResponse(note=NOTE),
    }
    headers = {**door.bearer, "if-match": '"2"'}
    for method, body in (
        ("PUT", {"title": "T", "content": ""}),
        ("PATCH", {"title": "T"}),
        ("DELETE", None),
    ):
        answer = await door.http.request(method, PATH, json=body, headers=headers)
        assert answer.status_code == 412
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["etag"] == '"3"'
        problem = answer.json()
        assert problem["reason"] == "PRECONDITION_FAILED"
        assert problem["current"] == SHOWN


@pytest.mark.parametrize(
    ("header", "status"),
    [('"3"', 304), ('W/"3"', 304), ('"1", W/"3"', 304), ("*", 304), ('"2"', 200), ('W/"33"', 200)],
)
async def test_a_note_that_is_known_already_is_not_sent_again(
    door: Door, header: str, status: int
) -> None:
    door.notes.answers["GetNote"] = pb.GetNoteResponse(note=NOTE)
    answer = await door.http.get(PATH, headers={**door.bearer, "if-none-match": header})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"3"')
    assert bool(answer.content) == (status == 200)


async def test_a_list_shows_snippets_where_something_was_searched(door: Door) -> None:
    match = search_pb2.Match(snippet="a C", hits=[search_pb2.Hit(start=2, end=3)])
    door.notes.answers["ListNotes"] = pb.ListNotesResponse(
        items=[NOTE], matches=[match], next_cursor="more"
    )
    query = {"q": "Ç雪 &", "tag": "it's", "pinned": "true", "limit": "7"}
    found = await door.http.get("/api/v1/notes", params=query, headers=door.bearer)
    assert found.json() == {
        "items": [{**SHOWN, "snippet": "a C", "hits": [[2, 3]]}],
        "next_cursor": "more",
        "total": None,
    }
    assert asked(door) == pb.ListNotesRequest(limit=7, q="Ç雪 &", tag="it's", pinned=True)

    door.notes.answers["ListNotes"] = pb.ListNotesResponse(items=[NOTE], total=1)
    plain = await door.http.get("/api/v1/notes", headers=door.bearer)
    assert plain.json()["items"] == [{**SHOWN, "snippet": None, "hits": None}]
    assert asked(door) == pb.ListNotesRequest(limit=20)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"tags": "a"}, [{"field": "tags", "reason": "WRONG_TYPE"}]),
        ({"tags": [1]}, [{"field": "tags.0", "reason": "WRONG_TYPE"}]),
        ({"tags": ["a\0"]}, [{"field": "tags", "reason": "INVALID_CHARACTER"}]),
        ({"tags": ["a"] * 21}, [{"field": "tags", "reason": "TOO_MANY", "maximum": 20}]),
        ({"pinned": "yes"}, [{"field": "pinned", "reason": "WRONG_TYPE"}]),
        ({"source": {"session_id": ID}}, [{"field": "source.message_id", "reason": "REQUIRED"}]),
        ({"source": {**SOURCE, "x": 1}}, [{"field": "source.x", "reason": "UNKNOWN_FIELD"}]),
        ({"version": 4}, [{"field": "version", "reason": "UNKNOWN_FIELD"}]),
        ({"user_id": ID}, [{"field": "user_id", "reason": "UNKNOWN_FIELD"}]),
    ],
)
async def test_what_does_not_fit_is_named_and_goes_nowhere(
    door: Door, body: dict[str, Any], errors: list[dict[str, Any]]
) -> None:
    whole = {"title": "T", "content": "C", **body}
    for method, path in (("POST", "/api/v1/notes"), ("PUT", PATH), ("PATCH", PATH)):
        answer = await door.http.request(method, path, json=whole, headers=door.bearer)
        assert answer.status_code == 422
        assert answer.json()["errors"] == errors
    assert door.notes.calls == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("q=" + "x" * 201, {"field": "q", "reason": "TOO_LONG", "maximum": 200}),
        ("q=%00", {"field": "q", "reason": "INVALID_CHARACTER"}),
        ("tag=" + "x" * 51, {"field": "tag", "reason": "TOO_LONG", "maximum": 50}),
        ("pinned=perhaps", {"field": "pinned", "reason": "WRONG_TYPE"}),
    ],
)
async def test_a_query_that_does_not_fit_is_named(
    door: Door, query: str, error: dict[str, Any]
) -> None:
    answer = await door.http.get(f"/api/v1/notes?{query}", headers=door.bearer)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [error]
    assert door.notes.calls == []


async def test_what_the_service_refuses_is_told_as_it_says(door: Door) -> None:
    refusals: list[tuple[AppError, int]] = [
        (NoteNotFound(), 404),
        (ValidationFailed(fields=[FieldError("tags.1", "TOO_LONG", maximum=50)]), 422),
    ]
    for error, status in refusals:
        door.notes.answers |= {"UpdateNote": error, "DeleteNote": error}
        for method in ("PUT", "PATCH", "DELETE"):
            body = None if method == "DELETE" else {"title": "T", "content": ""}
            answer = await door.http.request(
                method, PATH, json=body, headers={**door.bearer, "if-match": '"1"'}
            )
            assert (answer.status_code, answer.json()["reason"]) == (status, error.reason)


async def test_pages_of_listed_origins_may_send_tags_and_read_them(open_door: Any) -> None:
    origin = "https://app.example"
    door = await open_door(cors_origins=[origin])
    door.notes.answers["GetNote"] = pb.GetNoteResponse(note=NOTE)
    preflight = {"origin": origin, "access-control-request-method": "PATCH"}
    allowed = await door.http.options(PATH, headers=preflight)
    names = allowed.headers["access-control-allow-headers"].split(", ")
    assert {"If-Match", "If-None-Match"} <= set(names)
    read = await door.http.get(
        PATH, headers={**door.bearer, "origin": origin, "if-none-match": '"3"'}
    )
    assert read.status_code == 304
    assert "ETag" in read.headers["access-control-expose-headers"].split(", ")
