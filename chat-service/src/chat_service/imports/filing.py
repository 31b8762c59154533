"""The files of one export, taken as uploads are, for the messages that wait for them."""

import base64
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Protocol

import orjson

from chassis.db.owners import OwnerErased
from chassis.db.transactions import OpenTransaction, Owned, Transaction
from chassis.errors import AppError, Kind
from chat_service.files.domain.errors import QuotaUsedUp, TooManyFiles
from chat_service.files.domain.file import File
from chat_service.files.uploading import OnceOf, Refer
from chat_service.imports.domain.waiting import NotTakenNow
from chat_service.imports.reading.frames import Kind as Frame
from chat_service.imports.store.files import AwaitedFiles
from chat_service.imports.store.leases import Taken

#: Frames in order, each its kind and the line that it came in.
Lines = AsyncIterator[bytes]

# What is wrong with a file, or with there being one more: it will be so the next time as well.
_FINAL = frozenset({Kind.INVALID, Kind.CONFLICT, Kind.NOT_FOUND})


class TakeFile(Protocol):
    """Takes a file as an upload of this user's: `chat_service.files.uploading`."""

    async def __call__(
        self,
        whose: Owned,
        told_name: str,
        at_most: int,
        content: AsyncIterator[bytes],
        once: OnceOf,
        refer: Refer,
        /,
    ) -> File: ...


class Filing:
    """Takes the files that messages wait for by `take_file`, and counts what came of them."""

    def __init__(
        self, open_transaction: OpenTransaction, take_file: TakeFile | None, whose: Taken
    ) -> None:
        self._open_transaction = open_transaction
        self._take_file = take_file
        self._whose = whose
        self.added = self.existing = 0
        self.left_out = Counter[str]()

    async def take(self, told: dict[str, Any], lines: Lines) -> None:
        """One that comes in `lines`, to its end.

        Raises NotTakenNow where it can be taken later, OwnerErased, ValueError for half a file.
        """
        content = _Content(lines)
        try:
            await self._take(told["key"], told["size"], content)
        except (OwnerErased, NotTakenNow):
            raise
        except _DamagedError:
            self.left_out["FILE_DAMAGED"] += 1
        except _NotAwaitedError:
            self.existing += 1
        except AppError as error:
            if error.kind not in _FINAL:
                raise NotTakenNow("files", is_away=True) from error
            # However it is that there is no room for it.
            reason = QuotaUsedUp.reason if isinstance(error, TooManyFiles) else error.reason
            self.left_out[reason] += 1
        # Of one that was not taken the rest is still to come.
        await content.pass_over()

    async def _take(self, key: str, size: int, content: "_Content") -> None:
        if self._take_file is None:
            self.left_out["ATTACHMENT"] += 1
            return
        async with self._open_transaction(self._whose) as transaction:
            wanted = await AwaitedFiles(transaction).find(key)
        if wanted.name is None:
            if wanted.came_by == self._whose.id:
                # Before another replica took this import over, or it was begun anew.
                self.added += 1
            elif wanted.is_here:
                self.existing += 1
            else:
                self.left_out["FILE_NOT_AWAITED"] += 1
            return

        async def refer(transaction: Transaction, file: File) -> None:
            if not await AwaitedFiles(transaction).come(key, file, self._whose.id):
                raise _NotAwaitedError()

        await self._take_file(self._whose, wanted.name, size, content.pieces(), _unrepeated, refer)
        self.added += 1


def _unrepeated(_digest: bytes) -> None:
    """No request is behind it that could come again."""


class _DamagedError(Exception):
    """It is not whole in the export."""


class _NotAwaitedError(Exception):
    """Another import has brought it a moment before."""


class _Content:
    """What is in a file, which is read once, by whoever comes first."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._is_over = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """What is still to come of it; raises _DamagedError if it is not whole at its end."""
        while (line := await self._next()) is not None:
            yield base64.b64decode(line[1:], validate=True)

    async def pass_over(self) -> None:
        while not self._is_over:
            try:
                await self._next()
            except _DamagedError:
                return

    async def _next(self) -> bytes | None:
        """The next piece of it, None: there are no more."""
        if self._is_over:
            return None
        line = await anext(self._lines, None)
        if line is not None and line[:1] == Frame.PIECE.value:
            return line
        self._is_over = True
        if line is None or line[:1] != Frame.FILE_END.value:
            raise ValueError("half a file")
        if not orjson.loads(line[1:])["whole"]:
            raise _DamagedError()
        return None
