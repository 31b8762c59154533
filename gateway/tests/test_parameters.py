"""Generation parameters: said in JSON as in the contract, over REST and over the socket alike."""

from typing import Any

import pytest

from parley.chat.v1 import chat_pb2

# Fixtures of conftest.py; a test module cannot import its classes by name.
Door = Any
Dial = Any
MakeFrame = Any

PARAMETERS = [
    field.name for field in chat_pb2.GenerationParameters.DESCRIPTOR.fields if field.name != "model"
]


@pytest.mark.parametrize("name", PARAMETERS)
async def test_each_of_the_contract_is_taken_at_its_bounds_and_refused_beyond_them(
    door: Door, make_frame: MakeFrame, name: str
) -> None:
    document = (await door.http.get("/openapi.json")).json()
    spelt = document["components"]["schemas"]["Question"]["properties"][name]["anyOf"][0]
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    headers = {**door.bearer, "accept": "text/event-stream"}
    whole = spelt["type"] == "integer"
    for value in (spelt["minimum"], spelt["maximum"]):
        body: dict[str, Any] = {"content": "hello", name: int(value) if whole else value}
        response = await door.http.post("/api/v1/chat/messages", json=body, headers=headers)
        assert response.status_code == 200, response.text
        asked = door.chat.asked[-1].request
        assert asked.parameters == chat_pb2.GenerationParameters(**{name: body[name]})
    for value in (spelt["minimum"] - 1, spelt["maximum"] + 1):
        body = {"content": "hello", name: value}
        response = await door.http.post("/api/v1/chat/messages", json=body, headers=headers)
        assert [error["field"] for error in response.json()["errors"]] == [name]


async def test_the_socket_says_them_in_the_same_words(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    client = await dial(door)
    said = dict.fromkeys(PARAMETERS, 1)
    await client.ask(type="send", ref="1", content="hello", model="m", **said)
    assert door.chat.asked[-1].request.parameters == chat_pb2.GenerationParameters(
        model="m", **said
    )
