"""Whether JSON that a model server sends in an answer is the word that something failed."""

import re
from typing import Any, Final

_ERRORS: Final = ("error", "errors", "Error", "ErrorMsg", "fault")
# What holds one, within something of a server's own.
_AROUND_ERRORS: Final = ("Response", "response", "x_groq", "result", "data", "status")
# And where nothing of an answer stands.
_ERRORS_ALONE: Final = (
    *("detail", "error_msg", "error_message", "errorMessage", "err", "exception", "ERROR"),
)
# What may stand beside an error's message, where nothing else says that it is one.
_BESIDE: Final = frozenset(
    {
        "message",
        "msg",
        "code",
        "error_code",
        "errcode",
        "param",
        "request_id",
        "requestId",
        "statusCode",
        "status_code",
    }
    | {"status", "type", "id", "object", "data", "success", "timestamp", "path"}
)
_ANSWERS: Final = ("choices", "content", "usage", "response", "delta", "output")
_CODES: Final = (
    *("code", "error_code", "errcode", "status_code", "statusCode"),
    *("retcode", "ret_code", "errno", "err_code", "Code", "ret"),
)
_MESSAGES: Final = (
    "message",
    "msg",
    "errmsg",
    "err_msg",
    "retmsg",
    "ret_msg",
    "reason",
    "Message",
    "text",
)
# Where a chunk says what it is about, and what it says there that is neither an answer nor a failure.
_TOPICS: Final = ("status", "state", "type", "object", "event", "level")
_ASIDE: Final = re.compile(
    r"(?:chat\.)?(?:queue[ds]?|queuing|pending|waiting|process(?:ing|ed)|in_?progress|running|loading|start(?:ed)?"
    r"|starting|init\w*|created|progress|status|info|notice|warn(?:ing)?|log|debug|metrics?|metadata|stats"
    r"|ping|pong|heartbeat|keep_?alive|usage|open(?:ed)?|connect(?:ed|ing)|ready|meta|trace|message_start)"
)
# And that say of themselves that the answer is over.
_ENDED: Final = re.compile(
    r"(?:chat\.)?(?:complet(?:e|ed|ion\.done)|done|end(?:ed)?|finish(?:ed)?|stream_end)"
)
_ENDS: Final = (
    "finish",
    "finished",
    "is_end",
    "isEnd",
    "is_finished",
    "is_final",
    "end",
    "completed",
)
_FAILED: Final = frozenset({"error", "failed", "failure", "exception", "fatal"})
_FINE: Final = frozenset({"", "0", "200", "success", "ok", "true"})


def is_error(chunk: dict[str, Any], event: str) -> bool:
    """Whether a chunk is, or has beside an answer, the word that something failed.

    ``event`` is the name of its event, in lower case.
    """
    if event == "error" or chunk.get("type") == "error" or chunk.get("object") == "error":
        return True
    if any(_says(chunk.get(name)) for name in _ERRORS):
        return True
    base, header = chunk.get("base_resp"), chunk.get("header")
    if isinstance(base, dict) and base.get("status_code"):
        return True
    for within in map(chunk.get, _AROUND_ERRORS):
        if isinstance(within, dict) and (_says(within.get("Error")) or _says(within.get("error"))):
            return True
    if any(name in chunk for name in _ANSWERS):
        return False
    if isinstance(header, dict) and not _is_fine(header.get("code")):
        return True
    return _is_failure(chunk, event)


def _is_failure(chunk: dict[str, Any], event: str) -> bool:
    """Of a chunk that has nothing of an answer."""
    if any(_says(chunk.get(name)) for name in _ERRORS_ALONE):
        return True
    if any(chunk.get(name) is False for name in ("ok", "success")):
        return True
    if "__type" in chunk or any(name.endswith("Exception") for name in chunk):
        return True
    topics = _topics(chunk)
    if not _FAILED.isdisjoint(topics):
        return True
    message = next((chunk[name] for name in _MESSAGES if chunk.get(name)), None)
    if not isinstance(message, str):
        return False
    codes = [chunk[name] for name in _CODES if chunk.get(name) is not None]
    if codes:
        return not all(map(_is_fine, codes))
    if is_aside(chunk, event) or says_end(chunk):
        return False
    is_told_fine = "status" in chunk and _is_fine(chunk["status"])
    return chunk.keys() <= _BESIDE and not is_told_fine and chunk.get("success") is not True


def is_aside(chunk: dict[str, Any], event: str = "") -> bool:
    """Whether a chunk, or the name of its event, tells that it is about something else than the answer, or
    says nothing.
    """
    return not chunk or any(_ASIDE.fullmatch(topic) for topic in (*_topics(chunk), event))


def says_end(chunk: dict[str, Any]) -> bool:
    """Whether a chunk tells of itself that the answer is over."""
    return any(chunk.get(name) is True for name in _ENDS) or any(
        _ENDED.fullmatch(topic) for topic in _topics(chunk)
    )


def _topics(chunk: dict[str, Any]) -> list[str]:
    return [topic.lower() for name in _TOPICS if isinstance(topic := chunk.get(name), str)]


def _says(error: Any) -> bool:
    """Whether an error says anything: some servers send one that is empty, or says that all is well, beside
    each answer.
    """
    if isinstance(error, dict):
        code = error.get("code")
        if code is not None and _is_fine(code) and _is_fine(error.get("message") or ""):
            return False
        return any(map(_says, error.values()))
    return bool(error)


def _is_fine(code: Any) -> bool:
    return code is None or str(code).strip().lower() in _FINE
