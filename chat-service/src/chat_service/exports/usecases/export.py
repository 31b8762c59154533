"""An export: read page by page, while what was read before is on its way."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import Unavailable
from chat_service.audit import Audit, Deed
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.exports.domain.wanted import Begin, End, Files, Format, TooManyExports, Wanted
from chat_service.exports.store.encodings import ENCODINGS
from chat_service.exports.store.pages import SHIPPED, Named, Pages, PageSize, Part, pages_of
from chat_service.plain_text.controls import drawn_utf8, escaped_in_json

#: Of one user at once, in one process.
_MOST_AT_ONCE: Final = 4
#: What changed shortly before an export is in the next one as well: the clocks of two replicas may differ
#: by so much, and what one has begun to write the other does not see.
_LOOK_BACK: Final = timedelta(minutes=15)
_PIECE_BYTES: Final = 256 * 1024
#: Of these each has a name of at most 1 kB.
_PIECE_FILES: Final = 250
#: Pages that are read at once, each on a connection of its own: PostgreSQL writes one on one core.
_READ_AHEAD: Final = 2
#: Connections that all exports of a process hold together, of its eight: turns need the rest.
_MOST_CONNECTIONS: Final = 4
#: In seconds, between tries to read a page.
_PAUSES: Final = (0.5, 1, 2, 4)

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class _Reading:
    """A page that is being read, of these conversations."""

    ids: Sequence[UUID]
    page: asyncio.Task[Sequence[Part]]


class Exporting:
    """Exports users' conversations, a few at once for each of them.

    `pauses`: seconds between tries to read a page; `look_back`: what changed for so long before an export is in
    the next one as well; `page_size`: what is read at once; `piece_files`: files that are told at once.
    """

    def __init__(
        self,
        open_transaction: OpenTransaction,
        audit: Audit,
        *,
        pauses: Sequence[float] = _PAUSES,
        look_back: timedelta = _LOOK_BACK,
        page_size: PageSize = SHIPPED,
        piece_files: int = _PIECE_FILES,
    ) -> None:
        self._pauses = pauses
        self._look_back = look_back
        self._page_size = page_size
        self._piece_files = piece_files
        self._open_transaction = open_transaction
        self._audit = audit
        self._under_way: Counter[UUID] = Counter()
        self._connections = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def export(
        self, caller: Caller, wanted: Wanted
    ) -> AsyncGenerator[Begin | bytes | Files | End, None]:
        """How it begins, the file in pieces of at most 256 KiB, all but its last line, and how it ended.

        Behind a page comes what is attached to its messages, where that is wanted, in pieces as well.

        No more than three pages are in memory, of a megabyte and one message each. Raises TooManyExports,
        SessionNotFound if one is wanted that is not there.
        """
        with self._counted(caller.user_id):
            writer = _Writer(wanted.format)
            since = self._since_next(wanted)
            begin: Begin | None = Begin(since)
            async with aclosing(self._parts(caller, wanted)) as parts:
                async for part in parts:
                    # Behind the first page: what is refused is refused before anything is told.
                    if begin is not None:
                        await self._note(caller, wanted)
                        yield begin
                        begin = None
                    for piece in writer.take(part):
                        yield piece
                    for files in _files_of(part, self._piece_files):
                        yield files
            if begin is not None:
                await self._note(caller, wanted)
                yield begin
            personas = await self._personas(caller) if wanted.personas else None
            for piece in writer.finish(personas):
                yield piece
            yield End(
                writer.conversations,
                writer.messages,
                None if personas is None else len(personas),
                since,
            )

    def _since_next(self, wanted: Wanted) -> datetime | None:
        """What the next export has to begin with, so that it has whatever changes behind this one.

        One that goes on has the first one's part by what that one began with: what it has had may have changed
        since. Without that, the next one begins where this one did.
        """
        if wanted.began is not None:
            return wanted.began
        return wanted.since if wanted.after is not None else utc_now() - self._look_back

    async def _note(self, caller: Caller, wanted: Wanted) -> None:
        """In the audit log, before anything is handed out; nothing of what nobody is given."""
        if wanted.look:
            return
        async with self._connections, self._open_transaction(caller) as transaction:
            await self._audit.note(
                *(transaction, Deed.EXPORT_BEGUN, caller),
                session_id=wanted.session_id,
                format=wanted.format,
                files="included" if wanted.files else "none",
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
        """Pages in order, the next ones read while one is worked on."""
        coming: deque[_Reading] = deque()
        async with aclosing(self._groups(caller, wanted)) as groups:
            try:
                parts: Sequence[Part] = ()
                while True:
                    while len(coming) < _READ_AHEAD and (ids := await anext(groups, None)):
                        coming.append(self._start(caller, wanted, ids, behind=0))
                    if parts:
                        yield parts
                    if not coming:
                        return
                    parts = await coming[0].page
                    ids = coming.popleft().ids
                    if parts and (last := parts[-1]).is_cut:
                        rest = ids[last.place - 1 :]
                        coming.appendleft(self._start(caller, wanted, rest, behind=last.last))
            finally:
                await _give_up([reading.page for reading in coming])

    def _start(
        self, caller: Caller, wanted: Wanted, ids: Sequence[UUID], *, behind: int
    ) -> _Reading:
        asked = partial(Pages.read, of=wanted.format, ids=ids, behind=behind, files=wanted.files)
        read = self._read(caller, asked)
        return _Reading(ids, asyncio.create_task(read, name="export-page"))

    async def _groups(self, caller: Caller, wanted: Wanted) -> AsyncGenerator[Sequence[UUID], None]:
        """Conversations of which each group has about as many messages as a page."""
        after = wanted.after
        while named := await self._names(caller, wanted, after):
            for ids in pages_of(named, self._page_size.messages):
                yield ids
            after = named[-1].id
        if wanted.session_id is not None and after is None:
            raise SessionNotFound()

    async def _names(self, caller: Caller, wanted: Wanted, after: UUID | None) -> Sequence[Named]:
        return await self._read(caller, partial(Pages.names, wanted=wanted, after=after))

    async def _personas(self, caller: Caller) -> Sequence[bytes]:
        return await self._read(caller, Pages.personas)

    async def _read(self, caller: Caller, read: Callable[[Pages], Awaitable[Read]]) -> Read:
        """What `read` reads; a busy moment of the database is waited for, and ends no long download."""
        for pause in (*self._pauses, None):
            try:
                async with self._connections, self._open_transaction(caller) as transaction:
                    return await read(Pages(transaction, self._page_size))
            except Unavailable:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")


async def _give_up(readings: Sequence[asyncio.Task[Sequence[Part]]]) -> None:
    for reading in readings:
        reading.cancel()
    if readings:
        await asyncio.wait(readings)
    for reading in readings:
        # Heard, so that nobody logs that it was not.
        if not reading.cancelled():
            reading.exception()


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
        texts: list[bytes] = []
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
        page_text = b"".join(texts)
        return _pieces(escaped_in_json(page_text) if self._is_json else drawn_utf8(page_text))

    def finish(self, personas: Sequence[bytes] | None) -> Iterator[bytes]:
        texts = [] if self.conversations else [self._encoding.begins]
        if self._is_open:
            texts.append(self._encoding.closes)
        if self._is_json:
            texts.append(b"\n],\n")
            if personas is not None:
                told = escaped_in_json(b",\n".join(personas))
                texts += (b'"personas":[\n', told, b"\n],\n")
        return _pieces(b"".join(texts))


def _files_of(page: Sequence[Part], most: int) -> Iterator[Files]:
    files = [file for part in page for file in part.files]
    for start in range(0, len(files), most):
        yield Files(files[start : start + most])


def _pieces(text: bytes) -> Iterator[bytes]:
    whole = memoryview(text)
    for start in range(0, len(whole), _PIECE_BYTES):
        yield bytes(whole[start : start + _PIECE_BYTES])
