"""Anthropic's Messages API, asked of a scripted server that is as strict as the real one."""

import asyncio
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio

from chassis.ids import new_id
from chassis.testing.model_server import ModelServer, running_model_server
from chat_service.answer.domain.ending import Adapted, Usage
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection, Learnt
from chat_service.providers.domain.learnt import Lesson, Told
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import (
    ProviderContentRefused,
    ProviderError,
    ProviderModelNotFound,
    ProviderOverloaded,
    ProviderParameterRefused,
    ProviderRateLimited,
    ProviderUnauthorized,
)
from chat_service.providers.port import End
from parley_local.model_server import reasoning_of, text_of
from servicekit.generation_parameters import GenerationParameters

KEY = "sk-ant-very-secret"


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running_model_server() as running:
        yield running


@dataclass
class Answered:
    text: str = ""
    thinking: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    end: End | None = None
    told: Told = field(default_factory=Told)


@dataclass
class Asker:
    client: ModelClient
    connection: Connection
    server: ModelServer

    async def ask(
        self,
        model: str,
        prompt: Sequence[str] = ("hello",),
        system: str = "",
        *,
        into: Answered | None = None,
        **said: Any,
    ) -> Answered:
        """``prompt`` is turn by turn, the user's first."""
        messages = [PromptMessage("system", system)] if system else []
        messages += [
            PromptMessage("assistant" if at % 2 else "user", text) for at, text in enumerate(prompt)
        ]

        async def next_read(*_: object) -> None:
            await asyncio.sleep(0)

        answered = into or Answered()
        pieces = self.client.stream(
            self.connection,
            messages,
            model=model,
            parameters=GenerationParameters.of(said),
            next_read=next_read,
            told=answered.told,
        )
        async for piece in pieces:
            answered.text += piece.text
            answered.thinking += piece.thinking
            answered.finish_reason = piece.finish_reason or answered.finish_reason
            answered.usage = piece.usage or answered.usage
            answered.end = piece.end
        return answered

    def calls(self, model: str) -> int:
        calls: int = self.server.counters()["calls"].get(model, 0)
        return calls

    @property
    def sent(self) -> dict[str, Any]:
        """The parameters of the last request, and the names of its headers."""
        last: dict[str, Any] = self.server.counters()["last_request"]
        return {**last["parameters"], "headers": last["headers"]}


@pytest_asyncio.fixture
async def asker(server: ModelServer, provider: ModelClient) -> Asker:
    reset = urllib.request.Request(f"http://127.0.0.1:{server.port}/reset", method="POST")
    with urllib.request.urlopen(reset, timeout=30):
        pass
    base_url = server.base_url.removesuffix("/v1")
    return Asker(provider, Connection(new_id(), "x", KEY, "m", base_url, "anthropic"), server)


@pytest.mark.parametrize("below", ["", "/v1", "/v1/messages", "/"])
async def test_an_answer_comes_whole_wherever_the_base_url_ends(asker: Asker, below: str) -> None:
    base_url = asker.connection.base_url + below
    asker.connection = replace(asker.connection, base_url=base_url)
    answered = await asker.ask("tokens-200", max_tokens=500)
    assert answered.text == text_of("tokens-200")
    assert (answered.finish_reason, answered.end) == ("end_turn", End.WHOLE)
    assert answered.usage is not None
    assert (answered.usage.prompt_tokens, answered.usage.completion_tokens) == (2, 200)
    assert answered.told == Told()


async def test_a_request_has_exactly_these_headers(asker: Asker) -> None:
    await asker.ask("echo", max_tokens=5)
    assert asker.sent["headers"] == [
        "accept",
        "accept-encoding",
        "anthropic-version",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-api-key",
    ]


async def test_a_model_is_asked_once_how_much_it_can_answer(asker: Asker) -> None:
    for _ in range(3):
        await asker.ask("echo#a")
        assert asker.sent["max_tokens"] == 32_000
    assert asker.calls("models/echo#a") == 1
    for _ in range(3):
        await asker.ask("echo#untold")
        assert asker.sent["max_tokens"] == 4096
    assert asker.calls("models/echo#untold") == 1
    await asker.ask("echo#b", max_tokens=7)
    assert asker.sent["max_tokens"] == 7
    assert asker.calls("models/echo#b") == 0


async def test_more_tokens_than_the_model_has_become_as_many_as_it_has(asker: Asker) -> None:
    answered = await asker.ask("echo#c", max_tokens=100_000)
    assert answered.text == "hello"
    assert answered.told == Told([Lesson("max_tokens", "32000")], (Adapted("max_tokens", "32000"),))
    assert asker.sent["max_tokens"] == 32_000


