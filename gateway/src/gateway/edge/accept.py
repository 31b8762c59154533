"""What a request says that its client takes."""

from collections.abc import Iterable

from starlette.requests import Request

EVENTS = "text/event-stream"


def wants_events(request: Request) -> bool:
    """Whether the client takes server-sent events."""
    return EVENTS in request.headers.get("accept", "").lower()


def coding_of(request: Request, codings: Iterable[str]) -> str:
    """The first of ``codings`` that the client accepts, "" for none: RFC 9110, 12.5.3."""
    refused: set[str] = set()
    taken: set[str] = set()
    for offer in ",".join(request.headers.getlist("accept-encoding")).lower().split(","):
        coding, _, weight = offer.partition(";")
        is_none = weight.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        (refused if is_none else taken).add(coding.strip())
    for coding in codings:
        if coding in taken or ("*" in taken and coding not in refused):
            return coding
    return ""
