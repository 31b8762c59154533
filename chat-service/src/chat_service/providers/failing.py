"""Whether JSON that a model server sends in an answer is the word that something failed."""

from typing import Any, Final

_ERRORS: Final = ("error", "errors", "Error", "ErrorMsg", "fault")
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
_CODES: Final = ("code", "error_code", "errcode", "status_code", "statusCode")
_FINE: Final = frozenset({"", "0", "200", "success", "ok", "true"})


def is_error(chunk: dict[str, Any], event: str) -> bool:
    """Whether a chunk is, or has beside an answer, the word that something failed.

    ``event`` is the name of its event, in lower case.
    """
    if event == "error" or chunk.get("type") == "error" or chunk.get("object") == "error":
        return True
    if any(_says(chunk.get(name)) for name in _ERRORS):
        return True
    base, header, within = chunk.get("base_resp"), chunk.get("header"), chunk.get("Response")
    if isinstance(base, dict) and base.get("status_code"):
        return True
    if isinstance(within, dict) and _says(within.get("Error")):
        return True
    if any(name in chunk for name in _ANSWERS):
        return False
    if isinstance(header, dict) and not _is_fine(header.get("code")):
        return True
    return _is_failure(chunk)


def _is_failure(chunk: dict[str, Any]) -> bool:
    """Of a chunk that has nothing of an answer."""
    if chunk.get("detail") or chunk.get("error_msg") or chunk.get("error_message"):
        return True
    if "__type" in chunk or any(name.endswith("Exception") for name in chunk):
        return True
    message = chunk.get("message") or chunk.get("msg")
    if not isinstance(message, str):
        return False
    codes = [chunk[name] for name in _CODES if chunk.get(name) is not None]
    if codes:
        return not all(map(_is_fine, codes))
    is_told_fine = "status" in chunk and _is_fine(chunk["status"])
    return chunk.keys() <= _BESIDE and not is_told_fine and chunk.get("success") is not True


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
