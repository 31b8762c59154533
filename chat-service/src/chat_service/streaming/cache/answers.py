"""The cache: answers of users who asked for it, in Redis for a day, each found by the same question alone.

An answer's name is a keyed hash of the question under a secret of its user's, which chance makes and Redis keeps.
So nothing of one user is ever found by another, nobody can try questions, and whatever was looked for
under a secret that is gone is kept no more: that is how a user's answers are forgotten, also while
some are being written. Redis away: nothing is found, and nothing is kept.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from prometheus_client import Counter

from chassis.service import Component
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import Adapted
from chat_service.redis_client import REDIS_ERRORS, Scripts, connect
from chat_service.streaming.cache.bounds import CacheBounds

_log = get_logger(__name__)

_LOOKS = Counter(
    "chat_answer_cache_looks_total",
    "Looks for kept answers, by outcome: hit, miss, away.",
    ["outcome"],
)
_KEPT = Counter(
    "chat_answer_cache_kept_total",
    "Answers that were to be kept, by outcome: kept, not, away.",
    ["outcome"],
)

# Of someone who waits for an answer.
_PATIENCE_SECONDS: Final = 0.25
# So long an erased user's secret is not made again: who looks for answers of theirs has ended within five.
# What they would keep they keep behind a save, and of an erased user none is made.
_GONE_SECONDS: Final = 30
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was; `adapted`: what of the parameters its server did not take so."""

    text: str
    reasoning: str
    adapted: tuple[Adapted, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to a question is kept, or would be; `found` is what is there."""

    user_id: UUID
    secret: bytes
    digest: str
    found: Kept | None = None


class AnswerCache(Component):
    """The kept answers of all users, in one Redis, which is given ``patience`` seconds for each answer of its own."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        bounds: CacheBounds | None = None,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        # The braces put all of it into one slot of a Redis Cluster.
        self._root = f"{{{prefix}}}:answers"
        self._bounds = bounds or CacheBounds()
        self._redis = connect(url, connections=4, timeout=patience)
        self._scripts = Scripts(self._redis, __package__)

    @property
    def keeps(self) -> bool:
        """Whether any answer is kept here."""
        return self._bounds.seconds > 0

    async def stop(self) -> None:
        await self._redis.aclose()

    async def find(self, user_id: UUID, asked: bytes) -> Place | None:
        """Where the answer to what is `asked` is kept. None: nothing is kept, or Redis does not say."""
        if not self.keeps:
            return None
        try:
            secret: bytes = await self._scripts.run(
                "find",
                [self._secret(user_id)],
                [secrets.token_bytes(_SECRET_BYTES), 2 * self._bounds.seconds],
            )
            if not secret:
                return None
            digest = hashlib.blake2b(asked, key=secret, digest_size=32).hexdigest()
            content: Any = await self._redis.get(f"{self._answers(user_id)}{digest}")
        except REDIS_ERRORS as error:
            _LOOKS.labels("away").inc()
            _log.info("answer_cache.away", error=type(error).__name__)
            return None
        _LOOKS.labels("miss" if content is None else "hit").inc()
        found = None if content is None else _decode(content)
        return Place(user_id, secret, digest, found)

    async def keep(self, place: Place, answer: Kept) -> None:
        """Keep an answer there, for as long as that is set, unless it is too long or there is no place any more."""
        content = orjson.dumps(answer)
        if len(content) > self._bounds.answer_bytes:
            _KEPT.labels("not").inc()
            return
        bounds, user = self._bounds, str(place.user_id)
        try:
            kept = await self._scripts.run(
                "keep",
                self._keys(place.user_id),
                [
                    place.secret,
                    user,
                    place.digest,
                    content,
                    bounds.seconds,
                    bounds.user_bytes,
                    bounds.all_bytes,
                    f"{self._root}:of:",
                    f"{self._root}:list:",
                ],
            )
        except REDIS_ERRORS as error:
            _KEPT.labels("away").inc()
            _log.info("answer_cache.away", error=type(error).__name__)
            return
        _KEPT.labels("kept" if kept else "not").inc()

    async def forget(self, user_id: UUID, *, for_good: bool = False) -> None:
        """Take away all answers of a user; `for_good`: for half a minute nothing is looked for, either.

        Raises one of REDIS_ERRORS.
        """
        seconds = _GONE_SECONDS if for_good else 0
        await self._scripts.run("forget", self._keys(user_id), [self._answers(user_id), seconds])

    def _keys(self, user_id: UUID) -> list[str]:
        root = self._root
        return [self._secret(user_id), f"{root}:list:{user_id}", f"{root}:all", f"{root}:bytes"]

    def _secret(self, user_id: UUID) -> str:
        return f"{self._root}:secret:{user_id}"

    def _answers(self, user_id: UUID) -> str:
        return f"{self._root}:of:{user_id}:"


def _decode(content: bytes) -> Kept:
    said = orjson.loads(content)
    adapted = tuple(Adapted(one["parameter"], one["use"]) for one in said["adapted"])
    return Kept(said["text"], said["reasoning"], adapted)
