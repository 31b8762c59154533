"""What the use cases need of others."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from chat_service.files.domain.kinds import Kind
from chat_service.files.domain.stored import Stored
from chat_service.files.domain.terms import Terms


class TermsInForce(Protocol):
    """The operator's terms that are in force at this moment."""

    @property
    def content(self) -> Terms: ...


class Storage(Protocol):
    """Keeps bytes under keys, and never changes them: `<user's id>/<name>`, which are made here and of nothing
    that was sent. Everything may raise StorageUnavailable.
    """

    @property
    def spool(self) -> Path:
        """A folder on this machine for what is not whole yet."""

    async def put(self, key: str, path: Path) -> None:
        """Store what is in the file at `path`, which lies in the spool: whole, or not at all.

        The file may be gone afterwards.
        """

    def read(self, key: str, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `begin` on and before `end`, which are some. Raises FileNotFound, and StorageUnavailable as
        well behind the last of what is less.
        """

    async def holds(self, key: str) -> bool:
        """Whether anything is stored under it."""

    async def delete(self, keys: Sequence[str]) -> None:
        """When it returns they are gone, also those that were not there; of 1,000 at most."""

    def listing(self, prefix: str = "") -> AsyncGenerator[Sequence[Stored], None]:
        """All there is beneath `prefix`, a user's id, or in all: in order of the keys, some at a time."""


StorageInForce = Callable[[], Storage]


@dataclass(frozen=True, slots=True)
class Inspected:
    """What an upload has turned out to be.

    `content` is what is kept, `text` what was read out of it, if there is any; `facts` can be JSON.
    """

    content: Path
    text: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


#: Looks at a whole upload, which is at the path in a folder of its own, and may put files beside it: all are
#: removed afterwards. Raises FileKindRefused and FileUnreadable.
Inspect = Callable[[Path, Kind], Awaitable[Inspected]]
