"""Chunks of a read are decoded all at once, and mean what they mean one by one."""

import json
from typing import Any

import pytest

from chat_service.answer.domain.ending import Usage
from chat_service.providers.anthropic.events import Messages
from chat_service.providers.body import Body
from chat_service.providers.chunks import Chunks
from chat_service.providers.counts import usage_of
from chat_service.providers.errors import ProviderError
from chat_service.providers.port import TEXT, THINKING, End, Piece
from chat_service.providers.stray import events_of


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
    [chunk(content="a"), chunk(reasoning="b"), chunk(content="c")],
    [chunk(content=None, role="assistant")],
    [chunk(content="\\ud83d\\ude00 \u0000")],
    [chunk(content="a", refusal=None, reasoning_details=None)],
    [b'  {"choices":[{"delta":{"content":"a"}}]}\r'],
    [chunk(content="a"), STOP, USAGE],
    [b'{"choices":[],"usage":{"prompt_tokens":"x"}}'],
]
STRANGE = [
    # What they say may stand somewhere else.
    [b'{"choices":[{"delta":null}]}', b'{"choices":[{}]}'],
    [b'{"choices":[],"error":null}'],
    [b'{"choices":[],"error":{"message":"x"}}'],
    [b'{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"},"finish_reason":"length"}]}'],
    [b'{"choices":[{"index":1,"delta":{"content":"b"}}]}'],
    [b'{"choices":[],"usage":7}'],
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
    [b'{"choices":[{"finish_reason":"error"}]}'],
    [chunk(content="a"), b"[DONE]", chunk(content="b")],
    [chunk(refusal="no")],
]


def one_by_one(payloads: list[bytes]) -> tuple[Piece, str]:
    piece, chunks = Piece(), Chunks()
    problem = chunks._take_each(events_of(b"\n".join(payloads)), piece)
    piece.parts = joined(chunks._telling.tell(piece.parts))
    return piece, repr(problem)


def at_once(payloads: list[bytes]) -> tuple[Piece, str]:
    piece, problem = Chunks().read(b"\n".join(payloads))
    piece.parts = joined(piece.parts)
    return piece, repr(problem)


def joined(parts: Any) -> Any:
    told: list[Any] = []
    for kind, said in parts:
        if told and told[-1][0] == kind:
            told[-1] = (kind, told[-1][1] + said)
        else:
            told.append((kind, said))
    return told


@pytest.mark.parametrize("payloads", USUAL + STRANGE[:-1])
def test_chunks_mean_together_what_they_mean_one_by_one(payloads: list[bytes]) -> None:
    assert at_once(payloads) == one_by_one(payloads)


@pytest.mark.parametrize("payloads", USUAL)
def test_what_servers_usually_send_is_decoded_at_once(payloads: list[bytes]) -> None:
    assert Chunks()._take_all(b"\n".join(payloads), Piece())


@pytest.mark.parametrize("payloads", STRANGE)
def test_of_what_is_strange_nothing_is_taken_before_it_is_looked_at_one_by_one(
    payloads: list[bytes],
) -> None:
    piece = Piece()
    assert not Chunks()._take_all(b"\n".join(payloads), piece)
    assert piece == Piece()


def test_the_end_behind_the_last_chunk_is_an_end() -> None:
    piece, problem = at_once([chunk(content="a"), USAGE, b"[DONE]"])
    assert problem == "None"
    assert (piece.text, piece.end, piece.usage) == ("a", End.WHOLE, Usage(1, 2))


def test_behind_what_cannot_be_forgiven_there_is_no_end() -> None:
    piece, problem = at_once([chunk(content="a"), b"not json", b"[DONE]"])
    assert "not JSON" in problem
    assert (piece.text, piece.end) == ("a", None)


def test_text_and_thinking_are_kept_in_the_order_in_which_they_came() -> None:
    piece, _ = at_once(
        [chunk(content="a"), chunk(reasoning="b"), chunk(content="c", reasoning="d")]
    )
    assert piece.parts == [(TEXT, "a"), (THINKING, "bd"), (TEXT, "c")]


def test_an_error_behind_text_in_one_chunk_leaves_the_text() -> None:
    piece, problem = Chunks().read(
        b'{"choices":[{"delta":{"content":"a"}}],"error":{"message":"x"}}'
    )
    assert piece.text == "a"
    assert isinstance(problem, ProviderError)
    assert problem.provider_message == "x"


@pytest.mark.parametrize(
    ("said", "cached", "reasoning"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 7}}, 7, None),
        ({"prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 2}, 7, None),
        ({"cached_tokens": 0.0}, 0, None),
        ({"completion_tokens_details": {"reasoning_tokens": 4}}, None, 4),
        ({"prompt_tokens_details": None, "completion_tokens_details": []}, None, None),
        ({"prompt_tokens_details": {"cached_tokens": 2**40}, "reasoning_tokens": "4"}, None, 4),
    ],
)
def test_tokens_found_kept_and_thought_with_are_read_where_they_are_said(
    said: dict[str, Any], cached: int | None, reasoning: int | None
) -> None:
    usage = usage_of({"prompt_tokens": 9, "completion_tokens": 5, **said})
    assert usage == Usage(9, 5, cached, reasoning)


@pytest.mark.parametrize(
    "said",
    [
        b'{"detail":"No such page"}',
        b'{"message":"No such page"}',
        b'{"success":false,"errors":[{"code":1,"message":"No such page"}]}',
        b'{"code":500,"msg":"No such page"}',
    ],
)
def test_an_error_in_a_200_is_one_in_either_protocol(said: bytes) -> None:
    for reader in (Chunks(), Messages()):
        body = Body("application/json", most_bytes=10_000)
        assert not body.feed(said)
        _, problem = reader.read(body.end())
        assert problem is not None
        assert problem.provider_message == "No such page"
