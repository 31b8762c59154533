"""Bodies in an encoding that was not asked for, or that are in none and say so all the same."""

import re
import zlib
from typing import Final, Protocol

from chat_service.providers.errors import ProviderGarbled

# How much one read gives at most, whatever a few bytes stand for.
_MOST_BYTES: Final = 256 * 1024
# How much may stand for nothing, one behind the other.
_MOST_IDLE_BYTES: Final = 1024 * 1024
#: How what gzip made begins.
GZIP_MARK: Final = b"\x1f\x8b"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_NONE: Final = frozenset({"", "identity", "none", "utf-8", "chunked"})
_KNOWN: Final = frozenset({"gzip", "x-gzip", "deflate"})
# One within the other.
_MOST_ENCODINGS: Final = 3
# How an answer begins that is in no encoding. A proxy that undoes one and still says so is a common mistake.
_PLAIN = re.compile(
    rb"""(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry|:[\s!-~]|\{\s*["}]|\[\s*[{"\]]|<[!?/a-zA-Z])"""
)
_MARK: Final = b"\xef\xbb\xbf"
_WORDS: Final = (b"data", b"event", b"id", b"retry", b":", b"{", b"[", b"<")
# Bytes of blanks before it that are waited for.
_MOST_WAITED: Final = 64


def decoder_of(encoding: str) -> "Undoing | None":
    """What undoes a ``Content-Encoding``; None for identity."""
    names = [name for one in encoding.split(",") if (name := one.strip().lower()) not in _NONE]
    if not names:
        return None
    if len(names) > _MOST_ENCODINGS or not _KNOWN.issuperset(names):
        return Inflating(", ".join(names))
    decoder: Undoing = Inflating(names[0])
    for name in names[1:]:
        decoder = _Twice(Inflating(name), decoder)
    return decoder


class Undoing(Protocol):
    """What undoes an encoding."""

    @property
    def has_more(self) -> bool:
        """Whether there is more to give of what has been fed."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether what was encoded has ended: what comes behind it says nothing."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Some of what ``data`` stands for; the rest with the next call. Raises ProviderGarbled."""
        ...


class _Twice:
    """Undoes an encoding, and then the one within it."""

    def __init__(self, outer: Undoing, inner: Undoing) -> None:
        self._outer = outer
        self._inner = inner

    @property
    def has_more(self) -> bool:
        return self._inner.has_more or self._outer.has_more

    @property
    def is_over(self) -> bool:
        return self._inner.is_over

    def feed(self, data: bytes) -> bytes:
        # What is within has room for what is around it once it has given what it holds.
        if self._inner.has_more and not data:
            return self._inner.feed(b"")
        return self._inner.feed(self._outer.feed(data))


def _is_cut(data: bytes) -> bool:
    """Whether more bytes may make it the beginning of an answer that is in no encoding."""
    if len(data) > _MOST_WAITED or _PLAIN.match(data):
        return False
    said = data.removeprefix(_MARK).strip()
    return _MARK.startswith(data) or any(word.startswith(said) for word in _WORDS)


class Inflating:
    """Undoes gzip and deflate, the latter with and without its header.

    What begins like an answer is left as it is, whatever ``encoding`` says; of another encoding nothing else
    can be read.
    """

    def __init__(self, encoding: str = "gzip") -> None:
        self._encoding = encoding
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False
        self._is_plain = False
        # What is to be undone with the next call, and what has come of a beginning or of another member's mark.
        self._left = b""
        self._mark = b""
        self._idle_bytes = 0
        #: Whether what was encoded has ended: what comes behind it says nothing.
        self.is_over = False

    @property
    def has_more(self) -> bool:
        """Whether there is more to give of what has been fed."""
        return bool(self._left)

    def feed(self, data: bytes) -> bytes:
        """Up to 256 KiB of what ``data`` stands for; the rest with the next call. Raises ProviderGarbled,
        also for a megabyte that stands for nothing.
        """
        data = self._mark + self._left + data
        self._left = self._mark = b""
        if not data or self.is_over:
            return b""
        if not self._begun:
            if _is_cut(data):
                self._mark = data
                return b""
            self._begin(data)
        elif self._inflate.eof and not self._goes_on(data):
            return b""
        if self._is_plain:
            return data
        try:
            given = self._inflate.decompress(data, _MOST_BYTES)
        except zlib.error as error:
            raise ProviderGarbled(
                f"an encoding that cannot be undone: {error}",
                detail="The model server's answer is compressed in a way that cannot be undone.",
            ) from error
        if self._inflate.eof:
            self._left = self._inflate.unused_data
        else:
            self._left = self._inflate.unconsumed_tail
        self._count(len(data) - len(self._left), given)
        return given

    def _begin(self, data: bytes) -> None:
        """Decide by the first bytes, and by what they are called, how they are read."""
        self._begun = True
        if _PLAIN.match(data):
            self._is_plain = True
        elif self._encoding not in _KNOWN:
            raise ProviderGarbled(
                f"an answer in the encoding {self._encoding!r}",
                detail="The model server encodes its answers in a way that was not asked for "
                f"({self._encoding[:40]}); it, or a proxy before it, must leave them as they are.",
            )
        elif data[0] & 0x0F != 8 and data[0] != 0x1F:
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    def _goes_on(self, data: bytes) -> bool:
        """Behind the end of a member: whether another one follows by now."""
        if data.startswith(GZIP_MARK):
            self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
            return True
        if GZIP_MARK.startswith(data):
            self._mark = data
        else:
            self.is_over = True
        return False

    def _count(self, taken: int, given: bytes) -> None:
        self._idle_bytes = 0 if given else self._idle_bytes + taken
        if self._idle_bytes > _MOST_IDLE_BYTES:
            raise ProviderGarbled(
                "an encoding of nothing",
                detail="The model server's answer is compressed in a way that has no end.",
            )
