"""What a response says of its answer: times, and whether it is the model's text to the letter."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import orjson

from bench.wire import Event, MalformedError, Response, response_of

Protocol = Literal["parley", "openai"]
Reads = Sequence[tuple[float, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn; times in seconds since the question was written. `error` empty: all is well."""

    error: str
    first_token: float = 0.0
    # Between two reads that brought text.
    longest_gap: float = 0.0
    last_token: float = 0.0
    end: float = 0.0
    events: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def answer_of(protocol: Protocol, asked_at: float, reads: Reads, text: str) -> Answer:
    """Judge one response against the text that the model is known to have sent."""
    try:
        response = response_of(reads)
        if response.status != 200:
            return Answer(f"status {response.status}: {response.body[:300].decode()}")
        deltas = _DELTAS[protocol](response)
    except (MalformedError, KeyError, ValueError) as error:
        return Answer(f"{type(error).__name__}: {error}")
    received = "".join(delta for _, delta in deltas)
    if received != text:
        return Answer(f"the text differs: {_difference(received, text)}")
    times = [at - asked_at for at, _ in deltas]
    return Answer(
        error="",
        first_token=times[0],
        longest_gap=max((after - before for before, after in pairwise(times)), default=0.0),
        last_token=times[-1],
        end=reads[-1][0] - asked_at,
        events=len(times),
    )


def _parley(response: Response) -> list[tuple[float, str]]:
    """The deltas of a run's events; raises MalformedError for any but a gapless, completed run."""
    events = list(response.events())
    if [event.id for event in events] != [b"%d" % seq for seq in range(1, len(events) + 1)]:
        raise MalformedError("the events are not numbered 1, 2, 3 …")
    names = [event.name for event in events]
    if names[:1] != [b"start"] or names[-1:] != [b"done"]:
        raise MalformedError(f"begins and ends with {names[:1]} and {events[-1:]}")
    status = orjson.loads(events[-1].data)["status"]
    if status != "completed":
        raise MalformedError(f"the run is {status}")
    return [(e.at, orjson.loads(e.data)["text"]) for e in events if e.name == b"delta"]


def _openai(response: Response) -> list[tuple[float, str]]:
    """The deltas of a stream of completion chunks; raises MalformedError if it is not whole."""
    events = list(response.events())
    if not events or events[-1].data != b"[DONE]":
        raise MalformedError("no [DONE]")
    return [(e.at, text) for e in events[:-1] if (text := _content(e))]


def _content(event: Event) -> str:
    choices = orjson.loads(event.data)["choices"]
    return choices[0]["delta"].get("content", "") if choices else ""


_DELTAS: dict[Protocol, Callable[[Response], list[tuple[float, str]]]] = {
    "parley": _parley,
    "openai": _openai,
}


def _difference(received: str, text: str) -> str:
    pairs = enumerate(zip(received, text, strict=False))
    place = next((i for i, (a, b) in pairs if a != b), min(len(received), len(text)))
    return (
        f"{len(received)} characters of {len(text)}, from {place} on"
        f" {received[place : place + 20]!r} for {text[place : place + 20]!r}"
    )
