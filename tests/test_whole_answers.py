"""Who waits for the whole answer: what is 200, what is not, and what an answer says of itself."""

from typing import Any

import httpx
import pytest

from parley_local.model_server.texts import text_of

from .client import SignUp, User
from .stack import Stack


def _ask(user: User, session_id: str, model: str, **parameters: Any) -> httpx.Response:
    return user.http.post(
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "Tell me.", "model": model, **parameters},
    )


@pytest.fixture
def asker(stack: Stack, sign_up: SignUp) -> User:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-3")
    return user


def test_what_failed_or_has_no_word_is_never_200_and_the_conversation_goes_on(asker: User) -> None:
    session_id = asker.create_session()
    for model, status, reason in (
        ("strict-status-429", 429, "PROVIDER_RATE_LIMITED"),
        ("strict-status-500", 502, "PROVIDER_FAILED"),
        ("strict-empty", 502, "PROVIDER_EMPTY"),
        ("strict-error-after-3", 502, "PROVIDER_FAILED"),
    ):
        answer = _ask(asker, session_id, model)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        assert answer.json()["status"] == status
        assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
        assert _ask(asker, session_id, "strict-tokens-3").status_code == 200
    broke = [m for m in asker.messages(session_id) if m["reason"] == "PROVIDER_FAILED"]
    assert [(m["status"], m["content"], m["can_continue"]) for m in broke] == [
        ("failed", "", False),
        ("failed", text_of("error-after-3"), False),  # something follows it
    ]


def test_an_answer_says_why_it_ended_and_what_was_asked_for_and_goes_on_where_it_can(
    asker: User,
) -> None:
    session_id = asker.create_session()
    said = {"temperature": 0.5, "stop": ["END"], "reasoning_effort": "low"}
    told = _ask(asker, session_id, "strict-length-3", **said).json()
    assert (told["run"]["status"], told["run"]["finish_reason"]) == ("completed", "length")
    for one in (told["run"], told["answer"], asker.messages(session_id)[-1]):
        assert one["can_continue"] is True
        assert said.items() <= one["parameters"].items()
    answer = asker.http.post(f"/api/v1/chat/runs/{told['run']['id']}/continue")
    assert answer.status_code == 200
    assert answer.json()["answer"]["content"] == text_of("length-3") * 2
    first = asker.http.get(f"/api/v1/chat/runs/{told['run']['id']}").json()
    assert first["run"]["can_continue"] is False

    cut = _ask(asker, session_id, "strict-no-finish-reason")
    assert cut.status_code == 200
    assert cut.json()["run"]["status"] == "interrupted"
    assert cut.json()["answer"]["content"] == text_of("no-finish-reason")


def test_another_parameter_with_the_same_idempotency_key_is_another_request(asker: User) -> None:
    def ask(**said: Any) -> httpx.Response:
        body = {"content": "Once.", "model": "tokens-3", **said}
        headers = {"Idempotency-Key": "with parameters".replace(" ", "-")}
        return asker.http.post("/api/v1/chat/messages", json=body, headers=headers)

    first = ask(stop=["END"], reasoning_effort="low")
    assert first.status_code == 200
    again = ask(stop=["END"], reasoning_effort="low")
    assert again.json()["run"]["id"] == first.json()["run"]["id"]
    for other in (
        {"stop": ["END"], "reasoning_effort": "high"},
        {"stop": ["end"], "reasoning_effort": "low"},
        {"reasoning_effort": "low"},
    ):
        refused = ask(**other)
        assert (refused.status_code, refused.json()["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")
