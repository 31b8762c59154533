"""Answers that are kept for the same question, and answers as plain text, over HTTP."""

from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pytest

from .client import Event, SignUp, User, read_events, text_of_events
from .sockets import Socket, socket_of
from .stack import Stack

Asked = TypeVar("Asked")

_MARKDOWN = "# Title\n- **bold** and `code`"
_PLAIN = "Title\n• bold and code"


@pytest.fixture
def asker(stack: Stack, sign_up: SignUp) -> User:
    user = sign_up(stack)
    user.create_key(stack.model_url, "echo")
    return user


def _ask(user: User, **body: Any) -> httpx.Response:
    return user.http.post("/api/v1/chat/messages", json={"content": _MARKDOWN, **body})


def _events(user: User, run_id: str, **query: Any) -> list[Event]:
    with user.http.stream("GET", f"/api/v1/chat/runs/{run_id}/events", params=query) as answer:
        return [] if answer.status_code == 204 else list(read_events(answer.iter_lines()))


def _until_hit(ask: Callable[[], Asked], is_hit: Callable[[Asked], bool]) -> Asked:
    """The first that is answered from what was kept: which is a moment behind an answer's end, and a cache that does
    not answer at once is not waited for.
    """
    for _ in range(20):
        if is_hit(asked := ask()):
            return asked
    raise AssertionError("nothing was kept")


def test_the_same_question_again_is_answered_from_what_was_kept(asker: User) -> None:
    first = _ask(asker, cache=True).json()
    assert (first["run"]["cache"], first["answer"]["cached"]) == ("miss", False)
    assert first["question"]["cached"] is None
    again = _until_hit(
        lambda: _ask(asker, cache=True).json(), lambda answer: answer["run"]["cache"] == "hit"
    )
    assert again["answer"]["cached"] is True
    assert again["answer"]["content"] == first["answer"]["content"]
    assert again["answer"]["usage"]["completion_tokens"] == 0
    events = _until_hit(
        lambda: asker.ask(asker.create_session(), _MARKDOWN, cache=True),
        lambda events: [e.data["state"] for e in events if e.name == "cache"] == ["hit"],
    )
    assert events[-1].data["cache"] == "hit"
    assert text_of_events(events) == first["answer"]["content"]
    unasked = _ask(asker).json()
    assert (unasked["run"]["cache"], unasked["answer"]["cached"]) == ("off", False)


def test_an_answer_is_plain_text_where_that_is_asked_for(asker: User) -> None:
    session_id = asker.create_session()
    events = asker.ask(session_id, _MARKDOWN, format="text")
    shown = text_of_events(events)
    assert _PLAIN in shown
    run_id = events[0].data["run_id"]
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert _events(asker, run_id) == events
    assert _events(asker, run_id, after=2) == events[2:]
    assert _events(asker, run_id, after=events[-1].id) == []
    assert _MARKDOWN in text_of_events(_events(asker, run_id, format="markdown"))
    _, answer = asker.messages(session_id)
    assert _MARKDOWN in answer["content"]
    address = f"/api/v1/chat/sessions/{session_id}"
    listed = asker.http.get(f"{address}/messages?format=text").json()["items"]
    assert [message["content"] for message in listed] == [_MARKDOWN, shown]
    assert asker.http.get(f"{address}/recover").json()["text"] == shown
    found = asker.http.get(f"/api/v1/chat/runs/{run_id}?format=text").json()
    assert found["answer"]["content"] == shown
    whole = _ask(asker, format="text").json()
    assert whole["answer"]["content"] == shown
    # Of a run whose question did not ask for it, too.
    other = _ask(asker).json()["run"]["id"]
    assert text_of_events(_events(asker, other, format="text")) == shown


@pytest.mark.parametrize("body", [{"format": "html"}, {"format": None}, {"cache": "yes"}])
def test_what_is_no_form_and_no_wish_is_refused(asker: User, body: dict[str, Any]) -> None:
    refused = _ask(asker, **body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == list(body)


def test_a_form_that_there_is_not_is_refused_of_readings(asker: User) -> None:
    told = _ask(asker).json()["run"]
    for address in (
        f"/api/v1/chat/sessions/{told['session_id']}/messages",
        f"/api/v1/chat/sessions/{told['session_id']}/recover",
        f"/api/v1/chat/runs/{told['id']}",
        f"/api/v1/chat/runs/{told['id']}/events",
    ):
        refused = asker.http.get(f"{address}?format=html")
        assert (refused.status_code, refused.json()["reason"]) == (422, "VALIDATION")


async def _heard(socket: Socket) -> str:
    """The text of a run's events, to its end."""
    text = ""
    while (heard := await socket.hear()).get("event") != "done":
        if heard.get("event") == "delta":
            text += heard["data"]["text"]
    return text


async def test_both_are_asked_for_over_a_socket_as_well(stack: Stack, asker: User) -> None:
    async with socket_of(stack.url, asker) as socket:
        begun = await socket.ask(type="send", content=_MARKDOWN, format="text", cache=True)
        assert begun["type"] == "ack"
        shown = await _heard(socket)
        assert _PLAIN in shown
        for form, expected in (("text", shown), (None, shown)):
            await socket.ask(type="follow", run_id=begun["run_id"], format=form)
            assert await _heard(socket) == expected
        await socket.ask(type="follow", run_id=begun["run_id"], format="markdown")
        assert _MARKDOWN in await _heard(socket)
