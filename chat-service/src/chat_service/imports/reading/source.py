"""The bytes of a file as they are to be read: unpacked, bounded, and if need be more than once."""

import gzip
import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

from chat_service.imports.reading.encodings import Older, Readable, Recoded, encoding_of
from chat_service.imports.reading.frames import ATTACHED_ID

#: Of everything that is unpacked. What a bomb unpacks to is read to here, and no part of it is kept.
MOST_UNPACKED: Final = 4 * 1024**3
_MOST_MEMBERS: Final = 10_000
# In our own export: the document before the files, and what is told of them behind.
_AROUND_FILES: Final = 2
_MOST_ATTACHED: Final = 100_000
# A file of it is found by its id; what is behind that is a label.
_ATTACHED: Final = re.compile(rf"files/({ATTACHED_ID})(-|\Z)")
# Lists of documents, one a line, have names of their own.
_TEXTS: Final = (".json", ".jsonl", ".ndjson")
_PIECE: Final = 192 * 1024
_HEAD: Final = 4096
_COPIED: Final = 1024 * 1024
_READ: Final = 64 * 1024
# The beginning of a backup whose parts refer to others behind them.
_TWICE: Final = re.compile(rb'\A(\xef\xbb\xbf)?\s*\{\s*"time"\s*:\s*\d+\s*,\s*"version"\s*:')
_JSON: Final = re.compile(rb"\A(\xef\xbb\xbf)?\s*[\[{]")
_BOM: Final = b"\xef\xbb\xbf"
# What comes of archives that are damaged, encrypted, or packed as nobody here unpacks.
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    NotImplementedError,
)


class UnreadableError(Exception):
    """The file as a whole; ``reason`` is upper snake case."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Bounded(io.RawIOBase):
    """What ``source`` has, up to what may be unpacked in all; counts what was read of it."""

    def __init__(self, source: Readable, budget: "Budget") -> None:
        self._source = source
        self._budget = budget

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self._budget.spend(len(piece))
        return piece


class Budget:
    """How much was read so far, of how much; raises UnreadableError for more than there may be: ``most`` bytes
    of each of ``parts``, in the sum.
    """

    def __init__(self, expected: int, *, most: int = MOST_UNPACKED, parts: int = 1) -> None:
        self.expected = max(expected, 1)
        self.spent = 0
        self.most = most
        self._parts = parts

    def spend(self, size: int) -> None:
        self.spent += size
        if self.spent > self._parts * self.most:
            raise UnreadableError("UNPACKED_TOO_LARGE")

    @property
    def done(self) -> float:
        return min(self.spent / self.expected, 1.0)


class Attached:
    """A file that came with our document: what its messages call it, and how many bytes it is told to have."""

    def __init__(
        self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, key: str, budget: Budget
    ) -> None:
        self.key = key
        self.size = member.file_size
        self._archive = archive
        self._member = member
        self._budget = budget

    def pieces(self) -> Iterator[bytes]:
        """What is in it, no more than was told. Raises UnreadableError where it is damaged, or less."""
        try:
            opened = self._archive.open(self._member)
        except _DAMAGED as error:
            raise UnreadableError("FILE_DAMAGED") from error
        left = self.size
        with opened:
            content = Bounded(_Careful(opened), self._budget)
            while piece := content.read(_PIECE):
                left -= len(piece)
                yield piece
        if left:
            raise UnreadableError("FILE_DAMAGED")


class Document:
    """One JSON document. ``open`` gives it from its beginning; a second time only if ``is_kept``.

    ``files`` came with it, and are read behind it.
    """

    def __init__(self, file: IO[bytes], budget: Budget, *, kept: bool) -> None:
        self._file = file
        self._budget = budget
        self.is_kept = kept
        self.files: Sequence[Attached] = ()

    def open(self) -> IO[bytes]:
        if self.is_kept:
            self._file.seek(0)
        return _without_mark(Bounded(self._file, self._budget))


def documents_of(
    stream: IO[bytes], size: int, *, most: int = MOST_UNPACKED
) -> Iterator[tuple[Document, Budget]]:
    """The JSON documents in a file of about so many bytes; of a zip those of its members that are JSON.

    It may unpack to ``most`` bytes. Each is to be read before the next one is asked for. Raises UnreadableError.
    """
    head = _read_some(stream, _HEAD)
    if head.startswith(b"PK\x03\x04"):
        with _kept(_joined(head, stream), Budget(size, most=most)) as file:
            yield from _members(file, most)
    elif head.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=_joined(head, stream)) as unpacked:
            # Text, as a rule, to a fifth of itself.
            yield from _document(
                _Careful(unpacked, end="FILE_CUT_OFF"), 5 * size, Budget(5 * size, most=most)
            )
    else:
        yield from _document(stream, size, Budget(size, most=most), head)


def _document(
    stream: Readable, size: int, budget: Budget, head: bytes = b""
) -> Iterator[tuple[Document, Budget]]:
    """What is in ``stream``, of which ``head`` was read already. Raises UnreadableError if it is no JSON."""
    head = head or _read_some(stream, _HEAD)
    encoding = encoding_of(head)
    stream = Older(head, stream) if encoding is None else Recoded(head, stream, encoding)
    head = _read_some(stream, _HEAD)
    if _JSON.match(head) is None:
        raise UnreadableError("FORMAT_UNKNOWN")
    whole = _joined(head, stream)
    if _TWICE.match(head):
        with _kept(whole, Budget(size, most=budget.most)) as file:
            # It is read twice.
            budget.expected *= 2
            yield Document(file, budget, kept=True), budget
    else:
        yield Document(whole, budget, kept=False), budget


def _members(file: IO[bytes], most: int) -> Iterator[tuple[Document, Budget]]:
    if not zipfile.is_zipfile(file):
        # What is in it is told at its end.
        raise UnreadableError("FILE_CUT_OFF")
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise UnreadableError("FILE_DAMAGED") from error
    with archive:
        members = archive.infolist()
        attached: list[zipfile.ZipInfo] = []
        if _is_ours(members):
            # What is attached to messages may be anything, and is no part of the export's conversations.
            members, attached = members[:1], members[1:-1]
            if not members[0].filename.endswith(".json"):
                raise UnreadableError("NOT_JSON")
            if len(attached) > _MOST_ATTACHED:
                raise UnreadableError("TOO_MANY_FILES")
        if len(members) > _MOST_MEMBERS:
            raise UnreadableError("TOO_MANY_FILES")
        # A name is looked at for its ending, and is nothing else.
        texts = [one for one in members if one.filename.lower().endswith(_TEXTS)]
        expected = sum(one.file_size for one in (*texts, *attached))
        budget = Budget(expected, most=most, parts=2 if attached else 1)
        files = [
            Attached(archive, one, named[1], budget)
            for one in attached
            if (named := _ATTACHED.match(one.filename)) is not None
        ]
        for member in texts:
            try:
                opened = archive.open(member)
            except _DAMAGED as error:
                raise UnreadableError("FILE_DAMAGED") from error
            with opened:
                try:
                    for document, spent in _document(_Careful(opened), member.file_size, budget):
                        document.files = files
                        yield document, spent
                except UnreadableError as error:
                    if error.reason != "FORMAT_UNKNOWN":
                        raise


def _is_ours(members: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether it is our export with files: the document, what is attached in it, and what came of that."""
    names = [one.filename for one in members]
    return (
        len(names) >= _AROUND_FILES
        and names[-1] == "files.json"
        and "/" not in names[0]
        and all(name.startswith("files/") for name in names[1:-1])
    )


