"""Server-sent events are read by the standard, however they were cut, and in time that is linear."""

import random
import time

import pytest

from chat_service.providers.body import Body
from chat_service.providers.errors import ProviderGarbled
from chat_service.providers.sse import Event, EventDecoder

from .__main__ import disagreement


@pytest.mark.parametrize("seed", range(5))
def test_random_streams_are_read_as_the_standard_reads_them(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(2000):
        assert disagreement(chance) is None


def read(*pieces: bytes) -> list[Event]:
    decoder = EventDecoder(1 << 20)
    told: list[Event] = []
    for events in [*map(decoder.feed, pieces), decoder.end()]:
        if isinstance(events, bytes):
            told += [Event(b"", line) for line in events.split(b"\n") if line]
        else:
            told += events
    return told


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_end_of_line_is_one_wherever_it_is_cut(end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"data: 2", b"", b"data:3", b"", b""])
    for at in range(1, len(stream)):
        assert read(stream[:at], stream[at:]) == [Event(b"a", b"1\n2"), Event(b"", b"3")]


def test_what_servers_usually_send_comes_as_lines_and_not_as_events() -> None:
    decoder = EventDecoder(1 << 20)
    assert decoder.feed(b'data: {"a":1}\n\ndata: {"b":2}\n\n') == b'{"a":1}\n{"b":2}'
    assert decoder.feed(b': comment\n\ndata: {"a":1}\n\n') == b'{"a":1}'


def test_without_the_blank_line_a_document_is_an_event_of_its_own_as_it_comes() -> None:
    decoder = EventDecoder(1 << 20)
    assert not decoder.feed(b'data: {"a":1}\n')
    assert decoder.feed(b'data: {"b":2}\n') == b'{"a":1}'
    assert decoder.end() == [Event(b"", b'{"b":2}')]


@pytest.mark.parametrize("cut_at", range(4))
def test_a_byte_order_mark_is_no_part_of_the_first_line(cut_at: int) -> None:
    body = Body("text/event-stream", most_bytes=1 << 20)
    stream = b"\xef\xbb\xbfdata: 1\n\n"
    told = [body.feed(stream[:cut_at])] if cut_at else []
    told += [body.feed(stream[cut_at:]), body.end()]
    assert b"".join(one for one in told if isinstance(one, bytes)).strip() == b"1"


def test_a_line_may_be_as_long_as_the_bound_and_no_longer() -> None:
    decoder = EventDecoder(2_000_000)
    line = b'data: "' + b"x" * 1_900_000 + b'"\n\n'
    assert (
        sum(len(decoder.feed(line[at : at + 4096])) for at in range(0, len(line), 4096)) > 1_900_000
    )
    decoder.feed(b"x" * 1_999_999)
    with pytest.raises(ProviderGarbled):
        decoder.feed(b"xx")


def test_lines_of_data_without_an_end_are_bounded_as_one_line_is() -> None:
    decoder = EventDecoder(1_000_000)
    for _ in range(9):
        decoder.feed(b"data: " + b"x" * 100_000 + b"\n")
    with pytest.raises(ProviderGarbled):
        decoder.feed(b"data: " + b"x" * 100_000 + b"\n")


def test_lines_that_are_no_field_are_bounded_with_the_data_that_they_go_on_with() -> None:
    decoder = EventDecoder(1_000_000)
    decoder.feed(b'data: {"a": [\n')
    for _ in range(9):
        decoder.feed(b"1" * 100_000 + b",\n")
    with pytest.raises(ProviderGarbled):
        decoder.feed(b"1" * 100_000 + b",\n")


def test_each_event_has_the_whole_bound() -> None:
    decoder = EventDecoder(1_000_000)
    for _ in range(30):
        (event,) = decoder.feed(b"event: a\ndata: " + b"x" * 100_000 + b"\n\n")
        assert event == (b"a", b"x" * 100_000)


def test_of_words_without_a_field_the_last_are_kept() -> None:
    decoder = EventDecoder(1_000_000)
    for _ in range(100):
        decoder.feed(b"words " * 100 + b"\n")
    decoder.feed(b"the last\n")
    assert decoder.words.endswith(b"the last\n")
    assert len(decoder.words) <= 4096


def test_a_document_without_an_end_is_bounded_as_a_line_is() -> None:
    body = Body("application/json", most_bytes=1_000_000)
    body.feed(b'{"a": "' + b"x" * 900_000)
    with pytest.raises(ProviderGarbled):
        body.feed(b"x" * 100_000)


def test_many_lines_in_one_event_cost_what_they_weigh() -> None:
    decoder = EventDecoder(1 << 30)
    began = time.process_time()
    for _ in range(20_000):
        decoder.feed(b"data: {\ndata: 1\n")
    # Quadratic, it is minutes.
    assert time.process_time() - began < 5
