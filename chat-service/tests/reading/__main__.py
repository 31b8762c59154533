"""Random event streams, cut anywhere, read by our decoder and by one written from the standard's text.

    .venv/bin/python chat-service/tests/reading 1000000 [seed]

says how many were read alike, or shows the first that was not.
"""

import json
import random
import sys
from collections.abc import Sequence
from itertools import pairwise

from chat_service.providers.sse import EventDecoder

Told = list[tuple[str, str]]

# Without brackets nothing is forgiven: what is read is what the standard says, to the letter.
_PLAIN = [
    *(b"data", b"data:", b"data: ", b"data:  x", b"event", b"event:", b"event: ping", b"id: 7"),
    *(b"id:\0", b"retry: 3000", b"retry", b":", b": comment", b"x", b" ", b"\xe4\xbd\xa0", b"\xff"),
    *(b"\xe4", b"\0", b"datax: 1", b" data: 1", b"unknown: y", b"data:\xef\xbb\xbf", b"event:a b"),
]
_ENDS = [b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r", b"\n\r\n", b""]
_DOCUMENTS = [
    *(
        b'data: {"a":1}',
        b'data:{"b":[1,"\\n"]}',
        b"data: [1]",
        b"data: {",
        b'data: "a":1}',
        b"data: }",
    ),
    *(
        b'{"c":1}',
        b'{"d":',
        b"data: [DONE]",
        b"[DONE]",
        b'data: {"e":"\xe4"}',
        b'data: {"f":"\\ud83d"}',
    ),
    *(
        b' data: {"g":1}',
        b'DATA :{"h":2}',
        b'\xef\xbb\xbfdata: {"i":3}',
        b'\x1e{"j":4}',
        b'error: {"k":5}',
        b"error: no",
        b'data: {"l":',
        b' "m',
        b'n",',
        b' "o": 1}',
        b"6}",
    ),
]


def by_the_standard(stream: bytes, *, forgiving: bool) -> Told:
    """The events of ``stream`` by the algorithm as it is written, and what is forgiven beyond it."""
    text = stream.decode("utf-8", "surrogateescape")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = lines.pop()
    told: Told = []
    name, data, lines_of_it = "", list[str](), list[str]()

    def joined() -> str:
        said, whole = "\n".join(data), "\n".join(lines_of_it)
        return whole if _is_document(whole) and not _is_document(said) else said

    def dispatch() -> None:
        nonlocal name, data, lines_of_it
        if data:
            told.append((name, joined()))
        name, data, lines_of_it = "", [], []

    def process(line: str) -> None:
        nonlocal name
        if line == "":
            dispatch()
            return
        if line.startswith(":"):
            return
        field, _, value = line.partition(":")
        if forgiving and field not in ("event", "data") and (found := _stray(line)) is not None:
            dispatch()
            told.append(found)
            return
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            if forgiving and len(data) == 1 and _is_document(data[0]):
                dispatch()
            data.append(value)
            lines_of_it.append(value)
        elif forgiving and data and data[0].lstrip().startswith(("{", "[")):
            lines_of_it.append(line)

    for line in lines:
        process(line)
    if forgiving:
        if last:
            process(last)
        whole = joined()
        if _is_document(whole) or whole.strip() == "[DONE]":
            dispatch()
    return [one for one in told if one != ("", "")]


def _stray(line: str) -> tuple[str, str] | None:
    """The event that a line means which is no field by the standard."""
    text = line.lstrip("\ufeff\x1e\0 \t\f")
    head, colon, rest = text.partition(":")
    word = head.rstrip(" \t").lower()
    if colon and word in ("data", "error"):
        text = rest.lstrip(" \t")
    else:
        word = ""
    if text.strip(" \t\f\v") == "[DONE]" or (text.startswith("{") and _is_document(text)):
        return ("error" if word == "error" else ""), text
    return None


def _is_document(text: str) -> bool:
    try:
        return isinstance(json.loads(text, strict=False), dict | list)
    except ValueError:
        return False


def by_ours(pieces: Sequence[bytes]) -> Told:
    """The same, by the decoder of model servers' answers."""
    decoder = EventDecoder(1 << 20)
    told: Told = []
    for events in [*map(decoder.feed, pieces), decoder.end()]:
        if isinstance(events, bytes):
            told += [("", _text(line)) for line in events.split(b"\n")]
        else:
            told += [(_text(name), _text(data)) for name, data in events]
    return [one for one in told if one != ("", "")]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def stream_of(chance: random.Random, *, forgiving: bool) -> bytes:
    """A few lines of anything, most of them ended in one of the ways."""
    words = _PLAIN + _DOCUMENTS * 2 if forgiving else _PLAIN
    parts: list[bytes] = []
    for _ in range(chance.randint(1, 12)):
        parts += [chance.choice(words) for _ in range(chance.choice((1, 1, 1, 2, 0)))]
        parts.append(chance.choice(_ENDS))
    return b"".join(parts)


def cut(chance: random.Random, stream: bytes) -> list[bytes]:
    """The same in pieces, none of them empty."""
    some = (
        range(1, len(stream))
        if chance.random() < 0.1
        else chance.sample(
            range(1, max(2, len(stream))), k=min(len(stream) - 1, chance.randint(0, 6))
        )
        if len(stream) > 1
        else []
    )
    at = [0, *sorted(some), len(stream)]
    return [stream[one:other] for one, other in pairwise(at) if one < other]


def disagreement(chance: random.Random) -> str | None:
    """What the two read differently of one random stream, if they do."""
    forgiving = chance.random() < 0.5
    stream = stream_of(chance, forgiving=forgiving)
    pieces = cut(chance, stream)
    said, ours = by_the_standard(stream, forgiving=forgiving), by_ours(pieces)
    return None if said == ours else f"{pieces}\n  the standard: {said}\n  ours:         {ours}"


def main(count: int, seed: int) -> int:
    """The exit code: 0 if all were read alike."""
    chance = random.Random(seed)
    for number in range(count):
        if (found := disagreement(chance)) is not None:
            print(f"number {number} of seed {seed}: {found}")
            return 1
    print(f"{count:,} streams of seed {seed} were read alike")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
