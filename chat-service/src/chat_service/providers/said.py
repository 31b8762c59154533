"""What a model server says of its own failure, in the many shapes that it has, and made fit to be shown."""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chassis.telemetry.redaction import REDACTED, hide, redact_text
from chassis.text import shortened
from chat_service.answer.domain.frame import storable
from chat_service.providers import json_text
from chat_service.providers.dumps import without_dumps
from chat_service.providers.spelled import without_spelled

#: Of a provider's message so many characters are shown.
MOST_CHARACTERS = 500

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
_WITHIN = (*_HOLDERS, "err", "detail", "message", "error_message", "response")
# Where a body says when to come back, and how many of it are a second.
_DELAYS = (
    *(("retry_after_ms", 1000), ("retryAfterMs", 1000), ("retry_after_seconds", 1)),
    *(("retry_after", 1), ("retryAfter", 1), ("retryDelay", 1)),
)
_SECONDS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?) ?s?(?:ec(?:ond)?s?)?")
_LEAST_KEY = 4
_LEAST_SPELLED = 8
_PAGE_TITLE = re.compile(
    r"<(title|h1|message)\b[^>]{0,200}>(.{1,500}?)</\1", re.IGNORECASE | re.DOTALL
)
_SCRIPT = re.compile(r"<(?=(?:script|style)\b)", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_URL = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/?#@\"'<>]*@)?([^\s?#\"'<>]*)([?#][^\s\"'<>]*)?",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|nvapi|AIza|key|pat|ghp)[-_A-Za-z0-9*.]{12,}")
_CONTROL = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")


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
        param = param or _word(one, ("param",)) or _place(one)
        if retry_after is None:
            retry_after = _delay(one)
    if kind == "error":
        kind = ""
    return Said(message, code, kind, param, status, retry_after, value)


def presentable(message: str, secrets: Iterable[str]) -> str:
    """``message`` on one line of MOST_CHARACTERS at most, storable, without credentials.

    Of ``secrets``, a key and whatever else was sent along, nothing is left, however it was escaped,
    encoded, or spread over white space.
    """
    text = message[:_LOOKED_AT]
    known = [secret for secret in secrets if len(secret) >= _LEAST_KEY]
    for secret in known:
        hide(secret)
    text = without_secrets(redact_text(text), known)
    text = _URL.sub(_bare, text)
    text = _TOKEN.sub(REDACTED, text)
    return shortened(_CONTROL.sub(" ", storable(text)).strip(), MOST_CHARACTERS)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """``text`` without ``secrets``, in whatever spelling. One of less than eight characters, which may be a word, is
    looked for as it is, and as a word.
    """
    known = [secret for secret in secrets if len(secret) >= _LEAST_KEY]
    for secret in known:
        if len(secret) < _LEAST_SPELLED:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", REDACTED, text)
    known = [secret for secret in known if len(secret) >= _LEAST_SPELLED]
    text = without_dumps(text, known)
    for secret in known:
        text = _without_spread(text, "".join(secret.split()))
    return without_spelled(text, known)


def _without_spread(text: str, secret: str) -> str:
    """``text`` without ``secret``, in whatever case, and wherever white space and what cannot be seen stands
    in it.
    """
    places = [at for at, letter in enumerate(text) if letter.isprintable() and letter != " "]
    bare = "".join([text[at] for at in places])
    if len(bare.lower()) == len(bare) and len(secret.lower()) == len(secret):
        bare, secret = bare.lower(), secret.lower()
    kept, behind = [], 0
    at = bare.find(secret) if secret else -1
    while at >= 0:
        kept += [text[behind : places[at]], REDACTED]
        behind = places[at + len(secret) - 1] + 1
        at = bare.find(secret, at + len(secret))
    return "".join([*kept, text[behind:]])


def _bare(url: re.Match[str]) -> str:
    return f"{url[1]}{url[2]}" + ("?…" if url[3] else "")


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
    return ""


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
