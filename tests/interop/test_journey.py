"""A user's way through Parley with a model that nobody here wrote."""

import pytest

from tests.client import PASSWORD, User, text_of_events
from tests.stack import Stack

from .answers import SHORT, STEPS, text_of
from .conftest import Servers
from .servers import LlamaCpp

pytestmark = [pytest.mark.interop, pytest.mark.row(LlamaCpp.name, "a user's whole way")]


def test_a_user_registers_asks_a_model_and_leaves(parley: Stack, servers: Servers) -> None:
    server = servers.llama
    user = User(parley.url)
    wrong = user.create_key(server.openai_url, "table", api_key="sk-wrong", name="wrong")
    right = user.create_key(server.openai_url, "table", api_key=server.key, name="right")
    assert server.key not in user.http.get("/api/v1/keys").text

    # A key that is refused, said as a problem; then the one that is good, in the same session.
    session_id = user.create_session(key_id=right["id"])
    refused = user.ask(session_id, "Hello?", key_id=wrong["id"])
    assert refused[-1].name == "error"
    assert refused[-1].data["problem"]["reason"] == "PROVIDER_UNAUTHORIZED"
    events = user.ask(session_id, "Hello?")
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert (events[-1].name, text_of_events(events)) == ("done", SHORT)

    # Not as a stream, and cut by its length; then the rest of it.
    whole = user.http.post(
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "Now twenty steps", "max_tokens": 7},
    )
    assert whole.status_code == 200, whole.text
    answer = whole.json()["answer"]
    assert (answer["content"], answer["status"]) == (
        text_of("<|steps|>", tokens=7),
        "completed",
    )
    assert answer["usage"]["completion_tokens"] == 7
    last = user.ask(session_id, "All twenty steps")
    assert text_of_events(last) == STEPS

    kept = user.messages(session_id)
    assert [message["content"] for message in kept if message["role"] == "user"] == [
        "Hello?",
        "Hello?",
        "Now twenty steps",
        "All twenty steps",
    ]
    assert [message["content"] for message in kept if message["status"] == "completed"] == [
        SHORT,
        text_of("<|steps|>", tokens=7),
        STEPS,
    ]
    # Everything is one model's, counted by it.
    counted = [message["usage"] for message in kept if message["status"] == "completed"]
    assert all(usage["prompt_tokens"] > 0 < usage["completion_tokens"] for usage in counted)

    gone = user.http.request("DELETE", "/api/v1/me", json={"password": PASSWORD})
    assert gone.status_code == 202, gone.text
    user.close()
