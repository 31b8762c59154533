"""Files that go out with an export and come in with an import, through all the services."""

import io
import zipfile
from typing import Any

from chassis.testing.eventually import eventually

from .client import SignUp, User
from .stack import Stack

API = "/api/v1"
FILES = {"a plan.md": "# 计划\n".encode(), "numbers.csv": b"a,b\n1,2\n" * 50_000}


def _attached(user: User) -> list[tuple[str, bytes | None]]:
    """What is attached in the user's one conversation: its name, and what is in it if it is there."""
    (session,) = user.http.get(f"{API}/chat/sessions").json()["items"]
    told: list[tuple[str, bytes | None]] = []
    for message in user.http.get(f"{API}/chat/sessions/{session['id']}/messages").json()["items"]:
        for file in message.get("attachments") or ():
            content = user.http.get(f"{API}/files/{file['id']}/content")
            told.append((file["name"], content.content if content.status_code == 200 else None))
    return told


async def _imported(user: User, file: bytes) -> dict[str, Any]:
    sent = user.http.post(f"{API}/chat/import", files={"file": ("parley.zip", file)})
    assert sent.status_code == 202, sent.text
    path = f"{API}/chat/imports/{sent.json()['id']}"
    await eventually(lambda: user.http.get(path).json()["ended_at"] is not None, timeout=60)
    told: dict[str, Any] = user.http.get(path).json()
    assert (told["state"], told["reason"], told["waits_for"]) == ("completed", None, None)
    return told


async def test_files_of_an_export_come_back_with_it_once(stack: Stack, sign_up: SignUp) -> None:
    hers, his = sign_up(stack), sign_up(stack)
    hers.create_key(stack.model_url, "echo")
    ids = [
        hers.http.post(f"{API}/files", files={"file": (name, content)}).json()["id"]
        for name, content in FILES.items()
    ]
    session = hers.create_session(title="With files")
    asked = hers.http.post(
        f"{API}/chat/sessions/{session}/messages",
        json={"content": "What is in these?", "attachments": ids},
    )
    assert asked.status_code == 200, asked.text
    export = hers.http.get(f"{API}/chat/export?with=files").content
    with zipfile.ZipFile(io.BytesIO(export)) as archive:
        assert len(archive.namelist()) == 4
    assert _attached(hers) == list(FILES.items())

    told = await _imported(his, export)
    assert (told["added"], told["files"], told["left_out"]) == (1, 2, {})
    assert _attached(his) == list(FILES.items())
    told = await _imported(his, export)
    assert (told["existing"], told["files"], told["already_there"]) == (1, 0, {"FILE": 2})
    # Whose they are has them already.
    told = await _imported(hers, export)
    assert (told["existing"], told["files"], told["already_there"]) == (1, 0, {"FILE": 2})
    # What went out of the one account comes out of the other the same.
    again = his.http.get(f"{API}/chat/export?with=files").content
    with zipfile.ZipFile(io.BytesIO(again)) as archive:
        contents = {archive.read(name) for name in archive.namelist()[1:-1]}
    assert contents == set(FILES.values())
