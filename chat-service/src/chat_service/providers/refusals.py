"""From what a model server says to what it means: the one table of its errors."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from chat_service.providers import json_text, refusal_words
from chat_service.providers.charsets import in_utf_8
from chat_service.providers.errors import (
    ProviderContentRefused,
    ProviderContextTooLong,
    ProviderError,
    ProviderForbidden,
    ProviderModelNotFound,
    ProviderOverloaded,
    ProviderParameterRefused,
    ProviderPathNotFound,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRefused,
    ProviderThoughtOnly,
    ProviderTimedOut,
    ProviderTooLarge,
    ProviderUnauthorized,
)
from chat_service.providers.redirects import redirect
from chat_service.providers.retry_after import retry_after_of
from chat_service.providers.said import Said, said_in

# The words that stand for a status: Anthropic's, Google's, OpenAI's.
_STATUSES: Final = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "unauthenticated": 401,
    "billing_error": 402,
    "insufficient_quota": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "not_found": 404,
    "request_too_large": 413,
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "resource_exhausted": 429,
    "throttlingexception": 429,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "unavailable": 503,
    "service_unavailable": 503,
    "overloaded_error": 529,
}


# What an error without a status may be.
_REFUSED: Final = 400
_REFUSES = re.compile(
    r"un(?:supported|known|expected|recogni[sz]ed)|invalid|extra|must be|not (?:be )?(?:supported|permitted|allowed)"
    r"|(?:does not|n't) support",
    re.IGNORECASE,
)
_WANTS_TLS = re.compile(r"\bhttp request (?:was sent )?to (?:an )?https", re.IGNORECASE)
_USE_TLS: Final = "The model server wants https: begin the base URL with https://."
# Of four hundreds those that may be otherwise the next time.
_OF_THE_MOMENT: Final = frozenset({409, 423, 424, 425, 499})
_BEFORE_IT: Final = (
    "What stands before the model server, a firewall perhaps, refused the request with a page for people; "
    "check the base URL, and whether this machine may come there."
)
_QUOTED = re.compile(r"['\"`]([A-Za-z_][A-Za-z0-9_.\[\]]{0,59})['\"`]")
_OF_A_PROMPT = re.compile(r"token|context|prompt")
# A length that is not of tokens.
_CHARACTERS = re.compile(r"string too long|characters|bytes", re.IGNORECASE)
_NUMBER = r"([0-9][0-9,_]{0,11})"
# One that is no part of a name, and as large as a context.
_ALONE = re.compile(r"(?<![\w.-])[0-9][0-9,_]{2,11}(?![\w-]|[.][0-9])")
# How much of how much: (most, used) or (used, most).
_MOST_THEN_USED = (
    rf"context (?:length|window|size)[^0-9]{{0,40}}{_NUMBER} tokens?\D{{1,80}}{_NUMBER} tokens?",
    rf"maximum[^0-9]{{0,60}}{_NUMBER}[^0-9]{{1,100}}{_NUMBER}",
)
_USED_THEN_MOST = (
    rf"{_NUMBER} tokens? ?> ?{_NUMBER}",
    rf"\({_NUMBER}(?: tokens)?\) exceeds?[^0-9]{{1,80}}\(?{_NUMBER}",
    rf"{_NUMBER}[^0-9]{{0,60}}exceeds?[^0-9]{{1,100}}{_NUMBER}",
)


def of_response(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP ``status`` of 300 or more means; header names in any case."""
    told = {name.lower(): value for name, value in headers.items()}
    body = in_utf_8(body, told.get("content-type", ""))
    said = said_in(body)
    text = f"{status}: {body[:4096].decode('utf-8', 'replace')}"
    if status < 400:
        return redirect(text, told.get("location", ""))
    error = _error(status, said, text)
    if type(error) is ProviderForbidden and body.lstrip().startswith(b"<"):
        error.detail = _BEFORE_IT
    error.retry_after = retry_after_of(told, said)
    return error


def of_stream(said: Said) -> ProviderError:
    """The error that stands in the body of a 200; it may refuse the request as a 400 does."""
    status = _status_of(said)
    error = _error(status, said, "")
    error.retry_after = retry_after_of({}, said)
    error.refused = _REFUSED if status is None else status, _told(said)
    return error


def _told(said: Said) -> bytes:
    if said.value is not None:
        with suppress(ValueError):
            return json_text.encode(said.value)
    return said.message.encode(errors="replace")


def _status_of(said: Said) -> int | None:
    if said.status is not None:
        return said.status
    named = (_STATUSES.get(word.lower()) for word in (said.code, said.kind))
    return next(filter(None, named), None)


def _error(status: int | None, said: Said, text: str) -> ProviderError:
    words = said.words
    kind, detail = _kind(status, said, words)
    error = kind(text or f"in the stream: {words}", detail=detail, message=said.message)
    if kind is ProviderContextTooLong and not _CHARACTERS.search(said.message):
        error.most_tokens = _lengths(said.message)[1] or None
    return error


