"""Every case of the tables: text, thinking, status, reason, finish reason, usage."""

import json
import re
from typing import Any

import pytest

from tests.client import User

from . import anthropic_cases, cases
from .case import Case
from .conftest import Servers
from .outcome import Outcome, ask
from .process import ModelServer

pytestmark = pytest.mark.interop

_CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")


def _param(case: Case) -> Any:
    marks = [pytest.mark.row(case.server, case.behaviour)]
    if case.not_yet is not None:
        marks.append(pytest.mark.xfail(strict=True, reason=case.not_yet, raises=AssertionError))
    return pytest.param(case, marks=marks, id=f"{case.server}: {case.behaviour}")


@pytest.mark.parametrize("case", [_param(case) for case in (*cases.CASES, *anthropic_cases.CASES)])
def test_what_a_server_answers_comes_out_as_it_is(case: Case, user: User, servers: Servers) -> None:
    server = servers.named(case.server)
    is_openai = case.provider == "openai"
    key = user.create_key(
        server.openai_url if is_openai else server.anthropic_url,
        case.model,
        api_key=case.key or server.key,
        provider=case.provider,
    )
    for _ in range(case.times):
        outcome = ask(user, key["id"], case.question, **case.parameters)
        _look_at(outcome, case)
        if case.usage:
            told = _usage_of_a_completion if is_openai else _usage_of_a_message
            assert outcome.usage == told(server, case)


def _look_at(outcome: Outcome, case: Case) -> None:
    if case.text is not None:
        assert outcome.text == case.text
    assert outcome.thinking == case.thinking
    assert (outcome.run["status"], outcome.finish_reason) == (case.status, case.finish_reason)
    assert outcome.run["reason"] == case.reason
    assert outcome.pieces >= case.pieces
    assert outcome.problem.get("retry_after") == case.retry_after
    if case.tokens is not None:
        assert outcome.usage is not None
        assert outcome.usage[1] == case.tokens
    # What was shown is what is kept.
    assert outcome.answer is None or outcome.answer["content"] == outcome.text


def _usage_of_a_completion(server: ModelServer, case: Case) -> tuple[int, int]:
    """What the server counts for a plain client that asks the same."""
    body = {**_asked(case), "stream_options": {"include_usage": True}}
    *_, last = _usages(server, f"{server.openai_path}/chat/completions", body)
    return last["prompt_tokens"], last["completion_tokens"]


def _usage_of_a_message(server: ModelServer, case: Case) -> tuple[int, int]:
    """The same by Anthropic's API, whose later counts replace earlier ones."""
    counts: dict[str, int] = {}
    for told in _usages(
        server, f"{server.anthropic_path}/v1/messages", {"max_tokens": 4096, **_asked(case)}
    ):
        counts |= told
    prompt = counts["input_tokens"] + sum(counts.get(name) or 0 for name in _CACHED)
    return prompt, counts["output_tokens"]


def _asked(case: Case) -> dict[str, Any]:
    question = {"role": "user", "content": case.question}
    return {"model": case.model, "messages": [question], "stream": True, **case.parameters}


def _usages(server: ModelServer, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    told = server.post(path, body, headers={"anthropic-version": "2023-06-01"})
    assert told.status_code == 200, told.text
    said = re.findall(r'"usage":\s*({.+})', told.text)
    return [json.JSONDecoder().raw_decode(usage)[0] for usage in said]
