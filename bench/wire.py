"""A chunked HTTP/1.1 response, read by hand: which event was complete at what time.

While the load runs, a response is only collected; all of this happens afterwards, so that the
generator's cost per token stays a fraction of what it measures.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

# What ends every chunked body. Inside SSE no line ends in CR LF, so it is found nowhere else.
END = b"\r\n0\r\n\r\n"


class MalformedError(Exception):
    """The response is not what HTTP/1.1 or SSE allow."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, and when its last byte was read."""

    at: float
    id: bytes
    name: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One whole response: what was read, and when."""

    status: int
    body: bytes
    # For each chunk of the body: its end in the body, and when it had been read.
    _ends: Sequence[int]
    _times: Sequence[float]

    def at(self, offset: int) -> float:
        """When the body had been read up to `offset`: by the whole of its chunk, or earlier."""
        return self._times[bisect_left(self._ends, offset)]

    def events(self) -> Iterator[Event]:
        """The events in order; comments are none."""
        start = 0
        while (end := self.body.find(b"\n\n", start)) >= 0:
            fields = dict(_field(line) for line in self.body[start:end].split(b"\n"))
            if b"data" in fields:
                yield Event(
                    self.at(end + 2),
                    fields.get(b"id", b""),
                    fields.get(b"event", b""),
                    fields[b"data"],
                )
            start = end + 2
        if self.body[start:].strip():
            raise MalformedError("the body ends within an event")


def response_of(reads: Sequence[tuple[float, bytes]]) -> Response:
    """The response that arrived in these reads. Raises MalformedError."""
    raw = b"".join(data for _, data in reads)
    head_end = raw.find(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3})", raw)
    if head_end < 0 or status is None:
        raise MalformedError("no HTTP/1.1 head")
    read_ends = list(accumulate(len(data) for _, data in reads))
    if b"transfer-encoding: chunked" not in raw[:head_end].lower():
        return Response(int(status[1]), raw[head_end + 4 :], [len(raw)], [reads[-1][0]])
    position, length = head_end + 4, 0
    pieces: list[bytes] = []
    ends: list[int] = []
    times: list[float] = []
    while True:
        line_end = raw.find(b"\r\n", position)
        if line_end < 0:
            raise MalformedError("the body ends before its last chunk")
        size = int(raw[position:line_end], 16)
        if size == 0:
            return Response(int(status[1]), b"".join(pieces), ends, times)
        start = line_end + 2
        pieces.append(raw[start : start + size])
        length += size
        ends.append(length)
        times.append(reads[bisect_left(read_ends, min(start + size, len(raw)))][0])
        position = start + size + 2


def known_length(first: bytes) -> int | None:
    """Bytes of the whole response by its first read, which holds the head; None: chunked."""
    head, separator, _ = first.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return None if length is None else len(head) + len(separator) + int(length[1])


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value[1:] if value[:1] == b" " else value
