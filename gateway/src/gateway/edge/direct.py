"""Writing to a chunked answer that is under way, at once and past the layers around the application.

Those look at an answer's head alone. For each piece of an event stream they are six coroutines in a
row, which cost more than the write.
"""

import weakref

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class DirectWrite:
    """The way to one answer's client that never waits."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        # Which has this, by its scope: nothing that a request leaves is for the garbage collector.
        self._cycle = weakref.ref(cycle)

    def __call__(self, body: bytes) -> bool:
        """Write one piece of the body, none of them empty.

        False, and nothing is written, where it cannot be at once: the head has not been sent, the answer has
        no chunks or no body, its client is gone or does not read. Then ASGI's ``send`` has to be awaited.
        """
        cycle = self._cycle()
        if (
            cycle is None
            or not cycle.chunked_encoding
            or cycle.flow.write_paused
            or cycle.disconnected
            or cycle.response_complete
            or cycle.scope["method"] == "HEAD"
        ):
            return False
        cycle.transport.write(b"%x\r\n%b\r\n" % (len(body), body))
        return True


def offer_direct_write(cycle: RequestResponseCycle) -> None:
    """Have the application find the way to this answer's client."""
    cycle.scope["state"][_NAME] = DirectWrite(cycle)


def direct_write_of(scope: Scope) -> DirectWrite | None:
    """The way to the client of the request with this scope, where the server offers one."""
    way: DirectWrite | None = scope["state"].get(_NAME)
    return way


_NAME = "direct_write"
