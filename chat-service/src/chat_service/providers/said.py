"""What a model server says of its own failure, in the many shapes that it has."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chat_service.answer.domain.frame import storable
from chat_service.providers import json_text

_LOOKED_AT = 8 * 1024
_DEPTH = 6
_MESSAGES = (
    *(
        "message",
        "msg",
        "detail",
        "error_description",
        "error_message",
        "error_msg",
        "errorMessage",
    ),
    *(
        "err_msg",
        "status_msg",
        "Message",
        "Msg",
        "faultstring",
        "description",
        "reason",
        "title",
        "text",
    ),
    *("errmsg", "errMsg", "retmsg", "ret_msg", "cause", "details"),
)
_CODES = (
    *("code", "error_code", "errorCode", "status_code", "statusCode", "Code", "errcode"),
    *("http_code", "httpCode", "http_status", "retcode", "ret_code", "errno", "err_code"),
)
_KINDS = ("type", "status", "error_type", "__type")
# What says no more than which error, request or thing it was.
_NAMES = re.compile(r"(?:.*_)?(?:id|type|code|status|object|url|path|time\w*)", re.IGNORECASE)
# What holds what is wrong, in some servers of something of their own.
_HOLDERS = (
    *(
        "error",
        "errors",
        "base_resp",
        "Error",
        "ErrorMsg",
        "fault",
        "Response",
        "response",
        "header",
    ),
    *("internalServerException", "throttlingException", "validationException"),
    *("modelStreamErrorException", "serviceUnavailableException"),
)
# What may hold it where nothing else does.
_AROUND = ("result", "data", "status")
_WITHIN = (*_HOLDERS, *_AROUND, "err", "detail", "message", "error_message", "response")
# Where a body says when to come back, and how many of it are a second.
_DELAYS = (
    *(("retry_after_ms", 1000), ("retryAfterMs", 1000), ("retry_after_seconds", 1)),
    *(("retry_after", 1), ("retryAfter", 1), ("retryDelay", 1)),
)
_SECONDS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?) ?s?(?:ec(?:ond)?s?)?")
_PAGE_TITLE = re.compile(
    r"<(title|h1|message)\b[^>]{0,200}>(.{1,500}?)</\1", re.IGNORECASE | re.DOTALL
)
_SCRIPT = re.compile(r"<(?=(?:script|style)\b)", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Said:
    """``code`` and ``kind`` are the server's own words, ``param`` what it is about; each may be empty.

    ``status`` is an HTTP status that the body names. ``value`` is the JSON that says it.
    """

    message: str = ""
    code: str = ""
    kind: str = ""
    param: str = ""
    status: int | None = None
    retry_after: float | None = None
    value: Any = None

    @property
    def words(self) -> str:
        """All of it, in lower case."""
        return f"{self.code} {self.kind} {self.message}".lower()


def said_in(body: bytes) -> Said:
    """What the body of an error says, whatever it is: JSON, events, a page, text."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith((b"data:", b"event:")):
        lines = [line[5:].strip() for line in text.split(b"\n") if line.startswith(b"data:")]
        text = next((line for line in lines if line.startswith((b"{", b"["))), b" ".join(lines))
    if text.startswith((b"{", b"[", b'"')):
        try:
            return said_by(json_text.documents(text)[0])
        except (ValueError, IndexError):
            pass
    shown = storable(text[:_LOOKED_AT].decode("utf-8", "replace"))
    return Said(message=page_text(shown) if shown.startswith("<") else shown)


def page_text(page: str) -> str:
    """What a page says: its title, or else its text."""
    page = page[:_LOOKED_AT]
    found = _PAGE_TITLE.search(page)
    text = found[2] if found else _without_scripts(page)
    return html.unescape(_TAG.sub(" ", text)).strip()


def _without_scripts(page: str) -> str:
    """What a page says between its scripts and styles, each of which goes on to the next end of a tag's."""
    text, *scripts = _SCRIPT.split(page)
    return text + "".join(script[script.find("</") :] for script in scripts if "</" in script)


