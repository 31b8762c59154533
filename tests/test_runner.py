"""`make run`: kept through Ctrl-C and kill -9, parts started again, nothing left behind."""

import signal
from collections.abc import Callable

import httpx
import psutil
import pytest

from chassis.testing.eventually import eventually
from parley_local.model_server.texts import text_of

from .client import Event, SignUp, User, read_events, text_of_events
from .stack import Stack


def ask_until_cut(
    user: User, session_id: str, after: int, cut: Callable[[], object]
) -> list[Event]:
    """The events that were seen of an answer when ``cut`` is called behind event ``after``."""
    seen: list[Event] = []
    try:
        with user.http.stream(
            "POST",
            f"/api/v1/chat/sessions/{session_id}/messages",
            json={"content": "And this"},
            headers={"Accept": "text/event-stream"},
        ) as answer:
            for event in read_events(answer.iter_lines()):
                seen.append(event)
                if event.id == after:
                    cut()
    except httpx.TransportError:
        pass
    return seen


def says(stack: Stack, text: str) -> Callable[[], bool]:
    return lambda: text in stack.news


def ended(process: psutil.Process) -> Callable[[], bool]:
    return lambda: not process.is_running()


@pytest.mark.slow
async def test_a_conversation_outlives_ctrl_c_and_kill_9_of_the_runner(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    stack = mortal_stack
    user = sign_up(stack)
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
    endless = user.create_key(stack.model_url, "endless-at-100")
    other_session = user.create_session(key_id=endless["id"])
    killed: list[psutil.Process] = []
    seen = ask_until_cut(user, other_session, 10, lambda: killed.extend(stack.kill()))
    assert seen[-1].name != "done"
    await eventually(lambda: not [child for child in killed if child.is_running()])
    stack.start()
    user.log_in()
    assert user.messages(session_id) == conversation
    await eventually(lambda: len(user.messages(other_session)) == 2, timeout=40)
    answer = user.messages(other_session)[1]
    assert answer["content"].startswith(text_of_events(seen))
    assert answer["status"] == "interrupted"
    assert user.ask(session_id, "Still there?")[-1].data["status"] == "completed"


@pytest.mark.slow
async def test_a_part_that_dies_is_started_again_and_the_log_says_so(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    stack = mortal_stack
    user = sign_up(stack)
    user.create_key(stack.model_url, "echo")

    def works() -> bool:
        session_id = user.create_session()
        return user.ask(session_id, "hello")[-1].data.get("status") == "completed"

    finders: dict[str, Callable[[], psutil.Process]] = {
        "apikey-service": lambda: stack.service("apikey_service"),
        "chat-service": lambda: stack.service("chat_service"),
        "gateway": lambda: stack.service("gateway"),
        "valkey": lambda: stack.server("valkey-server"),
        "nats": lambda: stack.server("nats-server"),
    }
    for name, find in finders.items():
        find().send_signal(signal.SIGKILL)
        await eventually(says(stack, f"{name} was started again"), timeout=30)
        await eventually(works, timeout=30, ignoring=(AssertionError, httpx.TransportError))


async def test_sigterm_ends_each_idle_service_with_0_at_once(
    mortal_stack: Stack,
) -> None:
    stack = mortal_stack
    modules = ("notes_service", "apikey_service", "chat_service", "auth_service", "gateway")
    for module in modules:
        process = stack.service(module)
        process.send_signal(signal.SIGTERM)
        await eventually(ended(process), timeout=10)
        name = module.replace("_", "-")
        await eventually(says(stack, f"{name} ended with exit code 0;"))


async def test_sigterm_of_chat_service_drains_its_streams(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    stack = mortal_stack
    user = sign_up(stack)
    short = user.create_key(stack.model_url, "tokens-300-at-100")
    session_id = user.create_session(key_id=short["id"])
    process = stack.service("chat_service")
    seen = ask_until_cut(user, session_id, 5, lambda: process.send_signal(signal.SIGTERM))
    assert seen[-1].data["status"] == "completed"
    assert text_of_events(seen) == text_of("tokens-300-at-100")
    await eventually(says(stack, "chat-service ended with exit code 0;"), timeout=30)
    await eventually(says(stack, "chat-service was started again"), timeout=30)
    saved = await eventually(lambda: user.messages(session_id), timeout=30)
    assert saved[1]["content"] == text_of("tokens-300-at-100")
