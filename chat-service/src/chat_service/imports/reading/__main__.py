"""`python -I -m chat_service.imports.reading SIZE PARENT`: an export on the standard input, frames on the output.

It gives up what it does not need before it reads a byte: more memory, processor time, files and processes
than an honest export takes, all files but its own copies and Python's, the network, and other processes. Whoever started it stores what it says, and ends it by closing either side.
"""

import os
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO, Final

import orjson

from chat_service.files.decoding.confine import end_with_parent, forbid, give_way, limit
from chat_service.imports.reading.frames import Kind, batches, say, say_piece
from chat_service.imports.reading.made import Made
from chat_service.imports.reading.recognise import (
    Changed,
    LeftOut,
    OwnNote,
    OwnPersona,
    Skipped,
    conversations_of,
)
from chat_service.imports.reading.source import (
    Attached,
    Budget,
    Document,
    UnreadableError,
    documents_of,
)

_MEMORY: Final = 640 * 1024 * 1024
_CPU_SECONDS: Final = 3600
_FILE_BYTES: Final = 8 * 1024**3
_FILES: Final = 64
_TELL_SECONDS: Final = 0.5


def main() -> None:
    size, parent = int(sys.argv[1]), int(sys.argv[2])
    _give_up(parent)
    out = sys.stdout.buffer
    reason = None
    try:
        _read(sys.stdin.buffer, size, out)
    except UnreadableError as error:
        reason = error.reason
    except MemoryError:
        reason = "TOO_LARGE_TO_READ"
    say(out, Kind.DONE, {"reason": reason})
    out.flush()


def _give_up(parent: int) -> None:
    give_way()
    if sys.platform == "linux":
        end_with_parent()
        if os.getppid() != parent:
            raise SystemExit("the parent has ended")
        # Modules are loaded when they are needed.
        libraries = {Path(one) for one in (*sys.path, sys.base_prefix) if Path(one).is_dir()}
        forbid(readable=libraries, writable=_scratch())
    limit(
        {
            resource.RLIMIT_AS: _MEMORY,
            resource.RLIMIT_CPU: _CPU_SECONDS,
            resource.RLIMIT_FSIZE: _FILE_BYTES,
            resource.RLIMIT_NOFILE: _FILES,
        }
    )


def _scratch() -> list[Path]:
    """Where copies go, SQLite's as well, which would look for a place of its own."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        # Most exports need none; one that does says that it has no room.
        return []
    os.environ["SQLITE_TMPDIR"] = folder
    return [Path(folder)]


def _read(stream: IO[bytes], size: int, out: IO[bytes]) -> None:
    unknown = known = 0
    for document, budget in documents_of(stream, size):
        try:
            _tell(document, budget, out)
            known += 1
            for file in document.files:
                _tell_file(file, budget, out)
        except UnreadableError as error:
            if error.reason != "FORMAT_UNKNOWN":
                raise
            # Beside conversations an archive has other things.
            unknown += 1
    if not known:
        raise UnreadableError("FORMAT_UNKNOWN")
    if unknown:
        say(out, Kind.LEFT_OUT, {"reason": "OTHER_FILE", "count": unknown})


def _tell(document: Document, budget: Budget, out: IO[bytes]) -> None:
    told_at = 0.0
    left_out: Counter[str] = Counter()
    source = None
    for found in conversations_of(document):
        match found:
            case Made():
                source = found.source
                head = {"source": found.source, "key": found.key, **found.head}
                say(out, Kind.CONVERSATION, head)
                for line in batches(found.messages):
                    out.write(line)
                say(out, Kind.END, {"left_out": dict(found.left_out)})
                # Whoever stores it waits for its end in a transaction.
                out.flush()
            case Skipped():
                say(out, Kind.SKIPPED, {"title": found.title, "reason": found.reason})
            case OwnPersona():
                try:
                    say(out, Kind.PERSONA, found.told)
                except orjson.JSONEncodeError:
                    # Nested as none is, or with a number that nothing has room for.
                    left_out["PERSONA"] += 1
            case OwnNote():
                say(out, Kind.NOTE, found.told)
            case Changed():
                say(out, Kind.CHANGED, None)
            case LeftOut():
                left_out[found.reason] += 1
        if (now := time.monotonic()) > told_at + _TELL_SECONDS:
            told_at = now
            say(out, Kind.PROGRESS, {"done": budget.done, "format": source})
            out.flush()
    for reason, count in left_out.items():
        say(out, Kind.LEFT_OUT, {"reason": reason, "count": count})
    say(out, Kind.PROGRESS, {"done": budget.done, "format": source})


def _tell_file(file: Attached, budget: Budget, out: IO[bytes]) -> None:
    say(out, Kind.FILE, {"key": file.key, "size": file.size})
    is_whole = True
    try:
        for piece in file.pieces():
            say_piece(out, piece)
    except UnreadableError as error:
        # One that is damaged keeps no other from being read.
        if error.reason != "FILE_DAMAGED":
            raise
        is_whole = False
    say(out, Kind.FILE_END, {"whole": is_whole})
    say(out, Kind.PROGRESS, {"done": budget.done, "format": None})
    out.flush()


if __name__ == "__main__":
    main()
