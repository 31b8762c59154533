"""What is open when its login ends, before the services themselves."""

import time

import httpx

from chassis.testing.eventually import eventually

from .client import SignUp
from .stack import Stack


async def test_logging_out_ends_streams_within_5_seconds_and_their_runs_go_on(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-300-at-20")
    session_id = user.create_session()
    with user.http.stream(
        "POST",
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "Go on, whoever listens."},
        headers={"Accept": "text/event-stream"},
    ) as answer:
        lines = answer.iter_lines()
        while "event: delta" not in next(lines):
            pass
        gone = user.http.post("/api/v1/auth/logout")
        assert gone.status_code == 204, gone.text
        began = time.monotonic()
        rest = list(lines)
        took = time.monotonic() - began
    assert took < 5
    assert ": logged out" in rest
    assert not any(line in ("event: done", "event: error") for line in rest)

    user.log_in()

    def saved() -> bool:
        return [message["status"] for message in user.messages(session_id)][1:] == ["completed"]

    await eventually(saved, timeout=30, ignoring=(httpx.TransportError,))
