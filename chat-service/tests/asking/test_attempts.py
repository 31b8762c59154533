"""A server that refuses a parameter by name is asked once more without it, and never again with it."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from chassis.ids import new_id
from chat_service.answer.domain.ending import Adapted
from chat_service.providers.domain.connection import Learnt
from chat_service.providers.domain.learnt import Lesson, Told
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import (
    ProviderContextTooLong,
    ProviderError,
    ProviderParameterRefused,
    ProviderPathNotFound,
    ProviderUnauthorized,
    ProviderUnknown,
)

# Fixtures of conftest.py; a test module cannot import their classes by name.
Server = Any
Asker = Any

ANSWER = (
    b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


def refusal(message: str, param: str | None = None) -> tuple[int, bytes]:
    return 400, json.dumps({"error": {"message": message, "param": param}}).encode()


def like_a_reasoning_model(body: dict[str, Any]) -> tuple[int, bytes]:
    if "max_tokens" in body:
        return refusal(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
        )
    if body.get("temperature", 1) != 1:
        return refusal(
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default "
            "(1) value is supported.",
            "temperature",
        )
    if body.get("max_completion_tokens", 0) > 16_384:
        return refusal(
            f"max_tokens is too large: {body['max_completion_tokens']}. This model supports at most "
            "16384 completion tokens.",
            "max_tokens",
        )
    return 200, ANSWER


async def test_nothing_is_sent_but_what_was_asked_for(server: Server, asker: Asker) -> None:
    assert await asker.ask() == ("hi", Told())
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]
    said = {
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": ["END"],
        "reasoning_effort": "low",
    }
    assert await asker.ask(**said) == ("hi", Told())
    assert server.bodies[1] == {**server.bodies[0], **said}


async def test_what_is_refused_is_learnt_told_and_not_asked_for_again(
    server: Server, asker: Asker
) -> None:
    server.rule = like_a_reasoning_model
    text, told = await asker.ask(temperature=0.7, max_tokens=99_999, top_p=0.5)
    learnt = [
        Lesson("max_tokens", "max_completion_tokens"),
        Lesson("temperature"),
        Lesson("max_completion_tokens", "16384"),
    ]
    assert text == "hi"
    assert told == Told(learnt, (Adapted("temperature"), Adapted("max_tokens", "16384")))
    assert len(server.bodies) == 4
    assert server.bodies[-1] == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "top_p": 0.5,
        "max_completion_tokens": 16_384,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert await asker.ask(temperature=0.7, max_tokens=5) == (
        "hi",
        Told([], (Adapted("temperature"),)),
    )
    assert len(server.bodies) == 5
    # Of another model, and of another connection, nothing is known.
    await asker.ask("other", max_tokens=5)
    assert len(server.bodies) == 7
    asker.connection = replace(asker.connection, key_id=new_id())
    await asker.ask(max_tokens=5)
    assert len(server.bodies) == 9


GREETING = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'


@pytest.mark.parametrize(
    "before", ["", "data: ", "event: error\ndata: ", GREETING.decode() + "data: "]
)
async def test_what_is_refused_in_the_body_of_a_200_is_learnt_as_well(
    server: Server, asker: Asker, before: str
) -> None:
    def rule(body: dict[str, Any]) -> tuple[int, bytes]:
        status, said = like_a_reasoning_model(body)
        return 200, said if status == 200 else before.encode() + said + b"\n\n"

    server.rule = rule
    text, told = await asker.ask(temperature=0.7, max_tokens=5)
    assert (text, told.adapted) == ("hi", (Adapted("temperature"),))
    assert told.learnt == [Lesson("max_tokens", "max_completion_tokens"), Lesson("temperature")]
    assert len(server.bodies) == 3
    assert (await asker.ask(temperature=0.7))[0] == "hi"
    assert len(server.bodies) == 4


@pytest.mark.parametrize(
    ("text", "message", "reason"),
    [
        (b"hi", "Unsupported parameter: 'temperature'.", "PROVIDER_PARAMETER_REFUSED"),
        (b"", "Unsupported parameter: 'top_k'.", "PROVIDER_PARAMETER_REFUSED"),
        (b"", "Slow down: temperature is at its maximum.", "PROVIDER_RATE_LIMITED"),
    ],
)
async def test_an_error_in_a_200_that_asking_otherwise_does_not_mend_is_one(
    server: Server, asker: Asker, text: bytes, message: str, reason: str
) -> None:
    error = {"message": message, "code": 429} if "RATE" in reason else {"message": message}
    said = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\ndata: %b\n\n'
    server.rule = lambda _: (200, said % (text, json.dumps({"error": error}).encode()))
    with pytest.raises(ProviderError) as raised:
        await asker.ask(temperature=0.7)
    assert raised.value.reason == reason
    assert len(server.bodies) == 1


async def test_what_the_vault_kept_is_applied_at_once(server: Server, asker: Asker) -> None:
    server.rule = like_a_reasoning_model
    known = (
        Learnt("m", "max_tokens", "max_completion_tokens"),
        Learnt("m", "temperature", ""),
    )
    asker.connection = replace(asker.connection, learnt=known)
    assert await asker.ask(temperature=0.7, max_tokens=5) == (
        "hi",
        Told([], (Adapted("temperature"),)),
    )
    assert len(server.bodies) == 1
    # It is of its model alone.
    assert (await asker.ask("other", max_tokens=5))[1].learnt == [
        Lesson("max_tokens", "max_completion_tokens")
    ]


async def test_a_server_that_takes_no_stream_options_is_asked_without(
    server: Server, asker: Asker
) -> None:
    def strict(body: dict[str, Any]) -> tuple[int, bytes]:
        if "stream_options" in body:
            where = {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra"}
            return 422, json.dumps({"detail": [where]}).encode()
        return 200, ANSWER

    server.rule = strict
    # It was not the user who asked for them.
    assert await asker.ask() == ("hi", Told([Lesson("stream_options")]))


async def test_a_server_that_does_not_stream_is_asked_for_the_answer_whole(
    server: Server, asker: Asker
) -> None:
    def whole(body: dict[str, Any]) -> tuple[int, bytes]:
        if "stream" in body:
            return refusal("Your organization must be verified to stream this model.", "stream")
        assert "stream_options" not in body
        message = {"role": "assistant", "content": "whole"}
        return 200, json.dumps(
            {"choices": [{"message": message, "finish_reason": "stop"}]}
        ).encode()

    server.rule = whole
    assert await asker.ask() == ("whole", Told([Lesson("stream")]))


async def test_what_a_question_leaves_room_for_is_not_remembered(
    server: Server, asker: Asker
) -> None:
    def short(body: dict[str, Any]) -> tuple[int, bytes]:
        if body.get("max_tokens", 0) <= 100:
            return 200, ANSWER
        asked = body["max_tokens"]
        return refusal(
            f"This model's maximum context length is 8192 tokens. However, you requested {8092 + asked} "
            f"tokens (8092 in the messages, {asked} in the completion).",
            "max_tokens",
        )

    server.rule = short
    assert await asker.ask(max_tokens=2048) == ("hi", Told([], (Adapted("max_tokens", "100"),)))
    assert [body["max_tokens"] for body in server.bodies] == [2048, 100]
    assert await asker.ask(max_tokens=50) == ("hi", Told())
    await asker.ask(max_tokens=2048)
    assert [body["max_tokens"] for body in server.bodies[3:]] == [2048, 100]


@pytest.mark.parametrize(
    ("status", "said", "error", "asked"),
    [
        (
            400,
            {"message": "'seed' is not supported.", "param": "seed"},
            ProviderParameterRefused,
            1,
        ),
        (401, {"message": "No key: temperature is unsupported"}, ProviderUnauthorized, 1),
        (404, {"message": "Not Found"}, ProviderPathNotFound, 1),
        (500, {"message": "temperature is unsupported", "param": "temperature"}, ProviderError, 1),
        (400, {"message": "maximum context length is 8 tokens"}, ProviderContextTooLong, 1),
        # It says the same whatever is left out.
        (
            400,
            {"message": "Unsupported: temperature", "param": "temperature"},
            ProviderParameterRefused,
            2,
        ),
    ],
)
async def test_a_refusal_that_names_nothing_sent_stands(
    server: Server,
    asker: Asker,
    status: int,
    said: dict[str, Any],
    error: type[ProviderError],
    asked: int,
) -> None:
    server.rule = lambda _: (status, json.dumps({"error": said}).encode())
    with pytest.raises(error) as raised:
        await asker.ask(temperature=0.7)
    assert type(raised.value) is error
    assert len(server.bodies) == asked
    # What did not help is not remembered.
    server.rule = lambda _: (200, ANSWER)
    assert await asker.ask(temperature=0.7) == ("hi", Told())
    assert server.bodies[-1]["temperature"] == 0.7


async def test_a_question_is_asked_otherwise_three_times_at_most(
    server: Server, asker: Asker
) -> None:
    def refuses_all(body: dict[str, Any]) -> tuple[int, bytes]:
        names = [name for name in body if name not in ("model", "messages", "stream")]
        return refusal(f"Unsupported parameter: '{names[0]}'", names[0]) if names else (200, ANSWER)

    server.rule = refuses_all
    with pytest.raises(ProviderParameterRefused, match="reasoning_effort"):
        await asker.ask(temperature=0.7, top_p=0.5, max_tokens=5, reasoning_effort="low")
    assert len(server.bodies) == 4


async def test_a_refused_parameter_is_named(server: Server, asker: Asker) -> None:
    server.rule = lambda _: refusal("'max_tokens' must be at least 16", "max_tokens")
    with pytest.raises(ProviderParameterRefused) as raised:
        await asker.ask(max_tokens=5)
    assert "max_tokens" in raised.value.detail
    assert raised.value.provider_message == "'max_tokens' must be at least 16"


async def test_a_connections_headers_go_along_and_its_query(server: Server, asker: Asker) -> None:
    asker.connection = replace(
        asker.connection,
        base_url=f"{server.base_url}/deployments/m?api-version=2024-10-21",
        headers=(
            ("api-key", "k2"),
            ("HTTP-Referer", "https://a.example"),
            ("accept", "text/plain"),
        ),
    )
    assert (await asker.ask())[0] == "hi"
    assert server.lines == [
        "POST /v1/deployments/m/chat/completions?api-version=2024-10-21 HTTP/1.1"
    ]
    (headers,) = server.headers
    assert int(headers.pop("content-length")) > 50
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "Parley",
        "accept": "text/plain",
        "accept-encoding": "identity",
        "authorization": "Bearer sk-secret",
        "content-type": "application/json",
        "api-key": "k2",
        "http-referer": "https://a.example",
    }


async def test_no_header_of_a_connection_replaces_what_http_or_the_key_is(
    server: Server, asker: Asker
) -> None:
    own = {"Host": "evil", "content-length": "3", "AUTHORIZATION": "x", "Accept-Encoding": "gzip"}
    asker.connection = replace(asker.connection, headers=(*own.items(), ("X-Mine", "yes")))
    assert (await asker.ask())[0] == "hi"
    (headers,) = server.headers
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["authorization"] == "Bearer sk-secret"
    assert headers["accept-encoding"] == "identity"
    assert headers["x-mine"] == "yes"


async def test_a_kind_that_is_not_known_is_said(server: Server, asker: Asker) -> None:
    asker.connection = replace(asker.connection, provider="carrier-pigeon")
    with pytest.raises(ProviderUnknown) as raised:
        await asker.ask()
    assert raised.value.reason == "PROVIDER_UNKNOWN"
    assert server.connections == 0


def like_a_model_without_a_system(body: dict[str, Any]) -> tuple[int, bytes]:
    roles = [message["role"] for message in body["messages"]]
    if "system" in roles:
        return refusal("System role not supported")
    if any(one == other for one, other in pairwise(roles)) or roles[0] != "user":
        return refusal("Conversation roles must alternate user/assistant/user/assistant/...")
    return 200, ANSWER


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        (["system: Be brief.", "user: hello"], ["user: Be brief.\n\nhello"]),
        (["user: one", "user: two"], ["user: one\n\ntwo"]),
        (
            ["system: A.", "user: one", "assistant: 1", "user: two", "user: three", "system: B."],
            ["user: A.\n\nB.\n\none", "assistant: 1", "user: two\n\nthree"],
        ),
        (["system: A.", "assistant: 1", "user: two"], ["user: A.", "assistant: 1", "user: two"]),
        (["system: A."], ["user: A."]),
    ],
)
async def test_a_model_that_knows_no_system_is_told_by_the_user(
    server: Server, asker: Asker, prompt: list[str], sent: list[str]
) -> None:
    server.rule = like_a_model_without_a_system
    said = [one.partition(": ") for one in prompt]
    messages = [PromptMessage(role, content) for role, _, content in said]
    text, told = await asker.ask(prompt=messages)
    assert (text, told) == ("hi", Told([Lesson("system", "user")], in_turns=True))
    asked = [f"{one['role']}: {one['content']}" for one in server.bodies[-1]["messages"]]
    assert asked == sent
    assert len(server.bodies) == 2
    # From then on at once.
    assert await asker.ask(prompt=messages) == ("hi", Told(in_turns=True))
    assert len(server.bodies) == 3
