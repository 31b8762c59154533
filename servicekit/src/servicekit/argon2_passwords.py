"""argon2id in a few threads of its own, with a short queue before them."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Counter

from chassis.component import Component
from chassis.errors import AppError, Kind

_REFUSED = Counter("passwords_refused_total", "Hashes refused because the queue was full.")

Result = TypeVar("Result")

_RETRY_SECONDS = 1


class TooBusy(AppError):
    """More wait for their turn than can have it in good time."""

    kind = Kind.UNAVAILABLE
    reason = "TOO_BUSY"
    detail = "Too much at once; try again shortly."


class Argon2Passwords(Component):
    """Password hashes, slow on purpose, and the bounded queue for them.

    Computes at most ``workers`` hashes at once; ``workers`` and ``queue`` slots can be reserved.

    A hash that has begun goes on when its caller has gone, and keeps its thread until it ends:
    hanging up buys an attacker nothing.
    """

    def __init__(
        self, *, memory_kib: int, iterations: int, parallelism: int, workers: int, queue: int
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=parallelism
        )
        self._slot = HashingSlot(self._hasher, workers)
        self._free_slots = workers + queue

    async def start(self) -> None:
        await self._slot.start()

    async def stop(self) -> None:
        self._slot.stop()

    @contextmanager
    def reserve_slot(self) -> Iterator["HashingSlot"]:
        """A place among those whose hashes are computed: raises TooBusy rather than keep anyone waiting.

        To be reserved before the database is asked: a refusal costs nothing.
        """
        if not self._free_slots:
            _REFUSED.inc()
            raise TooBusy(retry_after=_RETRY_SECONDS)
        self._free_slots -= 1
        try:
            yield self._slot
        finally:
            self._free_slots += 1

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)


class HashingSlot:
    """Where hashes are computed; all slots share the threads."""

    def __init__(self, hasher: PasswordHasher, workers: int) -> None:
        self._hasher = hasher
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._free = asyncio.Semaphore(workers)
        # An unknown user's password is checked against this one: constant work for all.
        self._dummy_hash = ""

    async def start(self) -> None:
        self._dummy_hash = await self.hash("nobody's password")

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The encoded hash, parameters and salt in it."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it matches; without a hash it never does, after the same work.

        Raises ValueError for a hash that is none of ours.
        """
        against = password_hash or self._dummy_hash
        matches = await self._run(lambda: self._matches(password, against))
        return matches and password_hash is not None

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except InvalidHashError:
            raise
        except VerificationError:
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        await self._free.acquire()
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(future)
