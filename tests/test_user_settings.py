"""What a user sets holds for the next question, over the whole way, and across kills."""

import os
import signal
from typing import Any

from chassis.ids import new_id
from chassis.testing.eventually import eventually

from .client import SignUp, User
from .stack import Stack


def _set(user: User, **settings: Any) -> dict[str, Any]:
    answer = user.http.patch("/api/v1/me/settings", json=settings)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def _session(user: User, session_id: str) -> dict[str, Any]:
    answer = user.http.get(f"/api/v1/chat/sessions/{session_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def _asked(user: User, question: str = "Do you like tea?") -> dict[str, Any]:
    """What comes of a question for which a conversation is made."""
    answer = user.http.post("/api/v1/chat/messages", json={"content": question})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def _told(user: User, result: dict[str, Any]) -> int:
    """How many characters the model was told besides the messages."""
    answer = result["answer"]
    path = f"/api/v1/chat/sessions/{answer['session_id']}/messages/{answer['id']}/context"
    parts = user.http.get(path).json()["parts"]
    return sum(part["characters"] for part in parts if part["role"] == "system")


async def test_each_question_goes_by_what_was_set_before_it(stack: Stack, sign_up: SignUp) -> None:
    user, other = sign_up(stack), sign_up(stack)
    for one in (user, other):
        one.create_key(stack.model_url, "tokens-5")
    for instructions in ("In one word.", "In two words, please.", ""):
        _set(user, instructions=instructions)
        assert _told(user, _asked(user)) == len(instructions)
        assert _told(other, _asked(other)) == 0


async def test_a_default_persona_is_taken_by_what_is_made_from_then_on(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-5")
    persona = {"name": "Muse", "title": "Muse", "prompt": "You inspire."}
    assert user.http.post("/api/v1/chat/personas", json=persona).status_code == 201
    assert _session(user, user.create_session())["persona"] is None
    _set(user, default_persona="muse")
    assert _session(user, user.create_session())["persona"] == "Muse"
    result = _asked(user)
    assert _session(user, result["answer"]["session_id"])["persona"] == "Muse"
    assert _told(user, result) == len("You inspire.")
    none = user.http.post("/api/v1/chat/sessions", json={"persona": None})
    assert (none.status_code, none.json()["persona"]) == (201, None)
    assert user.http.delete("/api/v1/chat/personas/Muse").status_code == 204
    assert _session(user, user.create_session())["persona"] is None


async def test_the_model_names_a_conversation_and_never_anew_what_its_user_has_named(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "echo")
    _set(user, titles_by_model=True)
    session_id = _asked(user)["answer"]["session_id"]
    # The model says what it was asked.
    expected = "Give the conversation below a title of at…"

    async def named() -> bool:
        session = _session(user, session_id)
        return (session["title"], session["title_by"]) == (expected, "model")

    await eventually(named, timeout=30)
    path = f"/api/v1/chat/sessions/{session_id}"
    renamed = user.http.patch(path, json={"title": "Mine"}).json()
    assert (renamed["title"], renamed["title_by"]) == ("Mine", "user")
    user.ask(session_id, "And coffee?")
    assert _session(user, session_id)["title"] == "Mine"


async def test_a_message_is_kept_as_a_note_and_somebody_elses_is_not(
    stack: Stack, sign_up: SignUp
) -> None:
    user, other = sign_up(stack), sign_up(stack)
    user.create_key(stack.model_url, "echo")
    result = _asked(user, "# Tea\n\nis nice")
    answer, key = result["answer"], {"Idempotency-Key": new_id().hex}
    body = {"message_id": answer["id"], "tags": ["tea"]}
    kept = user.http.post("/api/v1/notes", json=body, headers=key)
    assert kept.status_code == 201, kept.text
    note = kept.json()
    assert (note["title"], note["content"]) == ("Tea", answer["content"])
    assert note["source"] == {"session_id": answer["session_id"], "message_id": answer["id"]}
    refused = other.http.post("/api/v1/notes", json=body)
    assert (refused.status_code, refused.json()["reason"]) == (404, "MESSAGE_NOT_FOUND")
    # The message goes, the note stays, and so does what was answered.
    path = f"/api/v1/chat/sessions/{answer['session_id']}"
    assert user.http.delete(path, params={"permanent": True}).status_code == 204
    again = user.http.post("/api/v1/notes", json=body, headers=key)
    assert (again.status_code, again.json()) == (201, note)
    gone = user.http.post("/api/v1/notes", json=body)
    assert (gone.status_code, gone.json()["reason"]) == (404, "MESSAGE_NOT_FOUND")


async def test_what_is_set_while_chat_service_is_killed_holds_once_it_is_back(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(mortal_stack)
    user.create_key(mortal_stack.model_url, "tokens-5")
    _set(user, instructions="In one word.")
    assert _told(user, _asked(user)) == len("In one word.")
    os.kill(mortal_stack.service("chat_service").pid, signal.SIGKILL)
    # auth-service keeps it, whoever is away.
    assert _set(user, instructions="In two words, please.")["version"] == 2
    await mortal_stack.settle()

    async def holds() -> bool:
        return _told(user, _asked(user)) == len("In two words, please.")

    await eventually(holds, timeout=60, ignoring=(AssertionError,))


async def test_while_auth_service_is_away_questions_are_answered_by_what_was_set(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(mortal_stack)
    user.create_key(mortal_stack.model_url, "tokens-5")
    _set(user, instructions="In one word.")
    pid = mortal_stack.service("auth_service").pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert _told(user, _asked(user)) == len("In one word.")
    finally:
        os.kill(pid, signal.SIGCONT)
