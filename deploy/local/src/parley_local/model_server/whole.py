"""An answer in one JSON body: the same steps, for a call that does not stream."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from parley_local.model_server.encoding import escaped, usage
from parley_local.model_server.steps import (
    Cut,
    Done,
    Finish,
    Raw,
    Said,
    Stall,
    Step,
    Tokens,
    Torn,
)
from parley_local.model_server.tokens import token_text

Ending = Literal["whole", "cut", "never"]


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """The body, after how many seconds it comes, and whether it comes whole, half or never."""

    body: bytes
    after: float
    ending: Ending


def whole_answer(
    completion_id: str, model: str, steps: Sequence[Step], *, prompt_tokens: int
) -> WholeAnswer:
    """The seconds are those that the stream would have lasted."""
    texts: dict[str, list[str]] = {"content": [], "reasoning_content": []}
    after, completion_tokens = 0.0, 0
    finish_reason: str | None = None
    ending: Ending = "whole"
    body = b""
    for step in steps:
        said: Sequence[str] = ()
        rate: float | None = None
        field = "content"
        match step:
            case Stall():
                ending = "never"
            case Tokens(tokens, rate, field):
                ending = "never" if tokens is None else ending
                said = [token_text(i) for i in range(tokens or 0)]
            case Said(texts=said, rate=rate, field=field):
                pass
            case Torn(count=count):
                said = [token_text(i) for i in range(count)]
            case Finish(reason=finish_reason):
                pass
            case Done():
                pass
            case Raw(data=data):
                body = data
            case Cut():
                ending = "cut"
        texts[field].extend(said)
        completion_tokens += len(said)
        if rate is not None:
            after += len(said) / rate
    if not body:
        body = _completion(
            completion_id, model, texts, finish_reason, usage(prompt_tokens, completion_tokens)
        )
    return WholeAnswer(body, after, ending)


def _completion(
    completion_id: str,
    model: str,
    texts: dict[str, list[str]],
    finish_reason: str | None,
    spent: dict[str, int],
) -> bytes:
    message = b'{"role":"assistant","content":"' + escaped("".join(texts["content"])) + b'"'
    if reasoning := "".join(texts["reasoning_content"]):
        message += b',"reasoning_content":"' + escaped(reasoning) + b'"'
    choice = {
        "index": 0,
        "message": orjson.Fragment(message + b"}"),
        "finish_reason": finish_reason,
    }
    return orjson.dumps(
        {
            "id": completion_id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [choice],
            "usage": spent,
        }
    )
