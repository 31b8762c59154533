"""Anthropic's Messages API of the scripted model server: its events, its strictness, its cache."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import orjson
import pytest

from parley_local.model_server import reasoning_of, text_of
from parley_local.model_server.process import ModelServerProcess, model_server

MARK = {"type": "ephemeral"}


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServerProcess]:
    with model_server("--show-messages") as running:
        yield running


@pytest.fixture
async def http(server: ModelServerProcess) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"x-api-key": "sk-ant-scripted", "anthropic-version": "2023-06-01"}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        yield session


def asking(model: str = "echo", content: Any = "Hello?", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": model, "max_tokens": 2000, "messages": messages, "stream": True, **more}


def block(text: str, *, marked: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"cache_control": MARK} if marked else {})}


async def events(http: aiohttp.ClientSession, body: dict[str, Any]) -> list[dict[str, Any]]:
    async with http.post("/v1/messages", json=body) as response:
        assert response.status == 200, await response.text()
        raw = await response.read()
    found = []
    for event in raw.split(b"\n\n")[:-1]:
        name, data = event.split(b"\n")
        said: dict[str, Any] = orjson.loads(data.removeprefix(b"data: "))
        assert name == f"event: {said['type']}".encode()
        found.append(said)
    return found


def joined(found: list[dict[str, Any]], name: str) -> str:
    deltas = (event["delta"] for event in found if event["type"] == "content_block_delta")
    return "".join(delta.get(name, "") for delta in deltas)


async def test_an_answer_is_the_events_of_a_message(http: aiohttp.ClientSession) -> None:
    found = await events(http, asking("reasoning-5", thinking={"type": "adaptive"}))
    kinds = [event["type"] for event in found]
    assert kinds == [
        *("message_start", "ping"),
        *("content_block_start", *["content_block_delta"] * 6, "content_block_stop"),
        *("content_block_start", *["content_block_delta"] * 5, "content_block_stop"),
        *("message_delta", "message_stop"),
    ]
    assert joined(found, "thinking") == reasoning_of("reasoning-5")
    assert joined(found, "text") == text_of("reasoning-5")
    assert found[-2]["delta"]["stop_reason"] == "end_turn"
    assert found[-2]["usage"] == {"output_tokens": 10}


async def test_thinking_that_was_not_asked_for_is_not_shown(http: aiohttp.ClientSession) -> None:
    found = await events(http, asking("reasoning-5"))
    assert joined(found, "thinking") == ""
    assert joined(found, "text") == text_of("reasoning-5")


@pytest.mark.parametrize(
    ("model", "reason"), [("length-3", "max_tokens"), ("filtered-3", "refusal")]
)
async def test_an_end_has_this_apis_words(
    http: aiohttp.ClientSession, model: str, reason: str
) -> None:
    assert (await events(http, asking(model)))[-2]["delta"]["stop_reason"] == reason


async def test_an_error_in_mid_stream_is_an_event(http: aiohttp.ClientSession) -> None:
    found = await events(http, asking("overloaded-after-3"))
    assert found[-1] == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
    }


REFUSED = [
    ({"max_tokens": None}, "max_tokens: Input should be greater"),
    ({"max_tokens": 64_000}, "max_tokens: 64000 > 32000, which is the maximum allowed"),
    ({"messages": []}, "at least one message"),
    ({"messages": [{"role": "assistant", "content": "hi"}]}, "first message must use"),
    ({"messages": [{"role": "user", "content": "a"}] * 2}, "roles must alternate"),
    ({"messages": [{"role": "system", "content": "a"}]}, "Input should be 'user' or 'assistant'"),
    ({"messages": [{"role": "user", "content": ""}]}, "must be non-empty"),
    ({"messages": [{"role": "user", "content": [block(" \n")]}]}, "non-whitespace text"),
    ({"system": " "}, "non-whitespace text"),
    ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
    ({"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
    ({"temperature": 0.5, "thinking": {"type": "adaptive"}}, "may only be set to 1"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1000}}, "greater than or equal to 1024"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than"),
    ({"stop_sequences": [" "]}, "non-whitespace"),
    ({"stream_options": {}}, "stream_options: Extra inputs are not permitted"),
    ({"reasoning_effort": "low"}, "reasoning_effort: Extra inputs are not permitted"),
    (
        {"messages": [{"role": "user", "content": [block("a", marked=True)] * 5}]},
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    ({"model": "echo#budget", "thinking": {"type": "adaptive"}}, '"thinking.type.adaptive" is not'),
    ({"model": "echo#old", "thinking": {"type": "adaptive"}}, "does not support thinking"),
    ({"model": "echo#budget", "output_config": {"effort": "low"}}, "the effort parameter"),
    ({"model": "echo#adaptive", "temperature": 1}, "`temperature` is deprecated"),
]


@pytest.mark.parametrize(("more", "sentence"), REFUSED)
async def test_what_the_real_one_refuses_is_refused(
    http: aiohttp.ClientSession, more: dict[str, Any], sentence: str
) -> None:
    async with http.post("/v1/messages", json=asking() | more) as response:
        said = await response.json()
    assert (response.status, said["type"]) == (400, "error")
    assert said["error"]["type"] == "invalid_request_error"
    assert sentence in said["error"]["message"]


async def test_a_key_and_a_version_are_required(server: ModelServerProcess) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        for headers, status, kind in (
            ({}, 401, "authentication_error"),
            ({"anthropic-version": "2023-06-01"}, 401, "authentication_error"),
            ({"x-api-key": "sk-x"}, 400, "invalid_request_error"),
        ):
            async with session.post("/v1/messages", json=asking(), headers=headers) as response:
                assert response.status == status
                assert (await response.json())["error"]["type"] == kind


async def test_a_key_may_be_a_bearer_token_and_a_later_version_takes_no_temperature(
    server: ModelServerProcess,
) -> None:
    headers = {"Authorization": "Bearer sk-x", "anthropic-version": "2026-10-21"}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        assert joined(await events(session, asking()), "text") == "Hello?"
        async with session.post("/v1/messages", json=asking(temperature=0.5)) as response:
            assert response.status == 400
            assert "temperature" in (await response.json())["error"]["message"]


async def test_what_was_marked_is_known_when_it_comes_again(http: aiohttp.ClientSession) -> None:
    async def counted(messages: list[dict[str, Any]]) -> tuple[int, int, int]:
        body = asking() | {"system": [block("s" * 400, marked=True)], "messages": messages}
        usage = (await events(http, body))[0]["message"]["usage"]
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        fresh, written, read = (usage[name] for name in names)
        return fresh, written, read

    first = {"role": "user", "content": [block("a" * 40, marked=True)]}
    assert await counted([first]) == (0, 110, 0)
    assert await counted([first]) == (0, 0, 110)
    answer = {"role": "assistant", "content": "b" * 80}
    second = {"role": "user", "content": [block("c" * 20, marked=True)]}
    assert await counted([first, answer, second]) == (0, 25, 110)
    unmarked = {"role": "user", "content": "d" * 20}
    assert await counted([first, answer, unmarked]) == (25, 0, 110)
    other = {"role": "user", "content": [block("e" * 40, marked=True)]}
    assert await counted([other, answer, second]) == (0, 35, 100)


async def test_a_model_says_what_it_can_do_unless_it_does_not(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/models/echo%23budget") as response:
        told = await response.json()
    assert (told["id"], told["max_tokens"]) == ("echo#budget", 32_000)
    thinking = told["capabilities"]["thinking"]["types"]
    assert {kind for kind, one in thinking.items() if one["supported"]} == {"disabled", "enabled"}
    async with http.get("/v1/models/echo%23untold") as response:
        assert response.status == 404
        assert (await response.json())["error"]["type"] == "not_found_error"
