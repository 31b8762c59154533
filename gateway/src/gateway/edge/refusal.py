"""Answers to what is no request yet: written where the connection is, like all others otherwise."""

from contextvars import copy_context

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from chassis.errors import AppError
from gateway.edge.access import UNMATCHED, Headers, identify, marked, tell
from gateway.problems import problem


def refusal(
    error: AppError,
    *,
    offered: Headers | None,
    client: str,
    took: float,
    method: str = "",
    route: str = UNMATCHED,
    also: Headers = (),
) -> bytes:
    """The whole answer that refuses with ``error``, ``also`` among its headers; it is told of here.

    ``offered`` are the headers that were read so far, None if this context has the request's id and
    trace already. ``took`` is in seconds.
    """

    def write() -> bytes:
        if offered is not None:
            identify(offered)
        response = problem(error, {"connection": "close"})
        status = response.status_code
        tell(method, route, status, client, took=took, whole=took, reason=error.reason)
        lines = [b"%b: %b\r\n" % header for header in (*also, *marked(response.raw_headers))]
        return b"".join([STATUS_LINE[status], *lines, b"\r\n", bytes(response.body)])

    # The context of a connection's callbacks is no request's, and others may have it as well.
    return copy_context().run(write)
