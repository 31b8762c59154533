"""The log of each run: a Redis Stream whose entry ids are ``<epoch>-<seq>``.

An append is a script (``append.lua``), because explicit ids alone do not fence: it says OK,
GAP or FENCED for each run, and repeating it is harmless, so a lost reply is simply asked again.
All runs' appends are one command with one reply: a hundred of each cost the client more than all
the rest of a round. With
``appendfsync always`` and ``noeviction`` on the server, what was answered OK survives a kill.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from typing import Any
from uuid import UUID

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from chassis.service import Component
from chat_service.streaming.frame import Frame

_APPEND = resources.files(__package__).joinpath("append.lua").read_text(encoding="utf-8")
_FENCE = resources.files(__package__).joinpath("fence.lua").read_text(encoding="utf-8")
# Once a run is saved its log stays for late readers, seconds.
KEPT_SECONDS = 600


class Outcome(Enum):
    """What an append came to."""

    OK = "OK"
    GAP = "GAP"
    FENCED = "FENCED"


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


class RunLog(Component):
    """The logs of all runs, in one Redis."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._prefix = prefix
        self._redis: Redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=8,
                timeout=3,
                socket_timeout=2.0,
                socket_connect_timeout=1.0,
                # The tick repeats what failed, and knows better than the client what may be.
                retry=Retry(NoBackoff(), 0),
                decode_responses=False,
            )
        )
        self._sha = ""

    async def stop(self) -> None:
        await self._redis.aclose()

    async def probe(self) -> None:
        """For a health check: raises when Redis does not answer."""
        answer: Any = self._redis.ping()
        await answer

    def _key(self, run_id: UUID) -> str:
        # The braces put all logs into one slot of a Redis Cluster: one script appends to many.
        return f"{{{self._prefix}}}:run:{run_id}"

    async def append(self, appends: Sequence[Append]) -> list[Appended]:
        """Append to the logs of several runs in one round trip; the outcomes in their order.

        Raises RedisError when it is not known what was written: the same call may be repeated.
        """
        if not self._sha:
            self._sha = await self._redis.script_load(_APPEND)
        keys: list[str] = []
        arguments: list[Any] = []
        for append in appends:
            keys.append(self._key(append.run_id))
            expiry = KEPT_SECONDS if append.saved else 0
            arguments += (append.epoch, append.frames[0].seq, expiry, len(append.frames))
            for frame in append.frames:
                arguments += (frame.event, frame.data)
        calling: Any = self._redis.evalsha(self._sha, len(keys), *keys, *arguments)
        try:
            replies: list[Any] = await calling
        except NoScriptError:
            # Redis was restarted or flushed: load the script anew at the next call.
            self._sha = ""
            raise
        return [Appended(Outcome(reply[0].decode()), int(reply[1])) for reply in replies]

    async def read(self, run_id: UUID, after: int) -> list[Frame]:
        """The frames behind number ``after``, in order; empty too when there is no log."""
        entries: Any = await self._redis.xrange(self._key(run_id), min=f"1-{after + 1}")
        frames = []
        for entry_id, fields in entries:
            seq = int(entry_id.partition(b"-")[2])
            # Ids of a later epoch lie behind "1-…" whatever their number is.
            if seq > after and b"e" in fields:
                frames.append(Frame(seq, fields[b"e"].decode(), fields[b"d"]))
        return frames

    async def fence(self, run_id: UUID, epoch: int) -> list[Frame]:
        """Close the log to every owner before ``epoch``, then return all that it holds."""
        await self._redis.eval(_FENCE, 1, self._key(run_id), epoch)
        return await self.read(run_id, 0)

    async def keep_for_late_readers(self, run_id: UUID) -> None:
        """Let the log of a saved run expire in ten minutes."""
        await self._redis.expire(self._key(run_id), KEPT_SECONDS)

    async def delete(self, run_ids: Sequence[UUID]) -> None:
        """Forget these logs at once."""
        if run_ids:
            await self._redis.unlink(*(self._key(run_id) for run_id in run_ids))
