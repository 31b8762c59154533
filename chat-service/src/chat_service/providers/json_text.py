"""JSON as model servers write it: also with halves of characters, and with control characters, in its
strings.
"""

import json
import re
from typing import Any

import orjson

# What some servers put between documents, and before the first one: a mark, a separator of RFC 7464,
# what a line of events begins with, an end of a line that was escaped.
_BETWEEN = re.compile(r"(?:[ \t\r\n,\x00\x1e\xa0\ufeff]|data:|\\[rn])*")
_DECODER = json.JSONDecoder(strict=False)


def decode(data: bytes) -> Any:
    """The value of a whole JSON document; raises ValueError.

    Half a surrogate pair is a lone surrogate in its string, and a byte that is no UTF-8 is U+DC80 and
    so on (``surrogateescape``): the other half may come with the next document, see ``halves.py``.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass  # it refuses halves, and so does not say whether it is one
    try:
        return json.loads(data.decode("utf-8", "surrogateescape"), strict=False)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error


def encode(value: Any) -> bytes:
    """A value of :func:`decode` on one line, its halves of characters as they were.

    Raises ValueError for one that is nested too deeply.
    """
    try:
        return json.dumps(value).encode()
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error


def is_document(data: bytes) -> bool:
    """Whether ``data`` is one whole JSON object or array, with white space around it."""
    data = data.strip()
    if not data.startswith((b"{", b"[")) or not data.endswith((b"}", b"]")):
        return False
    try:
        decode(data)
    except ValueError:
        return False
    return True


def documents(data: bytes) -> list[Any]:
    """The values of whole documents that follow each other, with white space or commas between them, or
    whatever else some servers put there.

    Raises ValueError.
    """
    try:
        return [decode(data)]
    except ValueError:
        pass
    text = data.decode("utf-8", "surrogateescape")
    values: list[Any] = []
    at = _skip(text, 0)
    try:
        while at < len(text):
            value, at = _DECODER.raw_decode(text, at)
            values.append(value)
            at = _skip(text, at)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    return values


def documents_within(data: bytes) -> list[Any]:
    """The same, also of those that were made a string of once more, as some servers do."""
    found: list[Any] = []
    for value in documents(data):
        inner = value.lstrip() if isinstance(value, str) else ""
        if inner.startswith(("{", "data:")):
            found += documents(inner.encode("utf-8", "surrogateescape"))
        else:
            found.append(value)
    return found


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return at if found is None else found.end()
