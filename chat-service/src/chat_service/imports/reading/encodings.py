"""Text in other encodings of Unicode than UTF-8, as some programs and systems write it."""

import codecs
import re
from typing import Final, Protocol

_READ: Final = 64 * 1024
# JSON begins with a character of ASCII, so that where zeros are says how wide the others are; a mark goes before all.
_WIDE: Final = (
    (re.compile(rb"\A(\xff\xfe\0\0|[^\0]\0\0\0)"), "utf-32-le"),
    (re.compile(rb"\A(\0\0\xfe\xff|\0\0\0[^\0])"), "utf-32-be"),
    (re.compile(rb"\A(\xff\xfe|[^\0]\0)"), "utf-16-le"),
    (re.compile(rb"\A(\xfe\xff|\0[^\0])"), "utf-16-be"),
)


class Readable(Protocol):
    """Where bytes come from."""

    def read(self, size: int = -1, /) -> bytes: ...


def encoding_of(head: bytes) -> str | None:
    """The encoding of JSON that begins so, None for UTF-8 and for what is none."""
    return next((name for begins, name in _WIDE if begins.match(head)), None)


class Recoded:
    """What is in `source`, of which `head` was read already, in UTF-8.

    What is no character in its encoding becomes one that says so.
    """

    def __init__(self, head: bytes, source: Readable, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._left = self._decoder.decode(head).encode("utf-8", "replace")

    def read(self, size: int = -1) -> bytes:
        is_over = False
        while not (self._left or is_over):
            piece = self._source.read(_READ)
            is_over = not piece
            # Half a character at the end is where it was cut off, and none.
            self._left = self._decoder.decode(piece).encode("utf-8", "replace")
        end = len(self._left) if size < 0 else size
        found, self._left = self._left[:end], self._left[end:]
        return found
