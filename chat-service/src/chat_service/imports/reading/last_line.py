"""Whether a file of ours is still what was written: its last line tells what was before it."""

import hashlib
from collections.abc import Mapping
from typing import IO, Any, Final

# No last line is longer.
_HELD: Final = 4096
#: The lists of a file of ours whose lengths its last line tells.
COUNTED: Final = ("conversations", "personas", "notes")


class Hashed:
    """What ``file`` has, as it is read; knows the SHA-256 of all that came before the last line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        held = self._held + piece
        self._hash.update(held[:-_HELD])
        self._held = held[-_HELD:]
        return piece

    def before_the_last_line(self) -> str:
        """In hexadecimal; of a file that was read to its end."""
        whole = self._hash.copy()
        whole.update(self._held[: self._held.rstrip().rfind(b"\n") + 1])
        return whole.hexdigest()


def is_changed(told: object, counted: Mapping[str, int], digest: str) -> bool:
    """Whether what the last line has told differs from what was ``counted`` and hashed.

    Of what it does not tell nothing is said: whoever else writes the format needs not tell it.
    """
    if not isinstance(told, Mapping):
        return False
    found: dict[str, Any] = {**{name: counted.get(name, 0) for name in COUNTED}, "sha256": digest}
    return any(name in told and told[name] != one for name, one in found.items())
