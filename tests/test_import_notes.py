"""Notes that go out with an export and come in with an import, through all the services."""

import json

import httpx

from chassis.testing.eventually import eventually

from .client import SignUp
from .stack import Stack


def _imported(http: httpx.Client, file: bytes) -> str:
    sent = http.post("/api/v1/chat/import", files={"file": ("parley.json", file)})
    assert sent.status_code == 202, sent.text
    made: str = sent.json()["id"]
    return made


async def _report(http: httpx.Client, import_id: str) -> dict[str, object]:
    path = f"/api/v1/chat/imports/{import_id}"
    await eventually(lambda: http.get(path).json()["ended_at"] is not None, timeout=60)
    told: dict[str, object] = http.get(path).json()
    assert told["state"] == "completed", told
    return told


async def test_notes_of_an_export_come_back_with_it_once(stack: Stack, sign_up: SignUp) -> None:
    hers, his = sign_up(stack), sign_up(stack)
    for number in range(3):
        note = {"title": f"Note {number}", "content": "家 & <b>\n", "tags": ["t"], "pinned": True}
        assert hers.http.post("/api/v1/notes", json=note).status_code == 201
    hers.create_session(title="A session")
    file = hers.http.get("/api/v1/chat/export?with=notes").content
    assert json.loads(file)["end"]["notes"] == 3

    # A program that may not write notes brings none.
    scopes = {"name": "a script", "scopes": ["chat:read", "chat:write"]}
    token = his.http.post("/api/v1/tokens", json=scopes).json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=stack.url, headers=bearer, timeout=30, verify=False) as program:
        told = await _report(his.http, _imported(program, file))
    assert (told["added"], told["notes"], told["left_out"]) == (1, 0, {"NOTE": 3})

    told = await _report(his.http, _imported(his.http, file))
    assert (told["existing"], told["notes"], told["reason"]) == (1, 3, None)
    shown = ("title", "content", "tags", "pinned", "created_at", "updated_at", "source")
    both = [
        sorted(
            [one[name] for name in shown]
            for one in user.http.get("/api/v1/notes?limit=100").json()["items"]
        )
        for user in (hers, his)
    ]
    assert both[0] == both[1]
    assert len(both[0]) == 3
    told = await _report(his.http, _imported(his.http, file))
    assert (told["notes"], told["already_there"]) == (0, {"NOTE": 3})
    # Whose they are has them by their own ids; and a byte less is told of.
    changed = file.replace(b"Note 1", b"Note 9")
    told = await _report(hers.http, _imported(hers.http, changed))
    assert (told["notes"], told["already_there"], told["reason"]) == (
        0,
        {"NOTE": 3},
        "FILE_CHANGED",
    )
