"""What a user does with a run: ends it, goes on with it, comes back to it, asks twice."""

import asyncio
import os
import signal
from typing import Any

import httpx

from chassis.ids import new_id
from chassis.testing.eventually import eventually
from parley_local.model_server.texts import text_of

from .client import Event, SignUp, User, read_events, text_of_events
from .stack import Stack

EVENTS = {"Accept": "text/event-stream"}


def _send(user: User, session_id: str, key: str) -> httpx.Response:
    return user.http.post(
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "Once"},
        headers={**EVENTS, "Idempotency-Key": key},
    )


def _events(answer: httpx.Response) -> list[Event]:
    return list(read_events(answer.iter_lines()))


def _first_text(user: User, session_id: str, key: str) -> str:
    """Sends a question, goes away at the first text, and returns the run's id."""
    with user.http.stream(
        "POST",
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "Once"},
        headers={**EVENTS, "Idempotency-Key": key},
    ) as answer:
        for event in read_events(answer.iter_lines()):
            if event.name == "delta":
                break
        run_id: str = answer.headers["x-run-id"]
        return run_id


def _recover(user: User, session_id: str) -> dict[str, Any]:
    answer = user.http.get(f"/api/v1/chat/sessions/{session_id}/recover")
    assert answer.status_code == 200, answer.text
    recovered: dict[str, Any] = answer.json()
    return recovered


async def test_an_answer_is_cancelled_recovered_and_continued(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-200-at-100")
    session_id = user.create_session()
    run_id = _first_text(user, session_id, "k")
    live = _recover(user, session_id)
    assert (live["run"]["id"], live["run"]["status"]) == (run_id, "running")
    assert live["text"]

    assert user.http.post(f"/api/v1/chat/runs/{run_id}/cancel").status_code == 202
    await eventually(lambda: _recover(user, session_id)["run"]["status"] == "cancelled")
    cancelled = _recover(user, session_id)
    assert cancelled["text"].startswith(live["text"])
    assert text_of("tokens-200-at-100").startswith(cancelled["text"])
    seen = cancelled["seq"]
    follow = user.http.get(f"/api/v1/chat/runs/{run_id}/events?after={seen}")
    assert follow.status_code == 204

    answer = user.http.post(f"/api/v1/chat/runs/{run_id}/continue", headers=EVENTS)
    events = _events(answer)
    assert [event.name for event in events[:2]] == ["start", "snapshot"]
    assert events[1].data["text"] == cancelled["text"]
    assert events[-1].data["status"] == "completed"
    _, whole = user.messages(session_id)
    assert whole["content"] == cancelled["text"] + text_of_events(events)
    again = user.http.post(f"/api/v1/chat/runs/{run_id}/continue", headers=EVENTS)
    assert (again.status_code, again.json()["reason"]) == (409, "RUN_NOT_CONTINUABLE")


async def test_a_send_that_is_repeated_across_a_kill_joins_its_own_run(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "endless-at-50")
    session_id, key = user.create_session(), new_id().hex
    run_id = await asyncio.to_thread(_first_text, user, session_id, key)
    os.kill(stack.service("chat_service").pid, signal.SIGKILL)

    async def joined() -> httpx.Response | None:
        answer = await asyncio.to_thread(_send, user, session_id, key)
        if answer.status_code == 200 and answer.headers["x-run-id"] == run_id:
            return answer
        assert answer.status_code == 503, answer.text
        return None

    answer = await eventually(joined, timeout=30, ignoring=(httpx.TransportError,))
    assert answer is not None
    events = _events(answer)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert events[-1].data["status"] == "interrupted"
    question, stored = user.messages(session_id)
    assert (question["order"], stored["order"]) == (1, 2)
    assert stored["content"] == text_of_events(events) != ""
