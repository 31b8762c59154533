"""The handshake: who may open a socket, from which page. RFC 6455, section 4.2."""

import asyncio
import base64
import binascii
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter
from starlette.responses import Response
from websockets.utils import accept_key

from chassis.grpc.caller import Verified
from chassis.telemetry.context import request_id
from gateway.edge.access import identify
from gateway.edge.origin import is_ours
from gateway.edge.proxy import TrustedProxies
from gateway.identity.authentication import bearer_token, client_at
from gateway.identity.bearer_tokens import Bearers, is_personal
from gateway.refusals import OriginNotAllowed, RequestRefused
from gateway.routes.api import UNAVAILABLE, refuses
from gateway.settings import Settings
from gateway.ws.sockets import Sockets
from gateway.ws.wire import Wire
from parley.auth.v1 import auth_pb2 as pb

PATH = "/api/v1/ws"

router = APIRouter(tags=["Chat"], generate_unique_id_function=lambda route: route.name)


class UpgradeRequired(RequestRefused):
    status = 426
    reason = "UPGRADE_REQUIRED"
    detail = "This address takes WebSockets alone, version 13."
    # RFC 9110, 15.5.22, and RFC 6455, 4.4.
    headers: ClassVar[Mapping[str, str]] = {
        "upgrade": "websocket",
        "connection": "upgrade",
        "sec-websocket-version": "13",
    }


@router.get(
    PATH,
    status_code=101,
    response_class=Response,
    responses={"5XX": UNAVAILABLE},
    openapi_extra=refuses(
        "UPGRADE_REQUIRED", "UNAUTHENTICATED", "ORIGIN_NOT_ALLOWED", "TOO_MANY_SOCKETS"
    ),
)
async def socket() -> None:
    """Open a WebSocket for many conversations.

    The first frame is `{"type": "auth", "token": …}`,
    then `send`, `continue`, `follow`, `unfollow`, `cancel`, `subscribe` and `ping`, each with a `ref` that
    its answers bear. OpenAPI has no words for it: see docs/sockets.md.
    """
    raise UpgradeRequired()


@dataclass(frozen=True, slots=True)
class Socket:
    """A connection whose handshake was accepted, and the rest of its life."""

    wire: Wire
    sockets: Sockets
    admitted: Verified | None
    client: pb.Client
    personal: str | None

    def serve(self) -> Coroutine[None, None, None]:
        return self.sockets.serve(self.wire, self.admitted, self.client, personal=self.personal)


class SocketEndpoint:
    """Answers handshakes, for the connection: see ``gateway.edge.upgrades``."""

    path = PATH

    def __init__(self, settings: Settings, sockets: Sockets, bearers: Bearers) -> None:
        self._sockets = sockets
        self._bearers = bearers
        self._max_bytes = settings.socket_frame_bytes
        self._origins = frozenset(settings.cors_origins)
        self._proxies = TrustedProxies(settings.trusted_proxies)

    async def open(
        self, scope: Mapping[str, object], transport: asyncio.Transport
    ) -> tuple[bytes, Socket] | None:
        """The answer to the handshake in this head (as of an ASGI scope), and the socket.

        The caller's context has the request's id and trace from then on, whatever is raised.
        A token in it is judged before, which takes its time for a personal one. Raises AppError,
        to be answered as it would be over HTTP. None if the connection was closed meanwhile.
        """
        headers = {
            name: value.decode("latin-1")
            for name, value in scope["headers"]  # type: ignore[attr-defined]  # uvicorn's own
        }
        identify(scope["headers"])  # type: ignore[arg-type]  # uvicorn's own
        address, scheme = self._proxies.client_of(scope)  # type: ignore[arg-type]
        accept = _accept(headers)
        self._check_origin(headers, scheme)
        client = client_at(address, headers.get(b"user-agent", ""))
        verified = token = None
        if (authorization := headers.get(b"authorization")) is not None:
            token = bearer_token(authorization)
            verified = await self._bearers.inspect(token, client)
        if transport.is_closing():
            return None
        self._sockets.admit(verified)
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nX-Request-ID: {request_id.get()}\r\n\r\n"
        )
        wire = Wire(transport, max_bytes=self._max_bytes, known=verified is not None)
        personal = token if token is not None and is_personal(token) else None
        return answer.encode(), Socket(wire, self._sockets, verified, client, personal)

    def _check_origin(self, headers: Mapping[bytes, str], scheme: str) -> None:
        """Browsers say where a page is from, and other clients have no reason to."""
        origin = headers.get(b"origin")
        host = headers.get(b"host", "")
        if origin is not None and not is_ours(
            origin, scheme=scheme, host=host, listed=self._origins
        ):
            raise OriginNotAllowed()


def _accept(headers: Mapping[bytes, str]) -> str:
    key = headers.get(b"sec-websocket-key", "").strip()
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        is_key = False
    if not is_key or headers.get(b"sec-websocket-version", "").strip() != "13":
        raise UpgradeRequired()
    return accept_key(key)
