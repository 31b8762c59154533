"""An export's file as it goes out: chat-service's pieces, notes behind them, and the last line.

The last line tells how much there is, the SHA-256 of all before it, and what the next export begins with: a
file without it is cut off.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson

from chassis.errors import Internal, Unavailable
from gateway.schemas.exports import ExportFormat
from gateway.streams.export_zip import Attached
from parley.chat.v1 import exports_pb2 as pb

Pieces = AsyncGenerator[pb.ExportResponse, None]

#: By format: the media type of the file, and the ending of its name.
FILES: dict[ExportFormat, tuple[str, str]] = {
    "json": ("application/json", "json"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "markdown": ("text/markdown; charset=utf-8", "md"),
}


async def since_of(pieces: Pieces, *, with_files: bool = False) -> tuple[str, Pieces]:
    """What the next export begins with, and ``pieces`` whole; empty: with everything.

    It is there before the first piece of the file, and so for who gets no more of it than a part. Raises
    AppError where there is no file, and where an earlier version would tell no files.
    """
    try:
        first = await anext(pieces, None)
        if first is not None and with_files and not first.begin.files:
            # A zip without them would pass for one of conversations that have none.
            raise Unavailable()
    except BaseException:
        await pieces.aclose()
        raise
    if first is None:
        raise Internal()
    # An earlier version tells nothing at the beginning.
    return first.begin.since, _behind(first, pieces)


async def _behind(first: pb.ExportResponse, pieces: Pieces) -> Pieces:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


async def export_file(
    pieces: Pieces,
    of: ExportFormat,
    notes: AsyncIterator[bytes] | None,
    attached: Attached | None = None,
) -> AsyncGenerator[bytes, None]:
    """The whole file; ``notes``, each as JSON, are members of a JSON file behind its conversations.

    ``attached`` is told the files that it refers to. Raises AppError where it cannot be whole.
    """
    hashed = hashlib.sha256()
    told: dict[str, Any] = {}
    async with aclosing(pieces):
        async for response in pieces:
            if response.data:
                hashed.update(response.data)
                yield response.data
            if response.HasField("end"):
                told = _told(response.end)
            if attached is not None:
                attached.note(response.files)
    if not told:
        raise Internal()
    if notes is not None:
        count = 0
        async for note in notes:
            piece = (b",\n" if count else b'"notes":[\n') + note
            count += 1
            hashed.update(piece)
            yield piece
        piece = b"\n],\n" if count else b'"notes":[\n\n],\n'
        hashed.update(piece)
        yield piece
        told["notes"] = count
    yield _last_line(of, {**told, "sha256": hashed.hexdigest()})


def _told(end: pb.ExportEnd) -> dict[str, Any]:
    told: dict[str, Any] = {"conversations": end.conversations, "messages": end.messages}
    if end.HasField("personas"):
        told["personas"] = end.personas
    return {**told, "since": end.since}


def _last_line(of: ExportFormat, told: dict[str, Any]) -> bytes:
    if of == "json":
        return b'"end":' + orjson.dumps(told) + b"}\n"
    words = " ".join(f"{name}={value}" for name, value in told.items()).encode()
    return b"#end," + words + b"\r\n" if of == "csv" else b"\n<!-- end " + words + b" -->\n"