def _kind(status: int | None, said: Said, words: str) -> tuple[type[ProviderError], str | None]:
    fixed: dict[int, type[ProviderError]] = {
        401: ProviderUnauthorized,
        402: ProviderQuotaExceeded,
        405: ProviderPathNotFound,
        408: ProviderTimedOut,
        420: ProviderRateLimited,
        451: ProviderContentRefused,
        504: ProviderTimedOut,
        522: ProviderTimedOut,
        524: ProviderTimedOut,
        529: ProviderOverloaded,
        598: ProviderTimedOut,
        599: ProviderTimedOut,
    }
    if status == 401 and "model_access_denied" in said.kind.lower():
        return ProviderModelNotFound, None  # the key itself is good
    if status == 401 and "billing" in f"{said.code} {said.kind}".lower():
        return ProviderQuotaExceeded, None  # so it is here
    if refusal_words.NO_TOKENS_LEFT.search(said.message):
        return ProviderThoughtOnly, None
    if status in fixed:
        return fixed[status], None
    if status == 404:
        known = refusal_words.MODEL.search(words) or re.search(
            r"\b(?:model|deployment|engine)", words
        )
        return (ProviderModelNotFound if known else ProviderPathNotFound), None
    if status == 429:
        return _too_much(said, words), None
    is_open = status is None or status >= 500
    if refusal_words.NOT_LOADED.search(said.message):
        return ProviderError, None  # so LM Studio says it, with a 400
    if status == 413 and not _OF_A_PROMPT.search(words):
        return ProviderTooLarge, None
    if refusal_words.CONTEXT.search(words) and not _is_about_the_answer(said):
        return ProviderContextTooLong, _how_long(said.message)
    if status == 413:
        return ProviderTooLarge, None
    if refusal_words.CONTENT.search(words):
        return ProviderContentRefused, None
    if status == 503 and refusal_words.NO_CHANNEL.search(words):
        return ProviderModelNotFound, None
    if status == 503 or refusal_words.OVERLOADED.search(words):
        return ProviderOverloaded, None
    if refusal_words.QUOTA.search(words):
        return ProviderQuotaExceeded, None
    if refusal_words.MODEL.search(words) or (said.param == "model" and not is_open):
        return ProviderModelNotFound, None
    if refusal_words.KEY.search(words):
        return ProviderUnauthorized, None
    if refusal_words.RATE.search(words):
        return ProviderRateLimited, None
    if status == 403 or (status is None and refusal_words.FORBIDDEN.search(words)):
        return ProviderForbidden, None
    if _WANTS_TLS.search(words):
        return ProviderRefused, _USE_TLS
    if status in _OF_THE_MOMENT:
        return ProviderError, None
    if status is not None and status < 500:
        if said.param or refusal_words.PARAMETER.search(words):
            return ProviderParameterRefused, _which(said)
        return ProviderRefused, None
    if status is None:
        # By its name alone a parameter is not refused: an answer that cannot be read may have it as well.
        is_refused = refusal_words.PARAMETER.search(words) and _REFUSES.search(words)
        which = _which(said) if is_refused else None
        if said.param or which or "parameter" in f"{said.code} {said.kind}".lower():
            return ProviderParameterRefused, which or _which(said)
    return ProviderError, None


def _too_much(said: Said, words: str) -> type[ProviderError]:
    if refusal_words.OVERLOADED.search(words):
        return ProviderOverloaded
    # More than is taken in a minute at all: to wait does not help.
    if "request too large" in words:
        return ProviderTooLarge
    if re.search("rate_limit|throttl", f"{said.code} {said.kind}", re.IGNORECASE):
        return ProviderRateLimited
    # Google says of both that the quota is exceeded, and when to come back of one alone.
    waits = retry_after_of({}, said) is not None
    return (
        ProviderQuotaExceeded
        if refusal_words.QUOTA.search(words) and not waits
        else ProviderRateLimited
    )


def _is_about_the_answer(said: Said) -> bool:
    return said.param.startswith("max_") or said.message.lower().startswith("max_")


def _which(said: Said) -> str | None:
    """The sentence with the parameter's name, where one is said."""
    name = said.param
    found = refusal_words.PARAMETER_NAMES.search(said.message) or _QUOTED.search(said.message)
    # Some say there what kind of fault it is.
    if found is not None and (not name or (name.endswith("error") and name not in said.message)):
        name = found[found.lastindex or 0]
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,59}", name):
        return None
    return f"The model server refused the parameter {name}; change it or leave it out."


def _how_long(message: str) -> str | None:
    """The sentence with how much of how much, where both are said."""
    used, most = _lengths(message)
    if not 0 < most < used or _CHARACTERS.search(message):
        return None
    return (
        f"The conversation has {used:,} tokens of the {most:,} that the model can take; begin a new one, "
        "shorten it, ask for a shorter answer, or choose a model with a larger context."
    )


def _lengths(message: str) -> tuple[int, int]:
    for patterns, first in ((_USED_THEN_MOST, 1), (_MOST_THEN_USED, 2)):
        for pattern in patterns:
            if found := re.search(pattern, message, re.IGNORECASE):
                one, other = (int(re.sub("[,_]", "", found[at])) for at in (first, 3 - first))
                return one, other
    # In another sentence: where there are two numbers, what was too much is the larger one.
    numbers = {int(re.sub("[,_]", "", found)) for found in _ALONE.findall(message)}
    return (max(numbers), min(numbers)) if len(numbers) == 2 else (0, 0)
