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
# What Python writes where JSON should be, and a comma too many. Each text ends at the end of all there is at the
# latest, so that one that does not end is looked through once.
_NEARLY = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z))|'(?P<single>(?:[^'\\]|\\.|\\\Z)*)(?:'|\Z)"""
    r"""|\b(?P<word>None|True|False)\b|,(?=[ \t\r\n]{0,100}[}\]])""",
    re.DOTALL,
)
_WORDS = {"None": "null", "True": "true", "False": "false"}
_ESCAPES = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(')|.)|\"", re.DOTALL)
_ESCAPES_OF_BYTES = re.compile(r"(?<!\\)\\x([0-9a-fA-F]{2})")
# Bytes that Python has written as such.
_PYTHON = re.compile(rb"b(['\"])(.{2,})\1", re.DOTALL)
_MOST_NEARLY = 1024 * 1024


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
    whatever else some servers put there; of such as Python writes, and with a comma too many, where they are none.

    Raises ValueError.
    """
    try:
        return [decode(data)]
    except ValueError:
        pass
    text = data.decode("utf-8", "surrogateescape")
    try:
        return _documents(text)
    except ValueError:
        if len(text) > _MOST_NEARLY:
            raise
        return _documents(_NEARLY.sub(_as_json, text))


def _documents(text: str) -> list[Any]:
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


def _as_json(found: re.Match[str]) -> str:
    if found["word"]:
        return _WORDS[found["word"]]
    if found["single"] is not None:
        return f'"{_ESCAPES.sub(_escape_of_json, found["single"])}"'
    return _ESCAPES_OF_BYTES.sub(r"\\u00\1", found["text"]) if found["text"] else ""


def _escape_of_json(found: re.Match[str]) -> str:
    if found[1]:
        return f"\\u00{found[1]}"
    return "'" if found[2] else '\\"' if found[0] == '"' else found[0]


def documents_within(data: bytes) -> list[Any]:
    """The same, also of those that were made a string of once more, as some servers do."""
    found: list[Any] = []
    if (written := _PYTHON.fullmatch(data)) is not None:
        data = written[2].decode("unicode_escape").encode("latin-1", "replace")
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
