"""The kinds of files that there are, told by what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from chat_service.files.domain.errors import FileKindRefused

#: So much of a file's beginning is looked at, or all of it where that is less.
HEAD_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: how it is called, served, and usually named."""

    name: str
    media_type: str
    extensions: tuple[str, ...]


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {"text": Kind("text", "text/plain; charset=utf-8", (".txt", ".md", ".csv", ".json"))}
)


def recognise(head: bytes) -> Kind:
    """What a file that begins with `head` is; raises FileKindRefused."""
    if any(byte < 0x20 and byte not in b"\t\n\f\r" for byte in head):
        raise FileKindRefused()
    return KINDS["text"]
