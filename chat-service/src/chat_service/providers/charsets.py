"""Bodies whose characters are not written in UTF-8, as the protocols have them: by what is said, and by what it is.

A body is UTF-8 as long as it can be, whatever is said of it: many servers say another charset, or none. From
the first bytes that are none on it is what the server said. UTF-16 and UTF-32 are known by how they begin.
"""

import codecs
import re
from typing import Final

from chat_service.providers.errors import ProviderGarbled

_SAID: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
# What a page, or a document of XML, says of itself.
_SAID_WITHIN: Final = re.compile(
    rb"<meta[^>]{1,200}charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})"
    rb"|<\?xml[^>]{1,100}encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})",
    re.IGNORECASE,
)
_LOOKED_AT: Final = 1024
# Those in which each byte of ASCII that begins a character is that character.
_KNOWN: Final = re.compile(
    r"gb18030|gbk|gb2312|big5|big5hkscs|cp9\d\d|cp125\d|cp437|cp8\d\d|shift_jis\w*|euc_\w+|iso8859-\d+|koi8-\w|ascii"
)
# What the labels are read as: a superset, as browsers do (https://encoding.spec.whatwg.org/#names-and-labels).
_WIDER: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
}
# Of two bytes a character: what looks like UTF-8 of two bytes may as well be one of theirs.
_OF_PAIRS: Final = re.compile(r"gb18030|big5hkscs|cp9\d\d|euc_\w+|shift_jis\w*")
_THREE_BYTES: Final = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How ASCII begins in them, without a mark.
_BEGINNINGS: Final = (
    (re.compile(rb"[\t\n\r -~]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[\t\n\r -~]"), "utf-32-be"),
    (re.compile(rb"[\t\n\r -~]\0[\t\n\r -~]\0"), "utf-16-le"),
    (re.compile(rb"\0[\t\n\r -~]\0[\t\n\r -~]"), "utf-16-be"),
)
#: So many bytes of a body tell whether it is in one of these.
BEGINNING_BYTES: Final = 4


class Charset:
    """Writes one body in UTF-8, read by read; the first read has BEGINNING_BYTES at least, if the body has.

    ``said`` is what its server says that it is in, empty if that is UTF-8 or nothing.
    """

    def __init__(self, said: str) -> None:
        self._said = said
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = False
        self._is_utf_8 = False
        # Half a character.
        self._left = b""

    def feed(self, data: bytes) -> bytes:
        """The same in UTF-8, as far as it can be told. Raises ProviderGarbled for an unknown charset."""
        if self._is_utf_8:
            return data
        data = self._left + data
        self._left = b""
        if not self._begun:
            self._begun = True
            if wide := _wide(data):
                self._decoder = _decoder(wide)
                data = data[len(_mark(data)) :]
        if self._decoder is None:
            return self._judged(data)
        return self._decoder.decode(data).encode(errors="replace")

    def end(self) -> bytes:
        """What has waited until now, when nothing more comes."""
        left, self._left = self._left, b""
        if self._decoder is None:
            if left.isascii() or self._is_utf_8:
                return left
            self._decoder = _decoder(_codec(self._said))
        return self._decoder.decode(left, final=True).encode(errors="replace")

    def _judged(self, data: bytes) -> bytes:
        """``data``, once it is told whether it is UTF-8; ASCII tells nothing."""
        if data.isascii():
            return data
        try:
            data.decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return self._as_said(data)
            whole, half = data[: error.start], data[error.start :]
            given = self._judged(whole)
            if self._decoder is not None:
                return given + self._decoder.decode(half).encode(errors="replace")
            if self._is_utf_8:
                return given + half
            self._left = half
            return given
        if _OF_PAIRS.fullmatch(_known(self._said)) and not _THREE_BYTES.search(data):
            return self._as_said(data)
        self._is_utf_8 = True
        return data

    def _as_said(self, data: bytes) -> bytes:
        if not self._said:  # a byte that is broken is told as that, where it stands
            self._is_utf_8 = True
            return data
        self._decoder = _decoder(_codec(self._said))
        return self._decoder.decode(data).encode(errors="replace")


def charset_of(content_type: str) -> str:
    """The charset that a header says, if it says another than UTF-8; else empty."""
    found = _SAID.search(content_type)
    if found is None or found[1].lower().replace("_", "-") in ("utf-8", "utf8"):
        return ""
    return found[1]


def is_wide(data: bytes) -> bool:
    """Whether what begins with ``data`` is UTF-16 or UTF-32."""
    return _wide(data) != ""


def in_utf_8(body: bytes, content_type: str) -> bytes:
    """A whole body in UTF-8; one in a charset that is unknown as it is."""
    said = charset_of(content_type)
    if not said and (within := _SAID_WITHIN.search(body[:_LOOKED_AT])):
        said = charset_of(f"charset={(within[1] or within[2]).decode()}")
    if not said and not is_wide(body):
        return body
    charset = Charset(said)
    try:
        return charset.feed(body) + charset.end()
    except ProviderGarbled:
        return body


def _wide(data: bytes) -> str:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return codec
    return next((codec for begins, codec in _BEGINNINGS if begins.match(data)), "")


def _mark(data: bytes) -> bytes:
    return next((mark for mark, _ in _MARKS if data.startswith(mark)), b"")


def _codec(said: str) -> str:
    """The codec of a charset; raises ProviderGarbled."""
    if not (codec := _known(said)):
        raise ProviderGarbled(
            f"the charset {said}",
            detail=f"The model server's answer is in the charset {said}, which cannot be read; it, or a proxy "
            "before it, must send UTF-8.",
        )
    return codec


def _known(said: str) -> str:
    try:
        name = codecs.lookup(said).name
    except (LookupError, ValueError):
        return ""
    return _WIDER.get(name, name) if _KNOWN.fullmatch(name) else ""


def _decoder(codec: str) -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(codec)("replace")
