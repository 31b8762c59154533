"""The same servers by Anthropic's Messages API."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.client import User

from .answers import STEPS, THINKING, THOUGHT, text_of
from .conftest import Servers
from .outcome import ask
from .process import ModelServer
from .servers import RETRY_AFTER, WORDS, AiMock, LiteLlm, LlamaCpp, LlMock

pytestmark = [
    pytest.mark.interop,
    pytest.mark.xfail(
        strict=True, raises=AssertionError, reason="there is no connection to Anthropic's API yet"
    ),
]

_VERSION: Final = "2023-06-01"


@dataclass(frozen=True)
class Case:
    """A question to ``model``; one that fails has a reason, the others text and a finish reason."""

    server: type[ModelServer]
    behaviour: str
    model: str
    text: str = ""
    thinking: str = ""
    finish_reason: str | None = "stop"
    reason: str | None = None
    retry_after: int | None = None
    question: str = "Say something."
    key: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


_MANY_WORDS = "word " * 12_000
_ANSWER = "Anthropic: an answer, word by word, with its usage and `stop`"
_LENGTH = "Anthropic: `length`"
_THINKING = "Anthropic: thinking apart from the text"
_KEY = "Anthropic: a wrong key"
_LIMITED = "Anthropic: a rate limit"
_LONG = "Anthropic: a prompt that is too long"
_OVERLOADED = "Anthropic: overloaded"
_BREAKS = "Anthropic: a stream that breaks off"


def _fails(server: type[ModelServer], behaviour: str, model: str, reason: str, **more: Any) -> Case:
    return Case(server, behaviour, model, finish_reason=None, reason=reason, **more)


CASES: Final = (
    Case(LlamaCpp, _ANSWER, "table", STEPS, question="twenty steps"),
    Case(LlamaCpp, _THINKING, "table", THOUGHT, THINKING, question="think"),
    Case(
        LlamaCpp,
        _LENGTH,
        "table",
        text_of("<|steps|>", tokens=7),
        finish_reason="length",
        question="twenty steps",
        parameters={"max_tokens": 7},
    ),
    _fails(LlamaCpp, _KEY, "table", "PROVIDER_UNAUTHORIZED", key="sk-wrong"),
    _fails(LlamaCpp, _LONG, "table", "PROVIDER_CONTEXT_TOO_LONG", question="漢字" * 7000),
    Case(LiteLlm, _ANSWER, "xllamacpp/table", STEPS, question="twenty steps"),
    _fails(LiteLlm, _LIMITED, "limited", "PROVIDER_RATE_LIMITED"),
    Case(LlMock, _ANSWER, "words", WORDS),
    Case(LlMock, _LENGTH, "short", "Cut sh", finish_reason="length"),
    _fails(LlMock, _KEY, "unauthorized", "PROVIDER_UNAUTHORIZED"),
    _fails(LlMock, _LIMITED, "limited", "PROVIDER_RATE_LIMITED", retry_after=RETRY_AFTER),
    _fails(LlMock, _OVERLOADED, "overloaded-529", "PROVIDER_OVERLOADED"),
    _fails(LlMock, _BREAKS, "disconnect", "PROVIDER_BROKE"),
    Case(AiMock, _ANSWER, "words", WORDS),
    Case(AiMock, _THINKING, "thinking", "The answer.", "First 思考 🤔."),
    Case(AiMock, _LENGTH, "short", "Cut sh", finish_reason="length"),
    _fails(AiMock, _KEY, "words", "PROVIDER_UNAUTHORIZED", key="sk-wrong"),
    _fails(AiMock, _LIMITED, "limited", "PROVIDER_RATE_LIMITED", retry_after=RETRY_AFTER),
)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            marks=pytest.mark.row(case.server.name, case.behaviour),
            id=f"{case.server.name}: {case.behaviour}",
        )
        for case in CASES
    ],
)
def test_what_a_server_answers_by_messages_comes_out_as_it_is(
    case: Case, user: User, servers: Servers
) -> None:
    server = servers.named(case.server.name)
    key = user.create_key(
        server.anthropic_url, case.model, api_key=case.key or server.key, provider="anthropic"
    )
    outcome = ask(user, key["id"], case.question, **case.parameters)
    if case.reason is not None:
        assert (outcome.run["status"], outcome.run["reason"]) == ("failed", case.reason)
        assert outcome.problem.get("retry_after") == case.retry_after
        return
    assert (outcome.text, outcome.thinking) == (case.text, case.thinking)
    assert (outcome.run["status"], outcome.finish_reason) == ("completed", case.finish_reason)
    assert outcome.pieces > 1 or case.finish_reason == "length"
    assert outcome.usage == _usage_told(server, case)


def _usage_told(server: ModelServer, case: Case) -> tuple[int, int]:
    """What the server counts for a plain client that asks the same."""
    body = {
        "model": case.model,
        "messages": [{"role": "user", "content": case.question}],
        "max_tokens": 4096,
        "stream": True,
        **case.parameters,
    }
    path = f"{server.anthropic_path}/v1/messages"
    told = server.post(path, body, headers={"anthropic-version": _VERSION})
    assert told.status_code == 200, told.text
    counts: dict[str, int] = {}
    for usage in re.findall(r'"usage":\s*({.+})', told.text):
        counts |= json.JSONDecoder().raw_decode(usage)[0]
    cached = ("cache_creation_input_tokens", "cache_read_input_tokens")
    prompt = counts["input_tokens"] + sum(counts.get(name) or 0 for name in cached)
    return prompt, counts["output_tokens"]
