"""Generation parameters: said in JSON as in the contract, over REST and over the socket alike."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.schemas.parameters import GenerationParameters
from parley import bounds
from parley.chat.v1 import chat_pb2 as pb
from parley.generation.v1 import generation_pb2

from .door import Door
from .sockets import Dial

MakeFrame = Callable[[int, str, bytes], pb.Frame]

PARAMETERS = [
    field.name
    for field in generation_pb2.GenerationParameters.DESCRIPTOR.fields
    if field.name != "model"
]


# Of each what is taken, and what is refused with the name of what was wrong.
TAKEN: dict[str, tuple[Any, ...]] = {
    "temperature": (0, 0.7, 2),
    "max_tokens": (1, 1_000_000),
    "top_p": (0, 1),
    "stop": ([], ["\n"], ["x" * 64, "。", "</end>", " "]),
    "reasoning_effort": bounds.REASONING_EFFORTS,
}
REFUSED: dict[str, tuple[tuple[Any, str], ...]] = {
    "temperature": ((-0.1, ""), (2.1, ""), ("1", ""), (True, "")),
    "max_tokens": ((0, ""), (1_000_001, ""), (1.5, "")),
    "top_p": ((-0.1, ""), (1.1, "")),
    "stop": (
        ("\n", ""),
        (["a", ""], ".1"),
        (["x" * 65], ".0"),
        (["a", 1], ".1"),
        (["a", "b", "c", "d", "e"], ""),
    ),
    "reasoning_effort": (("", ""), ("HIGH", ""), ("ultra", ""), (1, "")),
}


def test_every_parameter_of_the_contract_is_known_and_no_other() -> None:
    assert set(TAKEN) == set(REFUSED) == set(PARAMETERS) == set(GenerationParameters.model_fields)


@pytest.mark.parametrize("name", PARAMETERS)
async def test_each_of_the_contract_is_taken_at_its_bounds_and_refused_beyond_them(
    door: Door, make_frame: MakeFrame, name: str
) -> None:
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    headers = {**door.bearer, "accept": "text/event-stream"}
    for value in TAKEN[name]:
        body: dict[str, Any] = {"content": "hello", name: value}
        response = await door.http.post("/api/v1/chat/messages", json=body, headers=headers)
        assert response.status_code == 200, response.text
        asked = door.chat.asked[-1].request
        assert asked.parameters == generation_pb2.GenerationParameters(**{name: value})
    begun = len(door.chat.asked)
    for value, behind in REFUSED[name]:
        body = {"content": "hello", name: value}
        response = await door.http.post("/api/v1/chat/messages", json=body, headers=headers)
        assert response.status_code == 422, (value, response.text)
        assert [error["field"] for error in response.json()["errors"]] == [name + behind]
    assert len(door.chat.asked) == begun


async def test_the_document_shows_their_bounds(door: Door) -> None:
    document = (await door.http.get("/openapi.json")).json()
    shown = document["components"]["schemas"]["Question"]["properties"]
    shown = {name: shown[name]["anyOf"][0] for name in PARAMETERS}
    for name, within in (
        ("temperature", bounds.TEMPERATURE),
        ("max_tokens", bounds.MAX_TOKENS),
        ("top_p", bounds.TOP_P),
    ):
        spelt = shown[name]
        assert (spelt["minimum"], spelt["maximum"]) == (within.minimum, within.maximum)
    stop = shown["stop"]
    assert (stop["type"], stop["maxItems"]) == ("array", bounds.MAX_STOPS)
    assert (stop["items"]["minLength"], stop["items"]["maxLength"]) == (1, 64)
    assert shown["reasoning_effort"]["enum"] == list(bounds.REASONING_EFFORTS)


async def test_the_socket_says_them_in_the_same_words(
    door: Door, dial: Dial, make_frame: MakeFrame
) -> None:
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    client = await dial(door)
    said = {name: taken[-1] for name, taken in TAKEN.items()}
    await client.ask(type="send", ref="1", content="hello", model="m", **said)
    assert door.chat.asked[-1].request.parameters == generation_pb2.GenerationParameters(
        model="m", **said
    )
