"""The tree of a conversation as its user has it: variants, edits, paths, and a kill in another answer."""

import os
import signal
from typing import Any

import pytest

from chassis.testing.eventually import eventually
from parley_local.model_server.texts import text_of

from .client import Event, SignUp, User, read_events, text_of_events
from .stack import Stack

EVENTS = {"Accept": "text/event-stream"}


def _post(user: User, path: str, expected: int = 200, **options: Any) -> Any:
    answer = user.http.post(f"/api/v1/chat/{path}", **options)
    assert answer.status_code == expected, answer.text
    return answer.json()


def _stream(user: User, path: str, **options: Any) -> list[Event]:
    with user.http.stream("POST", f"/api/v1/chat/{path}", headers=EVENTS, **options) as answer:
        assert answer.status_code == 200, answer.read()
        return list(read_events(answer.iter_lines()))


def _contents(user: User, session_id: str) -> list[str]:
    return [message["content"] for message in user.messages(session_id)]


async def test_a_question_is_answered_once_more_edited_chosen_and_forked(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-20")
    session_id = user.create_session()
    user.ask(session_id, "One?")
    question, answer = user.messages(session_id)
    messages = f"sessions/{session_id}/messages"
    events = _stream(user, f"{messages}/{answer['id']}/regenerate", json={"model": "tokens-30"})
    assert text_of_events(events) == text_of("tokens-30")
    asked, other = user.messages(session_id)
    assert asked["id"] == question["id"]
    assert other["variants"] == {"index": 1, "ids": [answer["id"], other["id"]]}
    assert (other["model"], other["parent_id"]) == ("tokens-30", question["id"])

    edited = _post(user, f"{messages}/{other['id']}/edit", json={"content": "Mine."})
    assert (edited["run"], edited["answer"]["status"]) == (None, "edited")
    result = _post(user, f"{messages}/{question['id']}/edit", json={"content": "Two?"})
    assert result["run"]["status"] == "completed"
    assert _contents(user, session_id) == ["Two?", text_of("tokens-20")]
    leaf = _post(user, f"{messages}/{answer['id']}/choose")
    assert leaf["id"] == answer["id"]
    assert _contents(user, session_id) == ["One?", text_of("tokens-20")]
    whole = user.http.get(f"/api/v1/chat/{messages}?path=all&count=true").json()
    assert (whole["total"], len(whole["items"])) == (6, 6)

    given = user.http.get(f"/api/v1/chat/{messages}/{answer['id']}/context").json()
    assert [part["message_ids"] for part in given["parts"]] == [[question["id"]]]
    fork = _post(user, f"sessions/{session_id}/fork", 201)
    assert _contents(user, fork["id"]) == ["One?", text_of("tokens-20")]
    user.ask(fork["id"], "Three?")
    assert len(user.messages(fork["id"])) == 4
    assert len(user.messages(session_id)) == 2


@pytest.mark.slow
async def test_another_answer_that_a_kill_cut_short_is_on_its_path_and_gone_on_with(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(mortal_stack)
    user.create_key(mortal_stack.model_url, "tokens-20")
    session_id = user.create_session()
    user.ask(session_id, "One?")
    first = user.messages(session_id)[1]
    path = f"/api/v1/chat/sessions/{session_id}/messages/{first['id']}/regenerate"
    with user.http.stream(
        "POST", path, json={"model": "tokens-200-at-20"}, headers=EVENTS
    ) as answer:
        assert answer.status_code == 200
        run_id = answer.headers["x-run-id"]
        shown = ""
        for event in read_events(answer.iter_lines()):
            shown += event.data["text"] if event.name == "delta" else ""
            if len(shown) > 20:
                live = user.http.get("/api/v1/chat/runs?live=true").json()["items"]
                assert [run["id"] for run in live] == [run_id]
                os.kill(mortal_stack.service("chat_service").pid, signal.SIGKILL)
                break
        answer.close()

    def taken_over() -> bool:
        run = user.http.get(f"/api/v1/chat/runs/{run_id}")
        return run.status_code == 200 and run.json()["run"]["status"] == "interrupted"

    await eventually(taken_over, timeout=60)
    question, other = user.messages(session_id)
    assert other["content"].startswith(shown)
    assert text_of("tokens-200-at-20").startswith(other["content"])
    assert (other["variants"]["index"], other["can_continue"]) == (1, True)
    # Back to the first answer, and then on with the one that was cut short.
    messages = f"sessions/{session_id}/messages"
    assert _post(user, f"{messages}/{first['id']}/choose")["id"] == first["id"]
    _stream(user, f"runs/{run_id}/continue")
    again = user.messages(session_id)
    assert [one["id"] for one in again] == [question["id"], other["id"]]
    assert again[1]["content"].startswith(other["content"])
    assert len(again[1]["content"]) > len(other["content"])
