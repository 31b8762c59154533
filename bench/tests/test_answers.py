"""Answers judged: nothing but the model's text, whole and in order, passes."""

import orjson
import pytest

from bench.answers import answer_of

DONE = {"status": "completed"}


Sent = tuple[float, int, str, dict[str, str]]


def response(*events: Sent) -> list[tuple[float, bytes]]:
    """A run's events, each in a read of its own: (time, seq, event, data)."""
    reads = [(0.5, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    for at, seq, name, data in events:
        event = b"id: %d\nevent: %b\ndata: %b\n\n" % (seq, name.encode(), orjson.dumps(data))
        reads.append((at, b"%x\r\n%b\r\n" % (len(event), event)))
    return [*reads, (9.0, b"0\r\n\r\n")]


GOOD: tuple[Sent, ...] = (
    (1.0, 1, "start", {}),
    (2.0, 2, "delta", {"text": "ab"}),
    (5.0, 3, "delta", {"text": "c"}),
    (6.0, 4, "delta", {"text": "d"}),
    (8.0, 5, "done", DONE),
)


def test_times_count_from_the_question() -> None:
    answer = answer_of("parley", 0.25, response(*GOOD), "abcd")
    assert answer.error == ""
    assert answer.first_token == 1.75
    assert answer.longest_gap == 3.0
    assert answer.last_token == 5.75
    assert answer.end == 8.75
    assert answer.events == 3


@pytest.mark.parametrize(
    ("events", "error"),
    [
        (GOOD[:2] + GOOD[3:], "not numbered"),
        (GOOD[:-1], "begins and ends"),
        ((*GOOD[:-1], (8.0, 5, "error", {})), "begins and ends"),
        ((*GOOD[:-1], (8.0, 5, "done", {"status": "interrupted"})), "is interrupted"),
        ((*GOOD[:2], (5.0, 3, "delta", {"text": "X"}), *GOOD[3:]), "differs: 4 characters of 4"),
        ((*GOOD[:2], (5.0, 3, "delta", {}), *GOOD[3:]), "KeyError"),
    ],
)
def test_a_run_that_is_not_whole_is_an_error(events: tuple[Sent, ...], error: str) -> None:
    assert error in answer_of("parley", 0.0, response(*events), "abcd").error


def test_a_refusal_is_an_error_with_its_words() -> None:
    raw = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow"
    assert answer_of("parley", 0.0, [(1.0, raw)], "abcd").error == "status 429: slow"


def test_an_answer_without_any_text_is_an_error_and_no_crash() -> None:
    events: tuple[Sent, ...] = ((1.0, 1, "start", {}), (2.0, 2, "done", DONE))
    assert "differs" in answer_of("parley", 0.0, response(*events), "abcd").error
