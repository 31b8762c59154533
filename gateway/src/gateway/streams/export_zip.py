"""An export with its files, as a zip: its document, each file that this refers to, and what came of them.

It is made as it goes out, into no file and nothing that can be sought: of what is gone, the entries of the
directory at its end are all that is kept.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any, Final, TypeVar
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from chassis.errors import AppError, Internal
from parley.chat.v1 import exports_pb2, files_pb2

#: A file by its id: what is known of it, then what is in it.
Read = Callable[[str], AsyncGenerator[files_pb2.ReadFileResponse, None]]

#: Of files that are not there; how many there are is told in any case.
_MOST_LOST: Final = 1_000
# What is gone, now as then. Anything else may be there for who asks again.
_GONE: Final = ("FILE_NOT_FOUND", "FILES_NOT_OFFERED")
# Members are deflated, also those that are packed already: of one that is merely stored nobody can tell the
# end who reads the zip as it comes, since its length is told behind it.
_FAST: Final = 1
_AS_IT_IS: Final = 0
_TEXTS: Final = ("text/", "application/json")
_LAST: Final = "files.json"
# Bytes of a name, which has an id before it: file systems take 255.
_LONGEST: Final = 150
_LONGEST_ENDING: Final = 16
_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
_FIRST_YEAR: Final = 1980

Made = TypeVar("Made")


@dataclass(slots=True)
class Attached:
    """The files that an export refers to, each once: those that are there, and those that are not."""

    names: dict[str, str] = field(default_factory=dict)
    lost: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: References to such as are not there, beyond those that are told one by one.
    more_lost: int = 0

    def note(self, files: Iterable[exports_pb2.ExportedFile]) -> None:
        for one in files:
            if one.id in self.names or one.id in self.lost:
                continue
            if one.gone:
                self.lose(one.id, one.name)
            else:
                self.names[one.id] = one.name

    def lose(self, file_id: str, name: str) -> None:
        if len(self.lost) < _MOST_LOST:
            self.lost[file_id] = {"id": file_id, "name": name}
        else:
            self.more_lost += 1


async def zipped(
    document: AsyncGenerator[bytes, None], name: str, attached: Attached, read: Read
) -> AsyncGenerator[bytes, None]:
    """The zip: ``document`` under ``name``, then the files that ``attached`` has when it has ended.

    The last member tells what was put in and what was not there. Raises AppError where it cannot be whole:
    what is behind the services just now, or breaks off, is not passed off as lost.
    """
    archive = _Archive()
    count = size = 0
    try:
        async with aclosing(document):
            # What is refused is refused before the zip begins.
            piece = await anext(document, b"")
            yield archive.begin(name, _FAST, datetime.now(UTC))
            while piece:
                if packed := await _aside(archive.write, piece):
                    yield packed
                piece = await anext(document, b"")
        yield archive.end()
        for file_id, file_name in attached.names.items():
            async with aclosing(read(file_id)) as content:
                # Before its member is opened, which could not be taken back.
                file = await _file_of(content)
                if file is None:
                    attached.lose(file_id, file_name)
                    continue
                count, size = count + 1, size + file.size
                async with aclosing(
                    _member(archive, path_of(file_id, file_name), file, content)
                ) as it:
                    async for packed in it:
                        yield packed
        told = {"files": count, "bytes": size, "lost": list(attached.lost.values())}
        last = orjson.dumps({**told, "more_lost": attached.more_lost}) + b"\n"
        yield archive.begin(_LAST, _FAST, datetime.now(UTC), len(last))
        yield archive.write(last)
        yield archive.end() + archive.close()
    finally:
        archive.give_up()


async def _file_of(
    content: AsyncGenerator[files_pb2.ReadFileResponse, None],
) -> files_pb2.File | None:
    """What is known of the file that begins; None: it is gone."""
    try:
        first = await anext(content, None)
    except AppError as error:
        if error.reason in _GONE:
            return None
        raise
    if first is None or not first.HasField("file"):
        raise Internal()
    return first.file


async def _member(
    archive: "_Archive",
    path: str,
    file: files_pb2.File,
    content: AsyncGenerator[files_pb2.ReadFileResponse, None],
) -> AsyncGenerator[bytes, None]:
    level = _FAST if file.media_type.startswith(_TEXTS) else _AS_IT_IS
    yield archive.begin(path, level, file.created_at.ToDatetime(tzinfo=UTC), file.size)
    left = file.size
    async for piece in content:
        left -= len(piece.chunk)
        if packed := await _aside(archive.write, piece.chunk):
            yield packed
    if left:
        raise Internal()
    yield archive.end()


def path_of(file_id: str, name: str) -> str:
    """Where a file is in the zip: found by its id, and saved wherever it is unpacked.

    Its name is a label of anybody's. The id before it makes it one that no other file has, whatever case
    means there, and no device; what would lead elsewhere, or is forbidden somewhere, is left out.
    """
    safe = "".join("_" if one in _FORBIDDEN or not one.isprintable() else one for one in name)
    ending = PurePosixPath(safe).suffix
    if len(ending.encode()) > _LONGEST_ENDING:
        ending = ""
    room = _LONGEST - len(ending.encode())
    stem = safe.removesuffix(ending).encode()[:room].decode(errors="ignore")
    # What is last is no blank and no dot, which Windows drops.
    return f"files/{file_id}-{stem}{ending}".rstrip(". -")


class _Archive:
    """A zip that is made member by member: each call gives what is to be sent behind what it gave before."""

    def __init__(self) -> None:
        self._made = _Made()
        self._zip = ZipFile(self._made, "w")
        self._member: IO[bytes] | None = None

    def begin(self, name: str, level: int, at: datetime, size: int | None = None) -> bytes:
        """``size`` is how many bytes will come; None: any number."""
        info = ZipInfo(name, (max(at.year, _FIRST_YEAR), *at.timetuple()[1:6]))
        info.compress_type = ZIP_DEFLATED
        # From Python 3.13 on it has a public name as well.
        info._compresslevel = level  # type: ignore[attr-defined] # noqa: SLF001
        info.file_size = size or 0
        self._member = self._zip.open(info, "w", force_zip64=size is None)
        return self._made.take()

    def write(self, piece: bytes) -> bytes:
        assert self._member is not None
        self._member.write(piece)
        return self._made.take()

    def end(self) -> bytes:
        assert self._member is not None
        self._member.close()
        self._member = None
        return self._made.take()

    def close(self) -> bytes:
        self._zip.close()
        return self._made.take()

    def give_up(self) -> None:
        """Whatever is open in it is closed, and goes nowhere."""
        if self._member is not None:
            self._member.close()
        self._zip.close()


class _Made(io.RawIOBase):
    """What has been written and is to be sent; nobody goes back in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        made = b"".join(self._pieces)
        self._pieces.clear()
        return made


async def _aside(work: Callable[[bytes], Made], piece: bytes) -> Made:
    """``work`` in a thread; also who is cancelled waits for it, since nobody else may be at it behind this."""
    working = asyncio.create_task(asyncio.to_thread(work, piece))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait((working,))
        raise
