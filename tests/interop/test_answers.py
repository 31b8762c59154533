"""Every case of the table: text, thinking, status, reason, finish reason, usage."""

import json
import re
from typing import Any

import pytest

from tests.client import User

from .cases import CASES, Case
from .conftest import Servers
from .outcome import Outcome, ask
from .process import ModelServer

pytestmark = pytest.mark.interop


def _param(case: Case) -> Any:
    marks = [pytest.mark.row(case.server, case.behaviour)]
    if case.not_yet is not None:
        marks.append(pytest.mark.xfail(strict=True, reason=case.not_yet, raises=AssertionError))
    return pytest.param(case, marks=marks, id=f"{case.server}: {case.behaviour}")


@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_what_a_server_answers_comes_out_as_it_is(case: Case, user: User, servers: Servers) -> None:
    server = servers.named(case.server)
    key = user.create_key(server.openai_url, case.model, api_key=case.key or server.key)
    for _ in range(case.times):
        outcome = ask(user, key["id"], case.question, **case.parameters)
        _look_at(outcome, case)
        if case.usage:
            assert outcome.usage == _usage_told(server, case)


def _look_at(outcome: Outcome, case: Case) -> None:
    if case.text is not None:
        assert outcome.text == case.text
    assert outcome.thinking == case.thinking
    assert (outcome.run["status"], outcome.finish_reason) == (case.status, case.finish_reason)
    if case.reason is not None or case.status == "completed":
        assert outcome.run["reason"] == case.reason
    assert outcome.pieces >= case.pieces
    assert outcome.problem.get("retry_after") == case.retry_after
    if case.tokens is not None:
        assert outcome.usage is not None
        assert outcome.usage[1] == case.tokens
    # What was shown is what is kept.
    assert outcome.answer is None or outcome.answer["content"] == outcome.text


def _usage_told(server: ModelServer, case: Case) -> tuple[int, int]:
    """What the server counts for a plain client that asks the same."""
    body = {
        "model": case.model,
        "messages": [{"role": "user", "content": case.question}],
        "stream": True,
        "stream_options": {"include_usage": True},
        **case.parameters,
    }
    told = server.post(f"{server.openai_path}/chat/completions", body)
    assert told.status_code == 200, told.text
    *_, last = re.findall(r'"usage":\s*({.+})', told.text)
    usage, _ = json.JSONDecoder().raw_decode(last)
    return usage["prompt_tokens"], usage["completion_tokens"]
