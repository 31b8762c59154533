"""Questions that are answered by events go past FastAPI, and are refused as it refuses them."""

from typing import Any

import pytest
from starlette.requests import Request

from gateway.edge.accept import wants_events
from gateway.routes.asking_route import AskingRoute

ASK = "/api/v1/chat/messages"
EVENTS = {"accept": "text/event-stream"}


@pytest.mark.parametrize(
    "body",
    [{}, {"content": 1}, {"content": "x", "role": "admin"}, {"content": "x", "temperature": "hot"}],
)
async def test_a_question_that_does_not_fit_is_refused_alike_whatever_answer_is_wanted(
    door: Any, body: dict[str, Any]
) -> None:
    whole = await door.http.post(ASK, json=body, headers=door.bearer)
    events = await door.http.post(ASK, json=body, headers={**door.bearer, **EVENTS})
    assert whole.status_code == events.status_code == 422
    told, also = whole.json(), events.json()
    del told["request_id"], also["request_id"]
    assert told == also
    assert door.chat.asked == []


@pytest.mark.parametrize(
    ("accept", "events"),
    [
        ("text/event-stream", True),
        ("TEXT/Event-Stream; charset=utf-8", True),
        ("application/json, text/event-stream", True),
        ("text/event-stream; q=0.5, application/json; q=0.5", True),
        ("text/event-stream;q=.5", True),
        ("text/event-stream;q=0.4, application/json", False),
        ("application/json;q=0.9,text/event-stream ; Q=0.89", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=0.000, */*", False),
        ("*/*", False),
        ("text/*;q=1", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_events_are_for_those_who_name_them_and_do_not_prefer_json(
    accept: str, *, events: bool
) -> None:
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]})
    assert wants_events(request) is events


def test_an_endpoint_that_takes_something_else_makes_no_asking_route() -> None:
    async def endpoint(body: int) -> None:
        """Nothing."""

    with pytest.raises(TypeError, match="endpoint"):
        AskingRoute("/x", endpoint, methods=["POST"])
