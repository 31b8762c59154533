"""What a text looks like: JSON, a table, Markdown, code, or just text."""

import csv
import json
import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

_LINE: Final = 500
_ROWS: Final = 20
_JSON: Final = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[\]{"0-9-])')
_QUOTED: Final = re.compile(r'"[^"]*"')
_FENCE: Final = re.compile(r"^ {0,3}(?:```|~~~)")
_MARKUP: Final = re.compile(
    r"\s*<(?:\?(?:xml|php)\b|!doctype\b|!--|/?[a-z][a-z0-9:-]*[\s/>])", re.IGNORECASE
)
_MARKS: Final = re.compile(
    r"^#{1,6} \S|^\s{0,3}[-*+] \S|^> |^\|.*\|\s*$|\*\*\S[^*]*\*\*|`[^`]+`|\]\(\S+\)|^(?:={3,}|-{3,})$"
)
_CODE: Final = re.compile(
    r"[;{}]\s*(?://.*)?$"
    r"|^\s*(?:def|class|func|fn|function|return|const|let|var|val|public|private|static|struct|enum|interface|impl"
    r"|async|export|module|namespace|if|elif|for|while|switch|case|echo|INSERT|CREATE|ALTER)\b.*[:;{(=<\"'*]"
    r"|^\s*(?:import|from|package|using|return|SELECT|FROM|WHERE)\s+[\w.*]+(?:[\s;(,]|$)"
    r"|^\s*(?:#include|#define|@\w+)"
    r"|^\s*[\w.\[\]]+\s*[:+-]?=\s*\S"
)
_SHARE_OF_CODE: Final = 0.3
_SHARE_OF_MARKS: Final = 0.1


class TextKind(Enum):
    """What a text may look like."""

    TEXT = "text"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    CODE = "code"


def kind_of_text(text: str, *, is_whole: bool) -> TextKind:
    """What a text looks like that begins with `text`; `is_whole`: that is all of it."""
    if _JSON.match(text) and (not is_whole or _is_json(text)):
        return TextKind.JSON
    if text.startswith("#!") or _MARKUP.match(text[:_LINE]):
        return TextKind.CODE
    lines = [line[:_LINE] for line in text.splitlines() if line.strip()]
    if not is_whole:
        # It ends somewhere in its line.
        lines = lines[:-1]
    if any(_FENCE.match(line) for line in lines):
        return TextKind.MARKDOWN
    if _is_table(lines[:_ROWS]):
        return TextKind.CSV
    if _share(_CODE, lines) >= _SHARE_OF_CODE:
        return TextKind.CODE
    return TextKind.MARKDOWN if _share(_MARKS, lines) >= _SHARE_OF_MARKS else TextKind.TEXT


def _is_json(text: str) -> bool:
    """Whether it is one document, or one on each line."""
    return _is_document(text) or all(map(_is_document, filter(str.strip, text.splitlines())))


def _is_document(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_table(rows: Sequence[str]) -> bool:
    """Whether the rows have as many fields each, two or more."""
    return len(rows) > 1 and any(_has_columns(rows, delimiter) for delimiter in ",\t;")


def _has_columns(rows: Sequence[str], delimiter: str) -> bool:
    # In prose a blank follows, or the line's end.
    bare = [_QUOTED.sub("x", row) + " " for row in rows]
    if sum(f"{delimiter} " in row for row in bare) * 2 > len(rows):
        return False
    try:
        widths = {len(fields) for fields in csv.reader(rows, delimiter=delimiter)}
    except csv.Error:
        return False
    return len(widths) == 1 and widths.pop() > 1


def _share(pattern: re.Pattern[str], lines: Sequence[str]) -> float:
    return sum(pattern.search(line) is not None for line in lines) / len(lines) if lines else 0.0
