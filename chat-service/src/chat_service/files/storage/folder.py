"""Bytes in a folder: a file for each key, in a folder for each user."""

import os
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from chassis.telemetry.logging import get_logger
from chat_service.files.domain.errors import FileNotFound, StorageUnavailable
from chat_service.files.domain.stored import Stored
from chat_service.files.storage.threads import on_disk

_log = get_logger(__name__)

_PIECE: Final = 256 * 1024
_LISTED: Final = 500
# What is not whole yet lies in the same file system, so that it can be moved.
_SPOOL: Final = ".spool"
# A user's id, and a name that is no path and hides nothing.
_USER: Final = re.compile(r"[0-9a-f-]{36}")
_KEY: Final = re.compile(rf"{_USER.pattern}/[0-9a-z][0-9a-z-]*(\.[a-z]+)?")


class FolderStorage:
    """See Storage. The folder is made where there is none; others may use it at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def spool(self) -> Path:
        return self._folder / _SPOOL

    async def put(self, key: str, path: Path) -> None:
        await on_disk(self._put, self._at(key), path)

    async def read(self, key: str, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        file = await on_disk(self._open, self._at(key), begin)
        if file is None:
            raise FileNotFound()
        try:
            left = end - begin
            while left > 0 and (piece := await on_disk(file.read, min(left, _PIECE))):
                left -= len(piece)
                yield piece
        finally:
            file.close()
        if left > 0:
            _log.error("files.cut_short", file=key, missing=left)
            raise StorageUnavailable()

    async def holds(self, key: str) -> bool:
        return await on_disk(self._at(key).exists)

    async def delete(self, keys: Sequence[str]) -> None:
        await on_disk(self._delete, [self._at(key) for key in keys])

    async def listing(self, prefix: str = "") -> AsyncGenerator[Sequence[Stored], None]:
        for user in [prefix] if prefix else await on_disk(self._users):
            found = await on_disk(self._of, user)
            for at in range(0, len(found), _LISTED):
                yield found[at : at + _LISTED]

    def _at(self, key: str) -> Path:
        if _KEY.fullmatch(key) is None:
            raise ValueError("not a key")
        return self._folder / key

    def _put(self, place: Path, path: Path) -> None:
        with path.open("rb") as file:
            os.fsync(file.fileno())
        while True:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                path.replace(place)
            except FileNotFoundError:
                # The user's folder was empty just now, and somebody has taken it away.
                if not path.exists():
                    raise
            else:
                break
        _sync(place.parent)
        _sync(self._folder)

    def _open(self, place: Path, begin: int) -> BinaryIO | None:
        try:
            file = place.open("rb", buffering=0)
        except FileNotFoundError:
            return None
        file.seek(begin)
        return file

    def _delete(self, places: Sequence[Path]) -> None:
        for place in places:
            place.unlink(missing_ok=True)
        for folder in {place.parent for place in places}:
            with suppress(OSError):  # there is more in it, or it was not there
                folder.rmdir()
                continue
            with suppress(FileNotFoundError):
                _sync(folder)

    def _users(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                # Whatever else lies there is not looked into: a file system may keep its own `lost+found`.
                return sorted(entry.name for entry in entries if _USER.fullmatch(entry.name))
        except FileNotFoundError:
            return []

    def _of(self, user: str) -> list[Stored]:
        found = []
        try:
            with os.scandir(self._folder / user) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # gone meanwhile
                        status = entry.stat(follow_symlinks=False)
                        modified = datetime.fromtimestamp(status.st_mtime, UTC)
                        found.append(Stored(f"{user}/{entry.name}", status.st_size, modified))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(found, key=lambda one: one.key)


def _sync(folder: Path) -> None:
    """What was named and unnamed in a folder is so on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
