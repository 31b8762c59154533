"""From the bytes of a body to pieces of an answer, in whatever protocol it speaks."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import aiohttp

from chat_service.providers.body import Body
from chat_service.providers.errors import ProviderBroke, ProviderError, ProviderGarbled
from chat_service.providers.patience import SHIPPED
from chat_service.providers.pool import BrokenFraming
from chat_service.providers.port import End, NextRead, Piece, Take
from chat_service.providers.source import Source
from chat_service.providers.sse import Events

# A read that brings so much is of a model that is faster than any reader: no waiting for flushes.
_FAST_BYTES = 16 * 1024
# For so many flushes in a row a silent model is looked at, before its reader waits for it.
_LOOKS_FOR_NOTHING = 25

_Read = tuple[Piece, ProviderError | None]


class Dialect(Protocol):
    """Reads the events of one answer."""

    @property
    def names(self) -> bool:
        """Whether events' names say what their data do not."""
        ...

    def read(self, events: Events) -> _Read:
        """What ``events`` bring, up to an error or to the answer's own end, which is the piece's."""
        ...

    def end(self, *, is_events: bool) -> _Read:
        """What has waited until now, when nothing more comes, and how the answer ended by that."""
        ...


async def read_stream(
    source: Source,
    dialect: Dialect,
    next_read: NextRead,
    take: Take | None = None,
    *,
    most_bytes: int,
    grace_seconds: float = SHIPPED.grace,
) -> AsyncIterator[Piece]:
    """An answer, one Piece for each read of the socket; the last one has an end.

    A read that ends in mid-event leaves the rest for the next; what does not end has ``most_bytes`` at
    most. Pieces that come while ``next_read`` waits go to ``take``, those that need nobody's attention.
    A finish reason makes the answer whole: from then on nothing that happens to the stream is an error,
    and after ``grace_seconds`` nothing more is waited for.

    Raises ProviderError, also for one that comes in the stream; what stood before it has been yielded.
    """
    reading = _Reading(source, dialect, take, most_bytes, grace_seconds)
    while True:
        piece, problem = reading.left or await reading.next()
        reading.left = None
        yield piece
        if problem is not None:
            try:
                raise problem
            finally:
                # It keeps this frame, and would keep itself by it.
                del problem
        if piece.end is not None:
            return
        if reading.is_slow(piece.size):
            source.hold()
            await next_read(source.release, reading.collect)
            source.release()


class _Reading:
    """A stream as far as it has been read."""

    def __init__(
        self,
        source: Source,
        dialect: Dialect,
        take: Take | None,
        most_bytes: int,
        grace_seconds: float,
    ) -> None:
        self._source = source
        self._grace_seconds = grace_seconds
        self._dialect = dialect
        self._take = take
        self._body = Body(source.content_type, most_bytes=most_bytes, names=dialect.names)
        self._spoken = False
        self._nothing = 0
        # When nothing more is waited for, in the loop's time; None: no finish reason has come.
        self._deadline: float | None = None
        #: What was read and not passed on: it needs attention, in one way or another.
        self.left: _Read | None = None

    def is_slow(self, size: int) -> bool:
        """Whether the model has begun and not finished, and is none that is faster than any reader."""
        return (
            self._spoken
            and size < _FAST_BYTES
            and self._deadline is None
            and self._source.can_be_held
        )

    async def next(self) -> _Read:
        """The next read, once it has come, or the end."""
        try:
            if self._deadline is None:
                data = await self._source.read()
            else:
                async with asyncio.timeout_at(self._deadline):
                    data = await self._source.read()
        except ProviderError as error:
            return self._end(error)
        except (aiohttp.ClientError, OSError) as error:
            # By no name of this frame, which it keeps by its cause.
            return self._end(_broken_by(error))
        return self._decode(data) if data else self._end(None)

    def collect(self) -> bool:
        """Take what has come between two flushes; False if it is for the reader itself to go on.

        While nothing comes it is looked for again, for as many flushes as take a second or two.
        """
        source = self._source
        if not (size := source.waiting):
            self._nothing += 1
            return self._nothing < _LOOKS_FOR_NOTHING and not source.is_over
        self._nothing = 0
        if self._take is None or size >= _FAST_BYTES:
            return False
        piece, problem = self._decode(source.take())
        if (
            problem is not None
            or piece.end is not None
            or self._deadline is not None
            or not self._take(piece)
        ):
            self.left = piece, problem
            return False
        source.hold()
        return True

    def _decode(self, data: bytes) -> _Read:
        try:
            piece, problem = self._dialect.read(self._body.feed(data))
        except ProviderError as error:
            piece, problem = Piece(), error
        piece.size = len(data)
        if piece.parts:
            self._spoken = True
        is_first = piece.finish_reason is not None and self._deadline is None
        # Said once more it gives no more time, else a server could go on saying it.
        if is_first or (self._deadline is not None and piece.parts):
            self._deadline = asyncio.get_running_loop().time() + self._grace_seconds
        if self._deadline is not None and (problem is not None or piece.end is not None):
            piece.end, problem = End.WHOLE, None
        self._source.finished = piece.end is not None
        try:
            return piece, problem
        finally:
            # One that was raised within this call keeps its frame.
            del problem

    def _end(self, broken: ProviderError | None) -> _Read:
        """What is left when nothing more comes, or when ``broken`` has happened to the stream."""
        try:
            piece, problem = self._dialect.read(self._body.end())
        except ProviderError as error:
            piece, problem = Piece(), error
        last, strange = self._dialect.end(is_events=self._body.is_events)
        piece.parts = [*piece.parts, *last.parts]
        piece.finish_reason = piece.finish_reason or last.finish_reason
        problem = broken or problem or strange
        if last.end is End.EARLY:
            problem = problem or self._body.failure()
        if self._deadline is not None or piece.finish_reason is not None:
            problem = None
        piece.end = None if problem else last.end if piece.end is None else piece.end
        try:
            return piece, problem
        finally:
            # One that was raised within this call keeps its frame.
            del problem


def _broken_by(error: Exception) -> ProviderError:
    """What it means that a stream broke off."""
    kind = ProviderGarbled if isinstance(error, BrokenFraming) else ProviderBroke
    problem = kind(f"{type(error).__name__}: {error}")
    problem.__cause__ = error
    return problem
