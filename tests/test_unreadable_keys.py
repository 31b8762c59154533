"""A stored key that does not open any more: what its user is told, through the gateway."""

from collections.abc import Mapping

import httpx
import psycopg

from chassis.testing.eventually import eventually

from .client import SignUp, User, text_of_events
from .stack import Stack


def _ask(user: User, session_id: str, **body: str) -> httpx.Response:
    return user.http.post(
        f"/api/v1/chat/sessions/{session_id}/messages",
        json={"content": "hello", **body},
        headers={"Accept": "text/event-stream"},
    )


async def test_a_question_with_a_key_that_does_not_open_says_to_save_it_again(
    stack: Stack, sign_up: SignUp
) -> None:
    user, other = sign_up(stack), sign_up(stack)
    swapped = user.create_key(stack.model_url, "tokens-20")
    rotated = user.create_key(stack.model_url, "tokens-20")
    of_another = other.create_key(stack.model_url, "tokens-20")
    session_id = user.create_session()
    with psycopg.connect(stack.database_url("apikey"), autocommit=True) as database:
        database.execute(
            """UPDATE keys SET (ciphertext, wrapped_key) =
                   (SELECT ciphertext, wrapped_key FROM keys WHERE id = %s) WHERE id = %s""",
            (of_another["id"], swapped["id"]),
        )
        database.execute(
            "UPDATE keys SET kek_id = 'of-an-earlier-one' WHERE id = %s", (rotated["id"],)
        )

    for body in ({}, {"key_id": swapped["id"]}, {"key_id": rotated["id"]}):
        answer = _ask(user, session_id, **body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "KEY_UNREADABLE")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "save it again" in answer.json()["detail"]
    assert user.messages(session_id) == []

    def told(key: Mapping[str, str], why: str) -> int:
        lines = stack.output.splitlines()
        return sum("vault.key_unreadable" in x and key["id"] in x and why in x for x in lines)

    # The runner writes down what a service says a moment after it has answered.
    await eventually(
        lambda: (told(swapped, "not_sealed_here"), told(rotated, "kek_missing")) == (2, 1)
    )

    again = user.create_key(stack.model_url, "tokens-20")
    events = user.ask(session_id, "hello", key_id=again["id"])
    assert events[-1].data["status"] == "completed"
    assert text_of_events(events)


def test_a_base_url_with_a_host_of_two_readings_is_refused_with_the_field(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    for host in (
        "0177.0.0.1",
        ".localhost",
        "localhost.",
        "127.000.000.001",
        "\uff11\uff12\uff17.0.0.1",
    ):
        answer = user.http.post(
            "/api/v1/keys",
            json={"name": "n", "api_key": "k", "model": "m", "base_url": f"http://{host}:1/v1"},
        )
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "base_url", "reason": "INVALID_HOST"}]
