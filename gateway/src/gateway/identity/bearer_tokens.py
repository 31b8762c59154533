"""Whom a bearer token speaks for: an access token, or a personal one exchanged for an access token.

A personal access token is looked up at auth-service at most once in a minute and a half, however many
requests bear it, and not at all when it is not even shaped like one. What was refused is asked for
again after a few seconds; who presents many that are refused has to wait. One that is refused time
and again is one guess, and one that was good is none: a script that was left behind must not lock
its neighbours out.
"""

import asyncio
import re
import time
from collections import OrderedDict
from hashlib import sha256
from typing import TypeVar

from prometheus_client import Counter

from chassis.errors import AppError, Kind, Unauthenticated, Unavailable
from chassis.grpc.caller import TokenVerifier, Verified
from gateway.clients import Peer
from gateway.identity.rate_limit import GuessRateLimit
from parley.auth.v1 import auth_pb2 as pb
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

_PREFIX = "parley_pat_"
_SHAPE = re.compile(_PREFIX + r"[A-Za-z0-9_-]{43}")

_LOOKED_UP = Counter(
    "personal_tokens_looked_up_total", "Personal access tokens exchanged, by outcome.", ["outcome"]
)

Value = TypeVar("Value")

# What a call begun with it, and those behind that, may take.
SPARE_SECONDS = 30.0
_REMEMBERED = 10_000
REFUSED_SECONDS = 5.0
_AT_ONCE = 32


class TooManyLookups(Unavailable):
    reason = "TOO_BUSY"
    detail = "Too many personal access tokens are being looked up; try again shortly."


def is_personal(token: str) -> bool:
    """Whether ``token`` means to be a personal access token."""
    return token.startswith(_PREFIX)


class Bearers:
    """One for the process; ``auth`` is where personal access tokens are exchanged. One that was refused
    is asked for again after ``refused_seconds``.
    """

    def __init__(
        self, verifier: TokenVerifier, auth: Peer[AuthServiceStub], *, refused_seconds: float
    ) -> None:
        self.verifier = verifier
        self._auth = auth
        self._refused_seconds = refused_seconds
        # By SHA-256: no memory dump shows a token that is good for longer than minutes. What is no
        # longer of use stays all the same: a token that is in either is no new guess.
        self._known: OrderedDict[bytes, Verified] = OrderedDict()
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._pending: dict[bytes, asyncio.Task[Verified]] = {}
        self._guesses = GuessRateLimit()

    @property
    def held(self) -> dict[str, int]:
        """Of the personal access tokens that are being looked up: how many."""
        return {"lookups": len(self._pending)}

    async def inspect(self, token: str, client: pb.Client) -> Verified:
        """The access token that stands for ``token``, verified.

        Raises Unauthenticated, always the same, for every token that is not good; TooManyGuesses,
        TooManyLookups; what TokenVerifier raises, and what comes of auth-service being away.
        """
        if not is_personal(token):
            return self.verifier.inspect(token)
        if not _SHAPE.fullmatch(token):
            raise Unauthenticated()
        digest = sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and self._is_usable(known):
            self._known.move_to_end(digest)
            return known
        if self._refused.get(digest, 0.0) > time.monotonic():
            raise Unauthenticated()
        pending = self._pending.get(digest)
        if pending is None:
            if known is None:
                self._guesses.check(client.ip)
            if len(self._pending) >= _AT_ONCE:
                raise TooManyLookups()
            pending = asyncio.create_task(self._exchange(digest, token, client))
            self._pending[digest] = pending
            pending.add_done_callback(lambda task: self._settle(digest, task))
        # Whoever asked first may hang up: the others wait for the same answer.
        return await asyncio.shield(pending)

    def _is_usable(self, known: Verified) -> bool:
        # Also one that has nearly expired because its personal token has: it is asked for again.
        ends = known.caller.expires_at
        return ends - time.time() > SPARE_SECONDS and self.verifier.stands(known)

    async def _exchange(self, digest: bytes, token: str, client: pb.Client) -> Verified:
        auth = self._auth
        try:
            answer = await auth.ask(
                auth.stub.ExchangeToken, pb.ExchangeTokenRequest(secret=token, client=client)
            )
        except AppError as error:
            if error.kind is not Kind.UNAUTHENTICATED:
                _LOOKED_UP.labels("failed").inc()
                raise
            _LOOKED_UP.labels("refused").inc()
            if self._known.pop(digest, None) is None and digest not in self._refused:
                self._guesses.note(client.ip)
            _remember(self._refused, digest, time.monotonic() + self._refused_seconds)
            raise Unauthenticated() from None
        _LOOKED_UP.labels("granted").inc()
        # What was revoked in the same second is void; the next one granted will not be.
        verified = self.verifier.inspect(answer.access_token)
        _remember(self._known, digest, verified)
        return verified

    def _settle(self, digest: bytes, task: "asyncio.Task[Verified]") -> None:
        self._pending.pop(digest, None)
        if not task.cancelled():
            # Whoever waited has it; with nobody left it is nobody's surprise.
            task.exception()


def _remember(among: OrderedDict[bytes, Value], digest: bytes, value: Value) -> None:
    among[digest] = value
    among.move_to_end(digest)
    if len(among) > _REMEMBERED:
        among.popitem(last=False)
