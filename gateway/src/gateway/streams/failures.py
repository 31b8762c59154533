"""A run that failed, as clients are told: the problem document that its terminal event holds.

Chat-service says `reason` and `detail`; which status that is, and what a document looks like, is said
here alone.
"""

from typing import Any, Final

import orjson

from gateway.streams.frames import FrameLike

ERROR: Final = "error"

# What says when, or whether, another try may help, or that what was asked for is not to be had. The rest is
# a bad gateway.
STATUSES: Final = {
    "INTERNAL": 500,
    # The operator's words are in it.
    "ANSWER_FILTERED": 422,
    "PROVIDER_BUSY": 503,
    "PROVIDER_OVERLOADED": 503,
    # The account at the provider is to be paid for, not anything here.
    "PROVIDER_QUOTA_EXCEEDED": 402,
    "PROVIDER_RATE_LIMITED": 429,
    # The request names, or holds, what its model server does not take.
    "PROVIDER_CONTENT_REFUSED": 422,
    "PROVIDER_CONTEXT_TOO_LONG": 422,
    "PROVIDER_MODEL_NOT_FOUND": 422,
    "PROVIDER_PARAMETER_REFUSED": 422,
    "PROVIDER_TOO_LARGE": 422,
    "PROVIDER_TIMED_OUT": 504,
    "FIRST_TOKEN_TIMEOUT": 504,
    "MODEL_CANNOT_SEE": 422,
    # What is attached cannot be read just now.
    "STORAGE_UNAVAILABLE": 503,
    "PICTURES_BUSY": 503,
}
# What chat-service may say beside reason and detail: the model server's own sentence, without
# credentials, and seconds until another try may help.
_BESIDE: Final = ("provider_message", "retry_after")
_BAD_GATEWAY: Final = 502
# Where the model server does not say when.
_RETRY_SECONDS: Final = {429: 5, 503: 1, 504: 1}
_EMPTY: Final = "PROVIDER_EMPTY"
_WORDLESS: Final = {
    "completed": "The model ended its answer without a word; ask again, or another model.",
    "cancelled": "The answer was cancelled before its first word.",
    "interrupted": "The answer was cut short before its first word; go on with it, or ask again.",
}
_TITLE: Final = "Answer failed"


def shown(frame: FrameLike) -> bytes:
    """The frame's data as it is shown: as it came, but for the event of a failure."""
    return frame.data if frame.event != ERROR else _shown(frame.data)


def _shown(data: bytes) -> bytes:
    told: dict[str, Any] = orjson.loads(data)
    if "problem" in told:  # by a version of chat-service that wrote the document itself
        return data
    reason, detail = _said(told)
    place = {name: told[name] for name in told if name not in {"reason", "detail", *_BESIDE}}
    problem = {
        "type": "about:blank",
        "title": _TITLE,
        "status": status_of(reason),
        "detail": detail,
        "reason": reason,
        **_beside(told),
    }
    return orjson.dumps({"problem": problem, **place})


def status_of(reason: str) -> int:
    """The status of a problem that says why a run failed; 502 of a reason that is not known here."""
    return STATUSES.get(reason, _BAD_GATEWAY)


def waiting(status: int, retry_after: int | None) -> dict[str, str]:
    """The header that says when to ask again, where that may help."""
    seconds = _RETRY_SECONDS.get(status) if retry_after is None else retry_after
    return {} if seconds is None else {"retry-after": str(seconds)}


def unanswered(run_status: str, reason: str | None) -> tuple[str, str]:
    """Reason and detail for a run that did not fail and has no text."""
    return reason or _EMPTY, _WORDLESS.get(run_status, _WORDLESS["completed"])


def reason_of(data: bytes) -> tuple[str, str]:
    """Reason and detail of an ``error`` frame."""
    told: dict[str, Any] = orjson.loads(data)
    return _said(told.get("problem", told))


def beside(data: bytes) -> dict[str, Any]:
    """What the problem of an ``error`` frame has beside reason and detail."""
    told: dict[str, Any] = orjson.loads(data)
    return _beside(told.get("problem", told))


def _beside(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in _BESIDE if told.get(name) is not None}


def _said(told: dict[str, Any]) -> tuple[str, str]:
    return (
        str(told.get("reason") or "MODEL_FAILED"),
        str(told.get("detail") or "The model did not answer."),
    )
