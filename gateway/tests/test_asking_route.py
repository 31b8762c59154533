"""Questions that are answered by events go past FastAPI, and are refused as it refuses them."""

from typing import Any

import pytest

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


def test_an_endpoint_that_takes_something_else_makes_no_asking_route() -> None:
    async def endpoint(body: int) -> None:
        """Nothing."""

    with pytest.raises(TypeError, match="endpoint"):
        AskingRoute("/x", endpoint, methods=["POST"])
