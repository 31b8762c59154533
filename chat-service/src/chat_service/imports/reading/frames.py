"""What the process that reads says to the one that stores: one JSON value a line, its kind before it.

It stands on both sides. Of a conversation its head comes first, then its messages, a megabyte at most in a
line but for one that is larger by itself, then its end: so neither side has to hold all of one.
"""

import base64
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import IO, Any, Final

import orjson

#: No line is longer: a message may be of 4 MiB, and each byte of it may become six.
MOST_LINE: Final = 32 * 1024 * 1024
#: What a file is called in our format, as a pattern.
ATTACHED_ID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_BATCH: Final = 1024 * 1024
_MOST_IN_BATCH: Final = 500


class Kind(Enum):
    """What a frame has."""

    #: A conversation's head: `source`, `key`, and what it is.
    CONVERSATION = b"C"
    #: A list of messages of it.
    MESSAGES = b"M"
    #: It is whole: `left_out`, parts by reason.
    END = b"E"
    #: One that is not taken: `title` and `reason`.
    SKIPPED = b"S"
    #: A persona of one's own, in our format.
    PERSONA = b"P"
    #: A note in our format.
    NOTE = b"N"
    #: A file that is attached to messages, behind all of these: its `key`, and the `size` it is told to have.
    FILE = b"F"
    #: Bytes of it, in base64.
    PIECE = b"B"
    #: No more of it comes: `whole` or damaged.
    FILE_END = b"G"
    #: Parts of no conversation that are not taken: `reason` and `count`.
    LEFT_OUT = b"L"
    #: The file, one of ours, is not what was written.
    CHANGED = b"X"
    #: How far it is, from 0 to 1, and what `format` it is once that is known.
    PROGRESS = b"W"
    #: Nothing more comes: `reason` why not, null if all was read.
    DONE = b"D"


def say(out: IO[bytes], kind: Kind, value: Any) -> None:
    out.write(kind.value + orjson.dumps(value) + b"\n")


def say_piece(out: IO[bytes], piece: bytes) -> None:
    out.write(Kind.PIECE.value + base64.b64encode(piece) + b"\n")


def understood(line: bytes) -> tuple[Kind, Any]:
    """Raises ValueError for what is no frame."""
    return Kind(line[:1]), orjson.loads(line[1:])


def batches(messages: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """The messages as lines."""
    batch: list[bytes] = []
    size = 0
    for message in messages:
        told = orjson.dumps(message)
        if batch and (size + len(told) > _BATCH or len(batch) >= _MOST_IN_BATCH):
            yield _line(batch)
            batch, size = [], 0
        batch.append(told)
        size += len(told)
    if batch:
        yield _line(batch)


def _line(batch: Sequence[bytes]) -> bytes:
    return Kind.MESSAGES.value + b"[" + b",".join(batch) + b"]\n"
