"""Bodies are read in the encoding that they are in, wherever they are cut, whatever is said of it."""

import gzip
import zlib
from random import Random

import pytest

from chat_service.providers.encodings import decoder_of
from chat_service.providers.errors import ProviderGarbled


def read(encoding: str, body: bytes, size: int) -> bytes:
    decoder = decoder_of(encoding)
    assert decoder is not None
    given = b""
    for at in range(0, len(body), size):
        given += decoder.feed(body[at : at + size])
        while decoder.has_more:
            given += decoder.feed(b"")
    return given


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize(
    "body",
    [b"data: {}\n\n", b": ok\n\ndata: {}\n\n", b"\xef\xbb\xbf  event: a\n\n", b'{\n "a": 1}', b"[ {}]", b"<!doctype html>"],
)  # fmt: skip
def test_what_is_in_no_encoding_is_left_as_it_is(encoding: str, body: bytes) -> None:
    for size in (1, 2, 3, len(body)):
        assert read(encoding, body, size) == body


def test_what_is_encoded_is_not_taken_for_an_answer() -> None:
    for level in range(10):
        for length in range(1, 60, 3):
            text = b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % length * length
            wrapped = zlib.compress(text, level)
            for body in (wrapped, wrapped[2:-4], gzip.compress(text, level)):
                assert read("deflate", body, 1) == read("deflate", body, len(body)) == text


def test_blanks_are_not_waited_for_without_end() -> None:
    decoder = decoder_of("br")
    assert decoder is not None
    assert decoder.feed(b"\n" * 64) == b""
    with pytest.raises(ProviderGarbled):
        decoder.feed(b"\n")


def test_what_is_large_is_whole_also_in_two_encodings() -> None:
    # Either of them stands for more than one read gives.
    text = b"data: " + Random(1).randbytes(400_000).hex().encode() + b"\n\n"
    body = gzip.compress(gzip.compress(text))
    for size in (100, len(body)):
        assert read("gzip, gzip", body, size) == text
