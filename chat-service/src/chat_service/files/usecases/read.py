"""Look at files: one's own, one by one or in a list, and what is in them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.paging import Page, Position, page_of, parse_limit
from chat_service.files.domain.errors import FileNotFound
from chat_service.files.domain.file import File, content_key
from chat_service.files.domain.terms import FileLimits
from chat_service.files.store.files import Files
from chat_service.files.usecases.ports import StorageInForce, TermsInForce


@dataclass(frozen=True, slots=True)
class ReadFiles:
    """Shows files."""

    open_transaction: OpenTransaction
    terms: TermsInForce
    storage: StorageInForce

    async def limits(self, caller: Caller) -> FileLimits:
        terms = self.terms.content
        async with self.open_transaction(caller) as transaction:
            used = await Files(transaction).used()
        return FileLimits(terms, used.bytes)

    async def find(self, caller: Caller, file_id: UUID) -> File:
        """The caller's file; raises FileNotFound."""
        async with self.open_transaction(caller) as transaction:
            found = await Files(transaction).find(file_id)
        if found is None:
            raise FileNotFound()
        return found

    async def look_at(self, caller: Caller, file_id: UUID) -> File:
        """The same, and it is held for a while; raises OwnerErased as well."""
        found = await self.find(caller, file_id)
        async with self.open_transaction(caller) as transaction:
            files = Files(transaction)
            if await files.needs_hold(file_id):
                await transaction.lock_owner()
                await files.hold(file_id)
        return found

    async def list(self, caller: Caller, *, limit: int, cursor: str, count: bool) -> Page[File]:
        """A page, the newest first; `total` if `count`. Raises ValidationFailed."""
        limit = parse_limit(limit)
        after = Position.from_cursor(cursor)
        async with self.open_transaction(caller) as transaction:
            files = Files(transaction)
            found = await files.list(after=after, limit=limit + 1)
            total = await files.count() if count else None
        return page_of(found, limit, _cursor_of, total=total)

    def content(
        self, file: File, begin: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Its bytes from `begin` on and before `end`, in pieces.

        Raises FileNotFound where they are gone, StorageUnavailable, FilesNotOffered.
        """
        end = file.size if end is None else min(end, file.size)
        return self._read(file.key, begin, end)

    def stored(
        self, user_id: UUID, file_id: UUID, begin: int, end: int
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of any user's file, which there are, for who was let in by other rights than theirs; raises the
        same.
        """
        return self._read(content_key(user_id, file_id), begin, end)

    def text(self, file: File, most: int) -> AsyncGenerator[bytes, None]:
        """The text that is kept beside it, in UTF-8, `most` bytes of it; none where there is none."""
        return self._read(file.text_key, 0, min(most, file.text_size or 0))

    async def _read(self, key: str, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        if begin < end:
            async with aclosing(self.storage().read(key, begin, end)) as pieces:
                async for piece in pieces:
                    yield piece


def _cursor_of(file: File) -> str:
    return Position(file.created_at, file.id).to_cursor()
