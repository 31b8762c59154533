"""The kinds of files that there are, told by what is in them, never by a name or by what a sender says.

A file is recognised by its beginning, so that what is of no kind is refused before it has come; then
it is read whole (`files/decoding/`). What one text looks like beside another is a word for people: all
texts are read, shown and served in the same way.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from chat_service.files.domain.errors import FileKindRefused
from chat_service.files.domain.text_kinds import TextKind, kind_of_text

#: So much of a file's beginning is looked at, or all of it where that is less.
HEAD_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: how it is called, served, and usually named.

    `is_image`: models are shown it as a picture; all others are given to them as text.
    """

    name: str
    media_type: str
    extensions: tuple[str, ...]
    is_image: bool = False


PNG: Final = Kind("png", "image/png", (".png",), is_image=True)
JPEG: Final = Kind("jpeg", "image/jpeg", (".jpg", ".jpeg"), is_image=True)
WEBP: Final = Kind("webp", "image/webp", (".webp",), is_image=True)
GIF: Final = Kind("gif", "image/gif", (".gif",), is_image=True)
PDF: Final = Kind("pdf", "application/pdf", (".pdf",))
_TEXTS: Final = {
    TextKind.TEXT: Kind("text", "text/plain", (".txt", ".log")),
    TextKind.MARKDOWN: Kind("markdown", "text/markdown", (".md",)),
    TextKind.CSV: Kind("csv", "text/csv", (".csv", ".tsv")),
    TextKind.JSON: Kind("json", "application/json", (".json",)),
    # HTML, SVG and scripts as well: what they are to a browser is not said to it.
    TextKind.CODE: Kind(
        "code",
        "text/plain",
        (
            *(
                ".py",
                ".js",
                ".ts",
                ".tsx",
                ".jsx",
                ".java",
                ".c",
                ".h",
                ".cpp",
                ".cs",
                ".go",
                ".rs",
            ),
            *(
                ".rb",
                ".php",
                ".swift",
                ".kt",
                ".sh",
                ".sql",
                ".html",
                ".css",
                ".xml",
                ".svg",
                ".vue",
            ),
            *(".yaml", ".yml", ".toml", ".ini"),
        ),
    ),
}
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.name: kind for kind in (PNG, JPEG, WEBP, GIF, PDF, *_TEXTS.values())}
)

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"%PDF-", PDF),
)
# The longest first: UTF-32's begins as UTF-16's does.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In no text are these bytes, whatever its encoding. Tab, the ends of lines and pages, backspace, a terminal's
# escape and the mark that old files end with are in some.
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - set(b"\b\t\n\f\r\x1a\x1b"))


def recognise(head: bytes) -> Kind:
    """What a file is that begins with `head`, its first HEAD_BYTES. Raises FileKindRefused."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    encoding = encoding_by_mark(head) or "utf-8"
    if encoding == "utf-8" and has_controls(head):
        raise FileKindRefused()
    # What it looks like is the same in all older encodings.
    text = head.decode(encoding, "ignore").removeprefix("\ufeff")
    return _TEXTS[kind_of_text(text, is_whole=len(head) < HEAD_BYTES)]


def encoding_by_mark(head: bytes) -> str | None:
    """The encoding that a text names itself, by a byte order mark."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def has_controls(data: bytes) -> bool:
    """Whether these bytes, in UTF-8 or one of the older encodings, are of no text."""
    return len(data.translate(None, _CONTROLS)) != len(data)


def media_type_of(name: str) -> str:
    """What a file of a kind is served as, also of one that an earlier release knew and this one does not."""
    kind = KINDS.get(name)
    return "application/octet-stream" if kind is None else kind.media_type
