"""What a request says that its client takes."""

from starlette.requests import Request

EVENTS = "text/event-stream"


def wants_events(request: Request) -> bool:
    """Whether the client takes server-sent events."""
    return EVENTS in request.headers.get("accept", "").lower()
