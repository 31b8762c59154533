"""Requests out of the bytes of a connection, one after another."""

from collections.abc import Callable
from http import HTTPStatus

from parley_local.model_server.request import (
    MAX_BODY,
    MAX_HEAD,
    BadRequestError,
    Head,
    Request,
    parse_head,
)


class RequestReader:
    """What a connection has sent and nobody has read yet, bounded by the size of one request."""

    def __init__(self, go_on: Callable[[], None]) -> None:
        """``go_on``: called when a client waits to be told that it may send its body."""
        self._go_on = go_on
        self._buffer = bytearray()
        self._head: Head | None = None

    def feed(self, data: bytes) -> bool:
        """False when more is waiting than one request may have."""
        self._buffer += data
        return len(self._buffer) <= MAX_BODY + MAX_HEAD

    def next(self) -> Request | None:
        """The next request, None until it is whole.

        Raises BadRequestError for a head that is none: where the next request begins is not known then.
        """
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise BadRequestError(
                        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head is above 64 KiB."
                    )
                return None
            raw = bytes(self._buffer[:end])
            del self._buffer[: end + 4]
            self._head = parse_head(raw)
            if self._head.headers.get("expect", "").lower() == "100-continue":
                self._go_on()
        head = self._head
        if len(self._buffer) < head.length:
            return None
        body = bytes(self._buffer[: head.length])
        del self._buffer[: head.length]
        self._head = None
        return Request(head.method, head.path, head.headers, body, head.keep_alive)
