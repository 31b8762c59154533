"""The token that a socket speaks with: taken, renewed, and once it has fallen, how long it lasts."""

import asyncio
import time

from chassis.errors import AppError, Unauthenticated
from chassis.grpc.caller import Verified
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from gateway.identity.bearer_tokens import SPARE_SECONDS, Bearers, is_personal
from gateway.ws.socket_limit import SocketLimit
from parley.auth.v1 import auth_pb2 as pb

_log = get_logger(__name__)

# From when a token is seen to be void: so long a good one of the same user may take its place.
_GRACE_SECONDS = 1.0


class Credential:
    """Counts as one of the user's sockets from the first good token on.

    ``admitted`` came with the handshake, and counts already; it was exchanged for
    ``personal`` unless that is None.
    """

    def __init__(
        self,
        bearers: Bearers,
        limit: SocketLimit,
        *,
        admitted: Verified | None,
        personal: str | None,
        client: pb.Client,
    ) -> None:
        self.verified = admitted
        self._bearers = bearers
        self._limit = limit
        self._client = client
        # What a personal access token is exchanged for is asked for again and again.
        self._personal = personal
        self._renewing: asyncio.Task[None] | None = None
        # When the token was first seen to be revoked.
        self._fallen_at: float | None = None

    async def take(self, token: str) -> None:
        """Speak with ``token`` from now on.

        Raises AppError, Unauthenticated also for a good token of another user than before: that
        one's streams may be under way.
        """
        verified = await self._bearers.inspect(token, self._client)
        if self.verified is None:
            self._limit.acquire(verified.user)
        elif verified.caller.user_id != self.verified.caller.user_id:
            raise Unauthenticated()
        self.verified = verified
        self._personal = token if is_personal(token) else None
        self._fallen_at = None

    def is_over(self, now: float) -> bool:
        """Whether the socket has to end, at ``now`` by the loop's clock.

        At once when the token has expired: its client knew when that would be.
        """
        if self.verified is None or self._bearers.verifier.stands(self.verified):
            return False
        if self.verified.caller.expires_at <= time.time():
            return True
        if self._fallen_at is None:
            self._fallen_at = now
        return now - self._fallen_at >= _GRACE_SECONDS

    def renew_in_time(self) -> None:
        """To be called each second."""
        if self.verified is None or self._personal is None or self._renewing is not None:
            return
        if self.verified.caller.expires_at - time.time() <= SPARE_SECONDS:
            renewal = self._renew(self._personal)
            self._renewing = asyncio.create_task(renewal, name="socket-renewal")

    async def leave(self) -> None:
        """Give back what is held."""
        if self._renewing is not None:
            await end_task(self._renewing)
        if self.verified is not None:
            self._limit.release(self.verified.user)

    async def _renew(self, personal: str) -> None:
        try:
            verified = await self._bearers.inspect(personal, self._client)
            if self._personal == personal:
                self.verified = verified
        except AppError as error:
            # Tried again in a second; in vain, and the socket ends with what it has.
            _log.debug("socket.not_renewed", reason=error.reason)
        finally:
            self._renewing = None
