"""Answers to clients of HTTP/1.0, which know no chunks."""

import sys
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def unchunked(cycle: RequestResponseCycle, app: ASGIApp) -> Any:
    """``app`` for a client of HTTP/1.0: an answer of unknown length ends with its connection."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        endless = False

        async def send_plain(message: Message) -> None:
            nonlocal endless
            if message["type"] == "http.response.start":
                endless = all(name != b"content-length" for name, _ in message["headers"])
                if endless:
                    # uvicorn takes it for an answer whose length was told.
                    cycle.chunked_encoding = False
                    cycle.expected_content_length = sys.maxsize
            elif endless and not message.get("more_body", False):
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plain)

    return serve
