"""What was learnt of a server changes what it is asked, and is remembered within bounds."""

from typing import Any
from uuid import UUID

import pytest

from chat_service.answer.domain.ending import Adapted
from chat_service.providers.asking.learnt import Memory, apply, differences
from chat_service.providers.domain.learnt import Lesson

ASKED: dict[str, Any] = {
    "temperature": 0.7,
    "top_p": 0.9,
    "max_tokens": 5000,
    "stop": ["END"],
    "reasoning_effort": "minimal",
}
BODY = {"model": "m", **ASKED, "stream": True, "stream_options": {"include_usage": True}}


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {**{name: value for name, value in BODY.items() if name not in names}, **more}


@pytest.mark.parametrize(
    ("learnt", "sent", "told"),
    [
        ([], BODY, {}),
        ([Lesson("temperature")], without("temperature"), {"temperature": None}),
        (
            [Lesson("max_tokens", "max_completion_tokens")],
            without("max_tokens", max_completion_tokens=5000),
            {},
        ),
        ([Lesson("max_tokens", "4096")], without(max_tokens=4096), {"max_tokens": "4096"}),
        ([Lesson("max_tokens", "8192")], BODY, {}),
        (
            [Lesson("max_tokens", "max_completion_tokens"), Lesson("max_completion_tokens", "100")],
            without("max_tokens", max_completion_tokens=100),
            {"max_tokens": "100"},
        ),
        (
            [Lesson("max_tokens", "max_completion_tokens"), Lesson("max_completion_tokens")],
            without("max_tokens"),
            {"max_tokens": None},
        ),
        ([Lesson("temperature", "0.5")], without(temperature=0.5), {"temperature": "0.5"}),
        (
            [Lesson("reasoning_effort[minimal]", "low")],
            without(reasoning_effort="low"),
            {"reasoning_effort": "low"},
        ),
        (
            [Lesson("reasoning_effort[minimal]")],
            without("reasoning_effort"),
            {"reasoning_effort": None},
        ),
        ([Lesson("reasoning_effort[none]", "low")], BODY, {}),
        ([Lesson("top_p-temperature")], without("top_p"), {"top_p": None}),
        ([Lesson("top_p-seed")], BODY, {}),
        ([Lesson("stream_options")], without("stream_options"), {}),
        ([Lesson("stream")], without("stream", "stream_options"), {}),
        ([Lesson("seed"), Lesson("seed", "other"), Lesson("seed[1]", "2")], BODY, {}),
    ],
)
def test_a_request_is_changed_as_was_learnt_and_says_what_became_of_it(
    learnt: list[Lesson], sent: dict[str, Any], told: dict[str, str | None]
) -> None:
    body = dict(BODY)
    apply(body, learnt)
    assert body == sent
    assert differences(ASKED, body, learnt) == tuple(
        Adapted(name, use) for name, use in told.items()
    )


def place(
    number: int, model: str = "m", base_url: str = "https://a.example"
) -> tuple[UUID, str, str]:
    return UUID(int=number), base_url, model


def test_what_was_learnt_is_of_the_connection_its_server_and_the_model() -> None:
    memory = Memory()
    memory.add(place(1), [Lesson("a"), Lesson("b")])
    memory.add(place(1), [Lesson("a", "c")])
    assert memory.of(place(1)) == (Lesson("b"), Lesson("a", "c"))
    for other in (place(2), place(1, "n"), place(1, base_url="https://b.example")):
        assert memory.of(other) == ()


def test_what_is_remembered_is_bounded() -> None:
    memory = Memory()
    memory.add(place(0), [Lesson(f"p{number}") for number in range(100)])
    assert memory.of(place(0)) == tuple(Lesson(f"p{number}") for number in range(68, 100))
    for number in range(1, 10_001):
        memory.add(place(number), [Lesson("a")])
    assert memory.of(place(0)) == ()
    assert memory.of(place(1)) == memory.of(place(10_000)) == (Lesson("a"),)
