"""Responses read by hand: chunks, events, and the time of each."""

import pytest

from bench.wire import MalformedError, known_length, response_of

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def cut(raw: bytes, size: int) -> list[tuple[float, bytes]]:
    """The bytes in reads of this size; each read's time is the number of bytes read so far."""
    starts = range(0, len(raw), size)
    return [(float(min(start + size, len(raw))), raw[start : start + size]) for start in starts]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_events_do_not_depend_on_how_the_bytes_arrived(size: int) -> None:
    body = b"id: 1\nevent: start\ndata: {}\n\n" + b": \n\n" + b"id: 2\nevent: done\ndata: [1]\n\n"
    raw = HEAD + chunk(body[:10]) + chunk(body[10:35]) + chunk(body[35:]) + b"0\r\n\r\n"
    response = response_of(cut(raw, size))
    assert response.status == 200
    assert response.body == body
    events = [(event.id, event.name, event.data) for event in response.events()]
    assert events == [(b"1", b"start", b"{}"), (b"2", b"done", b"[1]")]


def test_an_event_is_as_late_as_its_last_byte() -> None:
    first, second = b"data: a\n\n", b"data: b\n\n"
    reads = [(1.0, HEAD + chunk(first)[:5]), (2.0, chunk(first)[5:]), (3.0, chunk(second))]
    response = response_of([*reads, (4.0, b"0\r\n\r\n")])
    assert [event.at for event in response.events()] == [2.0, 3.0]


def test_a_response_of_known_length_is_read_too() -> None:
    raw = b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone"
    assert known_length(raw) == len(raw)
    assert known_length(HEAD) is None
    response = response_of([(1.0, raw)])
    assert (response.status, response.body) == (404, b"none")


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense\r\n\r\n", HEAD, HEAD + chunk(b"data: a\n\n"), HEAD + b"ff\r\ndata"]
)
def test_what_breaks_off_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        response_of([(1.0, raw)])


def test_half_an_event_is_malformed() -> None:
    response = response_of([(1.0, HEAD + chunk(b"data: a\n\ndata: b\n") + b"0\r\n\r\n")])
    with pytest.raises(MalformedError):
        list(response.events())
