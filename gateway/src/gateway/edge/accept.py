"""What a request says that its client takes."""

import re
from collections.abc import Iterable

from starlette.requests import Request

EVENTS = "text/event-stream"
_JSON = "application/json"
# RFC 9110, 12.4.2.
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def wants_events(request: Request) -> bool:
    """Whether the client names server-sent events, and does not say that it prefers JSON: RFC 9110, 12.5.1.

    What stands for any type names neither.
    """
    accept = request.headers.get("accept", "")
    if ";" not in accept:
        # As nearly every client has it.
        return EVENTS in accept.lower()
    weights = _weights(",".join(request.headers.getlist("accept")).lower())
    events = weights.get(EVENTS, 0.0)
    return events > 0 and events >= weights.get(_JSON, 0.0)


def _weights(accept: str) -> dict[str, float]:
    """How much each type is wanted, from 0 to 1; a weight that is none counts as 1."""
    weights: dict[str, float] = {}
    for offer in accept.split(","):
        kind, *parameters = (part.strip() for part in offer.split(";"))
        said = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        weights[kind] = float(said) if _WEIGHT.fullmatch(said) else 1.0
    return weights


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
