"""Long requests and their heartbeats: each goes on until it is done, its client has gone or may no longer be there, or
the server closes.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from types import TracebackType
from typing import Self

from prometheus_client import Gauge
from starlette.types import Receive

from chassis.errors import AppError, Kind, Unavailable
from chassis.grpc.caller import LONGEST_SECONDS, Verified
from chassis.grpc.trust import TrustStore

_OPEN = Gauge("http_long_requests_open", "Event streams and waiting requests under way.")


class End(Enum):
    """Why a long request was cut short."""

    CLIENT_GONE = "client gone"
    CLOSING = "closing"
    REVOKED = "revoked"
    OUTLIVED = "outlived its token"


class ClientGone(Exception):
    """Nobody is left to answer."""


class ShuttingDown(Unavailable):
    reason = "SHUTTING_DOWN"
    detail = "This server is being replaced; send the request again."


class TokenOutlived(Unavailable):
    reason = "TOKEN_OUTLIVED"
    detail = "The request has outlived its token; send it again with a new one."


class TooManyStreams(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_STREAMS"
    detail = "As many event streams are open for you as may be; close one of them first."

    def __init__(self) -> None:
        super().__init__(retry_after=1)


class LongRequests:
    """All of this process's long requests, so that a drain can end what is left of them, and a
    revocation those whose token it takes away.

    ``streams_per_user`` event streams of a user at once, and those that are opened meanwhile.
    """

    def __init__(self, streams_per_user: int, trust: TrustStore) -> None:
        self._open: set[Presence] = set()
        self._of: dict[str, set[Presence]] = {}
        self._trust = trust
        self._streams_per_user = streams_per_user
        self._streams: Counter[str] = Counter()
        trust.listen(self._end_revoked)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def held(self) -> dict[str, int]:
        """Of the requests, of their users and logins, and of users with event streams: how many."""
        return {
            "long requests": len(self._open),
            "subjects of long requests": len(self._of),
            "users with event streams": len(self._streams),
        }

    def end(self) -> None:
        """End them all."""
        for presence in list(self._open):
            presence.cut(End.CLOSING)

    def check_room(self, user: str) -> None:
        """To be asked before a stream is opened. Raises TooManyStreams."""
        if self._streams.get(user, 0) >= self._streams_per_user:
            raise TooManyStreams()

    @contextmanager
    def stream_of(self, user: str) -> Iterator[None]:
        """The block is one of the user's event streams."""
        self._streams[user] += 1
        try:
            yield
        finally:
            self._streams[user] -= 1
            if not self._streams[user]:
                del self._streams[user]

    def hold(
        self,
        receive: Receive,
        token: Verified | None,
        *,
        heartbeat: Callable[[], Awaitable[None]] | None = None,
        every: float = 0.0,
    ) -> "Presence":
        """A block that runs while the request's client is there and ``token``, which may expire
        meanwhile, is neither revoked nor too old; None: it needs none, and may take as long; see Presence.
        """
        return Presence(self, receive, token, heartbeat, every)

    def enter(self, presence: "Presence") -> None:
        """To be called by the presence: it can be cut from now on."""
        self._open.add(presence)
        token = presence.token
        if token is None:
            return
        for subject in (token.caller.sid, token.user):
            self._of.setdefault(subject, set()).add(presence)
        # Between the look at the token and this moment a run was begun: that takes its time.
        if self._trust.is_revoked(token.caller.sid, token.user, token.issued_at):
            presence.cut(End.REVOKED)

    def leave(self, presence: "Presence") -> None:
        """To be called by the presence when it has ended."""
        self._open.discard(presence)
        if presence.token is None:
            return
        for subject in (presence.token.caller.sid, presence.token.user):
            of_subject = self._of.get(subject, set())
            of_subject.discard(presence)
            if not of_subject:
                self._of.pop(subject, None)

    def _end_revoked(self, subject: str, revoked_at: float) -> None:
        for presence in list(self._of.get(subject, ())):
            if presence.token is not None and presence.token.issued_at <= revoked_at:
                presence.cut(End.REVOKED)


class Presence:
    """``async with`` it: the block is cancelled once the client has gone, its token is revoked
    or was issued ``LONGEST_SECONDS`` ago, or the server closes.

    No exception comes out of the block then: ``ended`` says what happened. ``heartbeat`` is awaited
    whenever ``touch`` was not called for ``every`` seconds. One task serves both, so that a
    stream's frames need neither a task nor a timer of their own.
    """

    def __init__(
        self,
        register: LongRequests,
        receive: Receive,
        token: Verified | None,
        heartbeat: Callable[[], Awaitable[None]] | None,
        every: float,
    ) -> None:
        self._register = register
        self._receive = receive
        self.token = token
        self._heartbeat = heartbeat
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._touched = self._loop.time()
        self.ended: End | None = None

    def touch(self) -> None:
        """Something was sent just now."""
        self._touched = self._loop.time()

    def cut(self, end: End) -> None:
        """End the block from outside."""
        if self.ended is None:
            self.ended = end
            self._scope.reschedule(self._loop.time())

    async def __aenter__(self) -> Self:
        self._scope = asyncio.timeout(None)
        await self._scope.__aenter__()
        self._watch = asyncio.create_task(self._attend(), name="presence")
        begun = time.time()
        left = (self.token.issued_at if self.token else begun) + LONGEST_SECONDS - begun
        self._limit = self._loop.call_later(left, self.cut, End.OUTLIVED)
        self._register.enter(self)
        _OPEN.inc()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        _OPEN.dec()
        self._register.leave(self)
        self._limit.cancel()
        self._watch.cancel()
        cut = False
        try:
            await self._scope.__aexit__(kind, error, traceback)
        except TimeoutError:
            cut = True
        # Not before its last heartbeat is out: nobody else may be writing after this block.
        await asyncio.wait((self._watch,))
        # The task holds what ended it, whose frames hold this: a circle for the garbage collector,
        # with all of the request in it.
        del self._watch, self._limit
        return cut

    async def _attend(self) -> None:
        while True:
            due = self._touched + self._every if self._heartbeat is not None else None
            try:
                async with asyncio.timeout_at(due):
                    message = await self._receive()
            except TimeoutError:
                await self._beat_if_silent()
            else:
                # What else may come is the rest of a body that nobody asked for.
                if message["type"] == "http.disconnect":
                    self.cut(End.CLIENT_GONE)
                    return

    async def _beat_if_silent(self) -> None:
        if self._heartbeat is not None and self._loop.time() >= self._touched + self._every:
            self.touch()
            await self._heartbeat()
