"""What a connection may consist of: the same for a user's own and the operator's."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from apikey_service.domain.errors import KeyNotFound
from apikey_service.domain.secret import Secret
from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_text
from parley.bounds import (
    API_KEY,
    API_KEY_PATTERN,
    HEADER_NAME,
    HEADER_NAME_PATTERN,
    HEADER_VALUE,
    HEADERS,
    KEY_NAME,
    MAX_HEADERS,
    MODEL,
    Length,
    is_joined_line,
    is_line,
)

# It travels in an HTTP header: visible ASCII.
_API_KEY: Final = re.compile(API_KEY_PATTERN)
_HEADER_NAME: Final = re.compile(HEADER_NAME_PATTERN)
# RFC 9110, 5.5, without the bytes beyond ASCII that two servers would read differently.
_HEADER_VALUE: Final = re.compile("[!-~](?:[\t -~]*[!-~])?")
# What is ours to say, or the connection's own, or would say something else of the message: RFC
# 9110, 7.6.1 (hop by hop) and 6.4.1, RFC 9112, 6.1, RFC 7540, RFC 7239.
_RESERVED: Final = frozenset(
    {
        "accept", "accept-encoding", "authorization", "connection", "cookie", "cookie2", "expect",
        "forwarded", "host", "http2-settings", "keep-alive", "max-forwards", "range", "te",
        "trailer", "trailers", "transfer-encoding", "upgrade", "user-agent", "via",
    }
)  # fmt: skip
_RESERVED_PREFIXES: Final = ("content-", "proxy-", "if-", "sec-", "x-forwarded-", ":")

# As a part of a URL they are steps to another one, also where they are escaped: no client could ask by such a name.
_STEPS: Final = frozenset({".", ".."})

Headers = tuple[tuple[str, Secret], ...]


def check_name(name: str) -> list[FieldError]:
    errors = _check_line("name", name, KEY_NAME, is_joined_line)
    if name in _STEPS:
        errors.append(FieldError("name", "RESERVED_NAME"))
    return errors


def parse_key_name(name: str) -> str:
    """``name`` as a key can be called; raises KeyNotFound: nothing is called otherwise."""
    name = name.strip()
    if check_name(name):
        raise KeyNotFound()
    return name


def check_model(model: str, field: str = "model") -> list[FieldError]:
    return _check_line(field, model, MODEL, is_line)


def check_api_key(api_key: Secret) -> list[FieldError]:
    errors = _check("api_key", api_key.reveal(), API_KEY)
    if not _API_KEY.fullmatch(api_key.reveal()):
        errors.append(FieldError("api_key", "INVALID_CHARACTER"))
    return errors


def _check_line(
    field: str, text: str, length: Length, is_good: Callable[[str], bool]
) -> list[FieldError]:
    errors = _check(field, text, length)
    # Also keeps out what cannot be seen, and so would make two names look the same.
    if not is_good(text):
        errors.append(FieldError(field, "INVALID_CHARACTER"))
    return errors


def _check(field: str, text: str, length: Length) -> list[FieldError]:
    return check_text(field, text, minimum=length.minimum, maximum=length.maximum)


def trimmed_headers(headers: Iterable[tuple[str, Secret]]) -> Headers:
    """Each without white space around its name and its value."""
    return tuple((name.strip(), value.trimmed()) for name, value in headers)


def check_headers(headers: Headers) -> list[FieldError]:
    """What is wrong with them, as errors of ``headers``: their names are users' words too."""
    errors: list[FieldError] = []
    if len(headers) > MAX_HEADERS:
        errors.append(FieldError("headers", "TOO_MANY", maximum=MAX_HEADERS))
    for name, value in headers:
        errors += _check("headers", name, HEADER_NAME)
        errors += _check("headers", value.reveal(), HEADER_VALUE)
        if name and not _HEADER_NAME.fullmatch(name):
            errors.append(FieldError("headers", "INVALID_NAME"))
        if value.reveal() and not _HEADER_VALUE.fullmatch(value.reveal()):
            errors.append(FieldError("headers", "INVALID_VALUE"))
        if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_PREFIXES):
            errors.append(FieldError("headers", "RESERVED_NAME"))
    if len({name.lower() for name, _ in headers}) < len(headers):
        errors.append(FieldError("headers", "NOT_UNIQUE"))
    if sum(len(name) + len(value.reveal()) for name, value in headers) > HEADERS.maximum:
        errors.append(FieldError("headers", "TOO_LONG", maximum=HEADERS.maximum))
    return list(dict.fromkeys(errors))


def fallback_refused(reason: str) -> ValidationFailed:
    """The error for a key to fall back to that is not the user's own, or leads round in a circle."""
    return ValidationFailed(fields=[FieldError("fallback_key_id", reason)])
