"""Bounds of request bodies, counted while they come in."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import BodyTooLarge, UnsupportedMediaType, problem

# A client that is still sending when its connection closes would lose the answer to a reset:
# what it sends is thrown away for so long, seconds.
_LINGER_SECONDS = 1.0


class BodyLimit:
    """Refuses bodies of more than ``limit`` bytes with 413, encoded ones with 415.

    A body whose length is announced is refused unread; any other as soon as the limit is
    passed. The connection is closed then.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length, encoded = _announced(scope)
        if encoded:
            await self._refuse(UnsupportedMediaType(), scope, receive, send)
            return
        if length > self._limit:
            await self._refuse(BodyTooLarge(), scope, receive, send)
            return
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message["body"])
                if taken > self._limit:
                    raise _Overrun()
            return message

        try:
            await self._app(scope, receive_counted, send)
        except _Overrun:
            await self._refuse(BodyTooLarge(), scope, receive, send)

    async def _refuse(
        self,
        error: BodyTooLarge | UnsupportedMediaType,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        async def send_and_linger(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                return
            await send({**message, "more_body": True})
            await _discard(receive)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await problem(error, {"connection": "close"})(scope, receive, send_and_linger)


class _Overrun(BaseException):
    """The limit was passed. Not an Exception: FastAPI would take it for unreadable JSON."""


async def _discard(receive: Receive) -> None:
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            more = True
            while more:
                message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        return


def _announced(scope: Scope) -> tuple[int, bool]:
    length = 0
    encoded = False
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"content-encoding":
            encoded = value.strip().lower() not in (b"", b"identity")
    return length, encoded