def said_by(value: Any) -> Said:
    """What an error in JSON says."""
    message = (_message(value, _DEPTH) or _longest(value, _DEPTH))[:_LOOKED_AT]
    code, kind, param, status = "", "", "", None
    retry_after: float | None = None
    for one in _objects(value, _DEPTH):
        for name in _CODES + _KINDS:
            if status is None and _is_status(one.get(name)):
                status = int(one[name])
        code = code or _word(one, _CODES)
        kind = kind or _word(one, _KINDS)
        param = param or _parameter(_word(one, ("param",))) or _place(one)
        if retry_after is None:
            retry_after = _delay(one)
    if kind == "error":
        kind = ""
    return Said(message, code, kind, param, status, retry_after, value)


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The objects that an error is made of, the innermost first."""
    if depth == 0:
        return
    if isinstance(value, list):
        for one in value[:3]:
            yield from _objects(one, depth - 1)
    elif isinstance(value, dict):
        for name in _WITHIN:
            yield from _objects(value.get(name), depth - 1)
        yield value
        for name in ("details", "metadata"):
            yield from _objects(value.get(name), depth - 1)
    elif isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        yield from _objects(_parsed(value), depth - 1)


def _message(value: Any, depth: int) -> str:
    if depth == 0:
        return ""
    match value:
        case str():
            text = value.strip()
            if text.startswith("<"):
                return page_text(text)
            inner = _message(_parsed(text), depth - 1) if text[:1] in {"{", "["} else ""
            return inner or text
        case list():
            return "; ".join(filter(None, (_message(one, depth - 1) for one in value[:3])))
        case dict():
            return _message_of(value, depth)
        case _:
            return ""


def _message_of(value: dict[str, Any], depth: int) -> str:
    for name in _HOLDERS:
        if found := _message(value.get(name), depth - 1):
            return found
    for name in _MESSAGES:
        if found := _message(value.get(name), depth - 1):
            where = _place(value)
            metadata = value.get("metadata")
            raw = _message(metadata.get("raw"), depth - 1) if isinstance(metadata, dict) else ""
            return f"{where}: {found}" if where else f"{found}: {raw}" if raw else found
    within = (_message(value[name], depth - 1) for name in _AROUND if _is_dict(value.get(name)))
    return next(filter(None, within), "")


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _longest(value: Any, depth: int) -> str:
    """Where nothing has a name that is known: the longest text that something else has."""
    if isinstance(value, str) or depth == 0:
        return value.strip() if isinstance(value, str) else ""
    if isinstance(value, dict):
        value = [one for name, one in value.items() if not _NAMES.fullmatch(name)]
    found = [_longest(one, depth - 1) for one in value[:20]] if isinstance(value, list) else []
    return max(found, key=len, default="")


def _parsed(text: str) -> Any:
    try:
        return json_text.decode(text.encode("utf-8", "surrogateescape"))
    except ValueError:
        return None


def _word(value: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        word = value.get(name)
        # LiteLLM writes what it has not as Python does.
        if word and isinstance(word, str) and word.lower() not in ("none", "null"):
            return word[:100]
        if _is_status(word):
            return str(word)
    return ""


def _parameter(word: str) -> str:
    """A parameter's name; some gateways have a number there."""
    return "" if word.isdecimal() else word


def _place(value: dict[str, Any]) -> str:
    """Where FastAPI found the fault: the last part of ``loc``."""
    loc = value.get("loc")
    return str(loc[-1])[:100] if isinstance(loc, list) and loc and "msg" in value else ""


def _is_status(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) == 3 and value.isdecimal() and value[0] in "45"
    return isinstance(value, int) and 400 <= value <= 599


def _delay(value: dict[str, Any]) -> float | None:
    """Seconds, as a number, also of thousandths, or as Google says them."""
    for name, parts in _DELAYS:
        said = value.get(name)
        if isinstance(said, str) and (found := _SECONDS.fullmatch(said)):
            said = float(found[1])
        if isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < 1e9:
            return said / parts
    return None
