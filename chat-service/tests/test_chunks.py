"""Chunks of a read are decoded all at once, and mean what they mean one by one."""

import json
from typing import Any

import pytest

from chat_service.answer.domain.ending import Usage
from chat_service.providers.openai import Piece, _gather, _take_all, _take_each


def chunk(**delta: Any) -> bytes:
    return json.dumps({"choices": [{"delta": delta}]}).encode()


USAGE = b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
STOP = b'{"choices":[{"delta":{},"finish_reason":"stop"}]}'

USUAL = [
    [],
    [chunk(content="a"), chunk(content="b")],
    [chunk(reasoning_content="a"), chunk(reasoning="b"), chunk(content="c")],
    [chunk(content="", reasoning="a")],
    [chunk(content="a", reasoning="b")],
    [chunk(content=None, role="assistant")],
    [chunk(content="\\ud83d\\ude00 \u0000")],
    [b'{"choices":[{"delta":null}]}', b'{"choices":[{}]}'],
    [b'{"choices":[],"error":{"message":"x"}}'],
    [b'{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"},"finish_reason":"length"}]}'],
    [b'  {"choices":[{"delta":{"content":"a"}}]}\r'],
    [chunk(content="a"), STOP, USAGE],
    [b'{"choices":[],"usage":{"prompt_tokens":"x"}}'],
    [b'{"choices":[],"usage":7}'],
]
STRANGE = [
    [b""],
    [chunk(content="a"), b"  "],
    [b'{"choices":', b"[]}"],
    [b'{"choices":[]} {"choices":[]}'],
    [b"null"],
    [b"[]"],
    [b"not json"],
    [b'{"error":{"message":"x"}}'],
    [chunk(content="a"), b'{"error":"x"}', chunk(content="b")],
    [b'{"choices":null}'],
    [b'{"choices":[{"delta":{"content":["a"]}}]}'],
    [b'{"choices":[{"delta":{"content":0,"reasoning":"a"}}]}'],
    [b'{"choices":[{"delta":[]}]}'],
    [b'{"choices":[{"delta":{"content":"\\ud83d"}}]}'],
    [b'{"choices":[{"delta":{"content":"\xff"}}]}'],
    [b'{"choices":[{"finish_reason":1}]}'],
    [b'\xef\xbb\xbf{"choices":[]}'],
    [chunk(content="a"), b"[DONE]", chunk(content="b")],
]


def one_by_one(payloads: list[bytes]) -> tuple[Piece, str]:
    piece = Piece()
    texts: list[str] = []
    thoughts: list[str] = []
    problem = _take_each(payloads, piece, texts, thoughts)
    piece.text, piece.reasoning = "".join(texts), "".join(thoughts)
    return piece, repr(problem)


def at_once(payloads: list[bytes]) -> tuple[Piece, str]:
    piece, problem = _gather([b"data: " + payload for payload in payloads])
    return piece, repr(problem)


@pytest.mark.parametrize("payloads", USUAL + STRANGE)
def test_chunks_mean_together_what_they_mean_one_by_one(payloads: list[bytes]) -> None:
    assert at_once(payloads) == one_by_one(payloads)


@pytest.mark.parametrize("payloads", USUAL)
def test_what_servers_usually_send_is_decoded_at_once(payloads: list[bytes]) -> None:
    assert _take_all(payloads, Piece(), [], [])


@pytest.mark.parametrize("payloads", STRANGE)
def test_of_what_is_strange_nothing_is_taken_before_it_is_looked_at_one_by_one(
    payloads: list[bytes],
) -> None:
    piece, texts = Piece(), list[str]()
    assert not _take_all(payloads, piece, texts, texts)
    assert (piece, texts) == (Piece(), [])


def test_the_end_behind_the_last_chunk_is_an_end() -> None:
    piece, problem = at_once([chunk(content="a"), USAGE, b"[DONE]"])
    assert problem == "None"
    assert (piece.text, piece.finished, piece.usage) == ("a", True, Usage(1, 2))


def test_behind_what_cannot_be_forgiven_there_is_no_end() -> None:
    piece, problem = at_once([chunk(content="a"), b"not json", b"[DONE]"])
    assert "not JSON" in problem
    assert (piece.text, piece.finished) == ("a", False)
