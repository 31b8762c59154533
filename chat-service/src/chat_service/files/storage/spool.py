"""An upload on this machine's disk, until it is whole and has been looked at."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from chassis.ids import parse_id
from chat_service.files.storage.threads import in_thread, on_disk

# So much is written at a time: each time is a change of threads, and so much of each upload is in memory.
_AT_ONCE: Final = 512 * 1024
_READ: Final = 1024 * 1024


class Spooled:
    """Writes what comes into a folder of its own, and hashes it.

    Everything raises StorageUnavailable where the disk does not take it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "upload"
        self.size = 0
        self._hash = sha256()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._file: BinaryIO | None = None

    @property
    def sha256(self) -> bytes:
        """Of everything that has been written."""
        return self._hash.digest()

    async def open(self) -> None:
        await on_disk(self._open)

    async def write(self, piece: bytes) -> None:
        self.size += len(piece)
        self._pending.append(piece)
        self._pending_bytes += len(piece)
        if self._pending_bytes >= _AT_ONCE:
            await self._flush()

    async def finish(self) -> None:
        """All of it is on the disk."""
        await self._flush()
        await on_disk(self._finish)

    async def remove(self) -> None:
        """Nothing of it is left, nor of what was put beside it."""
        await in_thread(self._remove)

    async def _flush(self) -> None:
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        await on_disk(self._write, pending)

    def _open(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True)
        self._file = os.fdopen(
            os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", 0
        )

    def _write(self, pieces: Iterable[bytes]) -> None:
        assert self._file is not None
        for piece in pieces:
            self._hash.update(piece)
            rest = memoryview(piece)
            while rest:
                rest = rest[self._file.write(rest) :]

    def _finish(self) -> None:
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._file.close()

    def _remove(self) -> None:
        if self._file is not None:
            # A server of files may say only here that something was not written.
            with suppress(OSError):
                self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


async def clear_spool(spool: Path, file_ids: Iterable[UUID]) -> None:
    """Nothing is left of what was spooled of these files. Raises StorageUnavailable."""
    await on_disk(_clear, [spool / str(file_id) for file_id in file_ids])


async def ids_in(spool: Path) -> list[UUID]:
    """The files of which something is spooled. Raises StorageUnavailable."""
    return await on_disk(_ids_in, spool)


def _clear(folders: Iterable[Path]) -> None:
    for folder in folders:
        # Mostly it is not there, and where it is its upload may be taking it away as well.
        while folder.exists():
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)


def _ids_in(spool: Path) -> list[UUID]:
    try:
        with os.scandir(spool) as entries:
            return [file_id for entry in entries if (file_id := parse_id(entry.name)) is not None]
    except FileNotFoundError:
        return []


async def measure(path: Path) -> tuple[int, bytes]:
    """The size and SHA-256 of what is in a file of the spool. Raises StorageUnavailable."""
    return await on_disk(_measure, path)


def _measure(path: Path) -> tuple[int, bytes]:
    size, digest = 0, sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_READ):
            size += len(piece)
            digest.update(piece)
    return size, digest.digest()
