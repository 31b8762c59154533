"""The layer that hands bodies to the application, and ends their reading with the answer."""

from typing import cast

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.edge.body import Body
from gateway.refusals import BodyTooLarge


def body_of(request: Request) -> Body | None:
    """The request's body, if its head announces one."""
    return cast("Body | None", request.scope["state"].get("body"))


class Bodies:
    """Hands bodies to the application, bounded: reading one raises what it fails by.

    BodyTooLarge and UnsupportedMediaType by the head alone or once too much has been read, BodyTooSlow,
    TooMuchOfClient and TooMuchInAll. An answer that does not wait for its body's rest says that the
    connection closes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body: Body | None = scope["state"].get("body")
        if body is None:
            await self._app(scope, receive, send)
            return
        taken = 0

        async def receive_bounded() -> Message:
            nonlocal taken
            if body.wanted and not body.asked:
                body.check_announced()
            body.asked = True
            while True:
                message = await receive()
                if body.failure is not None:
                    raise body.failure
                if message["type"] != "http.request":
                    return message
                if body.wanted:
                    size = len(message["body"])
                    taken += size
                    if taken > body.terms.most:
                        raise BodyTooLarge()
                    body.hand_on(size)
                    return message

        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                body.begin_answer(awaits_continue=not body.asked and _is_expecting(scope))
                if body.is_cut:
                    headers = [*message["headers"], (b"connection", b"close")]
                    message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive_bounded, send_closing)
        finally:
            body.leave()


def _is_expecting(scope: Scope) -> bool:
    return any(name == b"expect" for name, _ in scope["headers"])
