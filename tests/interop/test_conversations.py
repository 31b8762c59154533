"""What takes more than one question: history, parameters, many at once, and a reader who stops it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chassis.testing.eventually import eventually
from tests.client import Event, User, read_events, text_of_events

from .answers import SHORT, STEPS
from .conftest import Servers
from .llama_limits import CONTEXT
from .outcome import ask
from .process import ModelServer
from .servers import LONG_ANSWER, WORDS, AiMock, LiteLlm, LlamaCpp, LlMock

pytestmark = pytest.mark.interop

_AT_ONCE = 20
_HISTORY = "a second question, with the first and its answer before it"
_PARAMETERS = "what was asked for arrives: `max_tokens`, `temperature`, `top_p`"
_MANY = f"{_AT_ONCE} answers at once"
_CANCELLED = "a question that is cancelled ends the server's work"


def row(server: type[ModelServer], behaviour: str) -> pytest.MarkDecorator:
    return pytest.mark.row(server.name, behaviour)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(server.name, marks=row(server, _HISTORY), id=server.name)
        for server in (LlMock, AiMock)
    ],
)
def test_a_second_question_carries_the_first_and_its_answer(
    name: str, user: User, servers: Servers
) -> None:
    server = servers.named(name)
    assert isinstance(server, LlMock | AiMock)
    key = user.create_key(server.openai_url, "words", api_key=server.key)
    session_id = user.create_session()
    for question in ("The first, 你好?", "The second?"):
        assert ask(user, key["id"], question, session_id=session_id).text == WORDS
    assert server.requests("words")[-1]["body"]["messages"] == [
        {"role": "user", "content": "The first, 你好?"},
        {"role": "assistant", "content": WORDS},
        {"role": "user", "content": "The second?"},
    ]


@row(LlamaCpp, _HISTORY)
def test_a_second_question_is_read_by_a_model_behind_the_first(
    user: User, servers: Servers
) -> None:
    server = servers.llama
    key = user.create_key(server.openai_url, "table", api_key=server.key)
    session_id = user.create_session()
    first = ask(user, key["id"], "Hello", session_id=session_id)
    second = ask(user, key["id"], "And twenty steps?", session_id=session_id)
    assert (first.text, second.text) == (SHORT, STEPS)
    assert first.usage is not None
    assert second.usage is not None
    # The prompt has grown by the answer and by the second question.
    assert second.usage[0] > first.usage[0] + first.usage[1]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(server.name, marks=row(server, _PARAMETERS), id=server.name)
        for server in (LlMock, AiMock)
    ],
)
def test_parameters_arrive_as_they_were_asked_for(name: str, user: User, servers: Servers) -> None:
    server = servers.named(name)
    assert isinstance(server, LlMock | AiMock)
    key = user.create_key(server.openai_url, "words", api_key=server.key)
    asked: dict[str, Any] = {"max_tokens": 77, "temperature": 1.25, "top_p": 0.5}
    assert ask(user, key["id"], "With parameters?", **asked).text == WORDS
    body = server.requests("words")[-1]["body"]
    assert {name: body[name] for name in asked} == asked
    assert body["stream"] is True


@pytest.mark.parametrize(
    ("name", "model", "text"),
    [
        pytest.param(LlamaCpp.name, "table", STEPS, marks=row(LlamaCpp, _MANY), id=LlamaCpp.name),
        pytest.param(LiteLlm.name, "words", WORDS, marks=row(LiteLlm, _MANY), id=LiteLlm.name),
        pytest.param(LlMock.name, "words", WORDS, marks=row(LlMock, _MANY), id=LlMock.name),
        pytest.param(AiMock.name, "words", WORDS, marks=row(AiMock, _MANY), id=AiMock.name),
    ],
)
def test_many_answers_at_once_are_each_whole(
    name: str, model: str, text: str, user: User, servers: Servers
) -> None:
    server = servers.named(name)
    key = user.create_key(server.openai_url, model, api_key=server.key)

    def one(number: int) -> tuple[str, dict[str, Any]]:
        outcome = ask(user, key["id"], f"Question {number}, with twenty steps?")
        return outcome.text, outcome.problem

    with ThreadPoolExecutor(_AT_ONCE) as readers:
        assert list(readers.map(one, range(_AT_ONCE))) == [(text, {})] * _AT_ONCE


async def _cancelled(user: User, key: dict[str, Any], question: str, **asked: Any) -> list[Event]:
    """Ask, and cancel once the first text is there; the events to the end."""

    def read() -> list[Event]:
        events = []
        with user.http.stream(
            "POST",
            f"/api/v1/chat/sessions/{user.create_session()}/messages",
            json={"content": question, "key_id": key["id"], **asked},
            headers={"Accept": "text/event-stream"},
        ) as answer:
            for event in read_events(answer.iter_lines()):
                events.append(event)
                if [one.name for one in events].count("delta") == 1 and event.name == "delta":
                    run_id = events[0].data["run_id"]
                    done = user.http.post(f"/api/v1/chat/runs/{run_id}/cancel")
                    assert done.is_success, done.text
        return events

    return await asyncio.to_thread(read)


@row(LlamaCpp, _CANCELLED)
async def test_cancelling_ends_the_work_of_a_model(user: User, servers: Servers) -> None:
    server = servers.llama
    key = user.create_key(server.openai_url, "table", api_key=server.key)
    before = server.count("tokens_predicted_total")
    events = await _cancelled(user, key, "endless", max_tokens=1_000_000)
    assert events[-1].data["status"] == "cancelled"
    assert "round again round".startswith(text_of_events(events).strip()[:17])
    await eventually(lambda: server.count("requests_processing") == 0, timeout=60)
    # By itself it would have ended only with its context.
    assert server.count("tokens_predicted_total") - before < CONTEXT / 2


@row(LlMock, _CANCELLED)
async def test_cancelling_closes_the_request_at_llmock(user: User, servers: Servers) -> None:
    server = servers.llmock
    key = user.create_key(server.openai_url, "long-answer", api_key=server.key)
    events = await _cancelled(user, key, "A long answer?")
    assert events[-1].data["status"] == "cancelled"
    assert LONG_ANSWER.startswith(text_of_events(events))
    await eventually(lambda: len(server.requests("long-answer")) == 1, timeout=60)
    (request,) = server.requests("long-answer")
    assert request["completed"] is False
    assert request["chunks_sent"] < len(LONG_ANSWER.split())


@row(AiMock, _CANCELLED)
async def test_cancelling_closes_the_request_at_aimock(user: User, servers: Servers) -> None:
    server = servers.aimock
    key = user.create_key(server.openai_url, "long-answer", api_key=server.key)
    events = await _cancelled(user, key, "A long answer?")
    assert events[-1].data["status"] == "cancelled"
    assert LONG_ANSWER.startswith(text_of_events(events))
    # Idle connections are closed by it after five seconds, one with an answer stays for minutes.
    await eventually(lambda: server.connections() == 0, timeout=60)


@row(LiteLlm, _CANCELLED)
async def test_cancelling_ends_the_work_of_a_model_behind_a_proxy(
    user: User, servers: Servers
) -> None:
    server = servers.llama
    key = user.create_key(
        servers.litellm.openai_url, "xllamacpp/table", api_key=servers.litellm.key
    )
    before = server.count("tokens_predicted_total")
    events = await _cancelled(user, key, "endless", max_tokens=1_000_000)
    assert events[-1].data["status"] == "cancelled"
    await eventually(lambda: server.count("requests_processing") == 0, timeout=60)
    assert server.count("tokens_predicted_total") - before < CONTEXT / 2
