"""The load generator, a process of its own: `python -m bench.load`, driven over its pipes.

In: one line of JSON, the Plan; then an empty line, the start. Out: `ready` when every connection
is open, `finished` when every answer has ended, then one line of JSON, the Outcome.
"""

import asyncio
import gc
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from bench.answers import Answer, Protocol, answer_of
from bench.wire import END, known_length
from parley_local.model_server import text_of

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Question:
    """One POST; `model` says which text must come back."""

    path: str
    token: str
    body: str
    model: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Streams at once, each a connection with its questions one after the other.

    Stream i of n starts at i/n of `ramp` seconds. After `limit` seconds all is over.
    """

    protocol: Protocol
    port: int
    streams: Sequence[Sequence[Question]]
    ramp: float
    limit: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; the generator's own CPU is that of the measured time alone."""

    seconds: float
    cpu: float
    answers: Sequence[Answer]


def outcome_from(line: bytes) -> Outcome:
    content: dict[str, Any] = orjson.loads(line)
    answers = [Answer(**answer) for answer in content["answers"]]
    return Outcome(content["seconds"], content["cpu"], answers)


class Stream(asyncio.Protocol):
    """One connection, one question at a time. Reading collects; judging comes later."""

    def __init__(self, questions: Sequence[tuple[bytes, str]]) -> None:
        self._questions = list(questions)
        self._reads: list[tuple[float, bytes]] = []
        self._tail = b""
        self._expected: int | None = None
        # (asked at, reads, model) of each question that was sent.
        self.turns: list[tuple[float, list[tuple[float, bytes]], str]] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        request, model = self._questions[len(self.turns)]
        self._reads = []
        self._tail = b""
        self.turns.append((time.perf_counter(), self._reads, model))
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        reads = self._reads
        if not reads:
            self._expected = known_length(data)
        reads.append((time.perf_counter(), data))
        if self._expected is None:
            self._tail = (self._tail + data if len(data) < len(END) else data)[-len(END) :]
            over = self._tail == END
        else:
            over = sum(len(read) for _, read in reads) >= self._expected
        if not over:
            return
        if len(self.turns) < len(self._questions):
            self.ask()
        elif not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    @property
    def unasked(self) -> int:
        return len(self._questions) - len(self.turns)


async def run(plan: Plan) -> Outcome:
    """Put the load on, once the start has been given; judge what came back."""
    loop = asyncio.get_running_loop()
    streams: list[Stream] = []
    for questions in plan.streams:
        requests = [(_request(plan, question), question.model) for question in questions]
        _, stream = await loop.create_connection(lambda r=requests: Stream(r), _HOST, plan.port)  # type: ignore[misc]
        streams.append(stream)
    _say(b"ready")
    await loop.run_in_executor(None, sys.stdin.readline)
    # No cycles are made here, and a collection would show up as a gap.
    gc.disable()
    cpu, began = _cpu(), time.perf_counter()
    for number, stream in enumerate(streams):
        loop.call_later(plan.ramp * number / len(streams), stream.ask)
    await asyncio.wait([stream.ended for stream in streams], timeout=plan.limit)
    seconds, cpu = time.perf_counter() - began, _cpu() - cpu
    _say(b"finished")
    answers = [
        answer_of(plan.protocol, asked_at, reads, text_of(model))
        for stream in streams
        for asked_at, reads, model in stream.turns
    ]
    unasked = [Answer("never asked") for stream in streams for _ in range(stream.unasked)]
    return Outcome(seconds, cpu, answers + unasked)


def _request(plan: Plan, question: Question) -> bytes:
    body = question.body.encode()
    return (
        f"POST {question.path} HTTP/1.1\r\nHost: {_HOST}:{plan.port}\r\n"
        f"Authorization: Bearer {question.token}\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _say(line: bytes) -> None:
    # Not print: under PYTHONUNBUFFERED it drops what a full pipe does not take at once.
    rest = memoryview(line + b"\n")
    while rest:
        rest = rest[os.write(1, rest) :]


def _plan_from(line: str) -> Plan:
    content: dict[str, Any] = orjson.loads(line)
    streams = [[Question(**question) for question in stream] for stream in content.pop("streams")]
    return Plan(streams=streams, **content)


def main() -> None:
    import uvloop

    plan = _plan_from(sys.stdin.readline())
    _say(orjson.dumps(uvloop.run(run(plan))))


if __name__ == "__main__":
    main()
