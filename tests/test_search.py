"""Search as a user has it: in titles, messages and notes at once, as soon as something is written."""

from typing import Any

from chassis.testing.eventually import eventually

from .client import SignUp, User
from .stack import Stack


def _search(user: User, **query: Any) -> list[tuple[str, str]]:
    answer = user.http.get("/api/v1/search", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["incomplete"] == []
    return [(hit["type"], hit["snippet"]) for hit in answer.json()["items"]]


async def test_what_is_written_anywhere_is_found_at_once_and_by_its_owner_alone(
    stack: Stack, sign_up: SignUp
) -> None:
    user, other = sign_up(stack), sign_up(stack)
    user.create_key(stack.model_url, "echo")
    session_id = user.create_session()
    user.ask(session_id, "数据库的索引在哪里?")
    note = {"title": "索引", "content": "An Index."}
    assert user.http.post("/api/v1/notes", json=note).status_code == 201

    found = _search(user, q="索引")
    assert [kind for kind, _ in found] == ["note", "message", "message", "session"]
    assert _search(user, q="索引", types="sessions") == [("session", "数据库的索引在哪里?")]
    assert _search(user, q="inde", role="user") == []
    assert [kind for kind, _ in _search(user, q="索引", session_id=session_id)] == [
        "message",
        "message",
        "session",
    ]
    assert _search(other, q="索引") == []


async def test_what_is_written_is_indexed_soon_and_found_as_before(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-20")
    session_id = user.create_session()
    user.ask(session_id, "A needle?")
    before = _search(user, q="needle")

    async def is_indexed() -> bool:
        count = "SELECT count(*) FROM search_texts WHERE user_id = %s"
        return stack.query(count, user.id) == [(3,)]

    await eventually(is_indexed, timeout=60)
    assert _search(user, q="needle") == before
    assert [kind for kind, _ in before] == ["message", "session"]
    assert user.http.delete(f"/api/v1/chat/sessions/{session_id}").status_code == 204
    assert _search(user, q="needle") == []
