"""The log of each run: a Redis Stream whose entry ids are ``<epoch>-<seq>``.

An append is a script (``append.lua``), because explicit ids alone do not fence: it says OK,
GAP or FENCED for each run, and repeating it is harmless, so a lost reply is simply asked again.
All runs' appends are one command with one reply: a hundred of each cost the client more than all
the rest of a flush. With
``appendfsync always`` and ``noeviction`` on the server, what was answered OK survives a kill.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from typing import Any
from uuid import UUID

from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.frame import Frame
from chat_service.redis_client import REDIS_ERRORS, Scripts, connect
from chat_service.streaming.timings import SHIPPED, Timings

_log = get_logger(__name__)

_FENCE = resources.files(__package__).joinpath("fence.lua").read_text(encoding="utf-8")
# Entries of one log that one look at many logs returns at most.
_MOST_ENTRIES = 500
_LET_GO_AGAIN_SECONDS = 2.0


class Outcome(Enum):
    """What an append came to."""

    OK = "OK"
    GAP = "GAP"
    FENCED = "FENCED"


_OUTCOMES = {outcome.value.encode(): outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Append:
    """Frames without gap for the log of one run, written under ``epoch``.

    ``saved``: the database has the whole run, so the log may go in ten minutes.
    """

    run_id: UUID
    epoch: int
    frames: Sequence[Frame]
    saved: bool = False


@dataclass(frozen=True, slots=True)
class Appended:
    """The outcome, and the number of the newest frame in the log."""

    outcome: Outcome
    last_seq: int


# The id of an entry of a log.
Place = bytes


def place_behind(after: int) -> Place:
    """A place in a log of which nobody has read more than the frames up to ``after``."""
    # Ids of a later epoch lie behind it whatever their number is.
    return b"1-%d" % after


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log; the mark of a new owner is one without a frame."""

    place: Place
    frame: Frame | None


class RunLog(Component):
    """The logs of all runs, in one Redis."""

    def __init__(self, url: str, *, prefix: str, timings: Timings = SHIPPED) -> None:
        self._timings = timings
        self._prefix = prefix
        self._redis = connect(url, connections=8, timeout=2.0)
        # Readers who wait for a Redis that is away must not stand in the way of the appends, and
        # those do not wait for long.
        self._writer = connect(url, connections=2, timeout=timings.append)
        self._scripts = Scripts(self._writer, __package__)
        self._reading = Scripts(self._redis, __package__)
        # Logs to let go once Redis listens, and after how many seconds.
        self._leaving: dict[UUID, int] = {}
        self._letting_go: asyncio.Task[None] | None = None

    @property
    def held(self) -> dict[str, int]:
        """Of the logs that are to be let go once Redis listens: how many."""
        return {"logs to let go": len(self._leaving)}

    async def stop(self) -> None:
        if self._letting_go is not None:
            await end_task(self._letting_go)
        await self._redis.aclose()
        await self._writer.aclose()

    async def probe(self) -> None:
        """For a health check: raises when Redis does not answer."""
        answer: Any = self._redis.ping()
        await answer

    def _key(self, run_id: UUID | str) -> str:
        # The braces put all logs into one slot of a Redis Cluster: one script appends to many.
        return f"{{{self._prefix}}}:run:{run_id}"

    async def append(self, appends: Sequence[Append]) -> list[Appended]:
        """Append to the logs of several runs in one round trip; the outcomes in their order.

        Raises one of REDIS_ERRORS when it is not known what was written, after 0.25 s without an
        answer as well: the same call may be repeated.
        """
        keys: list[str] = []
        arguments: list[Any] = []
        for append in appends:
            keys.append(self._key(append.run_id))
            expiry = self._timings.log_kept if append.saved else 0
            arguments += (append.epoch, append.frames[0].seq, expiry, len(append.frames))
            for frame in append.frames:
                arguments += (frame.event, frame.data)
        replies = await self._scripts.run("append", keys, arguments)
        return [Appended(_OUTCOMES[reply[0]], int(reply[1])) for reply in replies]

    async def read(self, run_id: UUID, after: int) -> list[Frame]:
        """The frames behind number ``after``, in order; empty too when there is no log."""
        entries: Any = await self._redis.xrange(self._key(run_id), min=f"1-{after + 1}")
        frames = (_entry(*entry).frame for entry in entries)
        return [frame for frame in frames if frame is not None and frame.seq > after]

    async def read_some(self, run_id: UUID, after: int, most_bytes: int) -> list[Frame]:
        """The first of these frames, which have so many bytes of data together; one, if there is one."""
        told = await self._reading.run("read", [self._key(run_id)], [after, most_bytes])
        parts = iter(told)
        return [
            Frame(seq, event.decode(), data)
            for seq, event, data in zip(parts, parts, parts, strict=True)
        ]

    async def read_many(self, places: Mapping[UUID, Place]) -> dict[UUID, list[Entry]]:
        """What is behind these places in many logs, in one round trip; those with news alone.

        Of each log some hundred entries at most: who gets that many asks again.
        """
        runs = {self._key(run_id).encode(): run_id for run_id in places}
        streams: dict[Any, Any] = dict(zip(runs, places.values(), strict=True))
        news: Any = await self._redis.xread(streams, count=_MOST_ENTRIES)
        return {runs[key]: [_entry(*entry) for entry in entries] for key, entries in news}

    async def fence(self, run_id: UUID, epoch: int) -> list[Frame]:
        """Close the log to every owner before ``epoch``, then return all that it holds."""
        await self._redis.eval(_FENCE, 1, self._key(run_id), epoch)
        return await self.read(run_id, 0)

    def let_go(self, run_id: UUID, *, now: bool = False) -> None:
        """Let the log of a saved run expire in ten minutes, or delete it ``now``.

        In the background, and again for as long as Redis is away.
        """
        self._leaving[run_id] = 0 if now else self._timings.log_kept
        if self._letting_go is None or self._letting_go.done():
            self._letting_go = asyncio.create_task(self._let_go(), name="let-logs-go")

    async def _let_go(self) -> None:
        while self._leaving:
            run_id, seconds = next(iter(self._leaving.items()))
            try:
                # Zero seconds: it is deleted.
                await self._redis.expire(self._key(run_id), seconds)
            except REDIS_ERRORS as error:
                _log.debug("log.let_go_delayed", error=type(error).__name__)
                await asyncio.sleep(_LET_GO_AGAIN_SECONDS)
            else:
                if self._leaving.get(run_id) == seconds:
                    del self._leaving[run_id]

    async def find_lasting(self, cursor: int) -> tuple[int, list[UUID]]:
        """One step through all logs: where the next one begins, and runs whose logs never expire.

        It begins with 0, and is through when it is told to begin there again.
        """
        looking = self._reading.run("lasting", [self._key("*")], [cursor, self._timings.swept_keys])
        following, lasting = await looking
        return int(following), [UUID(key.rpartition(b":")[2].decode()) for key in lasting]

    async def delete(self, run_ids: Sequence[UUID]) -> None:
        """Forget these logs at once."""
        if run_ids:
            await self._redis.unlink(*(self._key(run_id) for run_id in run_ids))


def _entry(place: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    if b"e" not in fields:
        return Entry(place, None)
    return Entry(place, Frame(int(place.partition(b"-")[2]), fields[b"e"].decode(), fields[b"d"]))
