"""Clients on connections of their own, each of which asks again as soon as it has its answer."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import orjson


class UnexpectedAnswerError(Exception):
    """A status that the load does not have."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and in how many seconds the whole of it was there."""

    status: int
    seconds: float
    # By names in small letters.
    headers: Mapping[str, str]
    content: bytes


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request under /api/v1."""
        payload = None if body is None else orjson.dumps(body)
        sent = {"Content-Type": "application/json", **(headers or {})}
        began = time.perf_counter()
        self._connection.request(method, f"/api/v1{path}", payload, sent)
        response = self._connection.getresponse()
        content = response.read()
        took = time.perf_counter() - began
        return Reply(
            response.status,
            took,
            {name.lower(): value for name, value in response.getheaders()},
            content,
        )

    def close(self) -> None:
        self._connection.close()


@contextmanager
def clients(port: int, number: int) -> Iterator[Sequence[Client]]:
    """So many, closed at the end."""
    made = [Client(port) for _ in range(number)]
    try:
        yield made
    finally:
        for client in made:
            client.close()


@dataclass(frozen=True, slots=True)
class Rounds:
    """What came of calling something over and over, by many at once."""

    # Of each call.
    seconds: Sequence[float]
    # Over all, from the first call to the last answer.
    elapsed: float

    @property
    def a_second(self) -> float:
        return len(self.seconds) / self.elapsed


def for_seconds(calls: Sequence[Callable[[], None]], seconds: float) -> Rounds:
    """Each of ``calls`` again and again in a thread of its own, none begun after ``seconds``."""
    ready = threading.Barrier(len(calls) + 1)
    ends = 0.0

    def repeat(call: Callable[[], None]) -> list[float]:
        took = []
        ready.wait()
        while (began := time.perf_counter()) < ends:
            call()
            took.append(time.perf_counter() - began)
        return took

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(repeat, call) for call in calls]
        began = time.perf_counter()
        ends = began + seconds
        ready.wait()
        everything = [one for future in running for one in future.result()]
        return Rounds(everything, time.perf_counter() - began)
