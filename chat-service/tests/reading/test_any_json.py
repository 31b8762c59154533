"""Whatever JSON comes in an answer, it is read or it is an error of the provider's, and nothing else."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from chat_service.providers.anthropic.events import Messages
from chat_service.providers.body import Body
from chat_service.providers.chunks import Chunks
from chat_service.providers.errors import ProviderError
from chat_service.providers.reading import Dialect

_NAMES = [
    *("choices", "delta", "message", "content", "text", "type", "index", "finish_reason", "usage"),
    *("error", "errors", "code", "reasoning", "reasoning_content", "reasoning_details", "thinking"),
    *("tool_calls", "function_call", "audio", "transcript", "refusal", "prompt_tokens", "data"),
    *("result", "response", "x_groq", "done", "done_reason", "detail", "base_resp", "header"),
    *("Response", "object", "candidates", "stop_reason", "content_block", "parts", "thought"),
    *("fault", "metadata", "raw", "loc", "retry_after", "input_tokens", "stop_details", "value"),
]
_VALUES = [
    *(None, True, False, 0, -1, 2**40, 1.5, 1e308, "0", "", "hi", "h\0", "<think>", "</think>"),
    *("stop", "length", "error", "\ud83d", "\udcf4", "🙂", "data:", '{"error":1}', "[DONE]"),
    *("text", "thinking", "x" * 50),
]
_USUAL: dict[Callable[[], Dialect], list[dict[str, Any]]] = {
    Chunks: [
        {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
        {"choices": [{"index": 1, "delta": {"content": "z"}}]},
    ],
    Messages: [
        {"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
    ],
}
_BEFORE = [
    *([b"data: "] * 8),
    *(b"data:", b"", b" data: ", b"error: ", b"event: error\ndata: ", b"event: done\ndata: "),
]


def value(chance: random.Random, depth: int = 3) -> Any:
    if depth == 0 or chance.random() < 0.6:
        return chance.choice(_VALUES)
    if chance.random() < 0.5:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(_NAMES): value(chance, depth - 1) for _ in range(chance.randrange(5))}


def changed(chance: random.Random, said: Any) -> Any:
    """The same with something else here and there."""
    if isinstance(said, dict):
        kept = {
            name: value(chance) if chance.random() < 0.2 else changed(chance, one)
            for name, one in said.items()
        }
        return kept | ({chance.choice(_NAMES): value(chance)} if chance.random() < 0.3 else {})
    if isinstance(said, list):
        return [changed(chance, one) for one in said]
    return value(chance) if chance.random() < 0.2 else said


def stream(chance: random.Random, usual: list[dict[str, Any]]) -> bytes:
    parts: list[bytes] = []
    for _ in range(chance.randint(1, 6)):
        said = changed(chance, chance.choice(usual))
        data = json.dumps(said if chance.random() < 0.9 else value(chance))
        if chance.random() < 0.1:
            data = data[: chance.randrange(len(data) + 1)]
        # Half an escape is a half of a character in its bytes as well.
        parts += [
            chance.choice(_BEFORE),
            data.replace("\\udcf4", "\udcf4").encode(errors="surrogateescape"),
        ]
        parts.append(chance.choice((b"\n\n", b"\n\n", b"\n", b"\r\n\r\n", b"")))
    return b"".join(parts)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reader", _USUAL, ids=["chunks", "messages"])
def test_whatever_json_comes_is_read_or_is_an_error_of_the_providers(
    reader: Callable[[], Dialect], seed: int
) -> None:
    chance = random.Random(seed)
    read = 0
    for _ in range(250):
        dialect, data = reader(), stream(chance, _USUAL[reader])
        body = Body(chance.choice(("text/event-stream", "application/json")), most_bytes=10**6)
        cut = chance.randrange(len(data) + 1)
        try:
            for some in (data[:cut], data[cut:]):
                piece, _ = dialect.read(body.feed(some))
                read += len(piece.text)
            piece, _ = dialect.read(body.end())
            read += len(piece.text + dialect.end(is_events=body.is_events)[0].text)
        except ProviderError:
            pass
    assert read > 0
