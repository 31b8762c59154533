"""`make run`: kept through Ctrl-C and kill -9, nothing left behind."""

import signal
from collections.abc import Callable

import httpx
import psutil

from chassis.testing.eventually import eventually
from parley_local.model_server.texts import text_of

from .client import User
from .stack import Stack


async def test_a_conversation_outlives_ctrl_c_and_kill_9_of_the_runner(
    new_stack: Callable[[], Stack],
) -> None:
    stack = new_stack()
    user = User(stack.url)
    user.create_key(stack.model_url, "tokens-50")
    session_id = user.create_session()
    user.ask(session_id, "Remember this")
    conversation = user.messages(session_id)
    assert conversation[1]["content"] == text_of("tokens-50")

    children = stack.children()
    assert stack.stop() == 0
    assert not [child for child in children if child.is_running()]
    stack.start()
    assert user.messages(session_id) == conversation

    # In mid-stream this time: what was shown is in the message once a new replica has it.
    key = user.create_key(stack.model_url, "endless-at-100")
    shown = ""
    with user.http.stream(
        "POST",
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "And this", "key_id": key["id"]},
        headers={"Accept": "text/event-stream"},
    ) as answer:
        lines = answer.iter_lines()
        try:
            from .client import read_events

            for event in read_events(lines):
                shown += event.data.get("text", "")
                if len(shown) > 100:
                    if stack.process is not None:
                        children = stack.kill()
        except httpx.TransportError:
            pass
    assert len(shown) > 100
    await eventually(lambda: not [child for child in children if child.is_running()])
    stack.start()
    grant = httpx.post(
        f"{stack.url}/api/v1/auth/login",
        json={"username": user.username, "password": "correct horse battery staple"},
    ).json()
    user.http.headers["Authorization"] = f"Bearer {grant['access_token']}"
    assert user.messages(session_id)[:2] == conversation
    await eventually(lambda: len(user.messages(session_id)) == 4, timeout=40)
    answer_kept = user.messages(session_id)[3]
    assert answer_kept["content"].startswith(shown)
    assert answer_kept["status"] == "interrupted"
    assert user.ask(session_id, "Still there?", max_tokens=5)[-1].name == "done"


async def test_a_part_that_dies_is_started_again_and_the_log_says_so(
    new_stack: Callable[[], Stack],
) -> None:
    stack = new_stack()
    user = User(stack.url)
    user.create_key(stack.model_url, "echo")
    session_id = user.create_session()

    def works() -> bool:
        answer = user.http.get("/api/v1/notes")
        return answer.status_code == 200 and user.ask(session_id, "hello")[-1].name == "done"

    for find in (
        lambda: stack.service("notes_service"),
        lambda: stack.service("chat_service"),
        lambda: stack.server("valkey-server"),
        lambda: stack.server("nats-server"),
    ):
        victim = find()
        victim.send_signal(signal.SIGKILL)
        await eventually(lambda victim=victim: not victim.is_running(), timeout=10)
        await eventually(
            works, timeout=60, ignoring=(AssertionError, httpx.TransportError, psutil.Error)
        )
        if session_id:
            session_id = user.create_session()
    assert "again" in stack.output
