"""The handshake: who may open a socket, from which page. RFC 6455, section 4.2."""

import asyncio
import base64
import binascii
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response
from websockets.utils import accept_key

from chassis.errors import AppError
from chassis.grpc.caller import Verified
from chassis.telemetry.context import (
    REQUEST_ID_HEADER,
    TRACEPARENT_HEADER,
    accept_request_id,
    accept_traceparent,
    request_id,
    traceparent,
)
from chassis.telemetry.logging import get_logger
from gateway.auth import bearer_token, client_at
from gateway.bearers import is_personal
from gateway.edge.origin import is_ours
from gateway.edge.proxy import TrustedProxies
from gateway.problems import OriginNotAllowed, RequestRefused
from gateway.routers import UNAVAILABLE, refuses
from gateway.settings import Settings
from gateway.ws.sockets import Sockets
from gateway.ws.wire import Wire
from parley.auth.v1 import auth_pb2 as pb

_log = get_logger(__name__)

PATH = "/api/v1/ws"

router = APIRouter(tags=["Chat"], generate_unique_id_function=lambda route: route.name)


class UpgradeRequired(RequestRefused):
    status = 426
    reason = "UPGRADE_REQUIRED"
    detail = "This address takes WebSockets alone, version 13."


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
    then `send`, `continue`, `follow`, `unfollow`, `cancel` and `ping`, each with a `ref` that
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
    offered: str | None

    def serve(self) -> Coroutine[None, None, None]:
        return self.sockets.serve(self.wire, self.admitted, self.client, offered=self.offered)


class SocketDoor:
    """Answers handshakes."""

    def __init__(self, settings: Settings, sockets: Sockets) -> None:
        self._sockets = sockets
        self._max_bytes = settings.socket_frame_bytes
        self._origins = frozenset(settings.cors_origins)
        self._proxies = TrustedProxies(settings.trusted_proxies)

    def open(
        self, scope: Mapping[str, object], transport: asyncio.Transport
    ) -> tuple[bytes, Socket]:
        """The answer to the handshake in this head (as of an ASGI scope), and the socket.

        Raises AppError, to be answered as it would be over HTTP.
        """
        headers = {
            name: value.decode("latin-1")
            for name, value in scope["headers"]  # type: ignore[attr-defined]  # uvicorn's own
        }
        request_id.set(accept_request_id(headers.get(REQUEST_ID_HEADER.encode())))
        traceparent.set(accept_traceparent(headers.get(TRACEPARENT_HEADER.encode())))
        address, scheme = self._proxies.client_of(scope)  # type: ignore[arg-type]
        try:
            accept = _accept(headers)
            self._check_origin(headers, scheme)
            authorization = headers.get(b"authorization")
            token = None if authorization is None else bearer_token(authorization)
            # Looking it up takes its time, which a handshake does not have.
            offered = token if token is not None and is_personal(token) else None
            admitted = self._sockets.admit(None if offered else token)
        except AppError as error:
            _log.info(
                "socket.refused", status=error.http_status, reason=error.reason, client=address
            )
            raise
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nX-Request-ID: {request_id.get()}\r\n\r\n"
        )
        wire = Wire(transport, max_bytes=self._max_bytes)
        client = client_at(address, headers.get(b"user-agent", ""))
        return answer.encode(), Socket(wire, self._sockets, admitted, client, offered)

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
