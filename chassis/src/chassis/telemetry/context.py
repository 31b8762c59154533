"""Request id and W3C trace context, carried through a process in context variables."""

import os
import re
from contextvars import ContextVar

REQUEST_ID_HEADER = "x-request-id"
TRACEPARENT_HEADER = "traceparent"

request_id: ContextVar[str] = ContextVar("request_id", default="")
traceparent: ContextVar[str] = ContextVar("traceparent", default="")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# https://www.w3.org/TR/trace-context/#traceparent-header, version 00
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def accept_request_id(offered: str | None) -> str:
    """``offered`` if it is 1–64 of ``A-Z a-z 0-9 . _ -``, else a new id."""
    if offered is not None and _REQUEST_ID.fullmatch(offered):
        return offered
    return os.urandom(12).hex()


def accept_traceparent(offered: str | None) -> str:
    """A child of the ``offered`` trace context if it is well-formed, else a new trace."""
    if offered is not None and _TRACEPARENT.fullmatch(offered):
        return f"{offered[:36]}{os.urandom(8).hex()}{offered[52:]}"
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def trace_id() -> str:
    """The trace id of the current context, or an empty string outside of any request."""
    return traceparent.get()[3:35]
