"""Text in other encodings than UTF-8, as some programs and systems write it: Unicode's others, and GB18030."""

import codecs
import re
from typing import Final, Protocol

_READ: Final = 64 * 1024
_ASCII: Final = bytes(range(0x80))
# From the first byte on that is not ASCII: so much says what all of it is in.
_SAMPLE: Final = 64 * 1024
_HANZI: Final = re.compile("[\u4e00-\u9fff]")
# Two of five characters of a Chinese text are among these, and what is read so that is none has hardly any.
_COMMONEST: Final = re.compile(
    "[的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家事成"
    "方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实]"
)
_SELDOM: Final = 6
_FEWEST: Final = 8
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


class Older:
    """What is in `source`, of which `head` was read already, in UTF-8: as it is, or recoded where it is GB18030 (which
    GBK and GB2312 are parts of).
    """

    def __init__(self, head: bytes, source: Readable) -> None:
        self._left = head
        self._source = source
        self._is_told = False

    def read(self, size: int = -1) -> bytes:
        if not self._is_told:
            self._left = self._left or self._source.read(_READ)
            if not self._left.isascii():
                self._tell()
        if not self._left:
            return self._source.read(size)
        end = len(self._left) if size < 0 else size
        found, self._left = self._left[:end], self._left[end:]
        return found

    def _tell(self) -> None:
        self._is_told = True
        wanted = _SAMPLE - len(self._left.lstrip(_ASCII))
        while wanted > 0 and (piece := self._source.read(wanted)):
            self._left += piece
            wanted -= len(piece)
        if is_gb18030(self._left):
            self._source, self._left = Recoded(self._left, self._source, "gb18030"), b""


def is_gb18030(sample: bytes) -> bool:
    """Whether a text that begins so is Chinese in GB18030, beyond doubt."""
    if _decoded(sample, "utf-8") is not None:
        return False
    hanzi = _HANZI.findall(_decoded(sample, "gb18030") or "")
    return _FEWEST <= len(hanzi) <= _SELDOM * len(_COMMONEST.findall("".join(hanzi)))


def _decoded(sample: bytes, encoding: str) -> str | None:
    """None: that is not what it is in. It may end in the middle of a character."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return None
