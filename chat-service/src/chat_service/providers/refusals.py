"""From what a model server says to what it means: the one table of its errors."""

import re
from collections.abc import Mapping
from typing import Final

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
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "unavailable": 503,
    "service_unavailable": 503,
    "overloaded_error": 529,
}


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CONTEXT = _words(
    r"context_length|context.length.exceed|context_window|exceed_context|string_above_max_length",
    r"maximum context|context (?:length|size|window)|(?:prompt|input|request|conversation) (?:is )?too long",
    r"too many (?:input |prompt )?tokens|reduce the length|max_model_len|\bn_ctx\b|range of input length",
    r"input (?:tokens? )?(?:length|count)?[^.]{0,40} exceeds?|exceeds? the (?:maximum|max)[^.]{0,30}tokens",
    r"maximum prompt length|must have (?:less|fewer) than [0-9,]+ tokens|exceed(?:s|ed)? (?:the )?model token limit",
    r"上下文(?:长度|过长)|超过.{0,10}最大.{0,6}长度",
)
_QUOTA = _words(
    r"insufficient[_ ](?:user_)?(?:quota|balance|credit|fund)|exceeded your current quota|quota[_ ]exceeded",
    r"billing|payment required|credit balance|(?:out of|insufficient|no|more|not enough) credits?\b",
    r"budget[_ ](?:has been )?exceeded|exceeded ?budget|balance (?:is )?(?:insufficient|not enough|too low)",
    r"(?:reached|exceeded) your [^.]{0,40}usage limit|arrearage|insufficient account balance|余额|欠费|额度",
)
_RATE = _words(
    r"rate[_ -]?limit|too many requests|throttl|resource_exhausted|requests per (?:minute|day|second)",
    r"tokens per (?:minute|day)|concurrency|request limit reached|限流|速率|频率|请求过|并发",
)
_OVERLOADED = _words(
    r"overloaded|too busy|over capacity|at capacity|server[_ ]busy|service[_ ]unavailable|currently loading",
    r"loading model|insufficient_system_resource|no (?:available|healthy) (?:server|upstream|endpoint|instance)",
    r"no (?:healthy )?deployments? available|capacity[_ ]exceeded|exceeded[_ ]capacity|no capacity",
    r"繁忙|过载|负载.{0,4}饱和",
)
_CONTENT = _words(
    r"content[_ ]?(?:filter|policy|management)|responsibleaipolicy|data_?inspection|moderation",
    r"safety (?:system|reasons|settings|filter)|flagged|inappropriate content|prohibited_content",
    r"sensitive (?:content|words?)|敏感|违规|审核",
)
_MODEL = _words(
    r"model_not_(?:found|exist|supported)|deploymentnotfound|invalid_model|unknown_model|no such model",
    r"\bmodels?\b[^.]{0,120}(?:not found|(?:does|do) ?n[o']t exist|not exist|not available|unavailable)",
    r"\bmodels?\b[^.]{0,120}(?:is not (?:valid|supported|a valid)|no access|do(?:es)? not have access)",
    r"not have access to (?:the )?model|(?:invalid|unknown|unsupported|not a valid) model|no endpoints found",
    r"no healthy deployments for this model|model_access_denied",
    r"\bmodels?\b[^.]{0,120}(?:deprecated|decommissioned|discontinued|retired|no longer (?:available|supported))",
    r"does(?: not|n't) support chat|not a chat model|not work with the specified model",
    r"模型.{0,80}(?:不存在|未找到|不支持|无可用渠道)|model not exist",
)
_KEY = _words(
    r"(?:incorrect|invalid|missing|no|wrong|expired|bad)[_ ](?:x-)?api[_ -]?key|api key (?:not valid|expired|invalid)",
    r"unauthori[sz]ed|unauthenticated|authentication (?:fail|error)|invalid (?:token|credentials|authentication)",
    # LiteLLM's, which looks up each key but its own in a database.
    r"no_db_connection|令牌|无效的.{0,6}key",
)
_FORBIDDEN = _words(r"permission[_ ]denied|forbidden|unsupported_country|not (?:allowed|permitted)")
# OpenAI's, where the model has thought until there was no token left.
_NO_TOKENS_LEFT = re.compile(r"could not finish the message because max_tokens", re.IGNORECASE)
_PARAMETER = _words(
    r"unsupported[_ ](?:parameter|value)|unknown[_ ](?:parameter|field|name|argument)|unrecognized",
    r"unexpected keyword|extra (?:inputs|fields)|not permitted|invalid[_ ](?:parameter|value|type)",
    r"(?:temperature|max_(?:completion_)?tokens|top_p|stop|stream_options|reasoning_effort)\b",
    r"must be (?:less|greater|between|at (?:most|least))|(?:does not|n't) support (?:the )?(?:parameter|'|`|\")",
    r"参数",
)
_PARAMETER_NAMES = _words(
    r"\b(?:max_completion_tokens|max_output_tokens|max_new_tokens|max_tokens|temperature|top_p|top_k|stop)\b",
    r"\b(?:stream_options|reasoning_effort|presence_penalty|frequency_penalty|stream|seed|n)\b(?=['\"`])",
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
    """The error that stands in the body of a 200."""
    error = _error(_status_of(said), said, "")
    error.retry_after = retry_after_of({}, said)
    return error


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
    if _NO_TOKENS_LEFT.search(said.message):
        return ProviderThoughtOnly, None
    if status in fixed:
        return fixed[status], None
    if status == 404:
        known = _MODEL.search(words) or re.search(r"\b(?:model|deployment|engine)", words)
        return (ProviderModelNotFound if known else ProviderPathNotFound), None
    if status == 429:
        return _too_much(said, words), None
    is_open = status is None or status >= 500
    if _CONTEXT.search(words) and not _is_about_the_answer(said):
        return ProviderContextTooLong, _how_long(said.message)
    if status == 413:
        return ProviderTooLarge, None
    if _CONTENT.search(words):
        return ProviderContentRefused, None
    if status == 503 or _OVERLOADED.search(words):
        return ProviderOverloaded, None
    if _QUOTA.search(words):
        return ProviderQuotaExceeded, None
    if _MODEL.search(words) or (said.param == "model" and not is_open):
        return ProviderModelNotFound, None
    if _KEY.search(words):
        return ProviderUnauthorized, None
    if _RATE.search(words):
        return ProviderRateLimited, None
    if status == 403 or (status is None and _FORBIDDEN.search(words)):
        return ProviderForbidden, None
    if _WANTS_TLS.search(words):
        return ProviderRefused, _USE_TLS
    if status in _OF_THE_MOMENT:
        return ProviderError, None
    if status is not None and status < 500:
        if said.param or _PARAMETER.search(words):
            return ProviderParameterRefused, _which(said)
        return ProviderRefused, None
    if status is None and (said.param or "parameter" in f"{said.code} {said.kind}".lower()):
        return ProviderParameterRefused, _which(said)
    return ProviderError, None


def _too_much(said: Said, words: str) -> type[ProviderError]:
    if _OVERLOADED.search(words):
        return ProviderOverloaded
    # More than is taken in a minute at all: to wait does not help.
    if "request too large" in words:
        return ProviderTooLarge
    if "rate_limit" in f"{said.code} {said.kind}".lower():
        return ProviderRateLimited
    # Google says of both that the quota is exceeded, and when to come back of one alone.
    waits = retry_after_of({}, said) is not None
    return ProviderQuotaExceeded if _QUOTA.search(words) and not waits else ProviderRateLimited


def _is_about_the_answer(said: Said) -> bool:
    return said.param.startswith("max_") or said.message.lower().startswith("max_")


def _which(said: Said) -> str | None:
    """The sentence with the parameter's name, where one is said."""
    name = said.param
    found = _PARAMETER_NAMES.search(said.message) or _QUOTED.search(said.message)
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
