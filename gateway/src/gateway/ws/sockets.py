"""All open sockets of this process, and the one timer that looks after them."""

import asyncio
import time

from prometheus_client import Counter, Gauge

from chassis.errors import Unavailable
from chassis.grpc.caller import Verified
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from gateway.clients import Clients
from gateway.identity.bearer_tokens import Bearers
from gateway.settings import Settings
from gateway.streams.frame_channels import FrameChannels
from gateway.streams.notices import NoticeFeeds
from gateway.ws.closing import Closing
from gateway.ws.credential import Credential
from gateway.ws.session import SocketSession
from gateway.ws.socket_limit import SocketLimit
from gateway.ws.wire import Wire
from parley.auth.v1 import auth_pb2 as pb

_log = get_logger(__name__)

_OPEN = Gauge("sockets_open", "WebSockets open.")
_CLOSED = Counter(
    "sockets_closed_total", "WebSockets closed, by the code they ended with.", ["code"]
)

# Clients choose codes as they like; labels are few.
_KNOWN_CODES = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1011, 1012, 1013} | {
    closing.code for closing in Closing
}
# A revoked token ends its sockets within this time, and what is left to send to them.
_REVIEW_SECONDS = 1.0
# So many are looked at in one go; then others have their turn.
_REVIEW_SLICE = 500


class NoRoom(Unavailable):
    reason = "NO_ROOM"
    detail = "This server has as many sockets open as it may; try again shortly."


class Sockets(Component):
    """Opens sessions, reviews them each second, and counts them.

    ``patience`` is that of all their followers, in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        frame_channels: FrameChannels,
        notice_feeds: NoticeFeeds,
        bearers: Bearers,
        *,
        patience: float,
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._frame_channels = frame_channels
        self._notice_feeds = notice_feeds
        self._bearers = bearers
        self._patience = patience
        self._limit = SocketLimit(settings.sockets_per_user)
        self._open: set[SocketSession] = set()
        self._reviewing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    @property
    def held(self) -> dict[str, int]:
        """Of the sockets, and of the users who have any: how many."""
        return {"sockets": len(self._open), "users with sockets": len(self._limit)}

    async def start(self) -> None:
        self._reviewing = asyncio.create_task(self._review(), name="socket-review")

    async def stop(self) -> None:
        if self._reviewing is not None:
            await end_task(self._reviewing)
            self._reviewing = None

    def admit(self, verified: Verified | None) -> None:
        """Let one more open, for the user of ``verified``, who it counts for from then on, if that is
        known already. Raises NoRoom or TooManySockets.
        """
        if len(self._open) >= self._settings.sockets:
            raise NoRoom()
        if verified is not None:
            self._limit.acquire(verified.user)

    async def serve(
        self,
        wire: Wire,
        admitted: Verified | None,
        client: pb.Client,
        *,
        personal: str | None = None,
    ) -> None:
        """The life of one socket. ``personal`` is the token that ``admitted`` was exchanged for."""
        began = time.monotonic()
        session = SocketSession(
            wire,
            settings=self._settings,
            clients=self._clients,
            frame_channels=self._frame_channels,
            notice_feeds=self._notice_feeds,
            credential=Credential(
                self._bearers, self._limit, admitted=admitted, personal=personal, client=client
            ),
            patience=self._patience,
        )
        self._open.add(session)
        _OPEN.inc()
        try:
            await session.run()
        finally:
            self._open.discard(session)
            _OPEN.dec()
            code = wire.close_code
            _CLOSED.labels(str(code) if code in _KNOWN_CODES else "other").inc()
            _log.info(
                "socket.closed",
                code=code,
                seconds=round(time.monotonic() - began, 1),
                client=client.ip,
                user_id=session.user_id,
            )

    async def _review(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_REVIEW_SECONDS)
            for number, session in enumerate(list(self._open)):
                if number % _REVIEW_SLICE == 0:
                    await asyncio.sleep(0)
                session.review(loop.time())
