"""The bytes of an upload, on their way to this machine's disk."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.db.transactions import Owned
from chassis.errors import AppError
from chat_service.files.domain.errors import FileEmpty, FileKindRefused, FileTooLarge, QuotaUsedUp
from chat_service.files.domain.kinds import HEAD_BYTES, Kind, recognise
from chat_service.files.domain.terms import Terms
from chat_service.files.storage.spool import Spooled
from chat_service.files.usecases.ports import Storage


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload under way. `room`: as many bytes of it are taken; `reserved`: were set aside for it, none for what
    may have come before.
    """

    caller: Owned
    id: UUID
    name: str
    at: datetime
    terms: Terms
    storage: Storage
    room: int
    reserved: int
    used: int
    is_repeated: bool

    def too_much(self) -> AppError:
        if self.room < self.terms.maximum_bytes:
            return QuotaUsedUp(used=self.used, allowed=self.terms.quota_bytes)
        return FileTooLarge(self.terms.maximum_bytes)


async def receive(upload: Upload, spooled: Spooled, content: AsyncIterator[bytes]) -> Kind:
    """Spool all of it; what it is. Raises what `content` raises, FileEmpty, FileKindRefused, FileTooLarge,
    QuotaUsedUp, StorageUnavailable.
    """
    head, kind = b"", None
    async for piece in content:
        if kind is None:
            head += piece[: HEAD_BYTES - len(head)]
            if len(head) == HEAD_BYTES:
                kind = _kind_of(upload.terms, head)
        if spooled.size + len(piece) > upload.room:
            raise upload.too_much()
        await spooled.write(piece)
    if not head:
        raise FileEmpty()
    await spooled.finish()
    return _kind_of(upload.terms, head) if kind is None else kind


def _kind_of(terms: Terms, head: bytes) -> Kind:
    kind = recognise(head)
    if not terms.takes(kind.name):
        raise FileKindRefused(kind.name)
    return kind
