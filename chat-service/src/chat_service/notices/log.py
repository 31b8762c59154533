"""The notices of each user who is watched: a Redis Stream of the newest 256, kept by its watchers.

An entry's id is ``<log>-<number>``: a log begins, with a number of its own by chance, whenever the stream
is made, and its notices are numbered without gap. So whoever has a cursor gets exactly what is behind it, or
learns that this is not known.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

from chassis.service import Component
from chat_service.notices.domain.notice import Notice
from chat_service.redis_client import Scripts, connect

_NEWEST = 256
# Without a watcher. Those there are look three times as often, or more.
KEPT_SECONDS = 900
# So long an erased user's stream cannot be made again: the watchers are ended within five.
_ERASED_SECONDS = 30
# What Lua counts exactly, and a stream's id can have.
_LOGS = 2**52
_SILENT_SECONDS = 20.0
_SCAN_COUNT = 1000
# When Redis comes back all watchers look: they take turns, rather than be refused a connection.
_LOOKS_AT_ONCE = 8

#: ``<log>-<number>``; empty: of nobody who has seen any.
Cursor = str


class Standing(Enum):
    """What is known of the place that somebody asks about."""

    BEHIND = "BEHIND"
    BEGIN = "BEGIN"
    UNKNOWN = "UNKNOWN"
    ERASED = "ERASED"


_STANDINGS = {standing.value.encode(): standing for standing in Standing}


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice in its place; one without a cursor says that the log has ended."""

    user: str
    cursor: Cursor
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """The newest place, and with BEHIND all entries up to it."""

    standing: Standing
    newest: Cursor
    entries: Sequence[Entry] = ()


class NoticeLog(Component):
    """The streams of all users, in one Redis. Everything raises REDIS_ERRORS."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._channel = f"{{{prefix}}}:notices"
        # For the looks, the subscription, and who tells or erases.
        self._redis = connect(url, connections=_LOOKS_AT_ONCE + 4, timeout=2.0)
        self._looking = asyncio.Semaphore(_LOOKS_AT_ONCE)
        self._scripts = Scripts(self._redis, __package__)

    async def stop(self) -> None:
        await self._redis.aclose()

    def _key(self, user: UUID | str) -> str:
        return f"{self._channel}:{user}"

    async def tell(self, notices: Sequence[Notice]) -> int:
        """Adds those of users who are watched, in order; how many. After an error perhaps some."""
        keys = [self._key(notice.user_id) for notice in notices]
        arguments: list[Any] = [self._channel, _NEWEST]
        for notice in notices:
            arguments += (str(notice.user_id), notice.data)
        return int(await self._scripts.run("tell", keys, arguments))

    async def look(self, user: str, after: Cursor) -> Look:
        """What is behind ``after``; the stream is kept for a quarter of an hour from now on."""
        log = str(secrets.randbelow(_LOGS) + 1)
        async with self._looking:
            reply = await self._scripts.run("watch", [self._key(user)], [after, log, KEPT_SECONDS])
        standing = _STANDINGS[reply[0]]
        if standing is Standing.ERASED:
            return Look(standing, "")
        entries = (
            [Entry(user, place.decode(), fields[1]) for place, fields in reply[2]]
            if standing is Standing.BEHIND
            else ()
        )
        return Look(standing, reply[1].decode(), entries)

    async def restart(self, users: Sequence[UUID]) -> None:
        """Ends the logs of these users: whoever watches is told to read again."""
        keys = [self._key(user) for user in users]
        await self._scripts.run("restart", keys, [self._channel, *map(str, users)])

    async def users(self) -> list[UUID]:
        """All who have a stream."""
        keys = self._redis.scan_iter(match=self._key("*"), count=_SCAN_COUNT)
        return [UUID(key.rpartition(b":")[2].decode()) async for key in keys]

    async def erase(self, user: UUID) -> None:
        """Forgets the user's notices; their stream is not made again by who still watches it."""
        await self._redis.set(self._key(user), b"erased", ex=_ERASED_SECONDS)

    async def news(self) -> AsyncGenerator[Iterable[Entry] | None, None]:
        """What is added from now on, by any replica; None whenever some may have been missed.

        The first is a None: what was added before it is not told here.
        """
        async with aclosing(self._redis.pubsub()) as pubsub:
            await pubsub.subscribe(self._channel)
            asked = False
            while True:
                message = await pubsub.get_message(timeout=_SILENT_SECONDS)
                if message is None:
                    if asked:
                        raise TimeoutError("Redis says nothing any more")
                    asked = True
                    await pubsub.ping()
                    continue
                asked = False
                if message["type"] == "message":
                    yield [
                        Entry(user, cursor, data.encode())
                        for user, cursor, data in orjson.loads(message["data"])
                    ]
                elif message["type"] == "subscribe":
                    yield None
