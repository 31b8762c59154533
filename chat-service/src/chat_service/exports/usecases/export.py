"""An export: read page by page, while what was read before is on its way."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.exports.domain.wanted import End, Format, TooManyExports, Wanted
from chat_service.exports.store.encodings import ENCODINGS
from chat_service.exports.store.pages import Named, Pages, Part, pages_of

#: Of one user at once, in one process.
_MOST_AT_ONCE: Final = 4
#: What changed shortly before an export is in the next one as well: the clocks of two replicas may differ
#: by so much, and what one has begun to write the other does not see.
_LOOK_BACK: Final = timedelta(minutes=15)
_PIECE_BYTES: Final = 256 * 1024


class Exporting:
    """Exports users' conversations, a few at once for each of them."""

    def __init__(self, open_transaction: OpenTransaction) -> None:
        self._open_transaction = open_transaction
        self._under_way: Counter[UUID] = Counter()

    async def export(self, caller: Caller, wanted: Wanted) -> AsyncGenerator[bytes | End, None]:
        """The file in pieces of at most 256 KiB, all but its last line, and then how it ended.

        No more than two pages are in memory, of half a megabyte and one message each. Raises TooManyExports,
        SessionNotFound if one is wanted that is not there.
        """
        with self._counted(caller.user_id):
            writer = _Writer(wanted.format)
            began = utc_now()
            async with aclosing(self._parts(caller, wanted)) as parts:
                async for part in parts:
                    for piece in writer.take(part):
                        yield piece
            personas = await self._personas(caller) if wanted.personas else None
            for piece in writer.finish(personas):
                yield piece
            yield End(
                writer.conversations,
                writer.messages,
                None if personas is None else len(personas),
                began - _LOOK_BACK,
            )

    @contextmanager
    def _counted(self, user_id: UUID) -> Iterator[None]:
        if self._under_way[user_id] >= _MOST_AT_ONCE:
            raise TooManyExports()
        self._under_way[user_id] += 1
        try:
            yield
        finally:
            self._under_way[user_id] -= 1
            if not self._under_way[user_id]:
                del self._under_way[user_id]

    async def _parts(self, caller: Caller, wanted: Wanted) -> AsyncGenerator[Sequence[Part], None]:
        """Pages, each while the one before is worked on."""
        pages = self._pages(caller, wanted)
        coming = asyncio.create_task(anext(pages, None), name="export-page")
        try:
            while (page := await coming) is not None:
                coming = asyncio.create_task(anext(pages, None), name="export-page")
                yield page
        finally:
            coming.cancel()
            await asyncio.wait((coming,))
            # Heard, so that nobody logs that it was not.
            if not coming.cancelled():
                coming.exception()
            await pages.aclose()

    async def _pages(self, caller: Caller, wanted: Wanted) -> AsyncGenerator[Sequence[Part], None]:
        after = wanted.after
        while named := await self._names(caller, wanted, after):
            for wanted_ids in pages_of(named):
                ids, behind = wanted_ids, 0
                while ids:
                    async with self._open_transaction(caller) as transaction:
                        parts = await Pages(transaction).read(wanted.format, ids, behind)
                    if parts:
                        yield parts
                    if not (parts and parts[-1].is_cut):
                        break
                    ids, behind = ids[parts[-1].place - 1 :], parts[-1].last
            after = named[-1].id
        if wanted.session_id is not None and after is None:
            raise SessionNotFound()

    async def _names(self, caller: Caller, wanted: Wanted, after: UUID | None) -> Sequence[Named]:
        async with self._open_transaction(caller) as transaction:
            return await Pages(transaction).names(wanted, after)

    async def _personas(self, caller: Caller) -> Sequence[str]:
        async with self._open_transaction(caller) as transaction:
            return await Pages(transaction).personas()


class _Writer:
    """Puts parts together as a file of one format has them."""

    def __init__(self, of: Format) -> None:
        self._encoding = ENCODINGS[of]
        self._is_json = of is Format.JSON
        self._is_open = False
        self._has_messages = False
        self.conversations = 0
        self.messages = 0

    def take(self, page: Sequence[Part]) -> Iterator[bytes]:
        encoding = self._encoding
        texts: list[str] = []
        if not self.conversations:
            texts.append(encoding.begins)
        for part in page:
            if part.head is not None:
                if self._is_open:
                    texts.append(encoding.closes)
                if self.conversations:
                    texts.append(encoding.joins)
                texts += (part.head, encoding.opens)
                self.conversations += 1
                self._is_open, self._has_messages = True, False
            if part.messages:
                if self._has_messages:
                    texts.append(encoding.between)
                texts.append(part.text)
                self._has_messages = True
                self.messages += part.messages
        return _pieces("".join(texts))

    def finish(self, personas: Sequence[str] | None) -> Iterator[bytes]:
        texts = [] if self.conversations else [self._encoding.begins]
        if self._is_open:
            texts.append(self._encoding.closes)
        if self._is_json:
            texts.append("\n],\n")
            if personas is not None:
                texts += ('"personas":[\n', ",\n".join(personas), "\n],\n")
        return _pieces("".join(texts))


def _pieces(text: str) -> Iterator[bytes]:
    whole = memoryview(text.encode())
    for start in range(0, len(whole), _PIECE_BYTES):
        yield bytes(whole[start : start + _PIECE_BYTES])