@contextmanager
def _kept(stream: Readable, budget: Budget) -> Iterator[IO[bytes]]:
    """A copy on the disk, which nobody else sees and which is gone behind the block."""
    with tempfile.TemporaryFile() as file:
        copied = Bounded(stream, budget)
        try:
            while piece := copied.read(_COPIED):
                file.write(piece)
            file.seek(0)
        except OSError as error:
            raise UnreadableError("NO_ROOM") from error
        yield file


def _read_some(stream: Readable, size: int) -> bytes:
    head = b""
    while len(head) < size and (piece := stream.read(size - len(head))):
        head += piece
    return head


def _without_mark(stream: Readable) -> IO[bytes]:
    """As it is, without a mark of its encoding."""
    head = stream.read(len(_BOM))
    return _joined(b"" if head == _BOM else head, stream)


def _joined(head: bytes, rest: Readable) -> IO[bytes]:
    return io.BufferedReader(_Joined(head, rest), _READ)  # type: ignore[type-var]


class _Careful:
    """What is unpacked as it is read.

    Raises UnreadableError where it is damaged, with ``end`` for its reason where it ends in the middle.
    """

    def __init__(self, packed: Readable, end: str = "FILE_DAMAGED") -> None:
        self._packed = packed
        self._end = end

    def read(self, size: int = -1) -> bytes:
        try:
            return self._packed.read(size)
        except EOFError as error:
            raise UnreadableError(self._end) from error
        except _DAMAGED as error:
            raise UnreadableError("FILE_DAMAGED") from error


class _Joined(io.RawIOBase):
    """What was read already, and then the rest."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if self._head:
            size = min(len(buffer), len(self._head))
            buffer[:size], self._head = self._head[:size], self._head[size:]
            return size
        piece = self._rest.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
