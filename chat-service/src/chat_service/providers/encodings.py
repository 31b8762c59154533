"""Bodies in an encoding that was not asked for."""

import zlib
from typing import Final

from chat_service.providers.errors import ProviderGarbled

# How much one read gives at most, whatever a few bytes stand for.
_MOST_BYTES: Final = 256 * 1024
_GZIP_MARK = b"\x1f\x8b"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def decoder_of(encoding: str) -> "Inflating | None":
    """What undoes a ``Content-Encoding``; None for identity. Raises ProviderGarbled for others."""
    name = encoding.strip().lower()
    if name in {"", "identity", "none", "utf-8"}:
        return None
    if name in {"gzip", "x-gzip", "deflate"}:
        return Inflating()
    raise ProviderGarbled(
        f"an answer in the encoding {encoding!r}",
        detail="The model server encodes its answers in a way that was not asked for "
        f"({name[:40]}); it, or a proxy before it, must leave them as they are.",
    )


class Inflating:
    """Undoes gzip and deflate, the latter with and without its header."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False
        self._left = b""

    @property
    def has_more(self) -> bool:
        """Whether there is more to give of what has been fed."""
        return bool(self._left)

    def feed(self, data: bytes) -> bytes:
        """Up to 256 KiB of what ``data`` stands for; the rest with the next call. Raises ProviderGarbled."""
        data = self._left + data
        if not self._begun and data:
            self._begun = True
            if data[0] & 0x0F != 8 and data[0] != 0x1F:
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            given = self._inflate.decompress(data, _MOST_BYTES)
        except zlib.error as error:
            raise ProviderGarbled(
                f"an encoding that cannot be undone: {error}",
                detail="The model server's answer is compressed in a way that cannot be undone.",
            ) from error
        self._left = self._inflate.unconsumed_tail
        if self._inflate.unused_data.startswith(_GZIP_MARK):  # another member follows
            self._left = self._inflate.unused_data
            self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        return given
