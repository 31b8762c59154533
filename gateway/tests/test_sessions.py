"""Conversations at the door: what is asked for, what is told, and what cannot be meant."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .door import Door

PATH = "/api/v1/chat/sessions"
ID = "01900000-0000-7000-8000-000000000002"
KEY_ID = "01900000-0000-7000-8000-000000000005"
WHEN = Timestamp()
WHEN.FromDatetime(datetime(2026, 7, 30, 12, tzinfo=UTC))
SHOWN_WHEN = "2026-07-30T12:00:00Z"
SESSION = chat_pb2.Session(
    id=ID,
    title="Mine",
    title_by=chat_pb2.TITLE_BY_USER,
    parameters=generation_pb2.GenerationParameters(temperature=0.5, stop=["END"]),
    instructions="Be brief.",
    folder="Work",
    archived_at=WHEN,
    temporary=True,
    summary=True,
    message_count=2,
    read_order=1,
    unread=True,
    created_at=WHEN,
    updated_at=WHEN,
)
SHOWN = {
    "id": ID,
    "title": "Mine",
    "title_by": "user",
    "persona": None,
    "key_id": None,
    "model": None,
    "parameters": {
        "temperature": 0.5,
        "max_tokens": None,
        "top_p": None,
        "stop": ["END"],
        "reasoning_effort": None,
    },
    "instructions": "Be brief.",
    "folder": "Work",
    "pinned": False,
    "temporary": True,
    "summary": True,
    "message_count": 2,
    "read_order": 1,
    "unread": True,
    "last_message_at": None,
    "archived_at": SHOWN_WHEN,
    "deleted_at": None,
    "created_at": SHOWN_WHEN,
    "updated_at": SHOWN_WHEN,
}


async def test_one_is_made_of_every_field(door: Door) -> None:
    door.chat.answers["CreateSession"] = chat_pb2.CreateSessionResponse(session=SESSION)
    body = {
        "title": " Mine ",
        "key_id": KEY_ID,
        "model": "m",
        "parameters": {"temperature": 0.5, "top_p": None, "stop": ["END"]},
        "instructions": " Be brief. ",
        "folder": "\u3000Work",
        "temporary": True,
        "summary": True,
    }
    made = await door.http.post(PATH, json=body, headers=door.bearer)
    assert (made.status_code, made.json()) == (201, SHOWN)
    assert door.chat.calls[-1].request == chat_pb2.CreateSessionRequest(
        title="Mine",
        key_id=KEY_ID,
        model="m",
        parameters=generation_pb2.GenerationParameters(temperature=0.5, stop=["END"]),
        instructions=" Be brief. ",
        folder="Work",
        temporary=True,
        summary=True,
    )


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({}, {}),
        ({"persona": None}, {"persona": ""}),
        ({"persona": " Muse "}, {"persona": "Muse"}),
    ],
)
async def test_a_persona_is_none_by_null_and_the_default_one_if_absent(
    door: Door, body: dict[str, Any], asked: dict[str, Any]
) -> None:
    door.chat.answers["CreateSession"] = chat_pb2.CreateSessionResponse(session=SESSION)
    made = await door.http.post(PATH, json=body, headers=door.bearer)
    assert made.status_code == 201
    assert door.chat.calls[-1].request == chat_pb2.CreateSessionRequest(**asked)


async def test_an_empty_name_of_a_persona_is_no_name(door: Door) -> None:
    refused = await door.http.post(PATH, json={"persona": ""}, headers=door.bearer)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"field": "persona", "reason": "REQUIRED"}]
    assert door.chat.calls == []


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({}, {}),
        ({"title": "x"}, {"title": "x"}),
        ({"title": None}, {"title": ""}),
        ({"key_id": KEY_ID, "model": None}, {"key_id": KEY_ID, "model": ""}),
        ({"key_id": None, "model": "m"}, {"key_id": "", "model": "m"}),
        ({"instructions": None, "folder": None}, {"instructions": "", "folder": ""}),
        ({"instructions": "x", "folder": "y"}, {"instructions": "x", "folder": "y"}),
        ({"pinned": False, "archived": True}, {"pinned": False, "archived": True}),
        ({"read_order": 0}, {"read_order": 0}),
        ({"summary": True}, {"summary": True}),
        ({"summary": False}, {"summary": False}),
        (
            {"parameters": {"temperature": 0, "stop": [], "top_p": None}},
            {
                "parameters": generation_pb2.GenerationParameters(temperature=0),
                "cleared_parameters": ["stop", "top_p"],
            },
        ),
        (
            {"parameters": None},
            {
                "cleared_parameters": [
                    "max_tokens",
                    "reasoning_effort",
                    "stop",
                    "temperature",
                    "top_p",
                ]
            },
        ),
    ],
)
async def test_of_a_change_null_takes_away_and_absent_leaves(
    door: Door, body: dict[str, Any], asked: dict[str, Any]
) -> None:
    door.chat.answers["UpdateSession"] = chat_pb2.UpdateSessionResponse(session=SESSION)
    changed = await door.http.patch(f"{PATH}/{ID}", json=body, headers=door.bearer)
    assert (changed.status_code, changed.json()) == (200, SHOWN)
    assert door.chat.calls[-1].request == chat_pb2.UpdateSessionRequest(id=ID, **asked)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": ["x"]}, "tags"),
        ({"deleted_at": None}, "deleted_at"),
        ({"temporary": True}, "temporary"),
        ({"persona_prompt": "x"}, "persona_prompt"),
        ({"pinned": None}, "pinned"),
        ({"archived": None}, "archived"),
        ({"read_order": None}, "read_order"),
        ({"read_order": -1}, "read_order"),
        ({"read_order": 2**31}, "read_order"),
        ({"read_order": 1.5}, "read_order"),
        ({"title": 1}, "title"),
        ({"parameters": {"temperature": 3}}, "parameters.temperature"),
        ({"parameters": {"telepathy": True}}, "parameters.telepathy"),
        ({"parameters": []}, "parameters"),
    ],
)
async def test_a_change_that_cannot_be_meant_is_refused_with_its_field(
    door: Door, body: dict[str, Any], field: str
) -> None:
    refused = await door.http.patch(f"{PATH}/{ID}", json=body, headers=door.bearer)
    assert (refused.status_code, refused.json()["reason"]) == (422, "VALIDATION")
    assert refused.json()["errors"][0]["field"].startswith(field)
    assert door.chat.calls == []


async def test_lists_are_asked_for_by_state_folder_and_pin(door: Door) -> None:
    door.chat.answers["ListSessions"] = chat_pb2.ListSessionsResponse(items=[SESSION])
    query = "?state=archived&folder=%20Work&pinned=false&temporary=true&count=true&limit=5&cursor=c"
    listed = await door.http.get(f"{PATH}{query}", headers=door.bearer)
    assert listed.json()["items"] == [SHOWN]
    assert door.chat.calls[-1].request == chat_pb2.ListSessionsRequest(
        limit=5,
        cursor="c",
        count=True,
        state=chat_pb2.SESSION_STATE_ARCHIVED,
        folder="Work",
        pinned=False,
        temporary=True,
    )
    refused = await door.http.get(f"{PATH}?state=lost", headers=door.bearer)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "state")


async def test_folders_are_listed(door: Door) -> None:
    door.chat.answers["ListFolders"] = chat_pb2.ListFoldersResponse(
        items=[chat_pb2.Folder(name="Work", sessions=2)]
    )
    listed = await door.http.get("/api/v1/chat/folders", headers=door.bearer)
    items = [{"name": "Work", "sessions": 2}]
    assert listed.json() == {"items": items, "next_cursor": None, "total": None}
    counted = await door.http.get("/api/v1/chat/folders?count=true", headers=door.bearer)
    assert counted.json() == {"items": items, "next_cursor": None, "total": 1}


async def test_ends_are_asked_for_softly_and_for_good(door: Door) -> None:
    door.chat.answers |= {
        "DeleteSession": chat_pb2.DeleteSessionResponse(),
        "DeleteSessions": chat_pb2.DeleteSessionsResponse(),
        "RestoreSession": chat_pb2.RestoreSessionResponse(session=SESSION),
        "ClearSession": chat_pb2.ClearSessionResponse(),
    }
    for query, permanent in (("", False), ("?permanent=false", False), ("?permanent=true", True)):
        one = await door.http.delete(f"{PATH}/{ID}{query}", headers=door.bearer)
        assert (one.status_code, one.content) == (204, b"")
        asked = chat_pb2.DeleteSessionRequest(id=ID, permanent=permanent)
        assert door.chat.calls[-1].request == asked
        every = await door.http.delete(f"{PATH}{query}", headers=door.bearer)
        assert every.status_code == 204
        everything = chat_pb2.DeleteSessionsRequest(permanent=permanent)
        assert door.chat.calls[-1].request == everything
    cleared = await door.http.delete(f"{PATH}/{ID}/messages", headers=door.bearer)
    assert cleared.status_code == 204
    assert door.chat.calls[-1].request == chat_pb2.ClearSessionRequest(id=ID)
    restored = await door.http.post(f"{PATH}/{ID}/restore", headers=door.bearer)
    assert (restored.status_code, restored.json()) == (200, SHOWN)
    assert door.chat.calls[-1].request == chat_pb2.RestoreSessionRequest(id=ID)
    before = len(door.chat.calls)
    refused = await door.http.delete(f"{PATH}?permanent=perhaps", headers=door.bearer)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "permanent")
    assert len(door.chat.calls) == before