@pytest.mark.parametrize(
    ("model", "sent", "level"),
    [
        ("reasoning-20#new", {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        (
            "reasoning-20#adaptive",
            {"type": "adaptive", "display": "summarized"},
            {"effort": "high"},
        ),
        ("reasoning-20#budget", {"type": "enabled", "budget_tokens": 16_000}, None),
        ("reasoning-20#untold", {"type": "enabled", "budget_tokens": 2048}, None),
    ],
)
async def test_thinking_is_asked_for_in_the_models_way_and_comes_apart(
    asker: Asker, model: str, sent: dict[str, Any], level: dict[str, str] | None
) -> None:
    answered = await asker.ask(model, reasoning_effort="high")
    assert answered.thinking == reasoning_of("reasoning-20")
    assert answered.text == text_of("reasoning-20")
    assert answered.told == Told()
    assert asker.sent["thinking"] == sent
    assert asker.sent.get("output_config") == level


async def test_a_way_to_think_that_is_refused_gives_way_to_the_other(asker: Asker) -> None:
    # By this name it is taken for one that thinks adaptively, and the server does not tell.
    model = "reasoning-20#untold"
    learnt = (Learnt(model, "thinking", "adaptive"),)
    asker.connection = replace(asker.connection, learnt=learnt)
    answered = await asker.ask(model, reasoning_effort="low")
    assert answered.thinking == reasoning_of("reasoning-20")
    assert answered.told.learnt == [Lesson("output_config"), Lesson("thinking", "enabled")]
    assert asker.sent["thinking"] == {"type": "enabled", "budget_tokens": 2048}


async def test_a_model_that_does_not_think_answers_and_that_is_told(asker: Asker) -> None:
    answered = await asker.ask("reasoning-20#old", reasoning_effort="high", max_tokens=3000)
    assert (answered.text, answered.thinking) == (text_of("reasoning-20"), "")
    assert answered.told == Told([], (Adapted("reasoning_effort"),))


async def test_of_temperature_and_top_p_one_is_left_out_where_both_are_refused(
    asker: Asker,
) -> None:
    answered = await asker.ask("echo#d", temperature=0.5, top_p=0.5, max_tokens=9)
    assert answered.told == Told([Lesson("top_p-temperature")], (Adapted("top_p"),))
    assert asker.sent["temperature"] == 0.5
    assert (await asker.ask("echo#d", top_p=0.5, max_tokens=9)).told == Told()
    assert asker.sent["top_p"] == 0.5


async def test_a_connections_own_version_is_sent_and_what_it_refuses_is_learnt(
    asker: Asker,
) -> None:
    headers = (("Anthropic-Version", "2026-10-21"), ("X-Api-Key", "another"))
    asker.connection = replace(asker.connection, headers=headers)
    answered = await asker.ask("echo#e", temperature=0.5, max_tokens=9)
    assert answered.text == "hello"
    assert answered.told == Told([Lesson("temperature")], (Adapted("temperature"),))
    (again,) = [name for name in asker.sent["headers"] if name == "x-api-key"]
    assert again


async def test_a_temperature_above_one_is_refused_before_the_server_is_asked(asker: Asker) -> None:
    with pytest.raises(ProviderParameterRefused) as refused:
        await asker.ask("echo#f", temperature=1.5, max_tokens=9)
    assert "temperature" in refused.value.detail
    assert asker.calls("echo#f") == 0


async def test_of_what_was_said_before_the_server_reads_only_what_is_new(asker: Asker) -> None:
    system, first, second = "s" * 4000, "a" * 400, "b" * 400
    read = await asker.ask("echo#cached", [first], system, max_tokens=500)
    assert read.usage is not None
    assert read.usage.prompt_tokens == 1100
    assert await cached(asker, [first, read.text, second], system) == 1100
    assert await cached(asker, [first, read.text, second, "more", "c" * 40], system) == 1300
    assert await cached(asker, ["another", "answer", "question"], system) == 1000


async def cached(asker: Asker, prompt: list[str], system: str) -> int:
    """How many tokens of the prompt the server knew already, by what it counts."""
    await asker.ask("echo#cached", prompt, system, max_tokens=500)
    read: int = asker.server.counters()["last_prompt"]["read"]
    return read


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        ("status-401", ProviderUnauthorized, ""),
        ("status-429", ProviderRateLimited, ""),
        ("status-529", ProviderOverloaded, ""),
        ("status-500", ProviderError, ""),
        ("no-such-model", ProviderModelNotFound, ""),
        ("overloaded-after-20", ProviderOverloaded, text_of("tokens-20")),
        ("error-after-20", ProviderError, text_of("tokens-20")),
    ],
)
async def test_an_error_is_what_it_is_and_quotes_no_key(
    asker: Asker, model: str, error: type[ProviderError], text: str
) -> None:
    answered = Answered()
    with pytest.raises(error) as raised:
        await asker.ask(model, into=answered, max_tokens=500)
    assert type(raised.value) is error
    assert answered.text == text
    assert KEY not in raised.value.provider_message + raised.value.detail
    assert raised.value.provider_message
    assert raised.value.retry_after == (7 if model == "status-429" else None)


@pytest.mark.parametrize(
    ("model", "reason"), [("length-20", "max_tokens"), ("filtered-20", "refusal")]
)
async def test_how_an_answer_ended_is_told(asker: Asker, model: str, reason: str) -> None:
    answered = await asker.ask(model, max_tokens=500)
    assert (answered.text, answered.finish_reason) == (text_of("tokens-20"), reason)
    assert answered.end is End.WHOLE


async def test_a_refusal_without_a_word_says_why(asker: Asker) -> None:
    # Of its text there is only thinking, which was not asked for.
    with pytest.raises(ProviderContentRefused) as refused:
        await asker.ask("refused", max_tokens=500)
    assert refused.value.provider_message == "The scripted model does not speak of this."
